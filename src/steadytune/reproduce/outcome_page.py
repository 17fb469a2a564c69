"""What a reproduction found, as Markdown and JSON: claims, tables, figures with their captions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from steadytune.analysis.summary import SummaryRow, summarize
from steadytune.escape import visible
from steadytune.figures.headroom import headroom_data, in_words
from steadytune.reproduce.claims import Claim, Finding
from steadytune.reproduce.evidence import SEARCHED, Evidence
from steadytune.reproduce.mosbach2021 import Experiment


@dataclass(frozen=True)
class Drawn:
    """A figure on disk: the stem of its files and its caption."""

    stem: str
    caption: str


Found = Sequence[tuple[Claim, Finding]]


def page(
    experiments: Sequence[Experiment],
    of_encoders: Sequence[tuple[Evidence, Found]],
    drawn: Mapping[str, Sequence[Drawn]],
    notes: Sequence[str],
) -> str:
    """The Markdown page.

    Args:
        experiments: that were asked for.
        of_encoders: the evidence of each encoder and what it says of their claims.
        drawn: figures by the name of their experiment.
        notes: what could not be measured, a sentence each.
    """
    scale = of_encoders[0][0].cast.scale
    lines = [
        "# On the Stability of Fine-tuning BERT: a reproduction",
        "",
        f"Scale **{scale.name}**: {scale.what}. {scale.seeds} seeds, learning rate {scale.lr:g} "
        f"({', '.join(f'{lr:g}' for lr in scale.lrs)}), epochs "
        f"{', '.join(f'{e:g}' for e in scale.epochs)}, tasks "
        f"{', '.join(task.title for task in scale.tasks)}. Last checkpoint unless said otherwise; "
        "std with ddof = 1; failed = accuracy not above the majority class's, or a constant "
        "prediction; intervals 95 %.",
    ]
    if scale.name != "paper":
        lines += ["", "**This is not the scale of the paper.** Published values are beside it to "]
        lines[-1] += "be compared in kind, not in number."
    lines += ["", *(f"- {note}" for note in notes)]
    for evidence, found in of_encoders:
        lines += ["", f"## Claims, {evidence.cast.encoder}", "", *_claims(found)]
    for experiment in experiments:
        lines += ["", f"## {experiment.name} ({experiment.shows})", "", experiment.question, ""]
        for evidence, _ in of_encoders:
            lines += _table(experiment, evidence)
        for one in drawn.get(experiment.name, ()):
            lines += [f"![{one.stem}](figures/{one.stem}.png)", "", f"*{one.caption}*", ""]
    return "\n".join(lines).rstrip() + "\n"


def _claims(found: Found) -> Iterator[str]:
    yield "| | claim | verdict | n | measured here | published |"
    yield "|---|---|---|--:|---|---|"
    for claim, finding in found:
        measured = finding.measured
        if finding.why:
            measured += f". Not decided because {finding.why}; would decide: `{finding.command}`"
        cells = (claim.name, claim.statement, f"**{finding.verdict}**", str(finding.n))
        yield "| " + " | ".join(map(_cell, (*cells, measured, claim.published))) + " |"


def _cell(text: str) -> str:
    return visible(text.replace("\n", " ")).replace("|", "\\|").replace("<", "&lt;")


def _table(experiment: Experiment, evidence: Evidence) -> Iterator[str]:
    if experiment.table is None:
        return
    rows = [row for row in summarize(experiment.table(evidence)) if row.n]
    if not rows:
        yield f"No runs yet with {evidence.cast.encoder}."
        yield ""
        return
    yield f"{evidence.cast.encoder}:"
    yield ""
    yield (
        "| task | recipe | metric | n | failed | of them diverged | mean | 95 % | std | min | max |"
    )
    yield "|---|---|---|--:|--:|--:|--:|---|--:|--:|--:|"
    yield from map(_row, rows)
    yield ""
    if experiment.name == SEARCHED:
        for panel in headroom_data(experiment.table(evidence)):
            for curve in panel.curves:
                yield f"- **{curve.name}**: {curve.found.lr:.1e} ({in_words(curve.found)})"
        yield ""


def _row(row: SummaryRow) -> str:
    interval = "" if row.mean_interval is None else " to ".join(map(_percent, row.mean_interval))
    numbers = (_percent(x) for x in (row.std, row.min, row.max))
    cells = (
        row.task,
        row.recipe,
        row.metric,
        str(row.n),
        str(row.failed),
        str(row.diverged),
        _percent(row.mean),
        interval,
        *numbers,
    )
    return "| " + " | ".join(map(_cell, cells)) + " |"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}"


def as_json(of_encoders: Sequence[tuple[Evidence, Found]]) -> list[dict[str, Any]]:
    """Every finding with its claim, for programs."""
    return [
        {
            "encoder": evidence.cast.encoder,
            "scale": evidence.cast.scale.name,
            "claim": claim.name,
            "statement": claim.statement,
            "rule": claim.rule,
            "published": claim.published,
            **asdict(finding),
        }
        for evidence, found in of_encoders
        for claim, finding in found
    ]
