"""The search for the headroom: the next learning rate follows from the runs before it.

Run k of every recipe has seed k, so that recipes meet the same seeds and no recipe meets one twice.
The choice is a function of the outcomes so far: the same command again makes the same choices,
finds their runs in the ledger, and goes on where it left off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from steadytune import runner
from steadytune.ledger import Ledger
from steadytune.recipe import Recipe, Seeds
from steadytune.reproduce.cast import Cast
from steadytune.reproduce.evidence import SEARCHED
from steadytune.reproducing.runs import folder_of, run_loaded
from steadytune.results.outcomes import Outcome, outcome
from steadytune.runner import ShowProgress
from steadytune.stats.headroom import ENOUGH, Posterior, Trial, rates
from steadytune.study import Run, Study

AT_ONCE = 2  # runs of a recipe before the next rate is chosen; they train as one stack


def searched_recipes(cast: Cast) -> dict[str, Recipe]:
    """The recipes whose headroom is searched."""
    return {"default": cast.default, "corrected": cast.corrected, "proposed": cast.proposed}


def candidates(cast: Cast) -> tuple[float, ...]:
    """Rates that may be tried; those of the ablation are left to it, so no run is made twice."""
    return tuple(lr for lr in rates(*cast.scale.searched) if lr not in cast.scale.lrs)


def search_study(cast: Cast) -> Study:
    """All runs that a search may ask for; it asks for few of them."""
    recipes = [
        replace(recipe, name=named(recipe, lr), lr=lr)
        for recipe in searched_recipes(cast).values()
        for lr in candidates(cast)
    ]
    return Study(
        recipes=tuple(recipes),
        tasks=(cast.scale.main,),
        encoders=(cast.encoder,),
        seeds=tuple(Seeds.tied(seed) for seed in range(cast.scale.most_runs)),
        name=SEARCHED,
        question="Up to which learning rate do at most 10 % of the runs of each recipe fail?",
        evaluate="end",
    )


def search_headroom(
    cast: Cast, out: Path, executor: str, console: Console, progress: ShowProgress
) -> list[str]:
    """Search every recipe's headroom, all recipes in step; returns what went wrong, in words.

    Raises:
        BadInput: something cannot be used, or the folder holds another search.
    """
    loaded = runner.prepare(search_study(cast))
    folder = folder_of(out, cast.encoder) / SEARCHED
    known = (folder / "study.json").exists()
    wanted = {row.id for row in Ledger.open(folder).planned} if known else set[str]()
    stopped = dict[str, str]()
    while True:
        became = _outcomes(folder)
        asked = {
            name: next_runs(cast, loaded.runs, recipe, became)
            for name, recipe in searched_recipes(cast).items()
            if name not in stopped
        }
        wanted |= {run.id for runs in asked.values() for run in runs}
        if not any(asked.values()):
            return list(stopped.values())
        part = replace(loaded, runs=tuple(run for run in loaded.runs if run.id in wanted))
        run_loaded(part, runner.open_ledger(part, folder), executor, console, progress)
        became = _outcomes(folder)
        for name, runs in asked.items():
            if any(run.id not in became for run in runs):
                stopped[name] = f"headroom of {name}: a run crashed, so its search stopped"


def next_runs(
    cast: Cast, runs: Sequence[Run], recipe: Recipe, became: Mapping[str, Outcome]
) -> list[Run]:
    """The runs that a recipe's search asks for next; none when it is at its end.

    Args:
        cast: gives the rates and the most runs.
        runs: all of the search study.
        recipe: whose headroom is searched.
        became: outcomes of the runs that ended, by id.
    """
    at = {(run.recipe.name, run.seeds.init): run for run in runs}
    trials, most = list[Trial](), cast.scale.most_runs
    while len(trials) < most:
        posterior = Posterior(candidates(cast), trials)
        if trials and posterior.headroom().factor <= ENOUGH:
            break
        name = named(recipe, posterior.next_lr())
        chosen = [at[name, k] for k in range(len(trials), min(len(trials) + AT_ONCE, most))]
        missing = [run for run in chosen if run.id not in became]
        if missing:
            return missing
        trials += [Trial(r.recipe.lr, became[r.id] is not Outcome.SUCCESS) for r in chosen]
    return []


def named(recipe: Recipe, lr: float) -> str:
    """The name of a recipe at another learning rate."""
    return f"lr {lr:.1e},{recipe.name.partition(',')[2]}"


def _outcomes(folder: Path) -> dict[str, Outcome]:
    """Of the runs that have ended, by id; none without a ledger."""
    if not (folder / "study.json").exists():
        return {}
    rows = Ledger.open(folder).records()
    return {
        row.planned.id: found
        for row in rows
        if row.record is not None and (found := outcome(row.record)) is not None
    }
