"""The answer of a study: which recipe, how sure, what to do next, in sentences with numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from steadytune.analysis.carries import LEAST_RUNS
from steadytune.analysis.cautions import suspicious
from steadytune.analysis.cells import Cell
from steadytune.analysis.compare import Answer
from steadytune.analysis.contest import Contest, contests
from steadytune.analysis.failure_tests import MOST
from steadytune.analysis.intervals import wilson
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
    found = contests(cells, which)
    named = [one for contest in found for one in _shown(contest)]
    cautions = [*suspicious(cells), *notes(named), *_of_data(cells)]
    return Conclusion(
        headline=_headline(found),
        evidence=tuple(line for contest in found for line in _evidence(contest)),
        others=tuple(one.sentence for contest in found for one in contest.level[1:]),
        cautions=tuple(dict.fromkeys(f"{one.rstrip('.')}." for one in cautions)),
        next_steps=tuple(_next_steps(cells, found)),
    )


def _of_data(cells: Sequence[Cell]) -> list[str]:
    return [line for cell in cells for run in cell.records[:1] for line in run.task.cautions]


def _headline(found: Sequence[Contest]) -> str:
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
        return f"No recipe leads: the best mean has {', '.join(wins)}{rest}."
    own = [runs for contest in found for runs in contest.runs if runs.recipe == name]
    others = [runs for contest in found for runs in contest.runs if runs.recipe != name]
    if not others:
        return _alone(name, own)
    won = [one for one in learned if one.leader.recipe == name]
    failures = (
        f"{_bad(own)} of its {_count(own)} runs failed, {_bad(others)} of the others' "
        f"{_count(others)}"
    )
    return f"{_standing(name, won, len(found))}; {failures}."


def _standing(name: str, won: Sequence[Contest], tasks: int) -> str:
    """That the recipe leads, and how sure that is."""
    where = "" if tasks == 1 else f" on {len(won)} of {_tasks(tasks)}"
    refused = _named(one for contest in won for one in contest.refused)
    rivals = _named(one for contest in won for one in contest.rivals)
    if rivals:
        everywhere = " on every task" if len(won) > 1 else ""
        told = f"but these runs do not tell it from {rivals}{everywhere}"
        return f"{name} has the best mean{where}, {told}"
    if refused:
        few = any(runs.n < LEAST_RUNS for contest in won for runs in contest.runs)
        why = f"fewer than {LEAST_RUNS} runs of a recipe decide nothing" if few else "see below"
        return f"{name} has the best mean{where}, but cannot be compared with {refused}: {why}"
    several = any(len(contest.level) > 1 for contest in won)
    other = "every other recipe" if several else won[0].level[0].b if won[0].level else "no other"
    return f"Use {name}: it is better than {other}{where}, more than chance explains"


def _alone(name: str, own: Sequence[Runs]) -> str:
    """The headline of a study of one recipe: can its result be trusted?"""
    bad, n = _bad(own), _count(own)
    low, high = wilson(bad, n) or (0.0, 1.0)
    share = f"{100 * low:.0f} to {100 * high:.0f} %"
    if not bad:
        return f"{name}: none of its {n} runs failed (95 % interval of the share: {share})."
    return f"{name} is not steady: {bad} of its {n} runs failed (95 % interval: {share})."


def _evidence(contest: Contest) -> list[str]:
    """The sentences that stand behind the headline for one task."""
    leader = contest.leader
    if not contest.level:
        return [f"{leader.task} ({leader.encoder}): {_told(leader)}."]
    first = contest.level[0]
    if first.verdict == "refused":
        where = f"{leader.task} ({leader.encoder})"
        told = f"{where}: {_told(leader)}; next {_told(contest.runs[1])}"
        return [f"{told}. Not compared: {'; '.join(first.warnings)}."]
    further = [one.sentence for one in _shown(contest)[1:] if one.verdict != "refused"]
    return [first.sentence, *_rest(contest), *further]


def _rest(contest: Contest) -> list[str]:
    """How the leader stands to the recipes behind the second, in a sentence."""
    rest = contest.level[1:]
    better = [one.b for one in rest if one.verdict == "a"]
    failing = [one.b for one in contest.failures[1:] if one.verdict == "a" and one.b not in better]
    kinds = {
        "is better than": better,
        "fails less often than": failing,
        "is not told from": [name for name in contest.rivals if name in {one.b for one in rest}],
        "is not compared with": [one.b for one in rest if one.verdict == "refused"],
    }
    told = [f"{what} {', '.join(names)}" for what, names in kinds.items() if names]
    if not told:
        return []
    leader = contest.leader
    return [
        f"Of the others on {leader.task} ({leader.encoder}), {leader.recipe} {'; '.join(told)} "
        f"(p-values by Holm over {contest.comparisons} comparisons)."
    ]


def _shown(contest: Contest) -> list[Answer]:
    """The comparisons with the second best: who is better, and what else is decided."""
    more = [one for one in (contest.spread, *contest.failures[:1]) if one is not None]
    return [*contest.level[:1], *(one for one in more if one.verdict in ("a", "b"))]


def _told(runs: Runs) -> str:
    metric = runs.metric
    mean, values = float(runs.values.mean()), runs.values
    std = f", std {shown(metric, float(values.std(ddof=1)))}" if runs.n > 1 else ""
    return (
        f"{runs.recipe} mean {metric.replace('_', ' ')} {shown(metric, mean)}{std}, "
        f"{_bad([runs])} of {_runs(runs.n)} failed"
    )


def _next_steps(cells: Sequence[Cell], found: Sequence[Contest]) -> list[str]:
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
            f"Run {LEAST_RUNS} seeds of each recipe at least, better 10: the same command with a "
            "larger --seeds keeps the runs that are there."
        )
    steps += _more_seeds(found)
    if any(len(one.rivals) and len(one.runs) > 2 for one in found):
        steps.append(
            "The leader was chosen by looking, so each p-value pays for all pairs of recipes. For "
            "two recipes chosen before looking, ask steadytune compare: it pays for one pair."
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


def _more_seeds(found: Sequence[Contest]) -> list[str]:
    """What would tell the first two of each task apart, where the runs do not."""
    firsts = [one.level[0] for one in found if one.level and one.level[0].verdict == "undecided"]
    if not firsts:
        return []
    by_pair: dict[str, list[Answer]] = {}
    for one in firsts:
        by_pair.setdefault(" against ".join(sorted((one.a, one.b))), []).append(one)
    steps = [f"{pair}: {'; '.join(_seeds_needed(of))}." for pair, of in by_pair.items()]
    if any(one.seeds_needed is not None for one in firsts):
        steps.append(
            "Those numbers hold if further runs are like these; the same command with a larger "
            "--seeds keeps the runs there are."
        )
    return [
        *steps,
        "Or take what is not told apart for equally good here, and choose by failures, spread or "
        "cost.",
    ]


def _seeds_needed(open_: Sequence[Answer]) -> list[str]:
    """The same of one pair of recipes on its tasks, in words."""
    enough = [
        f"about {one.seeds_needed} seeds of each on {one.task} ({one.encoder})"
        for one in open_
        if one.seeds_needed is not None
    ]
    never = [f"{one.task} ({one.encoder})" for one in open_ if one.seeds_needed is None]
    told = [f"{', '.join(enough)} would tell their means apart"] if enough else []
    if never:
        most = max(MOST, *(n for one in open_ for n in (one.n_a, one.n_b)))
        told.append(
            f"on {', '.join(never)} not even {most} seeds of each would tell their means apart"
        )
    return told


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
