"""Encoder: one pretrained model with its tokenizer, as training sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from steadytune.procedure import Activations, Parameter, Params, Perturb
from steadytune.records import EncoderFacts
from steadytune.seeds import keep_mask, keep_rate


@dataclass(frozen=True)
class Batch:
    """Sentences without padding, one after the other.

    T is the number of real tokens, B the number of sentences.

    Attributes:
        tokens_T: int64 token ids. segments_T: int64 segment ids.
        lengths: tokens of each sentence; they add up to T.
    """

    tokens_T: Tensor
    segments_T: Tensor
    lengths: tuple[int, ...]


@dataclass(frozen=True)
class Tokenized:
    """All examples of a split as token ids, laid end to end.

    Attributes:
        tokens: (all tokens,) int64. segments: the same shape, int64.
        offsets: (N + 1,) int64; example i is ``tokens[offsets[i]:offsets[i + 1]]``.
    """

    tokens: NDArray[np.int64]
    segments: NDArray[np.int64]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(N,) tokens of each example."""
        return np.diff(self.offsets)

    def batch(self, examples: NDArray[np.int64], device: torch.device) -> Batch:
        """The given examples, in that order, as one packed batch."""
        spans = [slice(int(self.offsets[i]), int(self.offsets[i + 1])) for i in examples]
        return Batch(
            tokens_T=torch.from_numpy(np.concatenate([self.tokens[s] for s in spans])).to(device),
            segments_T=torch.from_numpy(np.concatenate([self.segments[s] for s in spans])).to(
                device
            ),
            lengths=tuple(s.stop - s.start for s in spans),
        )


@dataclass(frozen=True)
class Dropout:
    """Dropout of one forward pass; every mask is keyed by (dropout seed, pass, site).

    Attributes:
        hidden, attention, classifier: drop rates; None keeps the encoder's own.
        seed: the run's dropout seed. moment: the step and the pass within it.
    """

    hidden: float | None
    attention: float | None
    classifier: float | None
    seed: int
    moment: tuple[int, ...]

    def keep(self, site: str, shape: tuple[int, ...], drop: float, device: torch.device) -> Tensor:
        """Bool keep mask of ``shape`` for one site."""
        return keep_mask(shape, drop, device, self.seed, *self.moment, site)

    def __call__(self, x: Tensor, drop: float, site: str) -> Tensor:
        """``x`` with elements dropped at rate ``drop`` and the rest scaled up."""
        if drop == 0:
            return x
        # The mask in the dtype of x: autograd multiplies by it again, three times as fast as by a
        # bool. The scale stays apart, as it would be rounded in bf16.
        keep = self.keep(site, tuple(x.shape), drop, x.device).to(x.dtype)
        return x * keep * (1 / keep_rate(drop))


@dataclass(frozen=True)
class Sample:
    """How a run reads texts, and some of them.

    Attributes:
        max_length: tokens that texts are cut to. segment_ids: whether they get segment ids.
        texts, pairs: as in a split; no texts, no check.
    """

    max_length: int
    segment_ids: bool
    texts: tuple[str, ...] = ()
    pairs: tuple[str, ...] | None = None

    @property
    def unread(self) -> Sample:
        """The same without texts."""
        return replace(self, texts=(), pairs=None)


class Encoder(Protocol):
    """A pretrained model and its tokenizer.

    Parameters are passed in, never held: the same encoder serves any number of runs.

    Attributes:
        name: as the study names it.
        facts: what records keep of it.
        depth: number of distinct transformer layers L.
        word_embedding: name of the parameter whose rows are looked up by token id, or None where
            rows cannot be left out (foreign models).
        head_note: a sentence on parts that the checkpoint lacks, or "".
        perturbable: at which sites a pass can be perturbed, of ``procedure.Need``.
    """

    name: str
    facts: EncoderFacts
    depth: int
    word_embedding: str | None
    head_note: str
    perturbable: frozenset[str]

    def tokenize(
        self,
        texts: Sequence[str],
        pairs: Sequence[str] | None,
        max_length: int,
        segment_ids: bool,
    ) -> Tokenized:
        """Token ids with special tokens, cut to ``max_length`` from the longer text."""
        ...

    def token_counts(self, texts: Sequence[str], pairs: Sequence[str] | None) -> list[int]:
        """Tokens of each example with special tokens, uncut."""
        ...

    def parameters(self, num_outputs: int) -> tuple[Parameter, ...]:
        """The table of all parameters of encoder and head, in a fixed order."""
        ...

    def initial(self, num_outputs: int, init_seed: int) -> dict[str, Tensor]:
        """fp32 parameters at step 0: the pretrained ones (not copies), and fresh ones drawn."""
        ...

    def outputs(
        self,
        params: Params,
        batch: Batch,
        dropout: Dropout | None,
        perturb: Perturb | None = None,
    ) -> Tensor:
        """Logits (B, K), computed in the dtype of ``params``; no dropout if None."""
        ...

    def check_dropout(
        self, hidden: float | None, attention: float | None, classifier: float | None
    ) -> None:
        """Raise BadInput if this encoder cannot drop at those rates; None keeps its own."""
        ...

    def save(
        self,
        params: Params,
        folder: Path,
        label_names: tuple[str, ...] | None,
        sample: Sample | None = None,
    ) -> None:
        """Write a folder from which plain transformers gives this encoder's predictions.

        Args:
            params: fp32.
            folder: takes its place when everything is written and checked.
            label_names: of the outputs; None for scores.
            sample: how the run reads texts, and texts to check the folder on before that.

        Raises:
            OSError: it cannot be written.
            PredictsOtherwise: what was written predicts otherwise; ``folder`` is as it was.
        """
        ...


@runtime_checkable
class Observable(Encoder, Protocol):
    """An encoder whose insides diagnostics can read."""

    def activations(self, params: Params, batch: Batch) -> Activations:
        """What a pass without dropout leaves behind, in the dtype of ``params``."""
        ...
