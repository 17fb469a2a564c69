"""Kill the writer of a run at any moment; what it leaves is readable, and it ends the same.

What a kill leaves is what lies on the disk at that moment, so most tests let a run go on to its
end and copy its folder before each change to the disk; one really kills a process.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulated_run import TOTAL, conduct, contents, ledger_in, new_record, study
from steadytune.ledger import Ledger
from steadytune.records import State

CHANGES = ("write", "replace", "unlink", "rmdir", "mkdir")


@pytest.fixture(scope="module", autouse=True)
def no_waiting_for_the_disk() -> Iterator[None]:
    """A kill, unlike a power cut, loses nothing that was written; so fsync is not waited for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return conducted(tmp_path_factory.mktemp("reference"))


def conducted(folder: Path, keep: bool = True) -> dict[str, str]:
    """Start the study or let it go on, and see what lies there in the end."""
    ledger = ledger_in(folder)
    conduct(ledger, ledger.planned[0].id, keep=keep)
    return contents(folder)


def left_by_kills(
    folder: Path,
    copies: Path,
    *moments: int,
    act: Callable[[Path], object] = lambda folder: conducted(folder),
) -> list[Path]:
    """Act to the end; copies of the folder before the given (or all) changes to the disk."""
    found: list[Path] = []
    count = 0

    def keep_copy() -> None:
        nonlocal count
        count += 1
        if not moments or count in moments:
            with pytest.MonkeyPatch.context() as unwatched:
                for name, original in originals.items():
                    unwatched.setattr(os, name, original)
                folder.mkdir(exist_ok=True)
                shutil.copytree(folder, copies / str(count))
            found.append(copies / str(count))

    def watched(name: str) -> Any:
        def change(*args: Any, **kwargs: Any) -> Any:
            keep_copy()
            if name == "write":  # half of a line can be there, too
                half = len(args[1]) // 2
                written = originals[name](args[0], args[1][:half])
                keep_copy()
                return written + originals[name](args[0], args[1][half:])
            return originals[name](*args, **kwargs)

        return change

    originals = {name: getattr(os, name) for name in CHANGES}
    with pytest.MonkeyPatch.context() as patch:
        for name in CHANGES:
            patch.setattr(os, name, watched(name))
        act(folder)
    return found


def look_at_everything(folder: Path) -> None:
    """Whatever lies there, readers see a prefix of the run."""
    if not (folder / "study.json").exists():
        return
    ledger = Ledger.open(folder)
    run = ledger.planned[0].id
    assert [row.state for row in ledger.records()][1] is State.PLANNED
    steps = ledger.steps(run)["step"]
    assert steps.tolist() == list(range(1, len(steps) + 1))
    for curve in ledger.diagnostics(run).values():
        assert curve.steps.tolist() == list(range(2, 2 * len(curve.steps) + 1, 2))
        assert 2 * len(curve.steps) <= len(steps)
    for row in ledger.evaluations(run):
        assert row.step <= len(steps)
        assert len(ledger.predictions(run, row.step, row.split).labels) == 5
    record = ledger.record(run)
    if record is not None and record.state is State.FINISHED:
        assert len(steps) == TOTAL
        assert len(ledger.diagnostics(run)["norm/low"].steps) == TOTAL // 2


def nothing_after_the_snapshot(folder: Path) -> None:
    """Making the writer settles where the run goes on."""
    ledger = ledger_in(folder)
    run = ledger.planned[0].id
    record = ledger.record(run)
    if record is None or not record.state.ended:
        step = ledger.writer(new_record(run), {}).snapshot_step or 0
        assert len(ledger.steps(run)["step"]) == step
        assert all(len(c.steps) == step // 2 for c in ledger.diagnostics(run).values())
        assert all(row.step <= step for row in ledger.evaluations(run))
        assert all(at <= step for at in ledger.models_along(run))


def test_a_kill_at_every_change_to_the_disk(tmp_path: Path, reference: dict[str, str]) -> None:
    left = left_by_kills(tmp_path / "study", tmp_path / "left")
    assert len(left) > 80
    for folder in left:
        look_at_everything(folder)
        nothing_after_the_snapshot(folder)
        assert conducted(folder) == reference, f"killed at change {folder.name}"


@settings(max_examples=15, deadline=None)
@given(moments=st.lists(st.integers(1, 90), min_size=2, max_size=4))
def test_several_kills_in_a_row(
    tmp_path_factory: pytest.TempPathFactory, reference: dict[str, str], moments: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("study")
    for moment in moments:
        left = left_by_kills(folder, tmp_path_factory.mktemp("left"), moment)
        if left:
            folder = left[0]
            look_at_everything(folder)
    assert conducted(folder) == reference


@pytest.fixture(scope="module")
def nearly_ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study whose run was killed between its last evaluation and its end."""
    folder = tmp_path_factory.mktemp("study")
    run = ledger_in(folder).planned[0].id
    left = left_by_kills(folder, tmp_path_factory.mktemp("left"))
    return next(there for there in left if len(_evaluations(there, run)) == 8)


def _evaluations(folder: Path, run: str) -> list[Any]:
    return Ledger.open(folder).evaluations(run)


@pytest.mark.parametrize(
    "name", ["steps.jsonl", "diagnostics.jsonl", "events.jsonl", "snapshot.safetensors"]
)
def test_files_cut_at_every_byte(
    tmp_path: Path, nearly_ended: Path, reference: dict[str, str], name: str
) -> None:
    run = Ledger.open(nearly_ended).planned[0].id
    whole = (nearly_ended / "runs" / run / name).read_bytes()
    tail = sum(len(line) for line in whole.splitlines(keepends=True)[-2:])
    shutil.copytree(nearly_ended, tmp_path / "read")
    for size in range(len(whole) - tail, len(whole)):
        resumed = (len(whole) - size) % 41 == 1  # readers see every cut, a writer some
        folder = tmp_path / (str(size) if resumed else "read")
        if resumed:
            shutil.copytree(nearly_ended, folder)
        (folder / "runs" / run / name).write_bytes(whole[:size])
        ledger = Ledger.open(folder)
        assert ledger.steps(run)["step"].tolist()[:9] == list(range(1, 10))
        assert len(ledger.evaluations(run)) >= 6
        if resumed:
            assert conducted(folder) == reference, f"{name} cut to {size} bytes"


CHILD = """
import sys, time
from pathlib import Path
import simulated_run as sim
ledger = sim.ledger_in(Path(sys.argv[1]))
run = ledger.planned[0].id
writer = ledger.writer(sim.new_record(run), {"a": sim.LABELS, "b": sim.LABELS})
for event in sim.events(run, writer.load_snapshot()):
    writer.write(event)
    time.sleep(0.02)
"""


def test_a_real_kill(tmp_path: Path) -> None:
    reference = conducted(tmp_path / "reference", keep=False)
    tmp_path = tmp_path / "killed"
    ledger = ledger_in(tmp_path, study())
    run = ledger.planned[0].id
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], env=here)
    while child.poll() is None and len(ledger.steps(run)["step"]) < 6:
        time.sleep(0.005)
    child.kill()
    assert child.wait() == -signal.SIGKILL
    look_at_everything(tmp_path)
    record = ledger.record(run)
    assert record is not None
    assert record.state is State.RUNNING
    assert conducted(tmp_path, keep=False) == reference
    record = ledger.record(run)
    assert record is not None
    assert record.resumed == 1
