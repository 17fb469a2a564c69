"""The stack against the plain step: bit for bit where ragged, within rounding where uniform."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from small_studies import RECIPE, SmallStudy, kept, of
from steadytune.recipe import Seeds, StabilizerChoice
from steadytune.records import Diverged, Evaluation, Finished, Step
from steadytune.study import plan
from steadytune.training.loop import train
from steadytune.training.stacked_step import StackedStepper
from steadytune.training.step import PlainStepper

MIXOUT = StabilizerChoice("mixout", {"p": 0.3, "kind": "column"})
# Everything that recipes of one stack may differ in.
RECIPES = (
    replace(RECIPE, name="plain", epochs=2),
    replace(RECIPE, name="long", epochs=3, lr=3e-3, schedule="cosine", warmup=0, clip="none"),
    replace(RECIPE, name="old", epochs=1, bias_correction=False, eps_mode="hf", weight_decay=0.1),
    replace(RECIPE, name="mixed", dropout=0.0, clip="tensor", stabilizers=(MIXOUT,)),
    replace(RECIPE, name="undropped", dropout=0.0, attention_dropout=0.0, classifier_dropout=0.5),
    replace(RECIPE, name="kept", attention_dropout=0.3, betas=(0.8, 0.9),
            stabilizers=(StabilizerChoice("pretrained_decay", {"rate": 0.1}),)),
)  # fmt: skip
# Adam makes a full step of a gradient that is nothing but rounding; a large eps keeps it from that.
CALM = tuple(replace(recipe, eps=1e-3) for recipe in RECIPES)


def all_runs(study, recipes=RECIPES, seeds=2):
    """Several seeds of every recipe."""
    varied = replace(
        study.study, recipes=recipes, seeds=tuple(Seeds.tied(seed) for seed in range(seeds))
    )
    return plan(varied, {"tiny": study.task.facts}, {study.name: study.encoder.facts})


def story(events, run):
    """What a run's events say, seconds aside."""
    return [
        replace(e, seconds=0.0)
        if isinstance(e, Step)
        else (type(e).__name__, e.step, getattr(e, "loss", None), *_outputs(e))
        for e in events
        if e.run == run.id
    ]


def _outputs(event):
    return event.outputs.ravel().tolist() if isinstance(event, Evaluation) else ()


def alone(study, run):
    return list(train([study.prepare(run)], PlainStepper()))


def stacked(study, runs, places, uniform):
    return list(train(map(study.prepare, runs), StackedStepper(places, uniform)))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("family", ["bert", "albert"])
def test_alone_is_among_others_bit_for_bit(tmp_path, family, precision):
    study = SmallStudy(tmp_path, family=family)
    recipes = [replace(recipe, precision=precision) for recipe in RECIPES]
    runs = all_runs(study, tuple(recipes))
    events = stacked(study, runs, 4, uniform=False)
    for run in runs:
        assert story(events, run) == story(alone(study, run), run)
    backwards = stacked(study, runs[::-1], 3, uniform=False)  # other neighbours, other slots
    for run in runs[::3]:
        assert story(backwards, run) == story(events, run)


def test_a_diverged_neighbour_changes_nothing_and_leaves_at_once(tmp_path):
    study = SmallStudy(tmp_path)
    sick = replace(RECIPE, name="sick", lr=1e18, warmup=0, clip="none", eps=1e-30)
    runs = all_runs(study, (RECIPES[0], sick, RECIPES[1]), seeds=1)
    for uniform in (False, True):
        events = stacked(study, runs, 2, uniform)
        diverged = [event for event in events if event.run == runs[1].id]
        assert isinstance(diverged[-1], Diverged)
        assert diverged[-1].tensor
        assert len(of(Finished, events)) == 2
        without = stacked(study, [runs[0], runs[2]], 2, uniform)
        last = of(Diverged, events)[0].step
        healthy = [e.loss for e in of(Step, events) if e.run == runs[0].id]
        expected = [e.loss for e in of(Step, without) if e.run == runs[0].id]
        assert last < len(healthy)
        if uniform:
            np.testing.assert_allclose(healthy, expected, rtol=1e-4)
        else:
            assert healthy == expected


@pytest.mark.parametrize("family", ["bert", "albert", "roberta", "distilbert", "electra"])
def test_uniform_equals_plain_within_rounding(tmp_path, family):
    study = SmallStudy(tmp_path, family=family)
    runs = all_runs(study, CALM)
    events = stacked(study, runs, 5, uniform=True)
    for run in runs:
        mine = [e for e in of(Step, events) if e.run == run.id]
        theirs = of(Step, alone(study, run))
        assert [(e.step, e.lr, e.tokens) for e in mine] == [
            (e.step, e.lr, e.tokens) for e in theirs
        ]
        for field in ("loss", "grad_norm", "clipped_norm"):
            np.testing.assert_allclose(
                [getattr(e, field) for e in mine],
                [getattr(e, field) for e in theirs],
                rtol=1e-3,
                err_msg=f"{field} of {run.recipe.name}",
            )


def test_uniform_keeps_what_each_run_keeps(tmp_path):
    study = SmallStudy(tmp_path, keep="last")
    runs = all_runs(study, CALM[:3], seeds=1)
    events = stacked(study, runs, 2, uniform=True)
    for run in runs:
        mine = kept(event for event in events if event.run == run.id)
        for name, weights in kept(alone(study, run)).items():
            torch.testing.assert_close(mine[name], weights, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("uniform", [False, True])
def test_a_run_continues_in_a_stack_from_a_snapshot(tmp_path, uniform):
    from steadytune.records import Snapshot

    study = SmallStudy(tmp_path)
    runs = all_runs(study, RECIPES[:2], seeds=1)
    whole = stacked(study, runs, 2, uniform)
    asked = []

    def due(run):
        asked.append(run)
        return len(asked) == 9  # in the middle

    stepper = StackedStepper(2, uniform)
    snapshots = of(Snapshot, train(map(study.prepare, runs), stepper, due))
    (snapshot,) = snapshots
    run = next(run for run in runs if run.id == snapshot.run)
    others = [study.prepare(other) for other in runs if other is not run]
    events = list(train([study.prepare(run, snapshot), *others], StackedStepper(2, uniform)))
    mine = [e.loss for e in of(Step, events) if e.run == run.id]
    expected = [e.loss for e in of(Step, whole) if e.run == run.id][snapshot.step :]
    np.testing.assert_allclose(mine, expected, rtol=1e-3 if uniform else 0)
