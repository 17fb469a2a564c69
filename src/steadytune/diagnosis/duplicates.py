"""Duplicate runs: runs that should differ and have the same losses in every step."""

from __future__ import annotations

from collections.abc import Sequence

from steadytune.diagnosis._case import Case
from steadytune.diagnosis._finding import Evidence, Finding, Remedy

CHECK_SEEDS = Remedy(
    "check_seeds",
    "count them as one run; let the seeds reach something: initialization needs a fresh head, "
    "order more than one batch, dropout a rate above 0",
)


def duplicates(cases: Sequence[Case]) -> list[Finding]:
    """A finding for each group of different runs of a task and encoder with the same losses."""
    groups: dict[tuple[str, str, bytes], dict[str, Case]] = {}
    for case in cases:
        if case.record.state.ended and len(case.losses):
            key = (case.condition.task, case.condition.encoder, case.losses.tobytes())
            groups.setdefault(key, {})[case.record.id] = case
    return [_finding(list(group.values())) for group in groups.values() if len(group) > 1]


def _finding(group: Sequence[Case]) -> Finding:
    names = ", ".join(f"{c.condition.recipe} seed {c.seeds} ({c.record.id})" for c in group)
    return Finding(
        cause="duplicate_runs",
        sentence=f"{len(group)} runs are one run repeated, step for step: {names}",
        evidence=(Evidence("runs with the same losses", float(len(group))),),
        onset=1,
        remedies=(CHECK_SEEDS,),
    )
