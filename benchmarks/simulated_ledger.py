"""A ledger of a large study whose runs were never trained: for measuring what reads ledgers.

The grid of Mosbach et al. (2021, figure 9): 18 recipes x 25 seeds on RTE, 277 dev examples.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from steadytune.ledger import Ledger
from steadytune.metrics import measure
from steadytune.recipe import RECIPE, Recipe, Seeds
from steadytune.records import (
    EncoderFacts,
    Evaluation,
    Finished,
    RunRecord,
    Started,
    State,
    Step,
    TaskFacts,
)
from steadytune.study import Run, Study, TaskChoice, plan

EXAMPLES, SEEDS, EVALUATIONS = 277, 25, 3
ENCODER = EncoderFacts(name="bert-large", digest="e", family="bert", parameters=335_000_000)
TASK = TaskFacts(
    name="glue/rte",
    digest="t",
    label_names=("entailment", "not_entailment"),
    metric="accuracy",
    train_examples=2490,
    dev_examples={"dev": EXAMPLES},
    select="dev",
    report="dev",
    baseline={"dev": {"accuracy": 146 / EXAMPLES, "matthews": 0.0}},
)
LABELS = (np.arange(EXAMPLES) >= 146).astype(np.int64)


def recipes() -> tuple[Recipe, ...]:
    """Learning rates x epochs x bias correction."""
    return tuple(
        Recipe(
            f"lr{lr:g}-{epochs}ep-{'on' if on else 'off'}", lr, epochs=epochs, bias_correction=on
        )
        for lr in (1e-5, 2e-5, 3e-5)
        for epochs in (3.0, 10.0, 20.0)
        for on in (False, True)
    )


def simulated_ledger(folder: Path, simulation_seed: int = 0) -> Ledger:
    """450 ended runs, of which those of short recipes without bias correction often failed."""
    study = Study(
        recipes=recipes(),
        tasks=(TaskChoice("glue/rte"),),
        encoders=(ENCODER.name,),
        seeds=tuple(Seeds.tied(seed) for seed in range(SEEDS)),
    )
    runs = plan(study, {"glue/rte": TASK}, {ENCODER.name: ENCODER})
    ledger = Ledger.create_or_open(folder, study, runs, {"made": "by simulation"})
    rng = np.random.default_rng(simulation_seed)
    hard = rng.normal(0.9, 1.2, EXAMPLES)
    for run in runs:
        _write(ledger, run, hard, rng)
    return ledger


def _write(
    ledger: Ledger,
    run: Run,
    hard: np.ndarray[tuple[int], np.dtype[np.float64]],
    rng: np.random.Generator,
) -> None:
    record = RunRecord(
        id=run.id,
        state=State.PLANNED,
        recipe=RECIPE.dump_python(run.recipe, mode="json"),
        task=TASK,
        encoder=ENCODER,
        seeds={"init": run.seeds.init, "order": run.seeds.order, "dropout": run.seeds.dropout},
        total_steps=EVALUATIONS,
    )
    writer = ledger.writer(replace(record), {"dev": LABELS})
    writer.write(Started(run.id, 0, EVALUATIONS))
    fails = rng.random() < (
        0.6 if not run.recipe.bias_correction and run.recipe.epochs == 3 else 0.02
    )
    for step in range(1, EVALUATIONS + 1):
        writer.write(Step(run.id, step, float(rng.normal(0.5, 0.1)), 1e-5, 1.0, 1.0, 1000, 0.1))
        margin = (hard + rng.normal(0, 0.6, EXAMPLES) + rng.normal(0, 0.1)) * (2 * LABELS - 1)
        logits = np.stack([-margin, margin], axis=1).astype(np.float32)
        if fails:
            logits = np.tile(np.array([1, 0], np.float32), (EXAMPLES, 1))
        metrics = measure(("accuracy", "matthews"), LABELS, logits)
        writer.write(Evaluation(run.id, step, "dev", 0.5, metrics, logits, 0.1))
    writer.write(Finished(run.id, EVALUATIONS))
