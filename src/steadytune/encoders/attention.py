"""Attention over packed tokens: each token attends to the tokens of its own sentence.

T tokens, D width, B sentences, H heads, b sentences of a group, P their padded length, W width of a
head.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from steadytune.encoders.packing import Group, Layout, from_heads, to_heads

Keep = Sequence[Tensor]
"""For each group, a bool tensor in the order (sentence, head, query, key): True is kept."""


@dataclass(frozen=True)
class Scoring:
    """What becomes of a query and a key in one layer: ``scale`` x their product + ``added``.

    Attributes:
        scale: 1 / sqrt(W), or what the family has in its place.
        added: from the place of a group, its queries (b * H, queries, W) and its keys (b * H, P, W)
            what is added to their scores, (b * H, queries, P) or (b * H, 1, P): -inf at padding.
    """

    scale: float
    added: Callable[[int, Tensor, Tensor], Tensor]


def attention(
    query: Tensor,
    key_TD: Tensor,
    value_TD: Tensor,
    where: Layout,
    heads: int,
    scoring: Scoring,
    keep: Keep | None,
    first: bool = False,
) -> Tensor:
    """softmax(scores) V within each sentence, in the dtype of the inputs.

    With ``keep``, dropped probabilities count as zero and the rest is *not* scaled up; the caller
    does that on the result, which is smaller.

    Args:
        query: (T, H * W), or (B, H * W) of the first token of each sentence alone.
        key_TD: (T, H * W).
        value_TD: (T, H * W).
        where: the layout of the sentences.
        heads: H.
        scoring: of the layer.
        keep: attention probabilities that are kept; None for all.
        first: ``query`` is of the first tokens, and so is the result.
    """
    width = key_TD.shape[1] // heads
    rows = where.rows(heads)
    queries = _queries(query, where, heads, first)
    keys, values = (to_heads(x, where, heads).split(rows) for x in (key_TD, value_TD))
    results = list[Tensor]()
    for i, group in enumerate(where.groups):
        key, value = (x[i].view(-1, group.padded, width) for x in (keys, values))
        probabilities = _probabilities(queries[i], key, i, scoring)
        if keep is not None:
            # Converted once: a bool mask would be converted again by the backward pass.
            kept = keep[i].view(probabilities.shape).to(probabilities.dtype)
            probabilities = probabilities * kept
        results.append(torch.bmm(probabilities, value).view(-1, width))
    mixed = torch.cat(results)
    if first:
        return mixed.view(query.shape).index_select(0, where.ungrouped)
    return from_heads(mixed, where, heads)


def _queries(query: Tensor, where: Layout, heads: int, first: bool) -> list[Tensor]:
    """(b * H, queries, W) of each group."""
    width = query.shape[1] // heads
    if first:
        sizes = [group.sentences * heads for group in where.groups]
        return list(query.index_select(0, where.grouped).view(-1, 1, width).split(sizes))
    rows = to_heads(query, where, heads).split(where.rows(heads))
    return [x.view(-1, g.padded, width) for x, g in zip(rows, where.groups, strict=True)]


def _probabilities(query: Tensor, key: Tensor, place: int, scoring: Scoring) -> Tensor:
    """(b * H, queries, P) of queries (b * H, queries, W) and keys (b * H, P, W)."""
    added = scoring.added(place, query, key)
    return torch.baddbmm(added, query, key.mT, alpha=scoring.scale).softmax(-1)


def attention_probabilities(
    query_TD: Tensor, key_TD: Tensor, where: Layout, heads: int, scoring: Scoring
) -> tuple[Tensor, ...]:
    """The softmax of every head's query of every token: for each group (queries, P)."""
    queries, keys = (_queries(x, where, heads, first=False) for x in (query_TD, key_TD))
    found = list[Tensor]()
    for place, group in enumerate(where.groups):
        probabilities = _probabilities(queries[place], keys[place], place, scoring)
        found.append(probabilities[_real(group)])
    return tuple(found)


def _real(group: Group) -> Tensor:
    """(b * H, P) which places hold a token."""
    return group.bias[:, 0, :] == 0
