"""Positions that enter attention: rotary angles, buckets of distances, windows.

P places of a padded sentence, W width of a head. Everything here depends on sizes alone and is
computed once.
"""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

from steadytune.encoders.architecture import Buckets, Disentangled


@cache
def rotary_table(base: float, width: int, longest: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines (longest, W) of rotary positions (Su et al. 2021), in fp32.

    Always of all positions: how a cosine is rounded may depend on its place in the array.
    """
    frequency = 1.0 / base ** (torch.arange(0, width, 2, dtype=torch.float32) / width)
    angle = torch.arange(longest, dtype=torch.float32)[:, None] * frequency
    angle = torch.cat([angle, angle], dim=1)
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cosine: Tensor, sine: Tensor, heads: int) -> Tensor:
    """States (T, H * W) turned by the angles (T, W) of their positions, head by head.

    Computed in fp32 and rounded once.
    """
    split = x.view(len(x), heads, -1).float()
    first, second = split.chunk(2, dim=-1)
    turned = torch.cat([-second, first], dim=-1)
    return (split * cosine[:, None] + turned * sine[:, None]).to(x.dtype).view(x.shape)


@cache
def bucket_index(buckets: Buckets, places: int) -> Tensor:
    """(P, P) the bucket of each query's distance to each key (Raffel et al. 2020).

    Half of the buckets are for keys behind the query. Of each half one half holds a distance each,
    the rest widen on a logarithmic scale.
    """
    place = torch.arange(places)
    behind = place[:, None] - place
    half = buckets.number // 2
    exact = half // 2
    distance = behind.abs()
    scale = math.log(buckets.distance / exact)
    wide = exact + (torch.log(distance.float() / exact) / scale * (half - exact)).to(torch.int64)
    index = torch.where(distance < exact, distance, wide.clamp(max=half - 1))
    return index + half * (behind < 0)


@cache
def relative_index(relative: Disentangled, places: int) -> Tensor:
    """(P, P) the row of each query's distance to each key in the embedding (He et al. 2021)."""
    place = torch.arange(places)
    ahead = place[:, None] - place
    if relative.buckets is not None:
        ahead = _log_buckets(ahead, relative.buckets, relative.distance)
    return (ahead + relative.span).clamp(0, 2 * relative.span - 1)


def _log_buckets(ahead: Tensor, buckets: int, distance: int) -> Tensor:
    """Distances beyond half of the buckets on a logarithmic scale, up to ``distance``."""
    middle = buckets // 2
    far = ahead.abs().clamp(min=middle - 1)
    scale = torch.log(torch.tensor((distance - 1) / middle))
    log = torch.ceil(torch.log(far / middle) / scale * (middle - 1)) + middle
    return torch.where(ahead.abs() <= middle, ahead, (log * ahead.sign()).to(torch.int64))


@cache
def window_bias(window: int, places: int) -> Tensor:
    """(P, P) 0 where a key lies at most ``window`` places from the query, else -inf."""
    place = torch.arange(places)
    far = (place[:, None] - place).abs() > window
    return torch.zeros(places, places).masked_fill(far, -math.inf)
