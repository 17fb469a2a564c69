"""How attention scores come about in one pass: padding, windows, relative positions, rotation.

T tokens, H heads, b sentences of a group, P their padded length, W width of a head, R rows of
relative positions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from steadytune.encoders import positions
from steadytune.encoders.architecture import Architecture, Buckets, Disentangled
from steadytune.encoders.attention import Scoring
from steadytune.encoders.dropping import Drop
from steadytune.encoders.packing import Layout
from steadytune.encoders.weights import OfOne, Weights


class Scores:
    """The scoring of every layer in one pass of one batch.

    Args:
        weights: of one run or of a stack.
        arch: of all runs.
        where: the layout of the batch.
        drop: the dropout of the pass; of embeddings of relative positions, where there are any.
    """

    def __init__(self, weights: Weights, arch: Architecture, where: Layout, drop: Drop) -> None:
        self._weights = weights
        self._arch = arch
        self._where = where
        self._drop = drop
        self._scale = 1 / math.sqrt(arch.head_width * arch.score_terms)
        self._biases: dict[int | None, list[Tensor]] = {}
        self._relative: list[Tensor] = []
        if isinstance(arch.relative, Buckets):
            self._relative = self._of_buckets(arch.relative)
        elif arch.relative is not None:
            self._relative = [_embedding(run, arch) for run in weights.of_each()]

    def rotated(self, x_TD: Tensor, step: int, heads: int) -> Tensor:
        """Queries or keys (T, heads * W), turned by their positions where the layer does that."""
        if not self._arch.rotary:
            return x_TD
        arch = self._arch
        angles = positions.rotary_table(arch.rotary[step], arch.head_width, arch.longest)
        at = self._where.positions
        cosine, sine = (x.to(x_TD.device).index_select(0, at) for x in angles)
        return positions.rotate(x_TD, cosine, sine, heads)

    def of_layer(self, step: int, name: str, first: bool) -> Scoring:
        """The scoring of one layer.

        Args:
            step: of the layer from the bottom.
            name: of its attention.
            first: for the queries of first tokens alone.
        """
        window = self._arch.window[step] if self._arch.window else None
        if isinstance(self._arch.relative, Disentangled):
            return Scoring(self._scale, self._disentangled(self._arch.relative, step, name))
        biases = self._of_window(window)
        if first:
            biases = [bias[:, :1] for bias in biases]
        return Scoring(self._scale, lambda place, query, key: biases[place])

    def _of_window(self, window: int | None) -> list[Tensor]:
        """What is added to scores whatever they are, (b * H, 1 or P, P) of each group."""
        if window not in self._biases:
            found = self._relative or [group.bias for group in self._where.groups]
            if window is not None:
                found = [self._within(window, bias) for bias in found]
            self._biases[window] = found
        return self._biases[window]

    def _within(self, window: int, bias: Tensor) -> Tensor:
        places = bias.shape[-1]
        if places <= window + 1:  # every token sees all others
            return bias
        # Padding may have no token within reach; it must not attend to nothing, which is NaN.
        real = (bias[:, :1] == 0).mT
        near = bias + positions.window_bias(window, places).to(bias.device, bias.dtype)
        return torch.where(real, near, bias)

    def _of_buckets(self, buckets: Buckets) -> list[Tensor]:
        """(b * H, P, P) of each group: its padding, and the bias of each distance."""
        tables = [run.table("embeddings.relative") for run in self._weights.of_each()]
        found = list[Tensor]()
        for group, shares in zip(self._where.groups, self._where.shares, strict=True):
            index = positions.bucket_index(buckets, group.padded).to(group.bias.device)
            parts = [
                F.embedding(index, table).permute(2, 0, 1).expand(share, -1, -1, -1)
                for table, share in zip(tables, shares, strict=True)
                if share
            ]
            found.append(torch.cat(parts).flatten(0, 1) + group.bias)
        return found

    def _disentangled(self, relative: Disentangled, step: int, name: str) -> _OfRows:
        site = f"layers.{step}.attention.positions"
        runs = list[_Rows]()
        for run, drop, embedding, longest in zip(
            self._weights.of_each(),
            self._drop.of_each(),
            self._relative,
            self._where.longest,
            strict=True,
        ):
            dropped = drop.rows(embedding, "hidden", site)
            index = positions.relative_index(relative, longest)
            low, high = int(index.min()), int(index.max()) + 1
            rows = dropped[low:high]
            to_key, to_query = (
                (f"{name}.key", f"{name}.query")
                if relative.shared
                else (f"{name}.position_key", f"{name}.position_query")
            )
            key = self._heads(run, to_key, rows) if relative.content_to_position else None
            query = self._heads(run, to_query, rows) if relative.position_to_content else None
            runs.append(_Rows(key, query, low))
        return _OfRows(relative, self._where, self._arch.heads, self._scale, runs)

    def _heads(self, run: OfOne, name: str, rows: Tensor) -> Tensor:
        """(H, W, R) of rows (R, D)."""
        return run.linear(name, rows).view(len(rows), self._arch.heads, -1).permute(1, 2, 0)


def _embedding(run: OfOne, arch: Architecture) -> Tensor:
    """The embedding of relative positions of one run, normalized where its family does that."""
    found = run.table("embeddings.relative")
    assert isinstance(arch.relative, Disentangled)
    return run.norm("embeddings.relative_norm", found, arch) if arch.relative.norm else found


@dataclass(frozen=True)
class _Rows:
    """Positions as keys and as queries of one run, (H, W, R) each, where they are; from row low."""

    key: Tensor | None
    query: Tensor | None
    low: int


@dataclass(frozen=True)
class _OfRows:
    """What disentangled attention adds to the scores of one layer."""

    relative: Disentangled
    where: Layout
    heads: int
    scale: float
    runs: Sequence[_Rows]

    def __call__(self, place: int, query: Tensor, key: Tensor) -> Tensor:
        """(b * H, queries, P) of a group; see ``Scoring``."""
        group, shares = self.where.groups[place], self.where.shares[place]
        index = positions.relative_index(self.relative, group.padded).to(query.device)
        index = index[: query.shape[1]]
        sizes = [share * self.heads for share in shares]
        parts = [
            self._of_run(run, x, y, index - run.low)
            for run, x, y in zip(self.runs, query.split(sizes), key.split(sizes), strict=True)
            if len(x)
        ]
        return torch.cat(parts) * self.scale + group.bias

    def _of_run(self, run: _Rows, query: Tensor, key: Tensor, index: Tensor) -> Tensor:
        """(b * H, queries, P) of one run's sentences."""
        found = list[Tensor]()
        if run.key is not None:  # contents that look at positions
            scores = self._products(query, run.key)
            found.append(scores.gather(-1, index.expand(len(scores), -1, -1)))
        if run.query is not None:  # positions that look at contents
            scores = self._products(key, run.query)
            found.append(scores.gather(-1, index.mT.expand(len(scores), -1, -1)).mT)
        if not found:
            return query.new_zeros(len(query), 1, index.shape[1])
        return found[0] if len(found) == 1 else found[0] + found[1]

    def _products(self, x: Tensor, rows: Tensor) -> Tensor:
        """(b * H, places, R) of (b * H, places, W) and (H, W, R)."""
        split = x.unflatten(0, (-1, self.heads))
        return torch.matmul(split, rows).flatten(0, 1)
