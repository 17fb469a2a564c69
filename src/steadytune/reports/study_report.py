"""The report of a study: one HTML file that needs nothing else, no network above all.

Text from records and data sets reaches the page in two ways only: through the template, which
escapes it, and as JSON that the script puts into text nodes. The page's own policy forbids every
connection and every script but the one whose digest it names.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

import steadytune
from steadytune.analysis.cells import Cell, cells
from steadytune.analysis.outcomes import Outcome, outcome
from steadytune.analysis.summary import SummaryRow, Which, summarize
from steadytune.ledger import Ledger
from steadytune.metrics import METRICS
from steadytune.records import RunRecord, State
from steadytune.reports import summary_table
from steadytune.reports.answer import answer
from steadytune.reports.instability_data import instability_data
from steadytune.reports.study_data import facts_of, metrics_of, study_data
from steadytune.study_file.writing import dump, recipe_fields

PAGE = Path(__file__).parent / "page"
SCRIPTS = ("draw", "state", "boxes", "runs", "curves", "failed", "instability", "main")
CHECKPOINTS: tuple[Which, ...] = ("last", "best")


@dataclass(frozen=True)
class SummaryTable:
    """The summary by one metric at one checkpoint; ``best`` rows are printed bold."""

    metric: str
    which: Which
    lines: tuple[tuple[str, ...], ...]
    best: tuple[bool, ...]
    caption: str


@dataclass(frozen=True)
class BadRun:
    """A run that failed, diverged or crashed, and what its record says of it."""

    id: str
    title: str
    what: str
    facts: str


def report(ledger: Ledger, now: datetime | None = None) -> str:
    """The page, for a study in any condition: not begun, all failed, or whole.

    Args:
        ledger: the study.
        now: the time that the page says it was made at.
    """
    found = cells(ledger)
    script = "\n".join((PAGE / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    script = f'"use strict";\n{script}'
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment = Environment(
        loader=FileSystemLoader(PAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["duration"] = duration
    return environment.get_template("page.html.j2").render(
        study=ledger.study,
        folder=ledger.folder,
        version=steadytune.__version__,
        now=(now or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC"),
        style=(PAGE / "page.css").read_text(encoding="utf-8"),
        script=script,
        script_digest=digest,
        data=embedded(
            {**study_data(ledger, found), "instability": instability_data(ledger, found)}
        ),
        answer=answer(found),
        counts=_counts(ledger),
        headings=summary_table.HEADINGS,
        numeric=summary_table.NUMERIC,
        tables=summary_tables(found),
        bad=bad_runs(found),
        recipes=[recipe_fields(recipe) for recipe in ledger.study.recipes],
        facts=[facts for facts in (_facts(cell) for cell in _first_of_groups(found)) if facts],
        environments=ledger.environments,
        costs=[cost for name in _recipes(found) if (cost := _cost(name, found))],
        study_file=dump(ledger.study),
    )


def embedded(value: object) -> str:
    """JSON that can stand in a script element whatever it holds: no tag can end there."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def summary_tables(found: Sequence[Cell]) -> list[SummaryTable]:
    """The headline metric first, then each other metric that any task has; last, then best."""
    others = dict.fromkeys(
        name for cell in found if (facts := facts_of([cell])) for name in metrics_of(facts)
    )
    tables = [_table("headline", which, found) for which in CHECKPOINTS]
    for name in others:
        having = [measured_by(cell, name) for cell in found]
        cells_with = [cell for cell in having if cell is not None]
        tables += [_table(name, which, cells_with) for which in CHECKPOINTS]
    return tables


def measured_by(cell: Cell, metric: str) -> Cell | None:
    """The cell with another headline metric; None where it was not measured."""
    if not all(metric in record.task.baseline[record.task.report] for record in cell.records):
        return None
    records = [replace(r, task=replace(r.task, metric=metric)) for r in cell.records]
    return replace(cell, records=tuple(records))


def _table(metric: str, which: Which, found: Sequence[Cell]) -> SummaryTable:
    rows = summarize(found, which)
    return SummaryTable(
        metric=metric,
        which=which,
        lines=tuple(tuple(summary_table.cells(row)) for row in rows),
        best=tuple(_is_best(row, rows) for row in rows),
        caption=summary_table.caption(rows),
    )


def _is_best(row: SummaryRow, rows: Sequence[SummaryRow]) -> bool:
    rivals = [
        METRICS[one.metric].merit(one.mean)
        for one in rows
        if (one.task, one.encoder) == (row.task, row.encoder) and one.mean is not None
    ]
    if row.mean is None or len(rivals) < 2:
        return False
    return METRICS[row.metric].merit(row.mean) == max(rivals) and min(rivals) < max(rivals)


def bad_runs(found: Sequence[Cell]) -> dict[str, list[BadRun]]:
    """By cell, every run that is no success: what happened, in the order of the seeds."""
    by_cell = {
        f"{cell.recipe} on {cell.task}, {cell.encoder}": [
            bad for record in cell.records if (bad := _bad_run(cell, record)) is not None
        ]
        for cell in found
    }
    return {title: runs for title, runs in by_cell.items() if runs}


def _bad_run(cell: Cell, record: RunRecord) -> BadRun | None:
    result = outcome(record)
    if result in (None, Outcome.SUCCESS) and record.state is not State.CRASHED:
        return None
    what = result.value if result else record.state.value
    seeds = ", ".join(f"{name} {seed}" for name, seed in record.seeds.items())
    return BadRun(record.id, f"{cell.recipe}, {cell.task}, seeds {seeds}", what, _said(record))


def _said(record: RunRecord) -> str:
    if record.error:
        return f"crashed: {record.error.strip().splitlines()[-1]}"
    if record.diverged:
        return (
            f"step {record.diverged['step']} of {record.total_steps}: {record.diverged['tensor']} "
            "stopped being finite"
        )
    assert record.last is not None
    split = record.task.report
    name = "accuracy" if record.task.label_names else "mean_squared_error"
    value, majority = record.last.metrics[split][name], record.task.baseline[split][name]
    constant = "; every prediction is the same" if record.last.constant[split] else ""
    loss = "" if record.train_loss is None else f"; training loss at the end {record.train_loss:.2f}"
    told = [summary_table.shown(name, one) for one in (value, majority)]
    return f"{name.replace('_', ' ')} {told[0]}, a constant reaches {told[1]}{constant}{loss}"


def _counts(ledger: Ledger) -> dict[str, int]:
    rows = ledger.records()
    results = [outcome(row.record) for row in rows if row.record is not None]
    return {
        "planned": len(rows),
        "ended": sum(row.state.ended for row in rows),
        "success": results.count(Outcome.SUCCESS),
        "failed": results.count(Outcome.FAILED),
        "diverged": results.count(Outcome.DIVERGED),
        "crashed": sum(row.state is State.CRASHED for row in rows),
    }


def _first_of_groups(found: Sequence[Cell]) -> list[Cell]:
    first = dict[tuple[str, str], Cell]()
    for cell in found:
        if cell.records:
            first.setdefault((cell.task, cell.encoder), cell)
    return list(first.values())


def _facts(cell: Cell) -> dict[str, Any] | None:
    if not cell.records:
        return None
    return {"title": cell.task, "task": cell.records[0].task, "encoder": cell.records[0].encoder}


def _recipes(found: Sequence[Cell]) -> list[str]:
    return list(dict.fromkeys(cell.recipe for cell in found))


def _cost(recipe: str, found: Sequence[Cell]) -> dict[str, Any] | None:
    records = [record for cell in found if cell.recipe == recipe for record in cell.records]
    steps = sum(record.step for record in records)
    if not steps:
        return None
    training = sum(record.seconds.get("steps", 0.0) for record in records)
    evaluating = sum(record.seconds.get("evaluations", 0.0) for record in records)
    return {
        "recipe": recipe,
        "runs": len(records),
        "steps": steps,
        "tokens": sum(record.tokens for record in records),
        "training": training,
        "evaluating": evaluating,
        "a_step": training / steps,
    }


def duration(seconds: float) -> str:
    """Seconds as hours, minutes or seconds, whichever reads best."""
    if seconds >= 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.3g} s"
