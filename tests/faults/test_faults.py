"""The fault harness in short: some operations of each kind; ``python -m tests.faults`` does all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.faults.disk import Disk, Fault
from tests.faults.power import Durable

ROOT = Path(__file__).resolve().parents[2]
SHORT = ["kill-sequential", "kill-stacked", "kill-processes", "full-disk", "bad-sector"]
SHORT += ["power-cut", "power-cut-processes", "two-writers"]


def harness(*arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "tests.faults", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="file descriptors are looked up under /proc")
def test_nothing_is_lost_or_changed():
    done = harness("--sample", "2", *SHORT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": 2, lost: 0, changed: 0, other: 0") == len(SHORT), done.stdout


class Cut(Fault):
    """Follows what is on disk."""

    def __init__(self, folder):
        self.durable = Durable(folder)

    def after(self, operation):
        self.durable.after(operation)


def left_after(folder, work, how="strict"):
    """What a power cut leaves of a folder after some work in it."""
    fault = Cut(folder)
    with Disk(folder, fault).watched():
        work(folder)
    target = folder.with_name("left")
    getattr(fault.durable, how)(target)
    return {
        str(path.relative_to(target)): path.read_bytes()
        for path in target.rglob("*")
        if path.is_file()
    }


def sync(path):
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def test_content_and_names_survive_a_power_cut_only_where_forced_to_disk(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "old").write_text("old")

    def work(folder):
        for name in ("synced", "unsynced", "unnamed"):
            (folder / name).write_text(name)
        sync(folder / "synced")
        sync(folder / "unnamed")
        (folder / "unnamed").unlink()
        sync(folder)
        (folder / "unnamed").write_text("again")
        sync(folder / "unnamed")
        with (folder / "synced").open("a") as file:
            file.write(" and more")
        (folder / "old").rename(folder / "new")
        (folder / "deep").mkdir()

    expected = {"old": b"old", "synced": b"synced", "unsynced": b""}
    assert left_after(folder, work) == expected


def test_zeros_where_names_survived_by_luck(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()

    def work(folder):
        (folder / "a").write_text("abc")
        sync(folder / "a")
        with (folder / "a").open("a") as file:
            file.write("de")
        (folder / "b").write_text("fg")

    assert left_after(folder, work, "zeroed") == {"a": b"abc\0\0", "b": b"\0\0"}


def test_every_operation_is_counted_and_only_those_in_the_folder(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    disk = Disk(folder, Fault())
    with disk.watched():
        (tmp_path / "beside").write_text("x")
        (folder / "deep").mkdir()
        (folder / "deep" / "a").write_bytes(b"abc")
        (folder / "deep" / "a").replace(folder / "b")
        handle = os.open(folder / "c", os.O_CREAT | os.O_WRONLY)
        os.write(handle, b"abc")
        os.fsync(handle)
        os.close(handle)
        (folder / "c").read_bytes()
        (folder / "c").unlink()
    written = ["create", "write", "half"]
    expected = ["mkdir", *written, "replace", *written, "fsync", "unlink"]
    assert disk.operations == expected
