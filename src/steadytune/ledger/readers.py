"""Readers: what any layout of a study on disk gives, whether a file a run or one a table.

``study_folder`` reads the folder that runs write into, ``packed_study`` what ``pack`` made of it.
Everything else asks a Ledger and cannot tell the two apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from steadytune.errors import BadInput
from steadytune.ledger.depth import Damage, Depth
from steadytune.ledger.examples import Examples
from steadytune.ledger.record_file import EvaluationRow
from steadytune.ledger.series import Columns, Curve
from steadytune.records import RunRecord


@dataclass(frozen=True)
class Predictions:
    """One split as one Evaluation predicted it, in the order of the examples.

    Attributes:
        labels: (N,) int64 classes or float64 scores. predictions: the same.
        outputs: (N, K) float32 logits, or (N, 1) scores.
    """

    labels: NDArray[Any]
    predictions: NDArray[Any]
    outputs: NDArray[np.float32]


class RunReader(Protocol):
    """What a run has left so far. Every method raises Damaged where that is not what was written.

    Half-written ends, which a kill leaves, are tolerated and left out.
    """

    def record_text(self) -> str | None:
        """The record as JSON; None before the run begins."""
        ...

    def record(self) -> RunRecord | None:
        """The record; None before the run begins.

        Raises:
            BadInput: a newer steadytune wrote it.
        """
        ...

    def steps(self) -> Columns:
        """Every step done so far as columns named like the fields of Step, in order."""
        ...

    def diagnostics(self) -> dict[str, Curve]:
        """Every diagnostic value measured so far, by ``<diagnostic>/<what>``."""
        ...

    def events(self) -> list[dict[str, Any]]:
        """Every event so far, in order."""
        ...

    def evaluations(self) -> list[EvaluationRow]:
        """Every evaluation so far, in order."""
        ...

    def predicted(self) -> list[tuple[int, str]]:
        """Steps and splits of the predictions that there are, in order."""
        ...

    def predictions(self, step: int, split: str) -> Predictions:
        """The predictions of one evaluation.

        Raises:
            BadInput: there was no such evaluation.
        """
        ...


def not_predicted(run: str, step: int, split: str, there: list[tuple[int, str]]) -> BadInput:
    """The sentence for predictions that there are none of."""
    names = [f"{step:06d}-{split}" for step, split in there]
    return BadInput(
        f"{run}: no predictions of split {split!r} at step {step}; "
        f"there are {', '.join(names) or 'none'}"
    )


class StudyReader(Protocol):
    """What a study has left on disk beside its plan, its environments and its measurements."""

    def run(self, run: str) -> RunReader:
        """The reader of a planned run."""
        ...

    def texts(self) -> list[str]:
        """The names of all dev splits whose texts were kept, in order."""
        ...

    def examples(self, name: str) -> Examples | None:
        """The texts of a dev split; None where they were not kept or ``check`` left them out.

        Raises:
            Damaged: they are not what was written there.
        """
        ...

    def damage(self, run: str, record: RunRecord, depth: Depth) -> Damage | None:
        """The first damage of a run, as far as one looks.

        Raises:
            Unreadable: the system refuses to give a file.
        """
        ...

    def check(self, depth: Depth) -> Iterator[str]:
        """A sentence for each damage that is not one run's; examples that have one are left out."""
        ...

    def check_continues(self) -> None:
        """Refuse to write runs where none can be written.

        Raises:
            BadInput: it says why.
        """
        ...
