"""The runs that are no success: what their records say, the verdict on each, what to change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from steadytune.analysis.outcomes import Outcome, outcome
from steadytune.analysis.verdicts import (
    Finding,
    Verdict,
    advised_first,
    in_words,
    judge,
    read_case,
)
from steadytune.ledger import Ledger, Row
from steadytune.records import RunRecord, State
from steadytune.reports.summary_table import shown


@dataclass(frozen=True)
class BadRun:
    """A run that failed, diverged or crashed.

    Attributes:
        id: of the run. title: its seeds. what: failed, diverged or crashed.
        facts: the numbers or the message behind it.
        verdict: its cause in words; empty for crashed runs, of whose training nothing is judged.
        finding: what the rule says that holds; None where there is no verdict.
        notes: other rules that hold and what else the verdict has to say, as sentences.
    """

    id: str
    title: str
    what: str
    facts: str
    verdict: str
    finding: Finding | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class BadRuns:
    """Those of one cell.

    Attributes:
        title: recipe, task and encoder. runs: in the order of their seeds.
        verdicts: how many runs have which, in words. advice: what most of them say to change first.
    """

    title: str
    runs: tuple[BadRun, ...]
    verdicts: str
    advice: str


def bad_runs(ledger: Ledger) -> list[BadRuns]:
    """Every such run by its cell, in plan order; cells without any are left out."""
    rows: dict[str, list[Row]] = {}
    for row in ledger.records():
        if row.record is not None and _is_bad(row.record):
            at = row.planned
            rows.setdefault(f"{at.recipe} on {at.task}, {at.encoder}", []).append(row)
    return [_of_cell(ledger, title, found) for title, found in rows.items()]


def _is_bad(record: RunRecord) -> bool:
    return record.state is State.CRASHED or outcome(record) not in (None, Outcome.SUCCESS)


def _of_cell(ledger: Ledger, title: str, rows: Sequence[Row]) -> BadRuns:
    cases = [case for row in rows if (case := read_case(ledger, row)) is not None]
    judged = [(case.record, judge(case)) for case in cases]
    runs = tuple(_bad_run(record, verdict) for record, verdict in judged)
    causes = Counter(run.verdict for run in runs if run.verdict)
    first = advised_first([verdict for _, verdict in judged])
    return BadRuns(
        title=title,
        runs=runs,
        verdicts=", ".join(f"{count} {cause}" for cause, count in causes.most_common()),
        advice="" if first is None else str(first),
    )


def _bad_run(record: RunRecord, verdict: Verdict) -> BadRun:
    seeds = record.seeds
    same = len(set(seeds.values())) == 1
    named = [f"{name} {seed}" for name, seed in seeds.items()]
    also = [f"also: {', '.join(map(in_words, verdict.also))}"] if verdict.also else []
    return BadRun(
        id=record.id,
        title=f"seed {seeds['init']}" if same else f"seeds: {', '.join(named)}",
        what=verdict.outcome.value if verdict.outcome else record.state.value,
        facts=_facts(record),
        verdict=in_words(verdict.cause) if verdict.outcome else "",
        finding=verdict.finding,
        notes=(*also, *verdict.notes) if verdict.outcome else (),
    )


def _facts(record: RunRecord) -> str:
    if record.state is State.CRASHED:
        return (record.error or "no message").strip().splitlines()[-1]
    if record.diverged:
        tensor, step = record.diverged["tensor"], record.diverged["step"]
        return f"{tensor} stopped being finite at step {step} of {record.total_steps}"
    assert record.last is not None
    split = record.task.report
    name = record.task.target.primary
    value, majority = record.last.metrics[split][name], record.task.baseline[split][name]
    told = [
        f"{name.replace('_', ' ')} {shown(name, value)}, a constant has {shown(name, majority)}"
    ]
    if record.last.constant[split]:
        told.append("every prediction is the same")
    if record.train_loss is not None:
        told.append(f"training loss at the end {record.train_loss:.2f}")
    return "; ".join(told)
