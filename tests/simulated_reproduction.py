"""A reproduction whose runs are made up: which of them fail is known."""

from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import numpy as np

from steadytune.ledger import Ledger
from steadytune.recipe import RECIPE, Recipe
from steadytune.records import (
    EncoderFacts,
    Evaluation,
    Event,
    Finished,
    RunRecord,
    Started,
    State,
    Step,
    TaskFacts,
)
from steadytune.reproduce.cast import Cast
from steadytune.reproduce.evidence import Evidence
from steadytune.reproduce.parts import parts
from steadytune.reproduce.scale import SMALL, Scale
from steadytune.study import Run, plan
from steadytune.targets import Classification

ENCODER = EncoderFacts("made-up", "e0", "bert", 10)
TARGET = Classification(("no", "yes"))
METRICS = ("accuracy", "matthews")
DEV = 200
LABELS = (np.arange(DEV) % 20 < 11).astype(np.int64)  # 55 % in the larger class
Chance = Callable[[Recipe], float]


def cast(scale: Scale = SMALL, pairs: bool = False) -> Cast:
    """The cast of the made-up encoder."""
    titles = {task.title for task in (*scale.tasks, *scale.subset_tasks)}
    sizes = {task.title: task.train_size or 2500 for task in (*scale.tasks, *scale.subset_tasks)}
    return Cast(ENCODER.name, "bert", scale, sizes, frozenset(titles if pairs else ()))


def facts_of(title: str, examples: int) -> TaskFacts:
    """A task of that title."""
    return TaskFacts(
        name=title,
        digest=f"digest of {title}",
        label_names=TARGET.label_names,
        metric="accuracy",
        train_examples=examples,
        dev_examples={"dev": DEV},
        select="dev",
        report="dev",
        baseline={"dev": TARGET.baseline(METRICS, LABELS)},
    )


def simulate(
    folder: Path,
    fails: Chance,
    made: Cast | None = None,
    skill: Callable[[Recipe], float] = lambda recipe: 1.2,
    only: Callable[[str], bool] = lambda part: True,
) -> Evidence:
    """Every part on disk; a run fails with the chance of its recipe.

    Args:
        folder: of the parts.
        fails: chance of failing, by recipe.
        made: the cast.
        skill: by how many standard deviations runs that do not fail tell the classes apart.
        only: which parts are on disk.
    """
    made = made or cast()
    with mock.patch("os.fsync"):  # nothing here has to survive a power cut
        ledgers = {
            part.study.name: conduct(folder, part.study, made, fails, skill)
            for part in parts(made)
            if only(part.study.name)
        }
    return Evidence(made, folder, ledgers, "steadytune reproduce mosbach2021")


def conduct(folder, study, made, fails, skill) -> Ledger:
    """All runs of a study on disk; see ``simulate``."""
    sizes = {t.title: made.train_examples.get(t.title, t.train_size) for t in study.tasks}
    facts = {title: facts_of(title, size) for title, size in sizes.items()}
    runs = plan(study, facts, {ENCODER.name: ENCODER})
    ledger = Ledger.create_or_open(folder / study.name, study, runs, {"python": "made up"})
    for run in runs:
        task = facts[run.task.title]
        record = record_of(run, task)
        writer = ledger.writer(record, {"dev": LABELS})
        for event in _events(run, record.total_steps, study.evaluate, task, fails, skill):
            writer.write(event)
    return ledger


def record_of(run: Run, task: TaskFacts) -> RunRecord:
    """The record of a run that is planned."""
    seeds = {name: getattr(run.seeds, name) for name in ("init", "order", "dropout")}
    return RunRecord(
        id=run.id,
        state=State.PLANNED,
        recipe=RECIPE.dump_python(run.recipe, mode="json"),
        task=task,
        encoder=ENCODER,
        seeds=seeds,
        total_steps=run.recipe.total_steps(task.train_examples),
    )


def _events(run, steps, evaluate, task, fails, skill) -> Iterator[Event]:
    draw = np.random.default_rng(int(run.id, 16))
    failed = draw.random() < fails(run.recipe)
    ability = 0.0 if failed else skill(run.recipe) * (1 + 0.05 * draw.normal())
    yield Started(run.id, 0, steps)
    every = evaluate if isinstance(evaluate, int) else steps
    every = max(1, steps // 6) if evaluate == "epoch" else every
    for step in range(1, steps + 1):
        level = 0.69 if failed else 0.69 * np.exp(-4 * step / steps)
        norm = 3.0 if not failed else 1.0 if step <= steps // 3 else 0.1
        yield Step(run.id, step, level * (1 + 0.01 * draw.normal()), 1e-4, norm, norm, 100, 0.1)
        if step % every == 0 or step == steps:
            margin = np.where(LABELS == 1, ability, -ability) + draw.normal(size=DEV)
            margin = np.full(DEV, 0.5) if failed else margin
            outputs = np.stack([-margin, margin], axis=1).astype(np.float32)
            metrics = TARGET.measure(task.baseline["dev"], LABELS, outputs)
            yield Evaluation(run.id, step, "dev", 0.5, metrics, outputs, 0.1)
    yield Finished(run.id, steps)
