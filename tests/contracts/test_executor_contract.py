"""Every executor of the table against the plain loop: the same events, one crash stops nobody."""

from dataclasses import replace

import pytest

from small_studies import RECIPE, SmallStudy, losses, of
from steadytune import executors
from steadytune.recipe import Seeds
from steadytune.records import Crashed, Evaluation, Finished, Step
from steadytune.study import plan
from steadytune.training.loop import train
from steadytune.training.step import PlainStepper


class ThreeRuns(SmallStudy):
    """Three seeds of one recipe."""

    def runs(self):
        study = replace(self.study, seeds=tuple(Seeds.tied(seed) for seed in range(3)))
        facts = {"tiny": self.task.facts}
        return plan(study, facts, {self.name: self.encoder.facts})


def without_seconds(events):
    return [
        replace(e, seconds=0.0) if isinstance(e, Step) else (e.step, e.loss, e.outputs.tolist())
        for e in events
        if isinstance(e, Step | Evaluation)
    ]


def check_same_events_as_the_plain_loop(executor, study):
    events = list(executor().compute(study.runs(), study.prepare, lambda run: False))
    for run in study.runs():
        alone = list(train([study.prepare(run)], PlainStepper()))
        mine = [event for event in events if event.run == run.id]
        assert without_seconds(mine) == without_seconds(alone)


def check_a_crash_stops_nobody_else(executor, study):
    broken = study.runs()[1]

    def prepare(run):
        if run == broken:
            raise RuntimeError("no such luck")
        return study.prepare(run)

    events = list(executor().compute(study.runs(), prepare, lambda run: False))
    (crashed,) = of(Crashed, events)
    assert crashed.run == broken.id
    assert "no such luck" in crashed.error
    assert len(of(Finished, events)) == 2


@pytest.mark.parametrize("name", executors.TABLE)
def test_every_executor(tmp_path, name):
    study = ThreeRuns(tmp_path, replace(RECIPE, epochs=1))
    check_same_events_as_the_plain_loop(executors.TABLE[name], study)
    check_a_crash_stops_nobody_else(executors.TABLE[name], study)


class Forgetful(executors.Sequential):
    """Leaves the last run out and lets errors through."""

    def compute(self, runs, prepare, snapshot_due):
        for run in runs[:-1]:
            yield from train([prepare(run)], PlainStepper(), snapshot_due)


def test_a_broken_executor_is_found_out(tmp_path):
    study = ThreeRuns(tmp_path, replace(RECIPE, epochs=1))
    with pytest.raises(AssertionError):
        check_same_events_as_the_plain_loop(Forgetful, study)
    with pytest.raises(RuntimeError):
        check_a_crash_stops_nobody_else(Forgetful, study)
    assert losses(study.events())
