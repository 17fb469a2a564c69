"""What the page of a report holds of a study, as plain JSON values: runs, curves, predictions.

Runs are listed once and named by their place; curves are thinned, numbers rounded to what a
screen can show, so that a study of 450 runs stays a page of a few megabytes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadytune.metrics import METRICS
from steadytune.recipe import Seeds
from steadytune.records import Checkpoint, RunRecord, TaskFacts
from steadytune.results.conditions import Condition
from steadytune.results.outcomes import outcome
from steadytune.results.source import Source
from steadytune.stats.thinning import thinned

POINTS = 100  # of a curve
Json = dict[str, Any]


def study_data(cells: Sequence[Condition]) -> Json:
    """Groups (a task with an encoder), recipes and every run that was begun."""
    groups = list(dict.fromkeys((cell.task, cell.encoder) for cell in cells))
    recipes = list(dict.fromkeys(cell.recipe for cell in cells))
    runs = [
        _run(
            cell.source, record, groups.index((cell.task, cell.encoder)), recipes.index(cell.recipe)
        )
        for cell in cells
        for record in cell.records
    ]
    return {
        "recipes": recipes,
        "groups": [_group(task, encoder, cells) for task, encoder in groups],
        "runs": runs,
    }


def _group(task: str, encoder: str, cells: Sequence[Condition]) -> Json:
    facts = facts_of([cell for cell in cells if (cell.task, cell.encoder) == (task, encoder)])
    return {
        "task": task,
        "encoder": encoder,
        "metric": facts.metric if facts else None,
        "metrics": [] if facts is None else [_metric(name) for name in metrics_of(facts)],
        "majority": rounded(facts.baseline[facts.report]) if facts else {},
        "labels": list(facts.label_names or ()) if facts else [],
    }


def facts_of(cells: Sequence[Condition]) -> TaskFacts | None:
    """What the records of cells of one task say of it; None where no run was begun."""
    return next((record.task for cell in cells for record in cell.records), None)


def metrics_of(facts: TaskFacts) -> list[str]:
    """The headline metric, then the others that were measured."""
    return list(dict.fromkeys([facts.metric, *facts.baseline[facts.report]]))


def _metric(name: str) -> Json:
    higher = METRICS[name].higher_is_better
    return {"name": name, "title": name.replace("_", " "), "scale": 100 if higher else 1}


def _run(source: Source, record: RunRecord, group: int, recipe: int) -> Json:
    columns, found = source.steps(record.id), outcome(record)
    steps, losses = thinned(columns["step"], columns["loss"], POINTS)
    evaluations = [row for row in source.evaluations(record.id) if row.split == record.task.report]
    return {
        "id": record.id,
        "group": group,
        "recipe": recipe,
        "seed": str(Seeds(**record.seeds)),
        "state": record.state.value,
        "outcome": found.value if found else None,
        "step": record.step,
        "total": record.total_steps,
        "loss": number(record.train_loss),
        "seconds": number(sum(record.seconds.values())),
        "last": _checkpoint(record, record.last),
        "best": _checkpoint(record, record.best),
        "curve": {"x": steps.tolist(), "y": numbers(losses)},
        "dev": {
            "x": [row.step for row in evaluations],
            "loss": [number(row.loss) for row in evaluations],
            **{
                name: [number(row.metrics.get(name)) for row in evaluations]
                for name in metrics_of(record.task)
            },
        },
    }


def _checkpoint(record: RunRecord, point: Checkpoint | None) -> Json | None:
    """Metrics as summaries take them: a diverged run has the majority class's."""
    split = record.task.report
    if record.state.value == "diverged":
        return {"step": record.step, **rounded(record.task.baseline[split])}
    if point is None or not record.state.ended:
        return None
    return {"step": point.step, **rounded(point.metrics[split])}


def number(value: float | None) -> float | None:
    """Four significant digits; None for what is not finite."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.4g}")


def numbers(values: NDArray[np.float64]) -> list[float | None]:
    """Each value by ``number``."""
    return [number(value) for value in values.tolist()]


def rounded(values: Mapping[str, float]) -> Json:
    """Each value by ``number``."""
    return {name: number(value) for name, value in values.items()}
