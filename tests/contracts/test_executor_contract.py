"""Every executor of the table against the plain loop: the same events, one crash stops nobody."""

from dataclasses import dataclass, replace

import pytest

from small_studies import RECIPE, ThreeSeeds, losses, of
from steadytune import executors
from steadytune.executors import Work
from steadytune.records import Crashed, Evaluation, Finished, Measured, Snapshot, Step
from steadytune.study import Run
from steadytune.training.loop import train
from steadytune.training.prepare import Preparation
from steadytune.training.step import PlainStepper


def without_seconds(events):
    return [
        replace(e, seconds=0.0)
        if isinstance(e, Step)
        else e
        if isinstance(e, Measured)
        else (e.step, e.loss, e.outputs.tolist())
        for e in events
        if isinstance(e, Step | Measured | Evaluation)
    ]


def check_same_events_as_the_plain_loop(executor, study):
    events = list(executor().compute(Work(study.runs(), study.prepare)))
    for run in study.runs():
        alone = list(train([study.prepare(run)], PlainStepper()))
        mine = [event for event in events if event.run == run.id]
        assert without_seconds(mine) == without_seconds(alone)


@dataclass(frozen=True)
class Breaking:
    """Makes all runs ready but some."""

    prepare: Preparation
    broken: tuple[Run, ...]

    def __call__(self, run, snapshot=None):
        if run in self.broken:
            raise RuntimeError("no such luck")
        return self.prepare(run, snapshot)


def check_a_crash_stops_nobody_else(executor, study):
    first, second, third = study.runs()
    work = Work(study.runs(), Breaking(study.prepare, (first, third)))
    events = list(executor().compute(work))
    crashed = of(Crashed, events)
    assert {event.run for event in crashed} == {first.id, third.id}
    assert all("no such luck" in event.error for event in crashed)
    assert [event.run for event in of(Finished, events)] == [second.id]


def check_runs_continue_from_their_snapshots(executor, study):
    due = iter([False] * 4 + [True]).__next__
    first = study.runs()[0]
    begun = train([study.prepare(first)], PlainStepper(), lambda run: due())
    snapshot = next(event for event in begun if isinstance(event, Snapshot))
    found = {first.id: snapshot}
    events = executor().compute(Work(study.runs(), study.prepare, lambda run: found.get(run.id)))
    steps = [e for e in events if isinstance(e, Step) and e.run == first.id]
    alone = of(Step, train([study.prepare(first)], PlainStepper()))
    assert without_seconds(steps) == without_seconds(alone)[snapshot.step :]


@pytest.mark.parametrize("name", executors.TABLE)
def test_every_executor(tmp_path, name):
    study = ThreeSeeds(tmp_path, replace(RECIPE, epochs=1))
    check_same_events_as_the_plain_loop(executors.TABLE[name], study)
    check_a_crash_stops_nobody_else(executors.TABLE[name], study)
    check_runs_continue_from_their_snapshots(executors.TABLE[name], study)


class Forgetful(executors.Sequential):
    """Leaves the last run out and lets errors through."""

    def compute(self, work):
        for run in list(work.runs)[:-1]:
            yield from train([work.prepare(run)], PlainStepper(), work.snapshot_due)


def test_a_broken_executor_is_found_out(tmp_path):
    study = ThreeSeeds(tmp_path, replace(RECIPE, epochs=1))
    with pytest.raises(AssertionError):
        check_same_events_as_the_plain_loop(Forgetful, study)
    with pytest.raises(RuntimeError):
        check_a_crash_stops_nobody_else(Forgetful, study)
    with pytest.raises(AssertionError):
        check_runs_continue_from_their_snapshots(Forgetful, study)
    assert losses(study.events())
