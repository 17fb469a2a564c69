"""Named random streams: the only place in steadytune where a generator is made.

A stream is a function of its purpose, its seed and its coordinates, such as (dropout, 7, step 12,
site "layers.3.attention"): drawing from one never moves another, so what a run draws does not
depend on how often it is evaluated, what runs beside it, or whether it was restarted.

The generator is Philox-4x64 (Salmon et al. 2011) with a key hashed from the coordinates; it is a
published counter-based generator, so any device can produce the same numbers.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from steadytune.philox import words

Purpose = Literal["init", "order", "dropout", "subset", "split", "text", "mask", "noise"]
_LEVELS = 1 << 16  # dropout decides with 16 random bits an element


def stream(purpose: Purpose, seed: int, *coordinates: int | str) -> np.random.Philox:
    """The bit stream of one purpose, seed and place."""
    return np.random.Philox(key=_key(purpose, seed, *coordinates))


def _key(purpose: Purpose, seed: int, *coordinates: int | str) -> NDArray[np.uint64]:
    place = "/".join([purpose, str(seed), *map(str, coordinates)])
    return np.frombuffer(hashlib.blake2b(place.encode(), digest_size=16).digest(), dtype=np.uint64)


def generator(purpose: Purpose, seed: int, *coordinates: int | str) -> np.random.Generator:
    """A numpy Generator over ``stream`` for shuffles and real-valued draws."""
    return np.random.Generator(stream(purpose, seed, *coordinates))


def keep_rate(drop: float) -> float:
    """The share of elements really kept at drop rate ``drop``: 1 - drop on a grid of 2^-16."""
    return 1 - round(drop * _LEVELS) / _LEVELS


def keep_mask(
    shape: tuple[int, ...], drop: float, device: torch.device, seed: int, *coordinates: int | str
) -> Tensor:
    """True where an element is kept; each is dropped independently with probability ``drop``.

    The bits are the same on every device.
    """
    if device.type != "cpu":
        return _keep_mask_there(shape, drop, device, seed, *coordinates)
    size = math.prod(shape)
    drawn = stream("dropout", seed, *coordinates).random_raw(-(-size // 4))
    kept = drawn.view(np.uint16)[:size] >= np.uint16(round(drop * _LEVELS))
    return torch.from_numpy(kept).view(shape)


def _keep_mask_there(
    shape: tuple[int, ...], drop: float, device: torch.device, seed: int, *coordinates: int | str
) -> Tensor:
    """``keep_mask``, drawn on the device itself."""
    size = math.prod(shape)
    first, second = (int(half) for half in _key("dropout", seed, *coordinates))
    halves = words((first, second), -(-size // 4), device).view(torch.int16)[:size]
    return ((halves.to(torch.int32) & (_LEVELS - 1)) >= round(drop * _LEVELS)).view(shape)


def uniform(
    shape: tuple[int, ...], device: torch.device, seed: int, *coordinates: int | str
) -> Tensor:
    """An fp32 tensor, uniform on [0, 1), for noise; drawn on the CPU, so the same everywhere."""
    drawn = generator("noise", seed, *coordinates).random(shape, dtype=np.float32)
    return torch.from_numpy(np.asarray(drawn)).to(device)


@contextmanager
def ambient(seed: int, *coordinates: int | str) -> Iterator[None]:
    """Run foreign modules, which draw from torch's global generator, on a keyed one.

    The global generators are put back as they were, so nothing outside notices.
    """
    devices = list(range(torch.cuda.device_count()))
    with torch.random.fork_rng(devices=devices):
        word = int(stream("dropout", seed, *coordinates).random_raw()) & ((1 << 63) - 1)
        torch.manual_seed(word)
        yield
