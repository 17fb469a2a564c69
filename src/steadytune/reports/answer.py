"""The answer of a study: which recipe, how sure, what to do next, in sentences with numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from steadytune.analysis.cautions import suspicious
from steadytune.analysis.cells import Cell
from steadytune.analysis.comparability import LEAST_RUNS
from steadytune.analysis.compare import Answer
from steadytune.analysis.estimators import std as std_of
from steadytune.analysis.intervals import wilson
from steadytune.analysis.leaderboard import Leaderboard, leaderboards
from steadytune.analysis.runs import Runs
from steadytune.analysis.summary import Which
from steadytune.records import State
from steadytune.reports.comparison import notes
from steadytune.reports.summary_table import shown

_NAMED = 3  # recipes that a sentence lists; more are counted


@dataclass(frozen=True)
class Conclusion:
    """What a reader should know first.

    Attributes:
        headline: one sentence. evidence: sentences with numbers, the deciding one of each task
            first. others: the comparisons that are left, one sentence each.
        cautions: why the numbers may mislead. next_steps: what to do.
    """

    headline: str
    evidence: tuple[str, ...]
    others: tuple[str, ...]
    cautions: tuple[str, ...]
    next_steps: tuple[str, ...]


def conclude(cells: Sequence[Cell], which: Which = "last") -> Conclusion:
    """The answer that the runs of a study give so far."""
    found = leaderboards(cells, which)
    named = [one for board in found for one in _shown(board)]
    cautions = [*suspicious(cells), *notes(named), *_of_data(cells)]
    return Conclusion(
        headline=_headline(found),
        evidence=tuple(line for board in found for line in _evidence(board)),
        others=tuple(one.sentence for board in found for one in board.level[1:]),
        cautions=tuple(dict.fromkeys(f"{one.rstrip('.')}." for one in cautions)),
        next_steps=tuple(_next_steps(cells, found)),
    )


def _of_data(cells: Sequence[Cell]) -> list[str]:
    return [line for cell in cells for run in cell.records[:1] for line in run.task.cautions]


def _headline(found: Sequence[Leaderboard]) -> str:
    if not found:
        return "No run has ended yet, so there is no answer yet."
    learned = [one for one in found if not one.leader.failed.all()]
    if not learned:
        return "No recipe learned anything: every run failed or diverged."
    names = [one.leader.recipe for one in learned]
    name, *tied = _most_frequent(names)
    if tied:
        wins = [f"{one} on {_tasks(names.count(one))}" for one in (name, *tied)]
        stuck = len(found) - len(learned)
        rest = f"; on {_tasks(stuck)} nothing was learned" if stuck else ""
        return f"No recipe leads everywhere. The highest mean has {', '.join(wins)}{rest}."
    own = [runs for board in found for runs in board.runs if runs.recipe == name]
    others = [runs for board in found for runs in board.runs if runs.recipe != name]
    if not others:
        return _alone(name, own)
    won = [one for one in learned if one.leader.recipe == name]
    failures = (
        f"{_bad(own)} of its {_count(own)} runs failed ({_bad(others)} of the others' "
        f"{_count(others)})"
    )
    return f"{_standing(name, won, len(found))} {failures}."


def _standing(name: str, won: Sequence[Leaderboard], tasks: int) -> str:
    """That the recipe leads, and how sure that is."""
    where = "" if tasks == 1 else f" on {len(won)} of {_tasks(tasks)}"
    refused = _named(one for board in won for one in board.refused)
    rivals = _named(one for board in won for one in board.rivals)
    highest = f"{name} has the highest mean{where}"
    if rivals:
        everywhere = " on every task" if len(won) > 1 else ""
        return f"{highest}. The runs do not separate it from {rivals}{everywhere}."
    if refused:
        few = any(runs.n < LEAST_RUNS for board in won for runs in board.runs)
        why = f"that takes {LEAST_RUNS} runs of each" if few else "the reasons are below"
        return f"{highest}. It cannot be compared with {refused}: {why}."
    several = any(len(board.level) > 1 for board in won)
    other = "every other recipe" if several else won[0].level[0].b if won[0].level else "no other"
    return f"Use {name}: it is significantly better than {other}{where}, or fails less often."


def _alone(name: str, own: Sequence[Runs]) -> str:
    """The headline of a study of one recipe: can its result be trusted?"""
    bad, n = _bad(own), _count(own)
    low, high = wilson(bad, n) or (0.0, 1.0)
    share = f"{100 * low:.0f} to {100 * high:.0f} %"
    if not bad:
        return f"{name}: none of its {n} runs failed (95 % interval of the share: {share})."
    return f"{name} is not steady: {bad} of its {n} runs failed (95 % interval: {share})."


def _evidence(board: Leaderboard) -> list[str]:
    """The sentences that stand behind the headline for one task."""
    leader = board.leader
    if not board.level:
        return [f"{leader.task} ({leader.encoder}): {_told(leader)}."]
    first = board.level[0]
    if first.verdict == "refused":
        where = f"{leader.task} ({leader.encoder})"
        told = f"{where}: {_told(leader)}; next {_told(board.runs[1])}"
        return [f"{told}. Not compared: {'; '.join(first.warnings)}."]
    further = [one.sentence for one in _shown(board)[1:] if one.verdict != "refused"]
    return [first.sentence, *_rest(board), *further]


def _rest(board: Leaderboard) -> list[str]:
    """How the leader stands to the recipes behind the second, in a sentence."""
    rest = board.level[1:]
    better = [one.b for one in rest if one.verdict == "a"]
    failing = [one.b for one in board.failures[1:] if one.verdict == "a" and one.b not in better]
    kinds = {
        "is better than": better,
        "fails less often than": failing,
        "is not significantly different from": [
            name for name in board.rivals if name in {one.b for one in rest}
        ],
        "is not compared with": [one.b for one in rest if one.verdict == "refused"],
    }
    told = [f"{what} {', '.join(names)}" for what, names in kinds.items() if names]
    if not told:
        return []
    leader = board.leader
    return [
        f"On {leader.task} ({leader.encoder}), {leader.recipe} {'; '.join(told)} "
        f"(Holm over {board.comparisons} comparisons)."
    ]


def _shown(board: Leaderboard) -> list[Answer]:
    """The comparisons with the second best: who is better, and who fails less if decided."""
    return [*board.level[:1], *(one for one in board.failures[:1] if one.verdict in ("a", "b"))]


def _told(runs: Runs) -> str:
    metric = runs.metric
    mean, values = float(runs.values.mean()), runs.values
    std = f", std {shown(metric, float(std_of(values)))}" if runs.n > 1 else ""
    return (
        f"{runs.recipe} mean {metric.replace('_', ' ')} {shown(metric, mean)}{std}, "
        f"{_bad([runs])} of {_runs(runs.n)} failed"
    )


def _next_steps(cells: Sequence[Cell], found: Sequence[Leaderboard]) -> list[str]:
    steps = _unfinished(cells)
    fragile = dict.fromkeys(one.leader.recipe for one in found if one.leader.failed.any())
    if fragile:
        steps.append(
            f"{', '.join(fragile)}: failed runs beside the best mean on a task. The verdicts on "
            "them (below, or steadytune diagnose) say what to change first."
        )
    few = [one for one in found if any(runs.n < LEAST_RUNS for runs in one.runs) and one.level]
    if few:
        steps.append(
            f"Run at least {LEAST_RUNS} seeds of each recipe, better 10. To add seeds, run the "
            "same command with a larger --seeds; finished runs are kept."
        )
    steps += _more_seeds(found)
    if any(len(one.rivals) and len(one.runs) > 2 for one in found):
        steps.append(
            "The leader was picked after seeing the results, so p-values are corrected for all "
            "pairs of recipes. If you planned one comparison, use steadytune compare."
        )
    if not steps and found:
        steps.append("Use that recipe, and report its mean with n and interval, not its best run.")
    return steps


def _unfinished(cells: Sequence[Cell]) -> list[str]:
    crashed = sum(record.state is State.CRASHED for cell in cells for record in cell.records)
    ended = sum(record.state.ended for cell in cells for record in cell.records)
    missing = sum(cell.planned for cell in cells) - ended - crashed
    open_runs = [f"{_runs(missing)} {'has' if missing == 1 else 'have'} not ended"]
    open_runs = (open_runs if missing else []) + ([f"{crashed} crashed"] if crashed else [])
    return [f"Run the same command again: {', '.join(open_runs)}."] if open_runs else []


def _more_seeds(found: Sequence[Leaderboard]) -> list[str]:
    """What would separate the first two of each task, where the runs do not."""
    firsts = [one.level[0] for one in found if one.level and one.level[0].verdict == "undecided"]
    if not firsts:
        return []
    by_pair: dict[str, list[str]] = {}
    for one in firsts:
        if one.seeds_needed is not None:
            pair = " and ".join(sorted((one.a, one.b)))
            told = f"about {one.seeds_needed} seeds of each on {one.task} ({one.encoder})"
            by_pair.setdefault(pair, []).append(told)
    steps = [
        f"To separate {pair}: {', '.join(told)}, if the true difference is the one seen."
        for pair, told in by_pair.items()
    ]
    if steps:
        steps.append(
            "To add seeds, run the same command with a larger --seeds; finished runs are kept."
        )
    return [
        *steps,
        "Undecided does not mean equal: the intervals say which differences are still possible. "
        "Until more is known, choose by failures, spread or cost.",
    ]


def _most_frequent(names: Sequence[str]) -> list[str]:
    """Those that no other occurs more often than, in their order."""
    counts = {name: names.count(name) for name in names}
    return [name for name, count in counts.items() if count == max(counts.values())]


def _named(names: Iterable[str]) -> str:
    """Some names as a list, many as their number."""
    different = list(dict.fromkeys(names))
    if len(different) > _NAMED:
        return f"{len(different)} others"
    return " and ".join([*filter(None, [", ".join(different[:-1])]), *different[-1:]])


def _tasks(n: int) -> str:
    return f"{n} task{'' if n == 1 else 's'}"


def _runs(n: int) -> str:
    return f"{n} run{'' if n == 1 else 's'}"


def _count(several: Sequence[Runs]) -> int:
    return sum(runs.n for runs in several)


def _bad(several: Sequence[Runs]) -> int:
    """Failed and diverged runs."""
    return sum(int(runs.failed.sum()) for runs in several)
