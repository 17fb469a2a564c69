"""Where a transformer drops, at which rates, and with whose masks: of one run, or of a stack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from steadytune.encoders._encoder import Dropout
from steadytune.encoders.architecture import Architecture
from steadytune.encoders.packing import Layout, padded_lengths
from steadytune.encoders.stacking import Stack
from steadytune.seeds import keep_rate


class Drop(Protocol):
    """The dropout of one pass."""

    def hidden(self, x: Tensor, site: str) -> Tensor:
        """Rows (R, D) with elements dropped and the rest scaled up."""
        ...

    def classifier(self, x: Tensor, site: str) -> Tensor:
        """The same at the classifier's rate."""
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


class DropOfOne:
    """The dropout of one run with the rates that hold: the asked ones or the checkpoint's."""

    def __init__(self, arch: Architecture, dropout: Dropout | None) -> None:
        self.dropout = dropout
        self.hidden_rate = self._rate(dropout and dropout.hidden, arch.hidden_dropout)
        self.attention_rate = self._rate(dropout and dropout.attention, arch.attention_dropout)
        self.classifier_rate = self._rate(dropout and dropout.classifier, arch.classifier_dropout)

    def _rate(self, asked: float | None, own: float) -> float:
        if self.dropout is None:
            return 0.0
        return own if asked is None else asked

    def hidden(self, x: Tensor, site: str) -> Tensor:
        """See Drop."""
        return x if self.dropout is None else self.dropout(x, self.hidden_rate, site)

    def classifier(self, x: Tensor, site: str) -> Tensor:
        """See Drop."""
        return x if self.dropout is None else self.dropout(x, self.classifier_rate, site)

    def probabilities(
        self, where: Layout, heads: int, site: str, first: bool
    ) -> list[Tensor] | None:
        """See Drop; one mask is drawn for all groups."""
        if self.attention_rate == 0:
            return None
        sizes = [
            group.sentences * heads * (1 if first else group.padded) * group.padded
            for group in where.groups
        ]
        return list(self.kept(site, sum(sizes), where.first.device).split(sizes))

    def kept(self, site: str, number: int, device: torch.device) -> Tensor:
        """(number,) which attention probabilities are kept."""
        if self.dropout is None or self.attention_rate == 0:
            return torch.ones(number, dtype=torch.bool, device=device)
        return self.dropout.keep(site, (number,), self.attention_rate, device)

    def make_up(self, x: Tensor) -> Tensor:
        """See Drop."""
        return x if self.attention_rate == 0 else x * (1 / keep_rate(self.attention_rate))


class DropOfStack:
    """The dropout of the runs of a stack: each has its own rates and its own masks."""

    def __init__(self, arch: Architecture, dropouts: Sequence[Dropout], stack: Stack) -> None:
        self._runs = [DropOfOne(arch, dropout) for dropout in dropouts]
        self._stack = stack

    def hidden(self, x: Tensor, site: str) -> Tensor:
        """See Drop."""
        return self._drop(x, [run.hidden_rate for run in self._runs], site)

    def classifier(self, x: Tensor, site: str) -> Tensor:
        """See Drop."""
        return self._drop(x, [run.classifier_rate for run in self._runs], site)

    def _drop(self, x: Tensor, rates: list[float], site: str) -> Tensor:
        if not any(rates):
            return x
        keep = torch.ones(x.shape, dtype=torch.bool, device=x.device)
        own = self._stack.own_rows(x.shape[0])
        rows = self._stack.rows(x.shape[0])
        for run, rate, part, number in zip(self._runs, rates, keep.split(rows), own, strict=True):
            if rate:
                assert run.dropout is not None
                part[:number] = run.dropout.keep(site, (number, x.shape[1]), rate, x.device)
        return self._scaled(x * keep.to(x.dtype), rates)

    def probabilities(
        self, where: Layout, heads: int, site: str, first: bool
    ) -> list[Tensor] | None:
        """See Drop; each run's mask is drawn as if it were alone, then shared out to the groups."""
        if not any(run.attention_rate for run in self._runs):
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

    def make_up(self, x: Tensor) -> Tensor:
        """See Drop."""
        return self._scaled(x, [run.attention_rate for run in self._runs])

    def _scaled(self, x: Tensor, rates: list[float]) -> Tensor:
        factors = [1 / keep_rate(rate) for rate in rates]
        if len(set(factors)) == 1:
            return x * factors[0] if factors[0] != 1 else x
        rows = torch.tensor(self._stack.rows(x.shape[0]))
        # In fp32: the factor itself must not be rounded to bf16.
        factor = torch.tensor(factors, dtype=torch.float32).repeat_interleave(rows)[:, None]
        return (x * factor.to(x.device)).to(x.dtype)
