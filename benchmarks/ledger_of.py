"""Make a synthetic ledger: a study of any size whose runs look like real ones, without training.

It goes through the public writer, so readers see the files of a real study. What each run is like
follows from the ledger seed: curves that fall, stay at chance or stop being finite, predictions
that agree on easy examples and part on hard ones, and texts for them.

    python benchmarks/ledger_of.py OUT [--seeds 25] [--steps 600]
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadytune.ledger import Ledger
from steadytune.named_recipes import mosbach2021
from steadytune.recipe import RECIPE, Recipe, Seeds, StabilizerChoice
from steadytune.records import (
    Crashed,
    Diverged,
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
from steadytune.study import Run, Study, TaskChoice, plan
from steadytune.targets import Classification

METRICS = ("accuracy", "f1", "matthews")
ENCODER = EncoderFacts("synthetic-base", "e0", "bert", 110_000_000)
WORDS = [
    "the",
    "a",
    "film",
    "was",
    "not",
    "very",
    "good",
    "though",
    "nobody",
    "said",
    "it",
    "could",
    "have",
    "been",
    "any",
    "worse",
    "than",
]

MIXOUT = StabilizerChoice("mixout", {"p": 0.7})
TARGET = Classification(("bad", "good"))


@dataclass(frozen=True)
class Kind:
    """What a recipe changes, and how its runs turn out: shares that fail, skill and its spread."""

    name: str
    changes: Mapping[str, Any]
    failed: float
    diverged: float
    skill: float
    spread: float


KINDS = (
    Kind("default", {"bias_correction": False}, 0.28, 0.0, 1.3, 0.25),
    Kind("corrected", {}, 0.0, 0.0, 1.5, 0.06),
    Kind("high-lr", {"lr": 1e-4}, 0.5, 0.08, 1.0, 0.4),
    Kind("small-batch", {"batch_size": 4}, 0.12, 0.0, 0.9, 0.2),
    Kind("mixout", {"stabilizers": (MIXOUT,)}, 0.04, 0.0, 1.6, 0.1),
    Kind("no-warmup", {"lr": 5e-5, "warmup": 0}, 0.36, 0.04, 1.2, 0.3),
)


@dataclass(frozen=True)
class SyntheticTask:
    """The dev split of a task: N texts, (N,) labels and (N,) easiness of the examples."""

    name: str
    facts: TaskFacts
    texts: tuple[str, ...]
    labels: NDArray[np.int64]
    easiness: NDArray[np.float64]


def synthetic_task(name: str, examples: int, draw: np.random.Generator) -> SyntheticTask:
    """A task of two classes, about 55 % in the larger one."""
    labels = (draw.random(examples) < 0.55).astype(np.int64)
    labels[:2] = 0, 1
    texts = tuple(" ".join(draw.choice(WORDS, draw.integers(4, 24))) for _ in labels)
    facts = TaskFacts(
        name=name,
        digest=f"digest-of-{name}".replace("/", "-"),
        label_names=TARGET.label_names,
        metric="accuracy",
        train_examples=2500,
        dev_examples={"dev": examples},
        select="dev",
        report="dev",
        baseline={"dev": TARGET.baseline(METRICS, labels)},
    )
    return SyntheticTask(name, facts, texts, labels, draw.normal(0.6, 1.0, examples))


def make_ledger(
    folder: Path,
    recipes: int = 6,
    tasks: int = 3,
    seeds: int = 25,
    steps: int = 600,
    examples: int = 300,
    evaluations: int = 10,
    ledger_seed: int = 0,
) -> Ledger:
    """Write a synthetic study and return its ledger.

    Args:
        folder: a new folder.
        recipes: how many, at most six.
        tasks: how many.
        seeds: how many.
        steps: of a run.
        examples: in each dev split.
        evaluations: of a run.
        ledger_seed: decides everything else.
    """
    kinds = {kind.name: kind for kind in KINDS[:recipes]}
    study = Study(
        recipes=tuple(_recipe(kind, steps) for kind in kinds.values()),
        tasks=tuple(TaskChoice(f"synthetic/{chr(97 + i)}") for i in range(tasks)),
        encoders=(ENCODER.name,),
        seeds=tuple(Seeds.tied(seed) for seed in range(seeds)),
        name="synthetic",
        question="Which recipe is the steadiest? (made-up runs)",
    )
    draw = np.random.default_rng((ledger_seed, 0))
    made = {c.title: synthetic_task(c.name, examples, draw) for c in study.tasks}
    runs = plan(study, {k: v.facts for k, v in made.items()}, {ENCODER.name: ENCODER})
    ledger = Ledger.create_or_open(folder, study, runs, {"python": "3.11", "device": "none"})
    for task in made.values():
        ledger.keep_examples(task.facts.digest, "dev", task.texts, None)
    for place, run in enumerate(runs):
        task, kind = made[run.task.title], kinds[run.recipe.name]
        writer = ledger.writer(_record(run, task, steps), {"dev": task.labels})
        source = np.random.default_rng((ledger_seed, 1, place))
        for event in _events(run.id, task, kind, steps, evaluations, source):
            writer.write(event)
    return ledger


def _recipe(kind: Kind, steps: int) -> Recipe:
    made = {"name": kind.name, "source": "made up", "steps": steps, "epochs": None}
    return replace(mosbach2021(), **(made | dict(kind.changes)))


def _record(run: Run, task: SyntheticTask, steps: int) -> RunRecord:
    return RunRecord(
        id=run.id,
        state=State.PLANNED,
        recipe=RECIPE.dump_python(run.recipe, mode="json"),
        task=task.facts,
        encoder=ENCODER,
        seeds={"init": run.seeds.init, "order": run.seeds.order, "dropout": run.seeds.dropout},
        total_steps=steps,
    )


def _events(
    run: str,
    task: SyntheticTask,
    kind: Kind,
    steps: int,
    evaluations: int,
    draw: np.random.Generator,
) -> Iterator[Event]:
    fate = draw.random()
    failed = fate < kind.failed + kind.diverged
    end = int(steps * 0.4) if fate < kind.diverged else steps
    skill = 0.0 if failed else max(0.2, draw.normal(kind.skill, kind.spread))
    taste = draw.normal(0, 0.7, len(task.labels))
    losses = _losses(steps, failed, draw)
    every = max(1, steps // evaluations)
    yield Started(run, 0, steps)
    if draw.random() < 0.004:
        yield Crashed(run, "Traceback (most recent call last):\nMemoryError: made up")
        return
    for step in range(1, end + 1):
        norm = float((0.02 if failed else 4.0) * draw.lognormal(0, 0.4))
        lr = 2e-5 * min(step / (0.1 * steps), (steps - step) / (0.9 * steps))
        yield Step(run, step, float(losses[step - 1]), lr, norm, min(norm, 1.0), 700, 0.31)
        if step % every == 0 or step == steps:
            yield _evaluation(run, step, task, skill * (1 - math.exp(-5 * step / steps)), taste)
    if fate < kind.diverged:
        yield Diverged(run, end, "classifier.weight")
    else:
        yield Finished(run, steps)


def _losses(steps: int, failed: bool, draw: np.random.Generator) -> NDArray[np.float64]:
    """(steps,) training losses: to about 0.1, or to ln 2 after a bump."""
    share = np.arange(steps) / steps
    level = 0.69 + 0.15 * np.exp(-20 * share) if failed else 0.08 + 0.62 * np.exp(-6 * share)
    return level * draw.lognormal(0, 0.08 if failed else 0.25, steps)


def _evaluation(
    run: str, step: int, task: SyntheticTask, skill: float, taste: NDArray[np.float64]
) -> Evaluation:
    """Logits whose margin is skill x easiness + the run's taste; no skill: one constant class."""
    sign = np.where(task.labels == 1, 1.0, -1.0)
    margin = sign * (skill * task.easiness + taste) if skill > 0 else np.full(len(sign), 0.05)
    outputs = np.stack([-margin, margin], axis=1).astype(np.float32)
    log_odds = sign * 2 * margin
    loss = float(np.mean(np.log1p(np.exp(-log_odds))))
    metrics = TARGET.measure(METRICS, task.labels, outputs)
    return Evaluation(run, step, "dev", loss, metrics, outputs, 0.8)


def main() -> None:
    """Write one from the command line."""
    parser = argparse.ArgumentParser(description="Write a synthetic ledger.")
    parser.add_argument("out", type=Path)
    for name, default in (("recipes", 6), ("tasks", 3), ("seeds", 25), ("steps", 600)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    ledger = make_ledger(given.out, given.recipes, given.tasks, given.seeds, given.steps)
    print(f"{len(ledger.planned)} runs in {ledger.folder}")


if __name__ == "__main__":
    main()
