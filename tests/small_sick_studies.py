"""Tiny studies that are sick in a known way, conducted into ledgers, for tests of verdicts."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from small_studies import RECIPE, SmallStudy, make_task
from steadytune.ledger import Ledger
from steadytune.recipe import RECIPE as ADAPTER
from steadytune.records import RunRecord, State
from steadytune.study import Run, plan
from steadytune.tasks import Task
from steadytune.training.loop import train
from steadytune.training.step import PlainStepper

LEARNS = replace(RECIPE, lr=1e-3, epochs=None, steps=96, warmup=0.1)


def task_with(labels: np.ndarray, train_size: int = 60) -> Task:
    """The tiny task with other training labels."""
    task = make_task(train_size=train_size)
    return replace(task, train=replace(task.train, labels=labels))


def shuffled(train_size: int = 60) -> Task:
    """Labels that do not belong to their texts."""
    labels = make_task(train_size=train_size).train.labels
    return task_with(np.random.default_rng(5).permutation(labels), train_size)


def constant() -> Task:
    """All training labels are the same."""
    return task_with(np.zeros(60, dtype=np.int64))


def conducted(folder: Path, study: SmallStudy) -> Ledger:
    """The ledger of the study after all its runs."""
    runs = plan(study.study, {"tiny": study.task.facts}, {study.name: study.encoder.facts})
    ledger = Ledger.create_or_open(folder, study.study, runs, {})
    for run in runs:
        writer = ledger.writer(_record(study, run), {"dev": study.task.dev["dev"].labels})
        for event in train([study.prepare(run)], PlainStepper()):
            writer.write(event)
    return ledger


def _record(study: SmallStudy, run: Run) -> RunRecord:
    return RunRecord(
        id=run.id,
        state=State.PLANNED,
        recipe=ADAPTER.dump_python(run.recipe, mode="json"),
        task=study.task.facts,
        encoder=study.encoder.facts,
        seeds=asdict(run.seeds),
        total_steps=run.recipe.total_steps(len(study.task.train)),
    )
