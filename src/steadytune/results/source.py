"""Source: what is read of runs beyond their records, each file when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from steadytune.ledger import Curve, EvaluationRow, Examples, LayerStates, Ledger, Predictions


class Source:
    """The files of a ledger, or of several that are seen as one; runs are asked for by id."""

    def __init__(self, ledgers: Sequence[Ledger]) -> None:
        self._ledgers = tuple(ledgers)

    @cached_property
    def _owner(self) -> dict[str, Ledger]:
        return {row.id: ledger for ledger in self._ledgers for row in ledger.planned}

    def steps(self, run: str) -> dict[str, NDArray[Any]]:
        """Every step of a run so far, as columns named like the fields of Step."""
        return self._owner[run].steps(run)

    def evaluations(self, run: str) -> list[EvaluationRow]:
        """Every evaluation of a run so far, in order."""
        return self._owner[run].evaluations(run)

    def diagnostics(self, run: str) -> dict[str, Curve]:
        """What diagnostics measured in a run, by ``<diagnostic>/<what>``."""
        return self._owner[run].diagnostics(run)

    def predictions(self, run: str, step: int, split: str) -> Predictions:
        """What a run predicted for one split after ``step`` steps.

        Raises:
            BadInput: it was not evaluated then.
        """
        return self._owner[run].predictions(run, step, split)

    def states(self, run: str) -> LayerStates | None:
        """The states of a run; None where they were not kept."""
        return self._owner[run].states(run)

    def examples(self, task_digest: str, split: str) -> Examples | None:
        """The texts of a dev split; None where they were not kept."""
        found = (ledger.examples(task_digest, split) for ledger in self._ledgers)
        return next((one for one in found if one is not None), None)

    @property
    def checkpoints(self) -> tuple[Path, ...]:
        """The folders of what was measured on weights."""
        return tuple(ledger.folder / "checkpoints" for ledger in self._ledgers)
