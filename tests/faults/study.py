"""The tiny study that faults happen to, and commands on it, each in a process forked for it."""

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

import pandas  # noqa: F401 - pyarrow would import it anew in each process
import pyarrow.parquet as pq
from tests.faults.disk import Disk, Fault

from small_studies import make_split
from steadytune import cli, conduct
from steadytune.executors import _pool
from steadytune.executors._worker import serve
from steadytune.records import End
from steadytune.study_file import read
from tiny_models import make_tiny

PATIENCE = 300  # seconds for one command
# Fields that may differ between a study and one that a fault happened to: times, and checksums of
# files that hold times. All files are compared themselves.
MAY_DIFFER = ("seconds", "resumed", "digest", "bytes", "sha256")
STUDY = """
tasks: [{{name: {place}/train.csv, dev_share: 0.3}}]
encoders: [{place}/tiny]
seeds: 2
keep: best
evaluate: 2
recipes: [{{name: r, base: mosbach2021, steps: 5, batch_size: 8, max_length: 32, lr: 1e-3,
            precision: fp32}}]
"""


@dataclass(frozen=True)
class Outcome:
    """How a command ended.

    Attributes:
        status: as a shell has it; negative for a signal.
        printed: on stdout. words: on stderr.
        ended: runs whose end was reported.
        operations: names of the file operations, in order.
    """

    status: int
    printed: str
    words: str
    ended: list[str]
    operations: list[str]


class TinyStudy:
    """Two runs of five steps with everything kept that can be, snapshots after every step.

    Args:
        place: an empty folder for its data and encoder; each trial gets a folder of its own there.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self._trials = 0
        self._operations: dict[str, list[str]] = {}
        make_tiny(place / "tiny")
        split = make_split(40, 0)
        rows = [
            f"{text},{'ab'[label]}" for text, label in zip(split.texts, split.labels, strict=True)
        ]
        (place / "train.csv").write_text("\n".join(["text,label", *rows]) + "\n")
        (place / "study.yaml").write_text(STUDY.format(place=place))
        self._loaded = conduct.load(read(place / "study.yaml", (), conduct.CATALOGUE))

    @cached_property
    def reference(self) -> dict[str, Any]:
        """Every file of a study that nothing happened to."""
        folder = self.new_folder()
        assert self.run(folder).status == 0
        return contents(folder / "out")

    def operations(self, executor: str) -> list[str]:
        """Names of the file operations of a study that nothing happens to, in order."""
        if executor not in self._operations:
            outcome = self.run(self.new_folder(), executor)
            assert outcome.status == 0, outcome.words
            self._operations[executor] = outcome.operations
        return self._operations[executor]

    @property
    def runs(self) -> list[str]:
        """Ids, in plan order."""
        return [run.id for run in self._loaded.runs]

    def new_folder(self) -> Path:
        """A folder for one trial; the study's own is ``out`` in it."""
        self._trials += 1
        folder = self.place / "trials" / str(self._trials)
        folder.mkdir(parents=True)
        return folder

    def run(
        self, folder: Path, executor: str = "sequential", fault: Fault | None = None
    ) -> Outcome:
        """``steadytune run``, which also continues, with a fault."""
        arguments = ["run", str(self.place / "study.yaml"), "--out", str(folder / "out")]
        return self.command([*arguments, "--executor", executor], folder, fault)

    def command(self, arguments: list[str], folder: Path, fault: Fault | None = None) -> Outcome:
        """Any command, to its end."""
        return self.started(arguments, folder, fault)()

    def started(
        self, arguments: list[str], folder: Path, fault: Fault | None = None
    ) -> Callable[[], Outcome]:
        """A command that goes on; call what comes back to wait for its end."""
        notes = folder.with_name(f"{folder.name}-notes-{time.monotonic_ns()}")
        notes.mkdir()
        process = _Forked(lambda: self._in_child(arguments, folder, fault or Fault(), notes))

        def outcome() -> Outcome:
            process.wait()
            said = {path.name: path.read_text(errors="replace") for path in notes.iterdir()}
            return Outcome(
                process.returncode or 0,
                said.get("stdout", ""),
                said.get("stderr", ""),
                said.get("ended", "").split(),
                said.get("operations", "").split(),
            )

        return outcome

    def _in_child(self, arguments: list[str], folder: Path, fault: Fault, notes: Path) -> None:
        signal.alarm(PATIENCE)
        sys.stdout, sys.stderr = (notes / "stdout").open("w"), (notes / "stderr").open("w")
        sys.argv = ["steadytune", *arguments]
        disk = Disk(folder, fault)
        ended = (notes / "ended").open("a", buffering=1)
        real = conduct.run_study

        def run_study(loaded: Any, ledger: Any, executor: str, watch: Any) -> None:
            def both(event: Any) -> None:
                watch(event)
                if isinstance(event, End):
                    ended.write(f"{event.run}\n")

            real(loaded, ledger, executor, both, snapshot_seconds=0)

        try:
            with (
                mock.patch.object(conduct, "load", return_value=self._loaded),
                mock.patch.object(conduct, "run_study", run_study),
                mock.patch.object(_pool, "_start", _start_worker),
                disk.watched(),
            ):
                cli.main()
        finally:
            (notes / "operations").write_text(" ".join(disk.operations))


def contents(folder: Path) -> dict[str, Any]:
    """Every file of a study by path, without what may differ; claims, which pass, aside."""
    return {
        str(path.relative_to(folder)): _content(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.parent.name != "claims"
    }


def _content(path: Path) -> Any:
    try:
        return _parsed(path)
    except (ValueError, OSError):  # pyarrow's are among them; a damaged file
        return path.read_bytes()


def _parsed(path: Path) -> Any:
    if path.suffix == ".json" and "model" not in path.parts:
        return _plain(json.loads(path.read_bytes()))
    if path.suffix == ".jsonl":
        return [_plain(json.loads(line)) for line in path.read_bytes().splitlines()]
    if path.suffix == ".parquet":
        return _plain(pq.read_table(path).to_pydict())
    return path.read_bytes()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if k not in MAY_DIFFER}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return str(value) if isinstance(value, float) else value  # NaN equals NaN as text


class _Forked:
    """A forked process with the part of Popen that the pool needs."""

    def __init__(self, work: Callable[[], None]) -> None:
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            _end(work)

    def kill(self) -> None:
        if self.returncode is None:
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode


def _end(work: Callable[[], None]) -> NoReturn:
    """Do the work of a child and end without a trace in the parent's files."""
    status: Any = 0
    try:
        work()
    except SystemExit as end:
        status = end.code or 0
    except BaseException:
        traceback.print_exc()
        status = 70
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else 1)


def _start_worker(number: int) -> Any:
    """A worker that need not import anything: forked, not started."""
    ours, theirs = _pool.Pipe()

    def work() -> None:
        signal.alarm(PATIENCE)
        ours.close()
        try:
            serve(theirs)
        except (EOFError, OSError):  # its parent was killed
            os._exit(1)

    process: Any = _Forked(work)
    theirs.close()
    return _pool._Worker(number, process, ours)
