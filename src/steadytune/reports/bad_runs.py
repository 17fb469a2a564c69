"""The runs that are no success, each with what its record says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from steadytune.analysis.cells import Cell
from steadytune.analysis.outcomes import Outcome, outcome
from steadytune.records import RunRecord, State
from steadytune.reports.summary_table import shown


@dataclass(frozen=True)
class BadRun:
    """A run that failed, diverged or crashed.

    Attributes:
        id: of the run. title: its seeds. what: failed, diverged or crashed.
        facts: the numbers or the message behind it.
    """

    id: str
    title: str
    what: str
    facts: str


def bad_runs(found: Sequence[Cell]) -> dict[str, list[BadRun]]:
    """Every such run by its cell, in the order of the seeds; cells without any are left out."""
    by_cell = {
        f"{cell.recipe} on {cell.task}, {cell.encoder}": [
            bad for record in cell.records if (bad := _bad_run(record)) is not None
        ]
        for cell in found
    }
    return {title: runs for title, runs in by_cell.items() if runs}


def _bad_run(record: RunRecord) -> BadRun | None:
    result = outcome(record)
    if result in (None, Outcome.SUCCESS) and record.state is not State.CRASHED:
        return None
    what = result.value if result else record.state.value
    seeds = record.seeds
    same = len(set(seeds.values())) == 1
    named = [f"{name} {seed}" for name, seed in seeds.items()]
    title = f"seed {seeds['init']}" if same else f"seeds: {', '.join(named)}"
    return BadRun(record.id, title, what, _facts(record))


def _facts(record: RunRecord) -> str:
    if record.state is State.CRASHED:
        return (record.error or "no message").strip().splitlines()[-1]
    if record.diverged:
        tensor, step = record.diverged["tensor"], record.diverged["step"]
        return f"{tensor} stopped being finite at step {step} of {record.total_steps}"
    assert record.last is not None
    split = record.task.report
    name = "accuracy" if record.task.label_names else "mean_squared_error"
    value, majority = record.last.metrics[split][name], record.task.baseline[split][name]
    told = [
        f"{name.replace('_', ' ')} {shown(name, value)}, a constant has {shown(name, majority)}"
    ]
    if record.last.constant[split]:
        told.append("every prediction is the same")
    if record.train_loss is not None:
        told.append(f"training loss at the end {record.train_loss:.2f}")
    return "; ".join(told)
