"""Verdicts in words, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum

from steadytune.analysis.verdicts._finding import Finding
from steadytune.analysis.verdicts._judge import Verdict
from steadytune.analysis.verdicts._study import CellVerdict, StudyVerdict
from steadytune.escape import visible
from steadytune.ledger.json_lines import plain
from steadytune.records import SCHEMA


class VerdictFormat(StrEnum):
    """The forms that verdicts can take."""

    text = "text"
    json = "json"


def tell(verdict: StudyVerdict, form: VerdictFormat = VerdictFormat.text) -> str:
    """The verdict in words, or as JSON."""
    return as_text(verdict) if form is VerdictFormat.text else as_json(verdict)


def as_json(verdict: StudyVerdict) -> str:
    """All of it; numbers that are not finite are null."""
    return json.dumps({"schema": SCHEMA, **plain(verdict)}, indent=2, allow_nan=False)


def as_text(verdict: StudyVerdict) -> str:
    """For a person: the cells, what concerns several runs, then every run."""
    return "\n".join(map(visible, _lines(verdict)))


def _lines(verdict: StudyVerdict) -> Iterator[str]:
    for cell in verdict.cells:
        yield _cell(cell)
        if cell.first is not None:
            yield f"  change first: {cell.first}"
    for finding in verdict.findings:
        yield ""
        yield f"{in_words(finding.cause)}: {finding.sentence}"
        yield from _details(finding)
    for run in verdict.runs:
        yield ""
        yield _run(run)
        yield from _details(run.finding)
        if run.figure is not None:
            yield f"    see: steadytune figures DIR {run.figure}"
        if run.also:
            yield f"    also: {', '.join(map(in_words, run.also))}"
        yield from (f"    note: {note}" for note in run.notes)


def _cell(cell: CellVerdict) -> str:
    causes = ", ".join(f"{count} {in_words(cause)}" for cause, count in cell.causes.items())
    interval = ""
    if cell.failed_interval is not None:
        low, high = (100 * share for share in cell.failed_interval)
        interval = f" (95 % Wilson {low:.0f} to {high:.0f} %)"
    return (
        f"{cell.recipe} on {cell.task} ({cell.encoder}): {cell.failed} of {cell.n} runs failed"
        f"{interval}{': ' + causes if causes else ''}"
    )


def _run(run: Verdict) -> str:
    measured = ""
    if run.accuracy is not None and run.majority is not None:
        measured = f", accuracy {run.accuracy:.3f} (majority {run.majority:.3f})"
    said = f": {run.finding.sentence}" if run.finding is not None else ""
    name = f"{run.run}  {run.recipe} on {run.task}, seed {run.seed}"
    return f"{name}: {in_words(run.cause)}{measured}{said}"


def _details(finding: Finding | None) -> Iterator[str]:
    if finding is None:
        return
    if finding.onset is not None:
        yield f"    since step {finding.onset}"
    for evidence in finding.evidence:
        yield f"    {evidence}"
    for number, remedy in enumerate(finding.remedies, 1):
        yield f"    {number}. {remedy}"


def in_words(cause: str) -> str:
    """The name of a cause as a sentence has it."""
    return cause.replace("_", " ")
