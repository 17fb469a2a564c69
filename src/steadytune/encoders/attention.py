"""Attention over packed tokens: each token attends to the tokens of its own sentence.

T tokens, D width, B sentences, H heads, b sentences of a group, P their padded length, W = D / H.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from steadytune.encoders.packing import Group, Layout, from_heads, to_heads

Keep = Sequence[Tensor]
"""For each group, a bool tensor in the order (sentence, head, query, key): True is kept."""


def attention(
    query_TD: Tensor,
    key_TD: Tensor,
    value_TD: Tensor,
    where: Layout,
    heads: int,
    keep: Keep | None,
) -> Tensor:
    """softmax(Q K' / sqrt(W)) V within each sentence, (T, D), in the dtype of the inputs.

    With ``keep``, dropped probabilities count as zero and the rest is *not* scaled up; the caller
    does that on the result, which is smaller.
    """
    width = query_TD.shape[1] // heads
    query = to_heads(query_TD, where, heads).split(where.rows(heads))
    mixed = _mix(
        [x.view(-1, g.padded, width) for x, g in zip(query, where.groups, strict=True)],
        key_TD,
        value_TD,
        where,
        heads,
        keep,
    )
    return from_heads(mixed, where, heads)


def attention_of_first(
    query_BD: Tensor,
    key_TD: Tensor,
    value_TD: Tensor,
    where: Layout,
    heads: int,
    keep: Keep | None,
) -> Tensor:
    """What ``attention`` gives for the first token of each sentence, (B, D), and nothing else."""
    width = query_BD.shape[1] // heads
    sizes = [group.sentences * heads for group in where.groups]
    query = query_BD.index_select(0, where.grouped).view(-1, 1, width).split(sizes)
    mixed = _mix(query, key_TD, value_TD, where, heads, keep)
    return mixed.view(query_BD.shape).index_select(0, where.ungrouped)


def _mix(
    query: Sequence[Tensor],
    key_TD: Tensor,
    value_TD: Tensor,
    where: Layout,
    heads: int,
    keep: Keep | None,
) -> Tensor:
    """Rows of width W for queries (b * H, queries, W) of each group, group after group."""
    width = key_TD.shape[1] // heads
    rows = where.rows(heads)
    keys, values = (to_heads(x, where, heads).split(rows) for x in (key_TD, value_TD))
    results = list[Tensor]()
    for i, group in enumerate(where.groups):
        key, value = (x[i].view(-1, group.padded, width) for x in (keys, values))
        probabilities = _probabilities(query[i], key, group)
        if keep is not None:
            # Converted once: a bool mask would be converted again by the backward pass.
            kept = keep[i].view(probabilities.shape).to(probabilities.dtype)
            probabilities = probabilities * kept
        results.append(torch.bmm(probabilities, value).view(-1, width))
    return torch.cat(results)


def _probabilities(query: Tensor, key: Tensor, group: Group) -> Tensor:
    """(b * H, queries, P) of queries (b * H, queries, W) and keys (b * H, P, W)."""
    scale = 1 / math.sqrt(key.shape[-1])
    return torch.baddbmm(group.bias, query, key.mT, alpha=scale).softmax(-1)


def attention_probabilities(
    query_TD: Tensor, key_TD: Tensor, where: Layout, heads: int
) -> tuple[Tensor, ...]:
    """The softmax of every head's query of every token: for each group (queries, P)."""
    width = query_TD.shape[1] // heads
    rows = where.rows(heads)
    queries, keys = (to_heads(x, where, heads).split(rows) for x in (query_TD, key_TD))
    found = list[Tensor]()
    for query, key, group in zip(queries, keys, where.groups, strict=True):
        all_of = [x.view(-1, group.padded, width) for x in (query, key)]
        real = group.bias[:, 0, :] == 0
        found.append(_probabilities(all_of[0], all_of[1], group)[real])
    return tuple(found)
