"""The choice among executors."""

import logging
import subprocess
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import torch

from small_studies import RECIPE, ThreeSeeds, of
from steadytune.executors import Auto, Processes, Sequential, Stacked, Work, auto, stacked
from steadytune.executors._pool import Pool
from steadytune.executors.processes import Crew
from steadytune.records import Finished


def choose(runs, work, size=1):
    """What auto takes; workers that it tried are ended."""
    with ExitStack() as workers:
        return auto.choose(Crew(size, list(runs), []), work, workers)


def test_auto_takes_the_fastest_and_says_why(tmp_path, monkeypatch, caplog):
    study = ThreeSeeds(tmp_path)
    work = Work(study.runs(), study.prepare)
    with caplog.at_level(logging.INFO):
        assert isinstance(choose(study.runs(), work), Sequential)  # seconds in all
    assert "executor sequential" in caplog.text
    seconds = {1: 10.0, 2: 5.0}  # of a step of so many runs
    monkeypatch.setattr(auto, "seconds_a_step", lambda runs: seconds[len(runs)])
    with caplog.at_level(logging.INFO):
        assert isinstance(choose(study.runs(), work), Stacked)
    assert "a stack of 2: 0.4" in caplog.text


def test_auto_sees_that_later_runs_are_long(tmp_path, monkeypatch):
    once = replace(RECIPE, epochs=None, steps=1)
    study = ThreeSeeds(tmp_path, once)
    work = Work((), study.prepare)
    seconds = {1: 0.01, 2: 0.001}
    monkeypatch.setattr(auto, "seconds_a_step", lambda runs: seconds[len(runs)])
    longer = replace(once, name="longer", steps=1000)
    larger = replace(longer, name="larger", batch_size=16)
    assert isinstance(choose(study.runs(once), work), Sequential)
    assert isinstance(choose(study.runs(once, longer), work), Stacked)
    assert isinstance(choose(study.runs(once, larger), work), Stacked)


def test_auto_leaves_the_room_of_each_group_to_the_stack(tmp_path, monkeypatch):
    once = replace(RECIPE, epochs=1)
    study = ThreeSeeds(tmp_path, once)
    runs = study.runs(once, replace(once, name="halves", batch_size=4))
    work = Work(runs, study.prepare)
    seconds, room, made = {1: 10.0, 2: 5.0}, {8: 64, 4: 1}, list[int]()
    real = stacked.StackedStepper

    def stepper(places):
        made.append(places)
        return real(places)

    monkeypatch.setattr(auto, "seconds_a_step", lambda runs: seconds[len(runs)])
    chosen = choose(runs, work)
    monkeypatch.setattr(stacked, "places_for", lambda run: room[run.batch_size])
    monkeypatch.setattr(stacked, "StackedStepper", stepper)
    events = list(chosen.compute(work))
    assert len(of(Finished, events)) == 6
    assert made == [3, 1]  # no more than there are runs, and what fits of each group


def test_auto_goes_on_with_the_workers_that_it_tried(tmp_path, monkeypatch, caplog):
    study = ThreeSeeds(tmp_path, replace(RECIPE, epochs=1))
    started = list[Any]()
    real = subprocess.Popen

    def popen(*args, **options):
        started.append(real(*args, **options))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", popen)
    monkeypatch.setattr(auto, "SHORT_SECONDS", 0.0)
    monkeypatch.setattr(auto, "seconds_a_step", lambda runs: 1e3)
    monkeypatch.setattr(auto, "devices", lambda: 2)
    with caplog.at_level(logging.INFO):
        events = list(Auto().compute(Work(study.runs(), study.prepare)))
    assert "executor processes" in caplog.text
    assert len(of(Finished, events)) == 3
    assert len(started) == 2
    assert all(worker.returncode is not None for worker in started)


def test_auto_times_workers_on_accelerators_with_stacks(tmp_path, monkeypatch):
    study = ThreeSeeds(tmp_path)
    there = torch.device("mps")
    work = Work(study.runs(), lambda run, snapshot=None: replace(study.prepare(run), device=there))
    tried = list[int]()

    class Idle:
        def __init__(self, size, work):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def trial(self, runs):
            tried.append(len(runs))
            return [2.0, 4.0]

    monkeypatch.setattr(auto, "seconds_a_step", lambda runs: 100.0)
    monkeypatch.setattr(auto, "Pool", Idle)
    crew = Crew(2, list(study.runs()), [])
    *_, processes = auto._try(crew, work, ExitStack())
    assert tried == [3]
    assert processes.rate == 3 / 2 + 3 / 4


def test_auto_ends_the_workers_that_it_does_not_take(tmp_path, monkeypatch):
    study = ThreeSeeds(tmp_path)
    monkeypatch.setattr(auto, "SHORT_SECONDS", 0.0)
    monkeypatch.setattr(auto, "seconds_a_step", lambda runs: 1e-9)
    ended = list[bool]()
    monkeypatch.setattr(Pool, "trial", lambda pool, runs: [1.0, 1.0])
    real = Pool.__exit__
    monkeypatch.setattr(Pool, "__exit__", lambda *args: ended.append(True) or real(*args))
    with ExitStack() as workers:
        crew = Crew(2, list(study.runs()), [])
        chosen = auto.choose(crew, Work(study.runs(), study.prepare), workers)
        assert not isinstance(chosen, Processes)
        assert ended == [True]


def test_auto_takes_another_way_when_workers_die_in_their_trial(tmp_path, monkeypatch, caplog):
    class Dying(Pool):
        def __init__(self, size, work):
            super().__init__(0, work)

    study = ThreeSeeds(tmp_path)
    monkeypatch.setattr(auto, "SHORT_SECONDS", 0.0)
    monkeypatch.setattr(auto, "seconds_a_step", lambda runs: 1.0 if len(runs) == 1 else 1.5)
    monkeypatch.setattr(auto, "Pool", Dying)
    with ExitStack() as workers, caplog.at_level(logging.WARNING):
        crew = Crew(2, list(study.runs()), [])
        chosen = auto.choose(crew, Work(study.runs(), study.prepare), workers)
    assert isinstance(chosen, Stacked)  # 2 runs in 1.5 seconds
    assert "worker processes are not used: none could be started" in caplog.text
