"""Every stabilizer of the table, found by itself, against what holds for all of them."""

from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from small_studies import RECIPE, SmallStudy, kept, of
from steadytune import stabilizers
from steadytune.procedure import Procedure
from steadytune.recipe import Seeds, StabilizerChoice
from steadytune.records import Evaluation, Finished, Snapshot, Step
from steadytune.stabilizers import Cost
from steadytune.study import plan
from steadytune.training.loop import train
from steadytune.training.ready import RunState
from steadytune.training.stacked_step import StackedStepper
from steadytune.training.step import PlainStepper, plain_step

SHORT = replace(RECIPE, name="short", epochs=None, steps=6, batch_size=6)
STRONG = {
    "mixout": {"p": 0.5},
    "pretrained_decay": {"rate": 0.5},
    "reinit_layers": {"top": 1},
    "gradual_unfreezing": {"until": 1.0},
    "frozen_layers": {"bottom": 1},
}
OTHERS = {  # settings that take other ways through the code
    "child_tuning": {"variant": "F"},
    "free_lb": {"init": 0.5, "max_norm": 0.2},
    "lora": {"targets": "all"},
    "r_drop": {"reduction": "sum"},
}
IDENTITY = {  # settings at which a stabilizer changes nothing, where it has them
    "mixout": {"p": 0.0},
    "reinit_layers": {"top": 0, "pooler": False},
    "layerwise_lr_decay": {"factor": 1.0},
    "child_tuning": {"variant": "F", "p": 1.0},
    "ema": {"decay": 0.0},
    "free_lb": {"steps": 1},
    "frozen_layers": {"bottom": 0, "embeddings": False},
    "gradual_unfreezing": {"until": 0.0},
    "lp_ft": {"share": 0.0},
    "neftune": {"alpha": 0.0},
    "noisy_tune": {"noise": 0.0},
}
WAYS = [(name, STRONG.get(name, {})) for name in stabilizers.TABLE] + list(OTHERS.items())


def study_with(folder, name=None, settings=None, keep="last"):
    chosen = () if name is None else (StabilizerChoice(name, settings or {}),)
    return SmallStudy(folder, replace(SHORT, stabilizers=chosen), keep=keep, evaluate=3)


def story(events, run=None):
    """All that is kept of a run, bit for bit."""
    found = []
    for e in events:
        if run is not None and e.run != run:
            continue
        if isinstance(e, Step):
            found.append((e.step, e.loss, e.lr, e.grad_norm, e.clipped_norm))
        elif isinstance(e, Evaluation):
            found.append((e.step, e.outputs.tobytes()))
        elif isinstance(e, Finished) and e.weights is not None:
            found.append({name: array.tobytes() for name, array in e.weights.items()})
    return found


def check_changes_the_run(folder, name, settings):
    mine = story(study_with(folder, name, settings).events())
    plain = story(study_with(folder).events())
    assert mine != plain


def check_leaves_the_given_procedure_alone_and_says_what_it_filled(folder, name, settings):
    ready = study_with(folder).prepare(study_with(folder).run)
    before = replace(ready.procedure)
    after = stabilizers.make(StabilizerChoice(name, settings)).apply(ready.procedure)
    assert ready.procedure == before
    assert len(after.filled_by) == len(before.filled_by) + 1


def check_settings_round_trip(name):
    resolved = stabilizers.resolve(StabilizerChoice(name))
    assert set(resolved.settings) == {field.name for field in fields(stabilizers.TABLE[name])}
    assert stabilizers.resolve(resolved) == resolved
    assert stabilizers.make(resolved) == stabilizers.make(StabilizerChoice(name))


def check_alone_stacked_and_resumed_are_one(folder, name, settings):
    """Beside a plain run and another seed, in a ragged stack, and from a snapshot: every bit."""
    study = study_with(folder, name, settings)
    seeds = (Seeds.tied(0), Seeds.tied(1))
    recipes = (study.study.recipes[0], replace(SHORT, name="plain"))
    both = replace(study.study, recipes=recipes, seeds=seeds)
    runs = plan(both, {"tiny": study.task.facts}, {study.name: study.encoder.facts})
    alike = [run for run in runs if run.recipe.stabilizers]
    mine = alike[0]
    cost = stabilizers.make(StabilizerChoice(name, settings)).cost
    neighbours = alike if cost.parameters else runs
    alone = story(train([study.prepare(mine)], PlainStepper()))
    joint = list(train(map(study.prepare, neighbours), StackedStepper(3, uniform=False)))
    assert story(joint, mine.id) == alone
    due = iter([False, False, False, True, False, False])
    begun = train([study.prepare(mine)], PlainStepper(), lambda run: next(due))
    (snapshot,) = of(Snapshot, begun)
    ready = study.prepare(mine, snapshot)
    assert ready.snapshot_fits
    rest = story(train([ready], PlainStepper()))
    assert rest == [part for part in alone if isinstance(part, dict) or part[0] > snapshot.step]


def check_saved_is_what_was_evaluated(folder, name, settings):
    """The kept folder in plain transformers gives the outputs on record."""
    study = study_with(folder, name, settings)
    events = study.events()
    weights = {n: torch.from_numpy(array) for n, array in kept(events).items()}
    saved = folder / f"saved-{name}"
    study.encoder.save(weights, saved, study.task.label_names)
    model = AutoModelForSequenceClassification.from_pretrained(saved).eval()
    tokenizer = AutoTokenizer.from_pretrained(saved)
    dev = study.task.dev["dev"]
    batch = tokenizer(list(dev.texts), padding=True, return_tensors="pt")
    with torch.no_grad():
        outputs = model(**batch).logits.numpy()
    np.testing.assert_allclose(of(Evaluation, events)[-1].outputs, outputs, atol=2e-5)


def check_it_costs_what_it_says(folder, name, settings, monkeypatch):
    study = study_with(folder, name, settings)
    passes = {"forward": 0, "backward": 0}
    real_outputs, real_grad = type(study.encoder).outputs, torch.autograd.grad

    def outputs(*args: Any, **named: Any) -> torch.Tensor:
        passes["forward"] += 1
        return real_outputs(*args, **named)

    def grad(*args: Any, **named: Any) -> Any:
        passes["backward"] += 1
        return real_grad(*args, **named)

    state = RunState.begin(study.prepare(study.run))
    with monkeypatch.context() as patch:
        patch.setattr(type(study.encoder), "outputs", outputs)
        patch.setattr(torch.autograd, "grad", grad)
        plain_step(state)
    cost = stabilizers.make(StabilizerChoice(name, settings)).cost
    assert passes == {"forward": cost.forward, "backward": cost.backward}


@pytest.mark.parametrize("name", stabilizers.TABLE)
def test_every_stabilizer_says_what_it_is(tmp_path, name):
    check_settings_round_trip(name)
    check_leaves_the_given_procedure_alone_and_says_what_it_filled(
        tmp_path, name, STRONG.get(name, {})
    )


@pytest.mark.parametrize(("name", "settings"), WAYS)
def test_every_stabilizer(tmp_path, name, settings, monkeypatch):
    check_changes_the_run(tmp_path, name, settings)
    check_alone_stacked_and_resumed_are_one(tmp_path, name, settings)
    check_saved_is_what_was_evaluated(tmp_path, name, settings)
    check_it_costs_what_it_says(tmp_path, name, settings, monkeypatch)


@pytest.mark.parametrize("name", IDENTITY)
def test_every_identity(tmp_path, name):
    mine = story(study_with(tmp_path, name, IDENTITY[name]).events())
    assert mine == story(study_with(tmp_path).events())


@dataclass(frozen=True)
class Idle:
    """Does nothing, says nothing, and claims to take two passes."""

    name: ClassVar[str] = "idle"
    summary: ClassVar[str] = ""
    cost: ClassVar[Cost] = Cost(forward=2)

    def apply(self, procedure: Procedure) -> Procedure:
        return procedure


@dataclass(frozen=True)
class Forgetful:
    """Scales the loss by how often it was asked, which is kept nowhere but in itself."""

    name: ClassVar[str] = "forgetful"
    summary: ClassVar[str] = ""
    cost: ClassVar[Cost] = Cost()

    def apply(self, procedure: Procedure) -> Procedure:
        inner, asked = procedure.loss, [0]

        def loss(forward, labels):
            asked[0] += 1
            return asked[0] * inner(forward, labels)

        return replace(procedure, loss=loss, filled_by=(*procedure.filled_by, "loss: forgetful"))


@dataclass(frozen=True)
class Shown:
    """Evaluates other weights than those that are saved."""

    name: ClassVar[str] = "shown"
    summary: ClassVar[str] = ""
    cost: ClassVar[Cost] = Cost()

    def apply(self, procedure: Procedure) -> Procedure:
        view, looked = _Halving(), "evaluated: shown"
        return replace(
            procedure,
            evaluated=(*procedure.evaluated, view),
            filled_by=(*procedure.filled_by, looked),
        )


class _Halving:
    """Gives half of the head at the first look, and all of it at the second."""

    def __init__(self) -> None:
        self._looks = 0

    def init(self, params, start):
        return {}

    def observe(self, params, kept, step):
        self._looks = 0

    def view(self, params, kept, step):
        self._looks += 1
        if "head.output.weight" not in params:
            return params
        half = params["head.output.weight"] / 2
        return params if self._looks > 1 else {**params, "head.output.weight": half}


def test_broken_stabilizers_are_found_out(tmp_path, monkeypatch):
    for broken in (Idle, Forgetful, Shown):
        monkeypatch.setitem(stabilizers.TABLE, broken.name, broken)
    with pytest.raises(AssertionError):
        check_changes_the_run(tmp_path, "idle", {})
    with pytest.raises(AssertionError):
        check_leaves_the_given_procedure_alone_and_says_what_it_filled(tmp_path, "idle", {})
    with pytest.raises(AssertionError):
        check_it_costs_what_it_says(tmp_path, "idle", {}, monkeypatch)
    with pytest.raises(AssertionError):
        check_alone_stacked_and_resumed_are_one(tmp_path, "forgetful", {})
    with pytest.raises(AssertionError):
        check_saved_is_what_was_evaluated(tmp_path, "shown", {})
