"""Attention over packed tokens: each token attends to the tokens of its own sentence.

T tokens, D width, H heads, b sentences of a group, P their padded length, W = D / H.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from steadytune.encoders.packing import Layout, from_heads, to_heads

Keep = Callable[[int], Tensor]
"""keep(n) -> (n,) bool, True where a probability is kept; asked once per attention."""


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
    does that on the result, which is smaller. The mask covers all groups: group by group, each in
    the order (sentence, head, query, key).
    """
    width = query_TD.shape[1] // heads
    rows = [group.sentences * heads * group.padded for group in where.groups]
    parts = [to_heads(x, where, heads).split(rows) for x in (query_TD, key_TD, value_TD)]
    kept: list[Tensor] | None = None
    if keep is not None:
        sizes = where.probabilities(heads)
        kept = list(keep(sum(sizes)).split(sizes))
    results = []
    for i, group in enumerate(where.groups):
        query, key, value = (part[i].view(-1, group.padded, width) for part in parts)
        scores = torch.baddbmm(group.bias, query, key.mT, alpha=1 / math.sqrt(width))
        probabilities = scores.softmax(-1)
        if kept is not None:
            # Converted once: a bool mask would be converted again by the backward pass.
            mask = kept[i].view(probabilities.shape).to(probabilities.dtype)
            probabilities = probabilities * mask
        results.append(torch.bmm(probabilities, value).view(-1, width))
    return from_heads(torch.cat(results), where, heads)
