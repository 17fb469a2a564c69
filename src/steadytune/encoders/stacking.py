"""Stack: the batches of several runs as one, run after run; and who can compute it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from steadytune.encoders._encoder import Batch, Dropout, Encoder
from steadytune.procedure import Params

_FILLER = 16  # tokens a filling sentence has at most: one step of padded lengths
_GRID = 64  # uniform runs have a multiple of this many tokens


@dataclass(frozen=True)
class Stack:
    """Batches of S runs in one.

    Attributes:
        batch: the sentences of all runs; in a uniform stack each run's are followed by filling
            sentences, whose outputs nobody reads.
        tokens, sentences: (S,) how many each run has, filling included.
        own_tokens, own_sentences: (S,) how many each run has without it.
        uniform: all runs have as many tokens and as many sentences.
    """

    batch: Batch
    tokens: tuple[int, ...]
    sentences: tuple[int, ...]
    own_tokens: tuple[int, ...]
    own_sentences: tuple[int, ...]
    uniform: bool

    def rows(self, total: int) -> list[int]:
        """Rows of each run where there are ``total``: tokens, or sentences."""
        return list(self.tokens if total == sum(self.tokens) else self.sentences)

    def own_rows(self, total: int) -> list[int]:
        """The same without what fills."""
        return list(self.own_tokens if total == sum(self.tokens) else self.own_sentences)


@runtime_checkable
class Stackable(Encoder, Protocol):
    """An encoder that computes several runs as one program."""

    def stacked_outputs(
        self, params: Params | Sequence[Params], stack: Stack, dropouts: Sequence[Dropout]
    ) -> tuple[Tensor, ...]:
        """Logits (B, K) of each run, as ``outputs`` gives them for the run alone.

        Args:
            params: of a uniform stack tensors with a leading run axis; else those of each run.
            stack: the batches of the runs.
            dropouts: one a run.
        """
        ...


def join(batches: Sequence[Batch], uniform: bool) -> Stack:
    """The batches as one stack, filled up to the same size where it is to be uniform."""
    own_tokens = tuple(sum(batch.lengths) for batch in batches)
    own_sentences = tuple(len(batch.lengths) for batch in batches)
    if uniform:
        tokens, sentences = _common_size(own_tokens, own_sentences)
        batches = [_filled(batch, tokens, sentences) for batch in batches]
    return Stack(
        batch=Batch(
            tokens_T=torch.cat([batch.tokens_T for batch in batches]),
            segments_T=torch.cat([batch.segments_T for batch in batches]),
            lengths=tuple(length for batch in batches for length in batch.lengths),
        ),
        tokens=tuple(sum(batch.lengths) for batch in batches),
        sentences=tuple(len(batch.lengths) for batch in batches),
        own_tokens=own_tokens,
        own_sentences=own_sentences,
        uniform=uniform,
    )


def _common_size(tokens: Sequence[int], sentences: Sequence[int]) -> tuple[int, int]:
    """The least common size that each run can be filled up to with sentences of 1 to 16 tokens."""
    size = -(-max(tokens) // _GRID) * _GRID
    while True:
        most = max(b + -(-(size - t) // _FILLER) for t, b in zip(tokens, sentences, strict=True))
        if all(most - b <= size - t for t, b in zip(tokens, sentences, strict=True)):
            return size, most
        size += _GRID


def _filled(batch: Batch, tokens: int, sentences: int) -> Batch:
    missing, places = tokens - sum(batch.lengths), sentences - len(batch.lengths)
    lengths = [missing // places + (i < missing % places) for i in range(places)]
    return Batch(
        tokens_T=_extended(batch.tokens_T, missing),
        segments_T=_extended(batch.segments_T, missing),
        lengths=(*batch.lengths, *lengths),
    )


def _extended(ids: Tensor, missing: int) -> Tensor:
    return torch.cat([ids, ids.new_zeros(missing)])
