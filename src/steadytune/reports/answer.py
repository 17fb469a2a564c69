"""The answer: which recipe, how sure, what to do next, in sentences with their numbers.

The one place where a report compares recipes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from steadytune.analysis.cautions import suspicious
from steadytune.analysis.cells import Cell
from steadytune.analysis.summary import SummaryRow, Which, summarize
from steadytune.metrics import METRICS
from steadytune.reports.summary_table import shown

FEW = 5  # runs below which an interval is too narrow


@dataclass(frozen=True)
class Answer:
    """What a reader should know first.

    Attributes:
        headline: one sentence. evidence: sentences with numbers, one a task.
        cautions: why the numbers may mislead. next_steps: what to do.
    """

    headline: str
    evidence: tuple[str, ...]
    cautions: tuple[str, ...]
    next_steps: tuple[str, ...]


def answer(cells: Sequence[Cell], which: Which = "last") -> Answer:
    """The answer that the runs of a study give so far."""
    rows = summarize(cells, which)
    tasks = dict.fromkeys((row.task, row.encoder) for row in rows)
    ranked = [
        _best_first([row for row in rows if (row.task, row.encoder) == task]) for task in tasks
    ]
    ranked = [found for found in ranked if found]
    return Answer(
        headline=_headline(ranked),
        evidence=tuple(_evidence(found) for found in ranked),
        cautions=tuple(suspicious(cells)),
        next_steps=tuple(_next_steps(rows, ranked)),
    )


def _best_first(rows: Sequence[SummaryRow]) -> list[SummaryRow]:
    """Rows with runs by their mean, which failed runs pull down; the best first."""
    known = [row for row in rows if row.mean is not None]
    return sorted(known, key=lambda row: -METRICS[row.metric].merit(row.mean or 0.0))


def _headline(ranked: Sequence[list[SummaryRow]]) -> str:
    if not ranked:
        return "No run has ended yet, so there is no answer yet."
    learned = [found for found in ranked if _bad(found[:1]) < found[0].n]
    if not learned:
        return "No recipe learned anything: every run failed or diverged."
    names = [found[0].recipe for found in learned]
    name, *tied = _most_frequent(names)
    if tied:
        wins = [f"{one} on {names.count(one)}" for one in (name, *tied)]
        return f"No recipe leads: the highest mean has {', '.join(wins)} of {len(ranked)} tasks."
    own = [row for found in ranked for row in found if row.recipe == name]
    others = [row for found in ranked for row in found if row.recipe != name]
    steady = f"{_bad(own)} of its {_runs(own)} runs failed"
    if not others:
        return f"{name}: {steady}."
    where = "" if len(ranked) == 1 else f" on {names.count(name)} of {len(ranked)} tasks"
    sure = all(_apart(*found[:2]) for found in learned if found[0].recipe == name and found[1:])
    doubt = "" if sure else ", but not surely on every task"
    return (
        f"{name} has the highest mean{where}{doubt}; {steady}, "
        f"of the other recipes' {_runs(others)} runs {_bad(others)} did."
    )


def _most_frequent(names: Sequence[str]) -> list[str]:
    """Those that no other occurs more often than, in their order."""
    counts = {name: names.count(name) for name in names}
    return [name for name, count in counts.items() if count == max(counts.values())]


def _runs(rows: Sequence[SummaryRow]) -> int:
    return sum(row.n for row in rows)


def _bad(rows: Sequence[SummaryRow]) -> int:
    """Failed and diverged runs."""
    return sum(row.failed + row.diverged for row in rows)


def _apart(a: SummaryRow, b: SummaryRow) -> bool:
    """Whether two intervals of means lie apart: sufficient for a difference, not necessary."""
    if a.mean_interval is None or b.mean_interval is None or min(a.n, b.n) < FEW:
        return False
    (low, high), (other_low, other_high) = a.mean_interval, b.mean_interval
    return high < other_low or other_high < low


def _evidence(found: Sequence[SummaryRow]) -> str:
    first, rest = found[0], found[1:]
    text = f"{first.task}: {_told(first)}"
    if not rest:
        return text + "."
    second = rest[0]
    verdict = (
        "the intervals lie apart"
        if _apart(first, second)
        else f"n is below {FEW}, too few to tell them apart"
        if min(first.n, second.n) < FEW
        else "the intervals overlap, so these runs do not decide between them"
    )
    return f"{text}; next {_told(second)}; {verdict}."


def _told(row: SummaryRow) -> str:
    interval = ""
    if row.mean_interval is not None:
        low, high = (shown(row.metric, end) for end in row.mean_interval)
        interval = f" (95 % {low} to {high})"
    std = "" if row.std is None else f", std {shown(row.metric, row.std)}"
    bad = row.failed + row.diverged
    return (
        f"{row.recipe} mean {row.metric.replace('_', ' ')} {shown(row.metric, row.mean)}{interval}"
        f"{std}, {bad} of {row.n} runs failed"
    )


def _next_steps(rows: Sequence[SummaryRow], ranked: Sequence[list[SummaryRow]]) -> list[str]:
    steps = list[str]()
    missing = sum(row.unfinished for row in rows)
    crashed = sum(row.crashed for row in rows)
    if missing or crashed:
        open_runs = [f"{missing} runs have not ended"] if missing else []
        open_runs += [f"{crashed} crashed"] if crashed else []
        steps.append(f"Run the same command again: {', '.join(open_runs)}.")
    best = [found[0] for found in ranked]
    fragile = list(dict.fromkeys(row.recipe for row in best if row.failed + row.diverged))
    if fragile:
        steps.append(
            f"{', '.join(fragile)}: failed runs beside the highest mean on a task. Look at them "
            "below; a lower learning rate, bias correction or longer training may help."
        )
    if any(len(found) > 1 and not _apart(found[0], found[1]) for found in ranked):
        steps.append(
            "Where the intervals overlap, add seeds (the same command with a larger seeds adds "
            "runs and keeps these) or accept that the recipes are equally good here."
        )
    if not steps and best:
        steps.append("Use that recipe, and report its mean with n and interval, not its best run.")
    return steps
