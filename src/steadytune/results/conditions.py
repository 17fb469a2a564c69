"""Cell: all runs of one recipe on one task with one encoder, as a ledger holds them."""

from __future__ import annotations

from dataclasses import dataclass

from steadytune.ledger import Ledger
from steadytune.records import RunRecord


@dataclass(frozen=True)
class Cell:
    """One recipe on one task with one encoder.

    Attributes:
        task, encoder, recipe: as the study calls them.
        planned: how many runs it is to have.
        records: of the runs that were begun, in the order of their seeds.
    """

    task: str
    encoder: str
    recipe: str
    planned: int
    records: tuple[RunRecord, ...]


def cells(ledger: Ledger) -> list[Cell]:
    """The cells of a study, in plan order."""
    found: dict[tuple[str, str, str], list[RunRecord | None]] = {}
    for row in ledger.records():
        key = (row.planned.task, row.planned.encoder, row.planned.recipe)
        found.setdefault(key, []).append(row.record)
    return [
        Cell(*key, len(records), tuple(record for record in records if record is not None))
        for key, records in found.items()
    ]
