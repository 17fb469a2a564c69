"""A run whose events follow from its step numbers alone, for tests of the ledger."""

import hashlib
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from steadytune.encoders.checkpoint import whole
from steadytune.ledger import Ledger, RunWriter
from steadytune.recipe import RECIPE, Recipe, Seeds
from steadytune.records import (
    EncoderFacts,
    Evaluation,
    Event,
    Finished,
    Measured,
    RunRecord,
    Snapshot,
    Started,
    State,
    Step,
    TaskFacts,
    Weights,
)
from steadytune.study import Study, TaskChoice, plan

TOTAL = 11
LABELS = np.array([0, 1, 1, 0, 1])
ENCODER = EncoderFacts(name="tiny", digest="e0", family="bert", parameters=10)
TASK = TaskFacts(
    name="glue/rte",
    digest="t0",
    label_names=("no", "yes"),
    metric="accuracy",
    train_examples=40,
    dev_examples={"a": 5, "b": 5},
    select="b",
    report="a",
    baseline={"a": {"accuracy": 0.6}, "b": {"accuracy": 0.6}},
)


def study(*recipes: Recipe, seeds: int = 2, **fields: object) -> Study:
    return Study(
        recipes=recipes or (Recipe("plain", 1e-5, epochs=3.0),),
        tasks=(TaskChoice("glue/rte"),),
        encoders=("tiny",),
        seeds=tuple(Seeds.tied(seed) for seed in range(seeds)),
        **fields,  # pyright: ignore[reportArgumentType]
    )


def ledger_in(folder: Path, a_study: Study | None = None, data: str = "t0") -> Ledger:
    a_study = a_study or study()
    task = TaskFacts(**{**vars(TASK), "digest": data})
    runs = plan(
        a_study,
        {choice.title: task for choice in a_study.tasks},
        dict.fromkeys(a_study.encoders, ENCODER),
    )
    return Ledger.create_or_open(folder, a_study, runs, {"python": "3.11"})


def new_record(run: str, task: TaskFacts = TASK) -> RunRecord:
    return RunRecord(
        id=run,
        state=State.PLANNED,
        recipe=RECIPE.dump_python(Recipe("plain", 1e-5, epochs=3.0), mode="json"),
        task=task,
        encoder=ENCODER,
        seeds={"init": 0, "order": 0, "dropout": 0},
        total_steps=TOTAL,
    )


def step_event(run: str, step: int) -> Step:
    return Step(run, step, math.nan if step == 2 else 1 / step, 1e-5, 0.1 * step, 0.1, 7, 0.25)


def measured_event(run: str, step: int) -> Measured:
    return Measured(run, step, {"norm/low": 1 / step, "norm/high": math.nan if step == 4 else 2.0})


def evaluation_event(run: str, step: int, split: str) -> Evaluation:
    """Predictions change with the step; split ``b`` is best at step 6 for the first time."""
    outputs = np.stack([np.arange(5) / (step + 1), np.full(5, 0.3)], axis=1).astype(np.float32)
    value = {3: 0.5, 6: 0.75, 9: 0.75, 11: 0.7}[step] if split == "b" else step / 20
    return Evaluation(run, step, split, 1 / step, {"accuracy": value}, outputs, 0.5)


def events(
    run: str, snapshot: Snapshot | None, pace: int = 4, keep: bool = False
) -> Iterator[Event]:
    """All events of a run, or those after a snapshot; the state is the sum of all steps."""
    first = snapshot.step if snapshot else 0
    state = float(snapshot.tensors["sum"]) if snapshot else 0.0
    assert state == sum(range(first + 1))
    yield Started(run, first, TOTAL)
    for step in range(first + 1, TOTAL + 1):
        state += step
        yield step_event(run, step)
        if step % 2 == 0:
            yield measured_event(run, step)
        if step % 3 == 0 or step == TOTAL:
            yield evaluation_event(run, step, "a")
            yield evaluation_event(run, step, "b")
        if step % 3 == 0 and keep:
            yield Weights(run, step, {"sum": np.array(state)})
        if step % pace == 0:
            yield Snapshot(run, step, {"sum": np.array(state)})
    yield Finished(run, TOTAL)


def conduct(ledger: Ledger, run: str, pace: int = 4, keep: bool = False) -> None:
    """Start the run, or let it go on, to its end; with every evaluation's weights or without."""
    known = ledger.record(run)
    if known is not None and known.state.ended:
        return
    writer = ledger.writer(new_record(run), {"a": LABELS, "b": LABELS})
    for event in events(run, writer.load_snapshot(), pace, keep):
        if isinstance(event, Weights):
            with whole(ledger.model_folder(run, event.step)) as fresh:
                (fresh / "sum").write_text(str(event.weights["sum"]))
        writer.write(event)


def contents(folder: Path) -> dict[str, str]:
    """A digest of every file of a study, without what may differ after a kill.

    That is the count of resumptions, and a half-written study file that was never renamed.
    """
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not (path.parent == folder and path.name.startswith(".")):
            text = path.read_bytes()
            if path.name == "run.json":
                text = re.sub(rb'"(resumed|digest)": [^,}]*', b"", text)
            found[str(path.relative_to(folder))] = hashlib.sha256(text).hexdigest()[:8]
    return found


def begin(folder: Path, record: RunRecord | None = None) -> tuple[Ledger, RunWriter]:
    ledger = ledger_in(folder)
    run = ledger.planned[0].id
    record = replace(record, id=run) if record else new_record(run)
    return ledger, ledger.writer(record, {"a": LABELS, "b": LABELS})


def the_record(ledger: Ledger) -> RunRecord:
    record = ledger.record(ledger.planned[0].id)
    assert record is not None
    return record
