"""Run the parts of a reproduction, each in its ledger, and gather what is on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from steadytune import encoders, runner, tasks
from steadytune.errors import BadInput
from steadytune.ledger import Ledger
from steadytune.reproduce.cast import Cast
from steadytune.reproduce.evidence import SEARCHED, Evidence
from steadytune.reproduce.mosbach2021 import Experiment
from steadytune.reproduce.parts import Part, of_experiments, parts, slug
from steadytune.reproduce.scale import Scale
from steadytune.runner import PreparedStudy, ShowProgress
from steadytune.study import TaskChoice


@dataclass(frozen=True)
class PlannedPart:
    """How much of a part there is to do: runs, and optimizer steps of all of them together."""

    name: str
    runs: int
    steps: int


def cast_of(encoder: str, scale: Scale, wanted: Sequence[Experiment]) -> Cast:
    """The cast of an encoder; loads encoder and tasks to learn of families and sizes.

    Raises:
        BadInput: encoder or tasks cannot be used, or a task has too few examples for its subset.
    """
    with_subsets = any(experiment.name == "data_size" for experiment in wanted)
    choices = {task.title: task for task in scale.tasks}
    if with_subsets:
        choices |= {task.title: task for task in scale.subset_tasks}
    loaded = {title: tasks.load(choice) for title, choice in choices.items()}
    for task in scale.subset_tasks if with_subsets else ():
        size = loaded[task.title].facts.train_examples
        if size <= scale.subset:
            raise BadInput(
                f"{task.title} has {size} training examples; data_size cuts it to {scale.subset}: "
                "give a larger task, a larger --train-size, or leave data_size out"
            )
    return Cast(
        encoder=encoder,
        family=encoders.load(encoder).facts.family,
        scale=scale,
        train_examples={title: task.facts.train_examples for title, task in loaded.items()},
        pairs=frozenset(title for title, task in loaded.items() if task.train.pairs is not None),
    )


def folder_of(out: Path, encoder: str) -> Path:
    """Where the parts of an encoder are."""
    return out / slug(encoder)


def planned(cast: Cast, wanted: Sequence[Experiment]) -> list[PlannedPart]:
    """What the experiments would run, part by part, without the search for the headroom."""
    return [
        PlannedPart(
            part.study.name,
            len(part.study.recipes) * len(part.study.tasks) * len(part.study.seeds),
            sum(_steps(cast, part, task) * len(part.study.seeds) for task in part.study.tasks),
        )
        for part in of_experiments(cast, [experiment.name for experiment in wanted])
    ]


def _steps(cast: Cast, part: Part, task: TaskChoice) -> int:
    """Optimizer steps of all recipes of a part on a task, one seed."""
    size = cast.train_examples.get(task.title, task.train_size or 0)
    return sum(recipe.total_steps(size) for recipe in part.study.recipes)


def run_parts(
    cast: Cast,
    wanted: Sequence[Experiment],
    out: Path,
    executor: str,
    console: Console,
    progress: ShowProgress,
) -> None:
    """Run what is left of every part that the experiments show; again, to continue.

    Raises:
        BadInput: something cannot be used, or ``out`` holds another reproduction.
    """
    for part in of_experiments(cast, [experiment.name for experiment in wanted]):
        loaded = runner.prepare(part.study)
        ledger = runner.open_ledger(loaded, folder_of(out, cast.encoder) / part.study.name)
        run_loaded(loaded, ledger, executor, console, progress)


def run_loaded(
    loaded: PreparedStudy, ledger: Ledger, executor: str, console: Console, progress: ShowProgress
) -> None:
    """Run what is left of a study, with its progress shown."""
    left = runner.unfinished(ledger, loaded.runs)
    number = len({run.id for run in loaded.runs})
    text = f"{loaded.study.name}: {number - len(left)} of {number} runs have ended"
    console.print(text, markup=False, soft_wrap=True)
    if not left:
        return
    with progress(loaded, ledger) as watch:
        runner.run_study(loaded, ledger, executor, watch)


def evidence_of(cast: Cast, out: Path, command: str) -> Evidence:
    """Everything that is on disk for an encoder, whichever experiments it was run for."""
    folder = folder_of(out, cast.encoder)
    names = [*(part.study.name for part in parts(cast)), SEARCHED]
    ledgers = {
        name: Ledger.open(folder / name)
        for name in names
        if (folder / name / "study.json").exists()
    }
    return Evidence(cast, folder, ledgers, command)


def crashed(evidence: Evidence) -> int:
    """How many runs crashed."""
    rows = [row for ledger in evidence.ledgers.values() for row in ledger.records()]
    return sum(bool(row.record and row.record.error) for row in rows)
