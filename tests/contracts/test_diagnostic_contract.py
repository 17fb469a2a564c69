"""Every diagnostic of the table, found by itself, against what holds for all of them.

Losses are the same, bit for bit, with and without it; its values are finite; they equal a slow
computation written here; they are the same in a stack.
"""

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers import AutoModelForSequenceClassification

from small_studies import RECIPE, SmallStudy, losses, make_task, of
from steadytune import diagnostics
from steadytune.diagnostics import Moment
from steadytune.recipe import Seeds
from steadytune.records import Measured
from steadytune.study import plan
from steadytune.targets import Regression
from steadytune.training.loop import train
from steadytune.training.stacked_step import StackedStepper
from steadytune.training.step import PlainStepper

STEPS = 9
SHORT = replace(RECIPE, epochs=None, steps=STEPS, bias_correction=False, dropout=0.0)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return SmallStudy(tmp_path_factory.mktemp("tiny"), SHORT)


@pytest.fixture(scope="module")
def without(study):
    return losses(events(study, ()))


@pytest.fixture(scope="module")
def replay(study):
    return Replay(study)


def events(study, chosen, stepper=None, seeds=(0,)):
    asked = replace(study.study, seeds=tuple(Seeds.tied(seed) for seed in seeds))
    runs = plan(asked, {"tiny": study.task.facts}, {study.name: study.encoder.facts})
    ready = [replace(study.prepare(run), diagnostics=tuple(chosen)) for run in runs]
    return list(train(ready, stepper or PlainStepper()))


def values(found):
    return {event.step: dict(event.values) for event in of(Measured, found)}


def check_losses_are_the_same(study, member, without):
    assert losses(events(study, [member])) == without


def check_values_are_finite_and_named(study, member):
    found = of(Measured, events(study, [member]))
    assert found
    for event in found:
        assert event.values
        for name, value in event.values.items():
            assert name.startswith(f"{member.name}/")
            assert math.isfinite(value), name


def check_equals_slow_computation(study, member, replay):
    slow = SLOW[member.name](replay)
    fast = values(events(study, [member]))
    assert set(fast) & set(slow)
    for step in set(fast) & set(slow):
        measured = fast[step]
        expected = {f"{member.name}/{what}": value for what, value in slow[step].items()}
        assert measured == pytest.approx(expected, rel=2e-4, abs=1e-6)


def check_the_same_in_a_stack(study, member):
    stacked = events(study, [member], StackedStepper(2), seeds=(0, 1))
    for event in of(Measured, events(study, [member], seeds=(0, 1))):
        assert event in stacked


class Replay:
    """The run once more, with plain autograd and everything kept: (1 .. 9) -> tensors."""

    def __init__(self, study):
        self.study, self.run = study, study.prepare(study.run)
        stepper = PlainStepper()
        state = stepper.admit(replace(self.run, diagnostics=()))
        self.params = [self.run.start]
        while not state.finished:
            stepper.step([state])
            state.step += 1
            self.params.append({name: tensor.clone() for name, tensor in state.params.items()})

    def grads(self, step):
        leaves = {n: p.clone().requires_grad_() for n, p in self.params[step - 1].items()}
        batch, labels = self.run.batch(step - 1)
        logits = self.run.encoder.outputs(leaves, batch, self.run.dropout_at(step - 1, 0))
        loss = functional.cross_entropy(logits, labels)
        found = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
        return float(loss.detach()), logits.detach(), dict(zip(leaves, found, strict=True))

    def parts(self):
        found = defaultdict(list)
        for p in self.run.table:
            found[f"layer.{p.depth}" if p.part == "layer" else p.part].append(p.name)
        return found

    def model(self, step):
        """The run's weights in transformers' own classifier."""
        folder = Path(f"{self.study.name}-{step}")
        restored = self.run.vocabulary.restored(self.params[step], self.run.procedure, step)
        self.study.encoder.save(restored, folder, Regression())
        model = AutoModelForSequenceClassification.from_pretrained(
            folder, attn_implementation="eager"
        )
        return model.eval()


def every_step(function):
    return lambda replay: {step: function(replay, step) for step in range(1, STEPS + 1)}


@every_step
def slow_norms(replay, step):
    grads = replay.grads(step)[2]
    return {
        part: math.sqrt(sum(float((grads[n].double() ** 2).sum()) for n in names))
        for part, names in replay.parts().items()
    }


@every_step
def slow_tensor_norms(replay, step):
    grads = replay.grads(step)[2]
    return {n: math.sqrt(float((g.double() ** 2).sum())) for n, g in grads.items()}


@every_step
def slow_predictions(replay, step):
    logits = replay.grads(step)[1].double().numpy()
    labels = replay.run.batch(step - 1)[1].numpy()
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    predicted = p.argmax(1)
    return {
        "entropy": float(-(p * np.log(p)).sum(1).mean()),
        "spread": float(np.mean([np.std(column) for column in p.T])),
        "largest_share": max(np.mean(predicted == k) for k in (0, 1)),
        "mean": predicted.mean(),
        "label_mean": labels.mean(),
    }


@every_step
def slow_chance(replay, step):
    share = replay.study.task.train.labels.mean()
    level = -(share * math.log(share) + (1 - share) * math.log(1 - share))
    return {"level": level, "excess": replay.grads(step)[0] - level}


@every_step
def slow_adam(replay, step):
    """SHORT has no bias correction: beta1 0.9, beta2 0.999."""
    with_correction = math.sqrt(1 - 0.999**step) / (1 - 0.9**step)
    lr = replay.run.procedure.schedule(step - 1) * SHORT.lr
    return {"overshoot": 1 / with_correction, "effective_lr": lr / with_correction}


def flat(params, names):
    return torch.cat([params[n].double().flatten() for n in names])


@every_step
def slow_update_ratio(replay, step):
    before, after = replay.params[step - 1], replay.params[step]
    return {
        part: float((flat(after, names) - flat(before, names)).norm() / flat(before, names).norm())
        for part, names in replay.parts().items()
    }


@every_step
def slow_distance(replay, step):
    start, after = replay.params[0], replay.params[step]
    return {
        part: float((flat(after, names) - flat(start, names)).norm() / flat(start, names).norm())
        for part, names in replay.parts().items()
    }


def probed(function):
    """Sentence by sentence with transformers' model."""

    def values_of(replay, step):
        model, dev = replay.model(step), replay.study.task.dev["dev"]
        tokens = replay.study.encoder.tokenize(dev.texts, dev.pairs, SHORT.max_length, True)
        seen = []
        for i in range(32):
            ids = torch.from_numpy(tokens.tokens[tokens.offsets[i] : tokens.offsets[i + 1]])
            with torch.no_grad():
                seen.append(
                    model.bert(ids[None], output_hidden_states=True, output_attentions=True)
                )
        return function(seen)

    return lambda replay: {step: values_of(replay, step) for step in (1, 5, STEPS)}


@probed
def slow_saturation(seen):
    units = torch.cat([s.pooler_output for s in seen]).abs()
    return {f"{t:.2f}": float((units > t).double().mean()) for t in (0.99, 0.95, 0.90, 0.85)}


@probed
def slow_activations(seen):
    norms = {
        f"layer.{i}": float(torch.cat([s.hidden_states[i][0].norm(dim=1) for s in seen]).mean())
        for i in (1, 2)
    }
    pooled = torch.cat([s.pooler_output for s in seen])
    return {**norms, "pooled_spread": float((pooled - pooled.mean(0)).norm() / pooled.norm())}


@probed
def slow_attention(seen):
    return {
        f"layer.{i + 1}": float(
            torch.cat(
                [-(s.attentions[i] * s.attentions[i].log()).sum(-1).flatten() for s in seen]
            ).mean()
        )
        for i in (0, 1)
    }


SLOW = {
    "gradient_norm": slow_norms,
    "tensor_gradient_norm": slow_tensor_norms,
    "prediction": slow_predictions,
    "chance_loss": slow_chance,
    "adam_step": slow_adam,
    "update_ratio": slow_update_ratio,
    "pretrained_distance": slow_distance,
    "pooler_saturation": slow_saturation,
    "activation_norm": slow_activations,
    "attention_entropy": slow_attention,
}


@pytest.mark.parametrize("name", diagnostics.TABLE)
def test_every_diagnostic(study, without, replay, name):
    member = diagnostics.TABLE[name]
    assert member.name == name
    check_losses_are_the_same(study, member, without)
    check_values_are_finite_and_named(study, member)
    check_equals_slow_computation(study, member, replay)
    check_the_same_in_a_stack(study, member)


def test_all_of_them_together_change_nothing(study, without):
    for choice in ("economy", "full"):
        assert losses(events(study, diagnostics.chosen(choice))) == without
    assert diagnostics.chosen("off") == ()


def test_on_a_run_of_scores(tmp_path):
    scores = SmallStudy(tmp_path, SHORT, make_task(scores=True), diagnostics="full")
    found = values(scores.events())[STEPS]
    assert {"prediction/spread", "prediction/mean"} <= set(found)
    assert "prediction/entropy" not in found
    variance = float(scores.task.train.labels.var())
    assert found["chance_loss/level"] == pytest.approx(variance)
    assert all(math.isfinite(value) for value in found.values())


def test_an_encoder_that_does_not_show_its_insides(tmp_path):
    foreign = SmallStudy(tmp_path, SHORT, family="modernbert", diagnostics="full")
    found = values(foreign.events())[STEPS]
    assert "gradient_norm/layer.1" in found
    assert not any(name.startswith("attention_entropy/") for name in found)


@dataclass(frozen=True)
class Broken:
    """Writes where it may only read, and gives what no number is."""

    name: ClassVar[str] = "broken"
    summary: ClassVar[str] = ""
    cost: ClassVar[str] = "economy"
    reads: ClassVar[frozenset[str]] = frozenset()

    def schedule(self, step: int, total: int) -> bool:
        return step == 2

    def measure(self, moment: Moment) -> dict[str, float]:
        moment.after["head.output.bias"][0] += 0.01
        return {"value": math.nan}


def test_a_broken_diagnostic_is_found_out(study, without, replay, monkeypatch):
    monkeypatch.setitem(SLOW, "broken", every_step(lambda replay, step: {"value": 0.0}))
    for check in (
        lambda: check_losses_are_the_same(study, Broken(), without),
        lambda: check_values_are_finite_and_named(study, Broken()),
        lambda: check_equals_slow_computation(study, Broken(), replay),
    ):
        with pytest.raises(AssertionError):
            check()
