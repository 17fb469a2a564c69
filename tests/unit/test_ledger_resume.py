"""Runs that go on from a snapshot, and faults on the way."""

import errno
import math
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

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
    Finished,
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


@pytest.mark.parametrize("left_at", [3, 10])  # before the first snapshot, and after one
def test_a_run_may_start_over_in_the_same_writer(tmp_path: Path, left_at: int) -> None:
    """A worker whose stack fails begins the stack's runs again without asking."""
    whole = ledger_in(tmp_path / "whole")
    conduct(whole, whole.planned[0].id)
    _, writer = begin(tmp_path / "twice")
    for event in events(writer.record.id, None):
        writer.write(event)
        if isinstance(event, Step) and event.step == left_at:
            break
    for event in events(writer.record.id, None):
        writer.write(event)
    assert contents(tmp_path / "twice") == contents(tmp_path / "whole")


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
    for event in list(events(run, None))[:13]:
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


def _damage(file: Path, how: str) -> None:
    """A snapshot with a sound header whose tensors cannot be read."""
    with safe_open(file, framework="np") as opened:
        metadata = opened.metadata()
    kinds = {"a type unknown to NumPy": torch.bfloat16, "another such type": torch.float8_e4m3fn}
    save_file({"sum": torch.zeros(4, dtype=kinds[how])}, file, metadata)


@pytest.mark.parametrize("damage", ["a type unknown to NumPy", "another such type", "refused"])
def test_a_snapshot_whose_tensors_cannot_be_used_starts_the_run_over(
    tmp_path: Path, damage: str
) -> None:
    whole = ledger_in(tmp_path / "whole")
    conduct(whole, whole.planned[0].id)
    ledger, writer = begin(tmp_path / "damaged")
    run = writer.record.id
    for event in list(events(run, None))[:10]:
        writer.write(event)
    writer.close()
    if damage != "refused":
        _damage(tmp_path / "damaged" / "runs" / run / "snapshot.safetensors", damage)
    again = ledger.writer(new_record(run), {"a": LABELS, "b": LABELS})
    assert again.snapshot_step == 4
    if damage == "refused":  # by the run that it should be restored into
        assert again.load_snapshot() is not None
        again.start_over()
    assert again.load_snapshot() is None
    assert again.snapshot_step is None
    assert list((tmp_path / "damaged" / "runs" / run).iterdir()) == []
    for event in events(run, None):
        again.write(event)
    assert contents(tmp_path / "damaged") == contents(tmp_path / "whole")


@pytest.mark.parametrize("ended", [False, True])
def test_what_a_kill_leaves_half_written_is_removed(tmp_path: Path, ended: bool) -> None:
    """The names are those of checkpoint.whole, of replace_file, and of safetensors itself."""
    ledger, writer = begin(tmp_path)
    run = writer.record.id
    folder = tmp_path / "runs" / run
    for event in events(run, None):
        if isinstance(event, Finished) and not ended:
            break
        writer.write(event)
    writer.close()
    (folder / "model").mkdir()
    (folder / ".model-k2_x9abc" / "new").mkdir(parents=True)
    (folder / ".model-k2_x9abc" / "new" / "model.safetensors").write_bytes(b"half")
    (folder / "models" / ".000003-k2_x9abc").mkdir(parents=True)
    (folder / ".run.json.0123.tmp").write_text("{")
    (folder / ".tmp8jE9CE").write_bytes(b"half")
    ledger_in(tmp_path)
    if not ended:
        ledger.writer(new_record(run), {})
    here = [path.name for path in folder.rglob("*")]
    assert not [name for name in here if name.startswith(".")]
    assert ("model" in here) == ended


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """What a full disk is to whoever writes a larger file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_snapshot_that_cannot_be_written_is_an_error_of_the_system(tmp_path: Path) -> None:
    ledger, writer = begin(tmp_path)
    run = writer.record.id
    for event in list(events(run, None))[:10]:
        writer.write(event)
        if isinstance(event, Snapshot):
            break
    writer.write(step_event(run, 5))
    with files_of_at_most(20_000), pytest.raises(OSError, match="File too large"):
        writer.write(Snapshot(run, 5, {"large": np.zeros(10_000)}))
    writer.close()
    assert not list((tmp_path / "runs" / run).glob(".*"))
    again = ledger.writer(new_record(run), {}).load_snapshot()
    assert again is not None
    assert again.step == 4


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
