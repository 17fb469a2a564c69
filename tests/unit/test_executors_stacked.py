"""Stacks whose program fails, and runs that cannot join one."""

import logging
import weakref
from dataclasses import replace
from typing import Any

from small_studies import RECIPE, ThreeSeeds, of, sabotaged
from steadytune.executors import Sequential, Stacked, Work, stacked
from steadytune.records import Crashed, Finished, Step


def test_a_stack_that_fails_costs_one_run(tmp_path, caplog):
    study = ThreeSeeds(tmp_path, replace(RECIPE, epochs=1))
    broken = study.runs()[1]
    with caplog.at_level(logging.WARNING):
        events = list(Stacked(2).compute(Work(study.runs(), sabotaged(study, broken))))
    (crashed,) = of(Crashed, events)
    assert crashed.run == broken.id
    assert "no such luck" in crashed.error
    assert {e.run for e in of(Finished, events)} == {study.runs()[0].id, study.runs()[2].id}
    assert "one by one" in caplog.text


def test_a_run_that_cannot_be_made_ready_says_so_at_once(tmp_path):
    study = ThreeSeeds(tmp_path, replace(RECIPE, epochs=1))
    _, broken, last = study.runs()

    def prepare(run, snapshot=None):
        if run == broken:
            raise RuntimeError("no such luck")
        return study.prepare(run, snapshot)

    events = list(Stacked(1).compute(Work(study.runs(), prepare)))
    (crashed,) = of(Crashed, events)
    assert crashed.run == broken.id
    assert events.index(crashed) < events.index(of(Finished, events)[-1])
    assert not of(Step, [e for e in events[: events.index(crashed)] if e.run == last.id])


def test_a_stack_that_failed_leaves_its_memory_to_its_runs(tmp_path, monkeypatch):
    study = ThreeSeeds(tmp_path)
    steppers, alive = list[Any](), list[bool]()

    class Failing(stacked.StackedStepper):
        def step(self, states):
            steppers.append(weakref.ref(self))
            raise RuntimeError("no such luck")

    def compute(self, work):
        alive.append(steppers[0]() is not None)
        return iter(())

    monkeypatch.setattr(stacked, "StackedStepper", Failing)
    monkeypatch.setattr(Sequential, "compute", compute)
    monkeypatch.setattr(stacked.logger, "warning", lambda *told, **options: None)
    list(Stacked(3).compute(Work(study.runs(), study.prepare)))
    assert alive == [False]
