"""Worker processes that die, and a parent that dies."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass, replace
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from small_studies import RECIPE, ThreeSeeds, losses, of
from steadytune.executors import Processes, Sequential, Work, _pool
from steadytune.executors._pool import Pool
from steadytune.records import Crashed, Finished
from steadytune.study import Run
from steadytune.training.prepare import Preparation


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
    study = ThreeSeeds(tmp_path, replace(RECIPE, epochs=1))
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
    study = ThreeSeeds(tmp_path, replace(RECIPE, epochs=None, steps=10**6))
    program = (
        "import sys; from pathlib import Path; from dataclasses import replace;"
        "from test_executors_processes import *;"
        f"study = ThreeSeeds(Path({str(tmp_path)!r}), replace(RECIPE, epochs=None, steps=10**6));"
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


def test_a_worker_that_dies_between_two_runs_is_replaced(tmp_path, monkeypatch):
    study = ThreeSeeds(tmp_path)
    pool = Pool(0, Work(study.runs(), study.prepare))
    ours, _ = Pipe()
    killed: Any = SimpleNamespace(returncode=-signal.SIGKILL)
    worker = _pool._Worker(0, killed, ours, proved=True)
    monkeypatch.setattr(pool, "_workers", [worker])
    monkeypatch.setattr(_pool, "_start", lambda number: f"the next worker {number}")
    assert list(pool._ended(worker, deque(study.runs()))) == []
    assert pool._workers == ["the next worker 0"]


DYING = """
import os, pathlib, signal
lives = pathlib.Path({lives!r})
if left := lives.read_text():
    lives.write_text(left[1:])
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("deaths", [1, 9])
def test_workers_that_die_while_they_start_cost_no_run(tmp_path, monkeypatch, caplog, deaths):
    study = ThreeSeeds(tmp_path, replace(RECIPE, epochs=1))
    lives = tmp_path / "lives"
    lives.write_text("x" * deaths)
    (tmp_path / "sitecustomize.py").write_text(DYING.format(lives=str(lives)))
    monkeypatch.syspath_prepend(str(tmp_path))  # which workers get, and import that file from
    with caplog.at_level(logging.WARNING):
        events = list(Processes(1).compute(Work(study.runs(), study.prepare)))
    assert {event.run for event in of(Finished, events)} == {run.id for run in study.runs()}
    assert losses(events) == losses(Sequential().compute(Work(study.runs(), study.prepare)))
    assert caplog.text.count("was ended by SIGKILL (out of memory?) while it started") == min(
        deaths, _pool._FAILED_STARTS
    )
    assert ("one by one in this process" in caplog.text) == (deaths > _pool._FAILED_STARTS)


def test_no_process_can_be_started(tmp_path, monkeypatch, caplog):
    def refused(number):
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(_pool, "_start", refused)
    study = ThreeSeeds(tmp_path, replace(RECIPE, epochs=1))
    events = list(Processes(2).compute(Work(study.runs(), study.prepare)))
    assert {event.run for event in of(Finished, events)} == {run.id for run in study.runs()}
    assert "cannot be started: [Errno 11]" in caplog.text


def test_a_run_whose_snapshot_cannot_be_asked_for_crashes_alone(tmp_path):
    study = ThreeSeeds(tmp_path, replace(RECIPE, epochs=1))
    first = study.runs()[0]

    def snapshot(run):
        if run == first:
            raise ValueError("a damaged record")

    events = list(Processes(1).compute(Work(study.runs(), study.prepare, snapshot)))
    (crashed,) = of(Crashed, events)
    assert crashed.run == first.id
    assert "a damaged record" in crashed.error
    assert {event.run for event in of(Finished, events)} == {run.id for run in study.runs()[1:]}
