"""Worker processes that die, a parent that dies, and the choice among executors."""

import logging
import os
import signal
import subprocess
import sys
import time
import weakref
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass, replace
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from small_studies import RECIPE, SmallStudy, losses, of
from steadytune.executors import (
    Auto,
    Processes,
    Sequential,
    Stacked,
    Work,
    _pool,
    _room,
    auto,
    stacked,
)
from steadytune.executors._pool import Pool
from steadytune.executors._room import NoRoom, bytes_of, free_bytes, places_for
from steadytune.executors.processes import Crew, crew_for
from steadytune.recipe import Seeds
from steadytune.records import Crashed, Finished, Step
from steadytune.study import Run, plan
from steadytune.training.memory import keep_freed_memory
from steadytune.training.prepare import Preparation


class Runs(SmallStudy):
    """Three seeds of each recipe."""

    def runs(self, *recipes):
        study = replace(
            self.study,
            recipes=recipes or self.study.recipes,
            seeds=tuple(Seeds.tied(seed) for seed in range(3)),
        )
        return plan(study, {"tiny": self.task.facts}, {self.name: self.encoder.facts})


def choose(runs, work, size=1):
    """What auto takes; workers that it tried are ended."""
    with ExitStack() as workers:
        return auto.choose(Crew(size, list(runs), []), work, workers)


@dataclass(frozen=True)
class Killing:
    """Makes runs ready, and ends its process at one of them as often as there are lives left."""

    prepare: Preparation
    victim: Run
    lives: Path  # a file with one character a death to come

    def __call__(self, run, snapshot=None):
        if run == self.victim and (left := self.lives.read_text()):
            self.lives.write_text(left[1:])
            os.kill(os.getpid(), signal.SIGKILL)
        return self.prepare(run, snapshot)


@pytest.mark.parametrize("deaths", [1, 2])
def test_a_run_is_tried_again_when_its_worker_dies_and_once_only(tmp_path, caplog, deaths):
    study = Runs(tmp_path, replace(RECIPE, epochs=1))
    lives = tmp_path / "lives"
    lives.write_text("x" * deaths)
    victim = study.runs()[0]
    work = Work(study.runs(), Killing(study.prepare, victim, lives))
    with caplog.at_level(logging.WARNING):
        events = list(Processes(1).compute(work))
    assert "SIGKILL" in caplog.text
    finished = {event.run for event in of(Finished, events)}
    if deaths == 1:
        assert finished == {run.id for run in study.runs()}
        mine = [event for event in events if event.run == victim.id]
        assert losses(mine) == losses(Sequential().compute(Work([victim], study.prepare)))
    else:
        (crashed,) = of(Crashed, events)
        assert crashed.run == victim.id
        assert "SIGKILL" in crashed.error
        assert finished == {run.id for run in study.runs()[1:]}


def test_workers_end_with_their_parent(tmp_path):
    study = Runs(tmp_path, replace(RECIPE, epochs=None, steps=10**6))
    program = (
        "import sys; from pathlib import Path; from dataclasses import replace;"
        "from test_executors_processes import *;"
        f"study = Runs(Path({str(tmp_path)!r}), replace(RECIPE, epochs=None, steps=10**6));"
        "events = Processes(1).compute(Work(study.runs(), study.prepare));"
        "print(next(events), flush=True); [None for _ in events]"
    )
    path = os.pathsep.join([*sys.path, str(Path(__file__).parent)])
    parent = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert parent.stdout is not None
    assert b"Started" in parent.stdout.readline()
    parent.stdout.close()
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    assert len(children) == 1
    parent.kill()
    parent.wait()
    until = time.monotonic() + 20
    while Path(f"/proc/{children[0]}").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not Path(f"/proc/{children[0]}").exists()
    assert study.runs()


def sabotaged(study, broken):
    """Makes runs ready, one of which fails in its first step."""

    def loss(forward, labels):
        raise RuntimeError("no such luck")

    def prepare(run, snapshot=None):
        ready = study.prepare(run, snapshot)
        if run != broken:
            return ready
        return replace(ready, procedure=replace(ready.procedure, loss=loss))

    return prepare


def test_a_first_run_that_cannot_be_measured_stops_nobody_else(tmp_path):
    study = Runs(tmp_path, replace(RECIPE, epochs=1))
    work = Work(study.runs(), sabotaged(study, study.runs()[0]))
    assert crew_for(work, 2).runs == list(study.runs())
    events = list(Stacked().compute(work))
    assert [event.run for event in of(Crashed, events)] == [study.runs()[0].id]
    assert len(of(Finished, events)) == 2


def test_a_step_is_measured_whatever_was_freed_before(tmp_path, monkeypatch):
    if not keep_freed_memory():
        pytest.skip("freed memory cannot be kept here")
    ready = Runs(tmp_path).prepare(Runs(tmp_path).run)
    size = 64 << 20
    freed = [torch.ones(size // 64) for _ in range(64)]
    del freed
    monkeypatch.setattr(_room, "plain_step", lambda state: torch.ones(size // 4))
    assert bytes_of(ready) > 0.9 * size


def test_a_stack_that_fails_costs_one_run(tmp_path, caplog):
    study = Runs(tmp_path, replace(RECIPE, epochs=1))
    broken = study.runs()[1]
    with caplog.at_level(logging.WARNING):
        events = list(Stacked(2).compute(Work(study.runs(), sabotaged(study, broken))))
    (crashed,) = of(Crashed, events)
    assert crashed.run == broken.id
    assert "no such luck" in crashed.error
    assert {e.run for e in of(Finished, events)} == {study.runs()[0].id, study.runs()[2].id}
    assert "one by one" in caplog.text


def test_a_run_that_cannot_be_made_ready_says_so_at_once(tmp_path):
    study = Runs(tmp_path, replace(RECIPE, epochs=1))
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


def test_a_group_without_room_is_refused_and_the_others_go_on(tmp_path, monkeypatch):
    once = replace(RECIPE, epochs=1)
    study = Runs(tmp_path, once)
    runs = study.runs(replace(once, name="large", batch_size=16), once)
    real = _room.bytes_of

    def bytes_of(run):
        if run.batch_size == 16:
            raise NoRoom("too large")
        return real(run)

    monkeypatch.setattr(_room, "bytes_of", bytes_of)
    work = Work(runs, study.prepare)
    crew = crew_for(work, 2)
    assert [event.run for event in crew.refused] == [run.id for run in runs[:3]]
    assert crew.runs == list(runs[3:])
    assert crew.size == 2
    for executor in (Auto(), Stacked()):
        events = list(executor.compute(work))
        assert [event.error for event in of(Crashed, events)] == ["too large"] * 3
        assert {event.run for event in of(Finished, events)} == {run.id for run in runs[3:]}


def test_workers_have_room_for_the_largest_group(tmp_path, monkeypatch):
    study = Runs(tmp_path)
    runs = study.runs(RECIPE, replace(RECIPE, name="large", batch_size=16))
    monkeypatch.setattr(_room, "bytes_of", lambda run: run.batch_size << 30)
    monkeypatch.setattr(_room, "free_bytes", lambda device: 40 << 30)
    assert crew_for(Work(runs, study.prepare), 8).size == 2


def test_on_devices_that_tell_nothing_stacks_are_small(tmp_path):
    elsewhere = torch.device("mps")
    assert free_bytes(elsewhere) is None
    ready = replace(Runs(tmp_path).prepare(Runs(tmp_path).run), device=elsewhere)
    assert 1 < places_for(ready) <= 8


def test_a_stack_that_failed_leaves_its_memory_to_its_runs(tmp_path, monkeypatch):
    study = Runs(tmp_path)
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


def test_room_is_measured_and_too_little_is_said_with_numbers(tmp_path, monkeypatch):
    study = Runs(tmp_path)
    ready = study.prepare(study.run)
    least = 16 * sum(tensor.numel() for tensor in ready.start.values())
    need = bytes_of(ready)
    assert least <= need
    monkeypatch.setattr("steadytune.executors._room.bytes_of", lambda run: 100)
    monkeypatch.setattr("steadytune.executors._room.free_bytes", lambda device: 500)
    assert places_for(ready) == 4
    monkeypatch.setattr("steadytune.executors._room.free_bytes", lambda device: 10)
    with pytest.raises(NoRoom, match=r"needs 0\.00 GiB or more on cpu"):
        places_for(ready)
    events = list(Stacked().compute(Work(study.runs(), study.prepare)))
    assert len(events) == len(of(Crashed, events)) == 3
    assert "batch_size" in of(Crashed, events)[0].error


def test_a_run_larger_than_memory_is_refused_before_it_is_tried(tmp_path, monkeypatch):
    study = Runs(tmp_path)
    monkeypatch.setattr("steadytune.executors._room.free_bytes", lambda device: 1000)
    monkeypatch.setattr("steadytune.executors._room.plain_step", None)
    with pytest.raises(NoRoom):
        bytes_of(study.prepare(study.run))


def test_auto_takes_the_fastest_and_says_why(tmp_path, monkeypatch, caplog):
    study = Runs(tmp_path)
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
    study = Runs(tmp_path, once)
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
    study = Runs(tmp_path, once)
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
    study = Runs(tmp_path, replace(RECIPE, epochs=1))
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
    study = Runs(tmp_path)
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
    study = Runs(tmp_path)
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


@pytest.mark.parametrize("proved", [True, False])
def test_a_worker_that_dies_between_two_runs_is_replaced(tmp_path, monkeypatch, proved):
    study = Runs(tmp_path)
    pool = Pool(0, Work(study.runs(), study.prepare))
    ours, _ = Pipe()
    killed: Any = SimpleNamespace(returncode=-signal.SIGKILL)
    worker = _pool._Worker(0, killed, ours, proved=proved)
    monkeypatch.setattr(pool, "_workers", [worker])
    monkeypatch.setattr(_pool, "_start", lambda number: f"the next worker {number}")
    ended = pool._ended(worker, deque(study.runs()))
    if proved:
        assert list(ended) == []
        assert pool._workers == ["the next worker 0"]
    else:  # the next one would hardly fare better
        with pytest.raises(RuntimeError, match="SIGKILL"):
            list(ended)
