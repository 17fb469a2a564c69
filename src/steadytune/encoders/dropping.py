"""Where a transformer drops, at which rates, and with whose masks: of one run, or of a stack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import torch
from torch import Tensor

from steadytune.encoders._encoder import Dropout
from steadytune.encoders.architecture import Architecture
from steadytune.encoders.packing import Layout, padded_lengths
from steadytune.encoders.stacking import Stack
from steadytune.seeds import keep_rate

Rate = Literal["embedding", "hidden", "attention", "classifier", "input"]
"""Which of the rates; ``input`` is that of what enters the head."""


class Drop(Protocol):
    """The dropout of one pass."""

    def rows(self, x: Tensor, rate: Rate, site: str) -> Tensor:
        """Rows (R, D) with elements dropped and the rest scaled up."""
        ...

    def of_each(self) -> Sequence[DropOfOne]:
        """The dropout of each run, for what is not one row a token or sentence."""
        ...

    def probabilities(
        self, where: Layout, heads: int, site: str, first: bool
    ) -> list[Tensor] | None:
        """For each group which attention probabilities are kept; None if all are.

        In the order (sentence, head, query, key); ``first``: of the first query alone.
        """
        ...

    def make_up(self, x: Tensor) -> Tensor:
        """What attention gave, scaled up for the probabilities that were dropped."""
        ...


def _own_rates(arch: Architecture) -> dict[Rate, float]:
    """The checkpoint's."""
    embedding, entering = arch.embedding_dropout, arch.input_dropout
    return {
        "embedding": arch.hidden_dropout if embedding is None else embedding,
        "hidden": arch.hidden_dropout,
        "attention": arch.attention_dropout,
        "classifier": arch.classifier_dropout,
        "input": arch.classifier_dropout if entering is None else entering,
    }


def _asked_rates(arch: Architecture, dropout: Dropout | None) -> dict[Rate, float]:
    """Those that a recipe gives; the hidden rate is that of the embedding, too."""
    if dropout is None:
        return {}
    asked: dict[Rate, float | None] = {
        "embedding": dropout.hidden,
        "hidden": dropout.hidden,
        "attention": dropout.attention,
        "classifier": dropout.classifier,
        "input": dropout.classifier if arch.input_dropout is None else None,
    }
    return {rate: value for rate, value in asked.items() if value is not None}


class DropOfOne:
    """The dropout of one run with the rates that hold: the asked ones or the checkpoint's."""

    def __init__(self, arch: Architecture, dropout: Dropout | None) -> None:
        self.dropout = dropout
        own, asked = _own_rates(arch), _asked_rates(arch, dropout)
        self.rates: dict[Rate, float] = {
            rate: 0.0 if dropout is None else asked.get(rate, own[rate]) for rate in own
        }

    def rows(self, x: Tensor, rate: Rate, site: str) -> Tensor:
        """See Drop."""
        return x if self.dropout is None else self.dropout(x, self.rates[rate], site)

    def of_each(self) -> Sequence[DropOfOne]:
        """See Drop."""
        return (self,)

    def probabilities(
        self, where: Layout, heads: int, site: str, first: bool
    ) -> list[Tensor] | None:
        """See Drop; one mask is drawn for all groups."""
        if self.rates["attention"] == 0:
            return None
        sizes = [
            group.sentences * heads * (1 if first else group.padded) * group.padded
            for group in where.groups
        ]
        return list(self.kept(site, sum(sizes), where.first.device).split(sizes))

    def kept(self, site: str, number: int, device: torch.device) -> Tensor:
        """(number,) which attention probabilities are kept."""
        if self.dropout is None or self.rates["attention"] == 0:
            return torch.ones(number, dtype=torch.bool, device=device)
        return self.dropout.keep(site, (number,), self.rates["attention"], device)

    def make_up(self, x: Tensor) -> Tensor:
        """See Drop."""
        return x if self.rates["attention"] == 0 else x * (1 / keep_rate(self.rates["attention"]))


class DropOfStack:
    """The dropout of the runs of a stack: each has its own rates and its own masks."""

    def __init__(self, arch: Architecture, dropouts: Sequence[Dropout], stack: Stack) -> None:
        self._runs = [DropOfOne(arch, dropout) for dropout in dropouts]
        self._stack = stack

    def rows(self, x: Tensor, rate: Rate, site: str) -> Tensor:
        """See Drop."""
        rates = [run.rates[rate] for run in self._runs]
        if not any(rates):
            return x
        keep = torch.ones(x.shape, dtype=torch.bool, device=x.device)
        own = self._stack.own_rows(x.shape[0])
        rows = self._stack.rows(x.shape[0])
        for run, drop, part, number in zip(self._runs, rates, keep.split(rows), own, strict=True):
            if drop:
                assert run.dropout is not None
                part[:number] = run.dropout.keep(site, (number, x.shape[1]), drop, x.device)
        return self._scaled(x * keep.to(x.dtype), rates)

    def probabilities(
        self, where: Layout, heads: int, site: str, first: bool
    ) -> list[Tensor] | None:
        """See Drop; each run's mask is drawn as if it were alone, then shared out to the groups."""
        if not any(run.rates["attention"] for run in self._runs):
            return None
        device, groups = where.first.device, dict[int, list[Tensor]]()
        padded = torch.from_numpy(padded_lengths(self._stack.batch.lengths))
        for run, mine, own in zip(
            self._runs, padded.split(self._stack.sentences), self._stack.own_sentences, strict=True
        ):
            lengths, counts = mine[:own].unique(return_counts=True)
            sizes = counts * heads * lengths * (1 if first else lengths)
            kept = run.kept(site, int(sizes.sum()), device).split(sizes.tolist())
            for length, part in zip(lengths.tolist(), kept, strict=True):
                groups.setdefault(length, []).append(part)
            for length in mine[own:].tolist():  # what fills keeps everything
                size = heads * length * (1 if first else length)
                part = torch.ones(size, dtype=torch.bool, device=device)
                groups.setdefault(length, []).append(part)
        return [torch.cat(groups[group.padded]) for group in where.groups]

    def of_each(self) -> Sequence[DropOfOne]:
        """See Drop."""
        return self._runs

    def make_up(self, x: Tensor) -> Tensor:
        """See Drop."""
        return self._scaled(x, [run.rates["attention"] for run in self._runs])

    def _scaled(self, x: Tensor, rates: list[float]) -> Tensor:
        factors = [1 / keep_rate(rate) for rate in rates]
        if len(set(factors)) == 1:
            return x * factors[0] if factors[0] != 1 else x
        rows = torch.tensor(self._stack.rows(x.shape[0]))
        # In fp32: the factor itself must not be rounded to bf16.
        factor = torch.tensor(factors, dtype=torch.float32).repeat_interleave(rows)[:, None]
        return (x * factor.to(x.device)).to(x.dtype)
