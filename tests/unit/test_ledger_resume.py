"""Runs that go on from a snapshot, and faults on the way."""

import errno
import math
import os
from pathlib import Path

import numpy as np
import pytest
from simulated_run import (
    LABELS,
    TOTAL,
    begin,
    conduct,
    contents,
    events,
    ledger_in,
    new_record,
    step_event,
    the_record,
)

from steadytune.ledger.durable import replace_file, replace_json
from steadytune.records import (
    Crashed,
    Snapshot,
    Started,
    State,
    Step,
)


@pytest.mark.parametrize("crashed_at", [8, 10])
def test_a_crashed_run_goes_on_from_its_snapshot(tmp_path: Path, crashed_at: int) -> None:
    whole = ledger_in(tmp_path / "whole")
    conduct(whole, whole.planned[0].id)
    ledger, writer = begin(tmp_path / "crashed")
    run = writer.record.id
    for event in events(run, None):
        writer.write(event)
        last = Snapshot if crashed_at == 8 else Step
        if isinstance(event, last) and event.step == crashed_at:
            break
    writer.write(Crashed(run, "Traceback: out of memory"))
    record = the_record(ledger)
    assert (record.state, record.error) == (State.CRASHED, "Traceback: out of memory")
    assert len(ledger.steps(run)["step"]) == crashed_at
    again = ledger.writer(new_record(run), {"a": LABELS, "b": LABELS})
    assert again.snapshot_step == 8
    conduct(ledger, run)
    record = the_record(ledger)
    assert (record.state, record.error, record.resumed) == (State.FINISHED, None, 1)
    assert contents(tmp_path / "crashed") == contents(tmp_path / "whole")


def test_best_is_right_after_going_on(tmp_path: Path) -> None:
    """The best checkpoint lies before the snapshot; later ones must beat it, not start anew."""
    ledger, writer = begin(tmp_path)
    run = writer.record.id
    for event in events(run, None, pace=7):
        writer.write(event)
        if isinstance(event, Snapshot):
            break
    before = writer.record
    writer.close()
    again = ledger.writer(new_record(run), {"a": LABELS, "b": LABELS})
    assert again.record.best == before.best
    assert again.record.last == before.last
    conduct(ledger, run, pace=7)
    best = the_record(ledger).best
    assert best is not None
    assert best.step == 6


@pytest.mark.parametrize("damage", ["another run's", "no steps beside it", "not wanted"])
def test_a_snapshot_that_cannot_be_used_counts_as_none(tmp_path: Path, damage: str) -> None:
    whole = ledger_in(tmp_path / "whole")
    conduct(whole, whole.planned[0].id)
    ledger, writer = begin(tmp_path / "damaged")
    run = writer.record.id
    for event in list(events(run, None))[:10]:
        writer.write(event)
    folder = tmp_path / "damaged" / "runs" / run
    if damage == "another run's":
        writer.write(Snapshot(run, 6, {"sum": np.array(0.0)}))
        text = (folder / "snapshot.safetensors").read_bytes()
        (folder / "snapshot.safetensors").write_bytes(text.replace(run.encode(), b"0" * 16))
    if damage == "no steps beside it":
        (folder / "steps.jsonl").unlink()
    again = ledger.writer(new_record(run), {"a": LABELS, "b": LABELS})
    if damage != "not wanted":
        assert again.snapshot_step is None
        assert again.load_snapshot() is None
    for event in events(run, None):
        again.write(event)
    assert contents(tmp_path / "damaged") == contents(tmp_path / "whole")


def test_snapshots_keep_shape_type_and_order(tmp_path: Path) -> None:
    ledger, writer = begin(tmp_path)
    run = writer.record.id
    writer.write(Started(run, 0, TOTAL))
    writer.write(step_event(run, 1))
    tensors = {
        "transposed": np.arange(6, dtype=np.float32).reshape(2, 3).T,
        "scalar": np.array(3, dtype=np.int64),
        "bits": np.array([1, 2], dtype=np.uint16),
        "empty": np.zeros((0, 4), dtype=np.float32),
    }
    writer.write(Snapshot(run, 1, tensors))
    found = ledger.writer(new_record(run), {}).load_snapshot()
    assert found is not None
    assert (found.run, found.step) == (run, 1)
    for name, array in tensors.items():
        np.testing.assert_array_equal(found.tensors[name], array)
        assert found.tensors[name].dtype == array.dtype


def test_a_full_disk_leaves_what_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, writer = begin(tmp_path)
    run = writer.record.id
    writer.write(Started(run, 0, TOTAL))
    writer.write(step_event(run, 1))
    real = os.write

    def short(handle: int, text: bytes) -> int:
        if len(text) < 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(handle, text[: len(text) // 2])

    monkeypatch.setattr(os, "write", short)
    with pytest.raises(OSError, match="No space left"):
        writer.write(step_event(run, 2))
    monkeypatch.undo()
    assert ledger.steps(run)["step"].tolist() == [1]
    writer.write(step_event(run, 2))  # no half of a line stands before it
    assert ledger.steps(run)["step"].tolist() == [1, 2]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    replace_json(path, {"old": 1})
    with path.open() as opened_before:
        replace_json(path, {"new": math.inf})
        assert opened_before.read() == '{"old": 1}\n'

    def fail(temporary: Path) -> None:
        temporary.write_text('{"ne')
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        replace_file(path, fail)
    assert path.read_text() == '{"new": null}\n'
    assert list(tmp_path.iterdir()) == [path]


def test_events_out_of_order_are_refused(tmp_path: Path) -> None:
    _, writer = begin(tmp_path)
    run = writer.record.id
    with pytest.raises(ValueError, match="starts at step 5; its snapshot is of step None"):
        writer.write(Started(run, 5, TOTAL))
    with pytest.raises(ValueError, match=f"step 3 of run {run} follows step 0"):
        writer.write(step_event(run, 3))
    with pytest.raises(ValueError, match="snapshot of step 2 after step 0"):
        writer.write(Snapshot(run, 2, {}))
    with pytest.raises(ValueError, match="not an event of"):
        writer.write(step_event("other", 1))
