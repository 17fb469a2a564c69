"""Layout of a packed batch: where each sentence lies, and the groups that attention works on.

A sentence's padded length depends on its own length alone, so what is computed for it does not
depend on its neighbours. Sentences of one padded length form a group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import FunctionCtx

_STEP = 16  # padded lengths are multiples of this: few groups, little padding


@dataclass(frozen=True)
class Group:
    """Sentences of one padded length.

    Attributes:
        sentences: b, how many. padded: P, their padded length.
        bias: (b * H, 1, P) added to attention scores: 0 for a token, -inf for padding.
    """

    sentences: int
    padded: int
    bias: Tensor


@dataclass(frozen=True)
class Layout:
    """Index tensors of one batch. T tokens, B sentences, H heads.

    Attributes:
        positions: (T,) position of each token in its sentence, from 0.
        first: (B,) row of each sentence's first token.
        groups: by increasing padded length; within a group sentences are in batch order.
        to_heads: from rows (token, head) to rows (group, sentence, head, padded position);
            at padding it holds any valid row.
        from_heads: the way back.
        padding: the rows of the latter kind that are padding.
        grouped: (B,) sentences in the order of the groups. ungrouped: the way back.
        shares: for each group, how many of its sentences each run has.
        longest: the longest padded length of each run.
    """

    positions: Tensor
    first: Tensor
    groups: tuple[Group, ...]
    to_heads: Tensor
    from_heads: Tensor
    padding: Tensor
    grouped: Tensor
    ungrouped: Tensor
    shares: tuple[tuple[int, ...], ...]
    longest: tuple[int, ...]

    def rows(self, heads: int) -> list[int]:
        """How many rows (sentence, head, padded position) each group has."""
        return [group.sentences * heads * group.padded for group in self.groups]


def padded_lengths(lengths: Sequence[int]) -> NDArray[np.int64]:
    """(B,) the padded length of each sentence: its own, rounded up to a multiple of 16."""
    return -(-np.asarray(lengths, dtype=np.int64) // _STEP) * _STEP


def layout(
    lengths: Sequence[int],
    heads: int,
    dtype: torch.dtype,
    device: torch.device,
    runs: Sequence[int] = (),
) -> Layout:
    """The layout of sentences of the given lengths.

    Args:
        lengths: tokens of each sentence.
        heads: H.
        dtype: of the attention scores.
        device: of the tensors.
        runs: how many sentences each run of a stack has; all are one run's without it.
    """
    length_B = np.asarray(lengths, dtype=np.int64)
    first_B = np.cumsum(length_B) - length_B
    padded_B = padded_lengths(lengths)
    grouped_B = np.argsort(padded_B, kind="stable")
    by_run = np.split(padded_B, np.cumsum(runs)[:-1]) if runs else [padded_B]
    head_H = np.arange(heads)
    from_heads = np.empty((int(length_B.sum()), heads), dtype=np.int64)
    groups: list[Group] = []
    to_heads: list[NDArray[np.int64]] = []
    padding: list[NDArray[np.int64]] = []
    start = 0
    for padded in np.unique(padded_B).tolist():
        members = np.flatnonzero(padded_B == padded)
        place_P = np.arange(padded)
        real_bP = place_P < length_B[members, None]
        token_bP = first_B[members, None] + np.where(real_bP, place_P, 0)
        to_heads.append((token_bP[:, None, :] * heads + head_H[:, None]).ravel())
        row_bH = start + (np.arange(len(members))[:, None] * heads + head_H) * padded
        row_bPH = row_bH[:, None, :] + place_P[:, None]
        from_heads[token_bP[real_bP]] = row_bPH[real_bP]
        padding.append(row_bPH[~real_bP].ravel())
        start += len(members) * heads * padded
        bias_bP = torch.from_numpy(np.where(real_bP, np.float32(0), np.float32(-np.inf)))
        bias = bias_bP.repeat_interleave(heads, 0)[:, None, :].to(device, dtype)
        groups.append(Group(len(members), padded, bias))

    def tensor(values: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(values).to(device)

    return Layout(
        positions=tensor(np.arange(length_B.sum()) - np.repeat(first_B, length_B)),
        first=tensor(first_B),
        groups=tuple(groups),
        to_heads=tensor(np.concatenate(to_heads)),
        from_heads=tensor(from_heads.ravel()),
        padding=tensor(np.concatenate(padding)),
        grouped=tensor(grouped_B),
        ungrouped=tensor(np.argsort(grouped_B)),
        shares=tuple(tuple(int((own == group.padded).sum()) for own in by_run) for group in groups),
        longest=tuple(int(own.max()) for own in by_run),
    )


class _Context(FunctionCtx):
    where: Layout


class _Spread(torch.autograd.Function):
    """Packed rows to padded rows, zero at padding. Its transpose is ``_Gather``.

    Each gradient is a plain copy by index, where autograd's own would add rows up one by one.
    """

    @staticmethod
    def forward(ctx: _Context, rows: Tensor, where: Layout) -> Tensor:
        ctx.where = where
        return rows.index_select(0, where.to_heads).index_fill_(0, where.padding, 0)

    @staticmethod
    def backward(ctx: _Context, *grads: Tensor) -> tuple[Any, None]:
        return _Gather.apply(grads[0], ctx.where), None


class _Gather(torch.autograd.Function):
    """Padded rows to packed rows: what stands at padding is left out."""

    @staticmethod
    def forward(ctx: _Context, rows: Tensor, where: Layout) -> Tensor:
        ctx.where = where
        return rows.index_select(0, where.from_heads)

    @staticmethod
    def backward(ctx: _Context, *grads: Tensor) -> tuple[Any, None]:
        return _Spread.apply(grads[0], ctx.where), None


def to_heads(x_TD: Tensor, where: Layout, heads: int) -> Tensor:
    """States (T, D) as rows (group, sentence, head, padded position) of width D / H."""
    spread: Any = _Spread.apply(x_TD.reshape(-1, x_TD.shape[1] // heads), where)
    return spread


def from_heads(rows: Tensor, where: Layout, heads: int) -> Tensor:
    """The inverse of ``to_heads``; what stood at padding is left out."""
    gathered: Any = _Gather.apply(rows, where)
    return gathered.view(-1, rows.shape[1] * heads)
