"""The verdict on a study: that of each run, what they have in common, and what to change first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from steadytune.diagnosis._case import Case, read_case
from steadytune.diagnosis._finding import Finding, Remedy
from steadytune.diagnosis._judge import Verdict, judge
from steadytune.diagnosis.duplicates import duplicates
from steadytune.errors import BadInput
from steadytune.results.conditions import Condition
from steadytune.results.outcomes import Outcome
from steadytune.results.summary import wilson


@dataclass(frozen=True)
class ConditionVerdict:
    """What became of the runs of one recipe on one task.

    Attributes:
        task, encoder, recipe: the cell.
        n: ended runs. failed: those that failed, diverged or were stopped, with the 95 % Wilson
            interval of their share.
        causes: cause to number of runs, the most frequent first.
        first: what most of the failed runs' verdicts advise first.
    """

    task: str
    encoder: str
    recipe: str
    n: int
    failed: int
    failed_interval: tuple[float, float] | None
    causes: dict[str, int]
    first: Remedy | None


@dataclass(frozen=True)
class StudyVerdict:
    """All that is said about a study.

    Attributes:
        runs: a verdict for each run that has begun, in plan order.
        cells: what they come to. findings: what concerns several runs at once.
    """

    runs: tuple[Verdict, ...]
    cells: tuple[ConditionVerdict, ...]
    findings: tuple[Finding, ...]


def diagnose(cells: Sequence[Condition], run: str | None = None) -> StudyVerdict:
    """Judge the runs of a study, or one of them.

    Args:
        cells: the conditions of a study.
        run: the id of a run, or its beginning.

    Raises:
        BadInput: there is no such run, more than one, or it has not begun.
    """
    wanted = None if run is None else _the_one(cells, run)
    cases = [
        read_case(cell, record)
        for cell in cells
        for record in cell.records
        if wanted in (None, record.id)
    ]
    verdicts = tuple(judge(case) for case in cases)
    return StudyVerdict(verdicts, tuple(_cells(verdicts)), tuple(duplicates(_distinct(cases))))


def _the_one(cells: Sequence[Condition], beginning: str) -> str:
    """The id of the run that begins so."""
    begun = {record.id for cell in cells for record in cell.records}
    waiting = {run for cell in cells for run in cell.waiting}
    ids = sorted(run for run in begun | waiting if run.startswith(beginning))
    if len(ids) != 1:
        raise BadInput(
            f"run {beginning}: {len(ids) or 'no'} runs of the study have an id that begins so; "
            "'steadytune diagnose' with --format json lists the ids"
        )
    if ids[0] not in begun:
        raise BadInput(f"run {beginning}: this run has not begun")
    return ids[0]


def _distinct(cases: Sequence[Case]) -> list[Case]:
    """Each run once: recipes that differ only in name share theirs."""
    return list({case.record.id: case for case in cases}.values())


def _cells(verdicts: Sequence[Verdict]) -> list[ConditionVerdict]:
    groups: dict[tuple[str, str, str], list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault((verdict.task, verdict.encoder, verdict.recipe), []).append(verdict)
    return [_cell(key, group) for key, group in groups.items()]


def _cell(key: tuple[str, str, str], verdicts: Sequence[Verdict]) -> ConditionVerdict:
    ended = [verdict for verdict in verdicts if verdict.outcome is not None]
    failed = [verdict for verdict in ended if verdict.outcome is not Outcome.SUCCESS]
    return ConditionVerdict(
        *key,
        n=len(ended),
        failed=len(failed),
        failed_interval=wilson(len(failed), len(ended)),
        causes=dict(Counter(verdict.cause for verdict in ended).most_common()),
        first=advised_first(failed),
    )


def advised_first(failed: Sequence[Verdict]) -> Remedy | None:
    """What most verdicts on failed runs advise first; None where none has advice."""
    firsts = [v.finding.remedies[0] for v in failed if v.finding and v.finding.remedies]
    return Counter(firsts).most_common(1)[0][0] if firsts else None
