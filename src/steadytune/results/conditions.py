"""Condition: all runs of one recipe on one task with one encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from steadytune.ledger import Ledger
from steadytune.records import RunRecord
from steadytune.results.source import Source


@dataclass(frozen=True)
class Condition:
    """One recipe on one task with one encoder.

    Attributes:
        task, encoder, recipe: as the study calls them.
        planned: how many runs it is to have.
        records: of the runs that were begun, in the order of their seeds.
        source: where their series and predictions are.
        waiting: ids of the runs that have not begun.
    """

    task: str
    encoder: str
    recipe: str
    planned: int
    records: tuple[RunRecord, ...]
    source: Source = field(default=Source(()), compare=False, repr=False)
    waiting: tuple[str, ...] = ()


def conditions(ledger: Ledger) -> list[Condition]:
    """The conditions of a study, in plan order; every record is read once."""
    found: dict[tuple[str, str, str], list[tuple[str, RunRecord | None]]] = {}
    for row in ledger.records():
        key = (row.planned.task, row.planned.encoder, row.planned.recipe)
        found.setdefault(key, []).append((row.planned.id, row.record))
    source = Source([ledger])
    return [
        Condition(
            *key,
            planned=len(runs),
            records=tuple(record for _, record in runs if record is not None),
            source=source,
            waiting=tuple(run for run, record in runs if record is None),
        )
        for key, runs in found.items()
    ]


def checkpoint_folders(cells: Sequence[Condition]) -> list[Path]:
    """Where measurements on weights of these conditions lie, each folder once."""
    return list(dict.fromkeys(path for cell in cells for path in cell.source.checkpoints))
