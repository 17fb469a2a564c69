"""Diagnostic: a quantity measured during a run, as a pure function of the tensors of one step.

A diagnostic reads; it never draws, never writes, and nothing that it gives back is used by the
training. So losses are the same, bit for bit, whichever diagnostics are on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from torch import Tensor

from steadytune.procedure import Activations, OptimizerSettings, Parameter, Params

Cost = Literal["economy", "full"]
"""``economy``: all of them together cost less than 3 % of a step. ``full``: more."""

Reads = Literal["before", "activations"]
"""What has to be computed for a diagnostic alone: a copy of the parameters, or a probe pass."""


@dataclass(frozen=True)
class Moment:
    """What a diagnostic may read of one step of one run.

    B examples, K outputs.

    Attributes:
        step: steps done, this one included (1, 2, ...).
        table: all parameters. optimizer: its settings.
        lr: learning rate of the step. correction: what Adam's bias correction multiplies a step
            by at this point (Mosbach et al., figure 6), whether or not it is on.
        norms: L2 norm of each parameter's gradient before clipping.
        loss: of the batch, before the update. chance: the loss of the best constant prediction on
            the training split: the entropy of its labels (ln K if they are balanced), or the
            variance of its scores.
        outputs: (B, K) of the training batch, dropout on. labels: (B,).
        start: parameters at step 0. before, after: those before and after the update; ``before``
            is empty unless a diagnostic that reads it is due.
        activations: of a probe, the first examples of the dev split, under ``after``, dropout off;
            None where the encoder does not show them.
    """

    step: int
    table: Sequence[Parameter]
    optimizer: OptimizerSettings
    lr: float
    correction: float
    norms: Mapping[str, float]
    loss: float
    chance: float
    outputs: Tensor
    labels: Tensor
    start: Params
    before: Params
    after: Params
    activations: Callable[[], Activations | None]


@dataclass(frozen=True)
class Evenly:
    """A schedule: about ``points`` times in a run, and after the last step.

    Attributes:
        points: how often. apart: at least so many steps lie between two.
        early: also after steps 1, 2, 4, 8, ..., where a run is decided.
    """

    points: int
    apart: int = 1
    early: bool = False

    def __call__(self, step: int, total: int) -> bool:
        """Whether to measure after ``step`` of ``total`` steps."""
        if self.early and step & (step - 1) == 0:
            return True
        return step == total or step % max(self.apart, total // self.points) == 0


class Diagnostic(Protocol):
    """A frozen value with a formula.

    Attributes:
        name: the part of its values' names before the slash.
        summary: one line for ``steadytune list diagnostics``.
        cost: see Cost. reads: see Reads.
        schedule: when it is measured.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    cost: ClassVar[Cost]
    reads: ClassVar[frozenset[Reads]]
    schedule: ClassVar[Evenly]

    def measure(self, moment: Moment) -> dict[str, float]:
        """What it finds, by the part of the values' names after the slash."""
        ...


def part_of(parameter: Parameter) -> str:
    """Where a parameter belongs, as values are named: ``embeddings``, ``layer.1`` ... ``head``."""
    return f"layer.{parameter.depth}" if parameter.part == "layer" else parameter.part


def by_part(table: Sequence[Parameter]) -> dict[str, list[str]]:
    """The names of the parameters of each part, from the bottom up."""
    parts: dict[str, list[str]] = {}
    for parameter in table:
        parts.setdefault(part_of(parameter), []).append(parameter.name)
    return parts
