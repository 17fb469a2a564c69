"""What the tables of a packed study hold: the rows of ``packed_study``, made from any reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from steadytune.ledger.json_lines import json_line
from steadytune.ledger.planned import Planned
from steadytune.ledger.readers import RunReader, StudyReader
from steadytune.ledger.run_folder import STEP_COLUMNS, step_columns
from steadytune.ledger.tables import (
    OF_RUNS,
    RUN,
    Columns,
    Kind,
    Table,
    write_rows,
)
from steadytune.records import Checkpoint, RunRecord, State

EVENTS = Table(
    "events",
    {
        RUN: Kind.TEXT,
        "event": Kind.TEXT,
        "step": Kind.INTEGER,
        "split": Kind.TEXT,
        "loss": Kind.REAL,
        "line": Kind.TEXT,
    },
)
STEPS = Table(
    "steps",
    {
        RUN: Kind.TEXT,
        **{
            n: Kind.INTEGER if v.dtype.kind == "i" else Kind.REAL
            for n, v in step_columns([]).items()
        },
    },
)
DIAGNOSTICS = Table(
    "diagnostics", {RUN: Kind.TEXT, "step": Kind.INTEGER, "name": Kind.TEXT, "value": Kind.REAL}
)
EXAMPLES = Table(
    "examples",
    {
        "split": Kind.TEXT,
        "example": Kind.INTEGER,
        "text": Kind.TEXT,
        "pair": Kind.TEXT,
    },
)
RUNS = Table(
    "runs",
    {
        **dict.fromkeys(("id", "recipe", "task", "encoder"), Kind.TEXT),
        **dict.fromkeys(("seed_init", "seed_order", "seed_dropout"), Kind.INTEGER),
        "state": Kind.TEXT,
        **dict.fromkeys(("step", "total_steps"), Kind.INTEGER),
        "metric": Kind.TEXT,
        **dict.fromkeys(("last", "best", "train_loss"), Kind.REAL),
        **dict.fromkeys(OF_RUNS, Kind.INTEGER),
        "record": Kind.TEXT,
    },
)


class _Begun(NamedTuple):
    """A run and what it has left."""

    plan: Planned
    reader: RunReader
    record: RunRecord | None


def write_tables(folder: Path, study: StudyReader, plan: Sequence[Planned]) -> dict[str, int]:
    """Write every table into a folder; how many rows each has.

    Args:
        folder: where.
        study: what is read.
        plan: its planned runs.

    Raises:
        Damaged: something is not what was written there.
        OSError: the disk is full or not writable.
    """
    first = {row.id: row for row in reversed(plan)}
    runs = [
        _Begun(first[run], study.run(run), study.run(run).record())
        for run in dict.fromkeys(row.id for row in plan)
    ]
    counts = {name: dict[str, int]() for name in OF_RUNS}
    tables = (
        (STEPS, _steps),
        (EVENTS, _events),
        (DIAGNOSTICS, _diagnostics),
        (_predictions_table(runs), _predictions),
    )
    found = dict[str, int]()
    for table, rows_of in tables:
        groups = _counted(runs, rows_of, counts[table.name])
        found[table.name] = write_rows(folder / table.file, table, groups)
    found["runs"] = write_rows(folder / RUNS.file, RUNS, [_runs(runs, counts)])
    if study.texts():
        found["examples"] = write_rows(folder / EXAMPLES.file, EXAMPLES, _examples(study))
    return found


def _counted(
    runs: Sequence[_Begun],
    rows_of: Callable[[_Begun], Columns | None],
    counts: dict[str, int],
) -> Iterator[Columns]:
    """The rows of each run that has a record and some; their number is put into ``counts``."""
    for run in runs:
        rows = None if run.record is None else rows_of(run)
        number = 0 if rows is None else len(next(iter(rows.values())))
        counts[run.plan.id] = number
        if rows is not None and number:
            yield {RUN: [run.plan.id] * number, **rows}


def _steps(run: _Begun) -> Columns:
    columns = run.reader.steps()
    return {name: columns[name] for name in STEP_COLUMNS}


def _events(run: _Begun) -> Columns:
    lines = run.reader.events()
    return {
        **{name: [_if(str, line.get(name)) for line in lines] for name in ("event", "split")},
        "step": [_if(int, line.get("step")) for line in lines],
        "loss": [_if(float, line.get("loss")) for line in lines],
        "line": [json_line(line).decode().rstrip("\n") for line in lines],
    }


def _if(kind: type, value: object) -> object:
    """The value if it is of that kind; the whole line is kept in any case."""
    return value if isinstance(value, kind) else None


def _diagnostics(run: _Begun) -> Columns | None:
    found = run.reader.diagnostics()
    if not found:
        return None
    return {
        "step": np.concatenate([curve.steps for curve in found.values()]),
        "name": [name for name, curve in found.items() for _ in curve.steps],
        "value": np.concatenate([curve.values for curve in found.values()]),
    }


def _predictions_table(runs: Sequence[_Begun]) -> Table:
    """Wide enough for the task with most classes; integers where no task has scores."""
    names = [run.record.task.label_names for run in runs if run.record is not None]
    width = max((1 if of is None else len(of) for of in names), default=1)
    kind = Kind.REAL if None in names else Kind.INTEGER
    return Table(
        "predictions",
        {
            **{RUN: Kind.TEXT, "step": Kind.INTEGER, "split": Kind.TEXT, "example": Kind.INTEGER},
            **{"label": kind, "prediction": kind},
            **{f"output_{k}": Kind.SINGLE for k in range(width)},
        },
    )


def _predictions(run: _Begun) -> Columns | None:
    parts = [(key, run.reader.predictions(*key)) for key in run.reader.predicted()]
    if not parts:
        return None
    sizes = [len(found.labels) for _, found in parts]
    outputs = np.concatenate([found.outputs for _, found in parts])
    return {
        "step": np.repeat([step for (step, _), _ in parts], sizes),
        "split": np.repeat([split for (_, split), _ in parts], sizes).tolist(),
        "example": np.concatenate([np.arange(size) for size in sizes]),
        "label": np.concatenate([found.labels for _, found in parts]),
        "prediction": np.concatenate([found.predictions for _, found in parts]),
        **{f"output_{k}": outputs[:, k] for k in range(outputs.shape[1])},
    }


def _runs(runs: Sequence[_Begun], counts: Mapping[str, Mapping[str, int]]) -> Columns:
    records = [run.record for run in runs]
    seeds = [run.plan.seeds for run in runs]
    return {
        **{name: [getattr(run.plan, name) for run in runs] for name in ("id", "recipe", "task")},
        "encoder": [run.plan.encoder for run in runs],
        "seed_init": [of.init for of in seeds],
        "seed_order": [of.order for of in seeds],
        "seed_dropout": [of.dropout for of in seeds],
        "state": [(State.PLANNED if of is None else of.state).value for of in records],
        "step": [0 if of is None else of.step for of in records],
        "total_steps": [None if of is None else of.total_steps for of in records],
        "metric": [None if of is None else of.task.metric for of in records],
        "last": [None if of is None else _headline(of, of.last) for of in records],
        "best": [None if of is None else _headline(of, of.best) for of in records],
        "train_loss": [None if of is None else of.train_loss for of in records],
        **{name: [counts[name][run.plan.id] for run in runs] for name in OF_RUNS},
        "record": [run.reader.record_text() for run in runs],
    }


def _headline(record: RunRecord, checkpoint: Checkpoint | None) -> float | None:
    """The headline metric on the split that results are reported on."""
    if checkpoint is None or record.task.report not in checkpoint.metrics:
        return None
    return checkpoint.metrics[record.task.report][record.task.metric]


def _examples(study: StudyReader) -> Iterator[Columns]:
    for split in study.texts():
        found = study.examples(split)
        assert found is not None, "listed, and not damaged"
        size = len(found.texts)
        yield {
            "split": [split] * size,
            "example": range(size),
            "text": found.texts,
            "pair": [None] * size if found.pairs is None else found.pairs,
        }
