"""Ledgers for tests of figures and reports: synthetic studies, whole, empty or hostile."""

from pathlib import Path

import ledger_of
import numpy as np

from steadytune.ledger import Ledger
from steadytune.recipe import RECIPE, Recipe, Seeds
from steadytune.records import (
    Diverged,
    EncoderFacts,
    Evaluation,
    Finished,
    RunRecord,
    Started,
    State,
    Step,
    TaskFacts,
)
from steadytune.study import Study, TaskChoice, plan
from steadytune.targets import target_of

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)> $x$ $\\frac{$ & \" ' `",
    "x" * 10_000,
    "\u202e\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 \u6f22\u5b57 \u2028\u2029\u0000\x07",
)
ENCODER = EncoderFacts("<b>encoder</b>", "e0", "bert", 10)
LABELS = np.array([0, 1, 1, 0, 1])


def small(folder: Path) -> Ledger:
    """Three recipes, two tasks, six seeds, with failed and diverged runs."""
    return ledger_of.make_ledger(folder, 3, 2, 6, steps=150, examples=40, evaluations=3)


def study_of(
    folder: Path,
    seeds: int = 3,
    scores: bool = False,
    hostile: bool = False,
    orders: tuple[int, ...] = (),
) -> Ledger:
    """A study of one recipe and one task with no run begun; with ``orders`` seeds are crossed."""
    name = HOSTILE[0] if hostile else "plain"
    study = Study(
        recipes=(Recipe(name, 1e-5, steps=4, source=HOSTILE[1] if hostile else ""),),
        tasks=(TaskChoice(HOSTILE[1] if hostile else "task"),),
        encoders=(ENCODER.name,),
        seeds=tuple(
            Seeds(seed, order, 0) if orders else Seeds.tied(seed)
            for seed in range(seeds)
            for order in orders or (0,)
        ),
        question=HOSTILE[3] + HOSTILE[4] if hostile else "",
    )
    facts = task_of(study.tasks[0].name, scores, hostile)
    runs = plan(study, {study.tasks[0].title: facts}, {ENCODER.name: ENCODER})
    return Ledger.create_or_open(folder, study, runs, {"python": HOSTILE[0]})


def task_of(name: str, scores: bool = False, hostile: bool = False) -> TaskFacts:
    """Its facts."""
    labels = LABELS.astype(float) if scores else LABELS
    names = ("pearson", "mean_squared_error") if scores else ("accuracy", "f1")
    labelled = (HOSTILE[0], HOSTILE[3]) if hostile else ("no", "yes")
    target = target_of(None if scores else labelled)
    return TaskFacts(
        name=name,
        digest="t0",
        label_names=target.label_names,
        metric=names[0],
        train_examples=10,
        dev_examples={"dev": 5},
        select="dev",
        report="dev",
        baseline={"dev": target.baseline(names, labels)},
    )


def conduct(ledger: Ledger, fates: str, scores: bool = False, hostile: bool = False) -> Ledger:
    """Do one run a letter: good, failed, nan (diverged at its first step); then the texts."""
    facts = task_of(ledger.study.tasks[0].name, scores, hostile)
    for place, (row, fate) in enumerate(zip(ledger.planned, fates, strict=False)):
        record = RunRecord(
            id=row.id,
            state=State.PLANNED,
            recipe=RECIPE.dump_python(ledger.study.recipes[0], mode="json"),
            task=facts,
            encoder=ENCODER,
            seeds=vars(row.seeds) | {},
            total_steps=4,
        )
        labels = LABELS.astype(float) if scores else LABELS
        writer = ledger.writer(record, {"dev": labels})
        for event in _events(row.id, fate, place, facts, labels):
            writer.write(event)
    if hostile:
        ledger.keep_examples("t0", "dev", HOSTILE, HOSTILE[::-1])
    return ledger


def _events(run, fate, place, facts, labels):
    yield Started(run, 0, 4)
    if fate == "n":
        yield Step(run, 1, float("nan"), 1e-5, float("inf"), 1.0, 7, 0.1)
        yield Diverged(run, 1, "classifier.weight")
        return
    for step in range(1, 5):
        yield Step(run, step, 1 / step, 1e-5, 1.0, 1.0, 7, 0.1)
    margin = np.where(LABELS == 1, 1.0, -1.0)
    margin[place % 5] *= -1  # each good run is wrong on another example
    if fate == "f":
        margin = np.full(5, 0.5)
    if facts.target.ordered:
        outputs = (margin[:, None] + 0.1 * place).astype(np.float32)
    else:
        outputs = np.stack([-margin, margin], axis=1).astype(np.float32)
    metrics = facts.target.measure(facts.baseline["dev"], labels, outputs)
    yield Evaluation(run, 4, "dev", 0.5, metrics, outputs, 0.1)
    yield Finished(run, 4)


CONDITIONS = {
    "empty": lambda folder: study_of(folder),
    "one run": lambda folder: conduct(study_of(folder), "g"),
    "all failed": lambda folder: conduct(study_of(folder), "fff"),
    "all diverged": lambda folder: conduct(study_of(folder), "nnn"),
    "mixed": lambda folder: conduct(study_of(folder, 5), "gfng"),
    "scores": lambda folder: conduct(study_of(folder, scores=True), "ggn", scores=True),
    "crossed": lambda folder: conduct(study_of(folder, 3, orders=(0, 1)), "ggfggg"),
    "hostile": lambda folder: conduct(study_of(folder, 6, hostile=True), "ggggfn", hostile=True),
    "small": small,
}
