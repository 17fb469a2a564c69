"""A tiny task, encoder and study that train in a second, for tests of the training half."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from steadytune import encoders
from steadytune.metrics import baseline
from steadytune.recipe import Recipe, Seeds
from steadytune.records import Finished, Step, TaskFacts
from steadytune.score_scale import ScoreScale
from steadytune.seeds import generator
from steadytune.study import Run, Study, TaskChoice, plan
from steadytune.tasks import Split, Task
from steadytune.training.loop import train
from steadytune.training.prepare import Preparation
from steadytune.training.step import PlainStepper
from tiny_models import WORDS, make_tiny

CPU = torch.device("cpu")
RECIPE = Recipe(name="tiny", lr=1e-3, epochs=2, batch_size=8, max_length=48, precision="fp32")


def make_split(size: int, seed: int, pairs: bool = False) -> Split:
    """Sentences of 1 to 25 words; the label says whether "never" is among the first text's."""
    draw = generator("text", seed)

    def sentence(label: int) -> str:
        words = [str(word) for word in draw.choice(WORDS, draw.integers(1, 25))]
        words = [word for word in words if word != "never"]
        return " ".join([*words, "never"] if label else words or ["the"])

    labels = draw.integers(0, 2, size)
    return Split(
        texts=tuple(sentence(label) for label in labels),
        pairs=tuple(sentence(0) for _ in labels) if pairs else None,
        labels=labels,
    )


def make_task(pairs: bool = False, train_size: int = 60, scores: bool = False) -> Task:
    """A task on such sentences."""
    splits = {"train": make_split(train_size, 0, pairs), "dev": make_split(40, 1, pairs)}
    if scores:
        splits = {k: replace(s, labels=s.labels.astype(np.float64)) for k, s in splits.items()}
    names = None if scores else ("without", "with")
    metrics = ("pearson", "mean_squared_error") if scores else ("accuracy", "matthews")
    facts = TaskFacts(
        name="tiny",
        digest="0",
        label_names=names,
        metric=metrics[0],
        train_examples=train_size,
        dev_examples={"dev": 40},
        select="dev",
        report="dev",
        baseline={"dev": baseline(metrics, splits["dev"].labels, None if scores else 2)},
        scale=ScoreScale.of(splits["train"].labels) if scores else None,
    )
    return Task(
        name="tiny",
        label_names=names,
        train=splits["train"],
        dev={"dev": splits["dev"]},
        metric=metrics[0],
        metrics=metrics,
        select="dev",
        report="dev",
        facts=facts,
    )


class SmallStudy:
    """A study of one recipe, one task, one tiny encoder."""

    def __init__(
        self,
        folder: Path,
        recipe: Recipe = RECIPE,
        task: Task | None = None,
        family: str = "bert",
        seed: int = 0,
        **study: Any,
    ) -> None:
        if not (folder / family).exists():
            make_tiny(folder / family, family)
        self.folder = folder
        self.name = str(folder / family)
        self.task = task or make_task()
        self.encoder = encoders.load(self.name)
        self.study = Study(
            recipes=(recipe,),
            tasks=(TaskChoice("tiny"),),
            encoders=(self.name,),
            seeds=(Seeds.tied(seed),),
            **study,
        )
        self.prepare = Preparation(self.study, {"tiny": self.task}, {self.name: self.encoder}, CPU)

    @property
    def run(self) -> Run:
        (run,) = plan(self.study, {"tiny": self.task.facts}, {self.name: self.encoder.facts})
        return run

    def events(self, snapshot=None, snapshot_due=lambda run: False):
        return list(train([self.prepare(self.run, snapshot)], PlainStepper(), snapshot_due))


class ThreeSeeds(SmallStudy):
    """Three seeds of each recipe."""

    def runs(self, *recipes):
        study = replace(
            self.study,
            recipes=recipes or self.study.recipes,
            seeds=tuple(Seeds.tied(seed) for seed in range(3)),
        )
        return plan(study, {"tiny": self.task.facts}, {self.name: self.encoder.facts})


def sabotaged(study, broken):
    """Makes runs ready, one of which fails in its first step."""

    def loss(forward, labels):
        raise RuntimeError("no such luck")

    def prepare(run, snapshot=None):
        ready = study.prepare(run, snapshot)
        if run != broken:
            return ready
        return replace(ready, procedure=replace(ready.procedure, loss=loss))

    return prepare


Kind = TypeVar("Kind")


def of(kind: type[Kind], events: Iterable[object]) -> list[Kind]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def kept(events: Iterable[object]) -> Mapping[str, np.ndarray]:
    """The weights that the run left behind."""
    (finished,) = of(Finished, events)
    assert finished.weights is not None
    return finished.weights


def losses(events):
    """The loss of every step."""
    return [event.loss for event in of(Step, events)]
