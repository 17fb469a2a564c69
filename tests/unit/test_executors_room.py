"""How many runs fit, and runs that do not."""

from dataclasses import replace

import pytest
import torch

from small_studies import RECIPE, ThreeSeeds, of, sabotaged
from steadytune.executors import Auto, Stacked, Work, _room
from steadytune.executors._room import NoRoom, bytes_of, free_bytes, places_for
from steadytune.executors.processes import crew_for
from steadytune.records import Crashed, Finished
from steadytune.training.memory import keep_freed_memory


def test_a_first_run_that_cannot_be_measured_stops_nobody_else(tmp_path):
    study = ThreeSeeds(tmp_path, replace(RECIPE, epochs=1))
    work = Work(study.runs(), sabotaged(study, study.runs()[0]))
    assert crew_for(work, 2).runs == list(study.runs())
    events = list(Stacked().compute(work))
    assert [event.run for event in of(Crashed, events)] == [study.runs()[0].id]
    assert len(of(Finished, events)) == 2


def test_a_step_is_measured_whatever_was_freed_before(tmp_path, monkeypatch):
    if not keep_freed_memory():
        pytest.skip("freed memory cannot be kept here")
    ready = ThreeSeeds(tmp_path).prepare(ThreeSeeds(tmp_path).run)
    size = 64 << 20
    freed = [torch.ones(size // 64) for _ in range(64)]
    del freed
    monkeypatch.setattr(_room, "plain_step", lambda state: torch.ones(size // 4))
    assert bytes_of(ready) > 0.9 * size


def test_a_group_without_room_is_refused_and_the_others_go_on(tmp_path, monkeypatch):
    once = replace(RECIPE, epochs=1)
    study = ThreeSeeds(tmp_path, once)
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
    study = ThreeSeeds(tmp_path)
    runs = study.runs(RECIPE, replace(RECIPE, name="large", batch_size=16))
    monkeypatch.setattr(_room, "bytes_of", lambda run: run.batch_size << 30)
    monkeypatch.setattr(_room, "free_bytes", lambda device: 40 << 30)
    assert crew_for(Work(runs, study.prepare), 8).size == 2


def test_on_devices_that_tell_nothing_stacks_are_small(tmp_path):
    elsewhere = torch.device("mps")
    assert free_bytes(elsewhere) is None
    ready = replace(ThreeSeeds(tmp_path).prepare(ThreeSeeds(tmp_path).run), device=elsewhere)
    assert 1 < places_for(ready) <= 8


def test_room_is_measured_and_too_little_is_said_with_numbers(tmp_path, monkeypatch):
    study = ThreeSeeds(tmp_path)
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
    study = ThreeSeeds(tmp_path)
    monkeypatch.setattr("steadytune.executors._room.free_bytes", lambda device: 1000)
    monkeypatch.setattr("steadytune.executors._room.plain_step", None)
    with pytest.raises(NoRoom):
        bytes_of(study.prepare(study.run))
