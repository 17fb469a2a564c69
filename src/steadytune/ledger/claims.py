"""Claims: which process may write what in a folder, on one machine or on many.

::

    claims/<token>.writer   one process: who it is, since when, its command, and its heartbeat
    claims/<name>.claim     the token of the process that may write <name>

A claim is a file that only one process can create (``O_EXCL``, which NFS keeps, too). A run is
claimed by its id and ``study`` for the moment in which files of the whole study are replaced, so
several processes may write different runs of one folder.

Whether a writer is alive is asked of the system where it runs on the same machine. Elsewhere its
heartbeat is watched: a number that it counts up. No clocks are compared. The file of a dead writer
is removed, which ends all its claims. Such a claim is taken over by whoever first claims
``<name>~<token>``, so that two cannot do it at once.
"""

from __future__ import annotations

import json
import logging
import os
import shlex
import sys
import threading
import time
import uuid
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from steadytune.errors import Claimed
from steadytune.ledger.process import Process

FOLDER = "claims"
STUDY = "study"
_LONGEST_COMMAND = 200
_WAIT_FOR_TOKEN = 1.0  # between creating a claim and writing into it
_log = logging.getLogger(__name__)
_active: set[str] = set()  # tokens of this process


@dataclass(frozen=True)
class Heartbeat:
    """How often a writer says that it is alive, and how long others watch for it, in seconds."""

    every: float = 5.0
    patience: float = 30.0


class _Writer(NamedTuple):
    """What the file of a writer says; ``inode`` tells the file from a copy of it."""

    process: Process
    since: str
    command: str
    inode: int
    beat: bytes


class Claims:
    """What this process may write in a folder; a context, after which nothing is claimed any more.

    Args:
        folder: whose files are written; ``claims/`` is made in it, and removed when empty.
        process: who claims; heartbeat: how often it is heard of.
    """

    def __init__(
        self, folder: Path, process: Process | None = None, heartbeat: Heartbeat | None = None
    ) -> None:
        self.token = uuid.uuid4().hex
        self._of = folder
        self._folder = folder / FOLDER
        self._process = process or Process.this()
        self._heartbeat = heartbeat or Heartbeat()
        self._held: set[str] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._beat_at = 0

    def __enter__(self) -> Claims:
        """Say who writes.

        Raises:
            OSError: the folder cannot be written to.
        """
        self._introduce()
        _active.add(self.token)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let go of everything."""
        self._ended.set()
        self._thread.join()
        _active.discard(self.token)
        with suppress(OSError):
            for name in list(self._held):
                self.release(name)
            self._writer_file(self.token).unlink(missing_ok=True)
            self._folder.rmdir()  # fails while others are there

    def take(self, name: str) -> None:
        """Claim ``name``; the claim of a dead writer is taken over.

        Raises:
            Claimed: a living one has it.
        """
        while not self._create(name):
            token = self._holder(name)
            if token == self.token:
                break
            if token is None:
                continue
            writer = self._writer(token)
            if writer is not None and self._is_alive(token, writer):
                raise Claimed(self._sentence(name, writer))
            if self._take_over(name, token):
                break
        self._held.add(name)

    def release(self, name: str) -> None:
        """Let go of ``name``, if it is still this writer's."""
        self._held.discard(name)
        if self._holder(name) == self.token:
            self._claim_file(name).unlink(missing_ok=True)

    def check(self, name: str) -> None:
        """Make sure before writing that nobody took the claim over.

        Raises:
            Claimed: somebody did, because nothing was heard of this process for a while.
        """
        token = self._holder(name)
        if token == self.token and self._writer_file(self.token).exists():
            return
        writer = self._writer(token) if token else None
        by = f" by {_who(writer)}" if writer else ""
        raise Claimed(
            f"{self._of}: {_what(name)} was taken over{by}, since nothing was heard of this "
            "process for a while (was it suspended?); it stops, and leaves the other to go on"
        )

    def check_free(self, names: Iterable[str]) -> None:
        """Refuse at once where another writer that is alive has one of the names.

        Raises:
            Claimed: it has.
        """
        wanted = set(names)
        if not self._folder.is_dir():
            return
        for path in sorted(self._folder.glob("*.claim")):
            token = self._holder(path.stem) if path.stem in wanted else None
            writer = self._writer(token) if token else None
            if token and token != self.token and writer and self._is_alive(token, writer):
                raise Claimed(self._sentence(path.stem, writer))

    @contextmanager
    def briefly(self, name: str, seconds: float = 60.0) -> Generator[None]:
        """Claim ``name`` for a moment, and wait for others that do the same.

        Raises:
            Claimed: one of them had it all the time.
        """
        until = time.monotonic() + seconds
        while True:
            try:
                self.take(name)
                break
            except Claimed:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
        try:
            yield
        finally:
            self.release(name)

    def tidy(self) -> None:
        """Remove what writers left that have certainly ended."""
        for path in self._folder.glob("*.writer"):
            writer = self._writer(path.stem)
            if writer is not None and self._has_ended(path.stem, writer):
                path.unlink(missing_ok=True)
        for path in [*self._folder.glob("*.heir"), *self._folder.glob("*.claim")]:
            name, heir = path.stem, path.suffix == ".heir"
            token = name if heir else self._holder(name)
            if token is None or self._writer_file(token).exists():
                continue
            if heir:
                path.unlink(missing_ok=True)
                continue
            with suppress(Claimed):  # to remove it just so might be to remove an heir's
                self.take(name)
                self.release(name)

    def _introduce(self) -> None:
        path = self._writer_file(self.token)
        about = {
            "pid": self._process.pid,
            "host": self._process.host,
            "place": self._process.place,
            "start": self._process.start,
            "since": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
            "command": _command(),
        }
        while True:
            self._folder.mkdir(exist_ok=True)
            try:
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
                break
            except FileNotFoundError:  # another that ended has just removed the folder
                if not self._of.is_dir():
                    raise
        with os.fdopen(handle, "wb") as file:
            line = json.dumps({**about, "inode": os.fstat(handle).st_ino}).encode() + b"\n"
            self._beat_at = len(line)
            file.write(line + _count(0))

    def _beat(self) -> None:
        beat = 0
        while not self._ended.wait(self._heartbeat.every):
            beat += 1
            # In place, so that a full disk is no reason to be taken for dead.
            with suppress(OSError), self._writer_file(self.token).open("rb+") as file:
                file.seek(self._beat_at)
                file.write(_count(beat))

    def _create(self, name: str) -> bool:
        try:
            path = self._claim_file(name)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            return False
        with os.fdopen(handle, "wb") as file:
            file.write(self.token.encode())
        return self._holder(name) == self.token

    def _take_over(self, name: str, dead: str) -> bool:
        heir = f"{name}~{dead}"
        self.take(heir)
        try:
            if self._holder(name) != dead:
                return False
            fresh = self._folder / f"{self.token}.heir"
            fresh.write_text(self.token, encoding="utf-8")
            fresh.replace(self._claim_file(name))
            return True
        finally:
            self.release(heir)

    def _holder(self, name: str) -> str | None:
        """The token in a claim: None without a claim, empty where a kill came before it."""
        until = time.monotonic() + _WAIT_FOR_TOKEN
        while True:
            try:
                token = self._claim_file(name).read_text(encoding="utf-8", errors="replace")
            except FileNotFoundError:
                return None
            if token.isalnum() or time.monotonic() > until:
                return token if token.isalnum() else ""
            time.sleep(0.01)

    def _writer(self, token: str) -> _Writer | None:
        """None where the writer has gone, or a kill came before it said who it is."""
        try:
            line, _, beat = self._writer_file(token).read_bytes().partition(b"\n")
            about = json.loads(line)
            process = Process(*(about[name] for name in ("host", "place", "pid", "start")))
            return _Writer(process, about["since"], about["command"], about["inode"], beat)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _is_alive(self, token: str, writer: _Writer) -> bool:
        gone = self._has_ended(token, writer)
        file = self._writer_file(token)
        with suppress(FileNotFoundError):
            if gone is False and file.stat().st_ino == writer.inode:  # and not a copied folder
                return True
            if not gone and self._is_heard_of(token, writer):
                return True
        file.unlink(missing_ok=True)
        return False

    def _has_ended(self, token: str, writer: _Writer) -> bool | None:
        """None where the system here cannot know it."""
        if writer.process == self._process:
            return token not in _active
        return writer.process.is_gone(self._process)

    def _is_heard_of(self, token: str, writer: _Writer) -> bool:
        _log.info(
            "%s: %s may still write there; watching for up to %.0f seconds whether it does",
            self._of,
            _who(writer),
            self._heartbeat.patience,
        )
        until = time.monotonic() + self._heartbeat.patience
        while time.monotonic() < until:
            time.sleep(min(1.0, self._heartbeat.every / 5))
            now = self._writer(token)
            if now is None or now.beat != writer.beat:
                return now is not None
        return False

    def _sentence(self, name: str, writer: _Writer) -> str:
        return (
            f"{self._of}: {_who(writer)} has been writing {_what(name)} there since "
            f"{writer.since} ({writer.command}); wait until it ends, or stop it, and give the "
            "same command again"
        )

    def _writer_file(self, token: str) -> Path:
        return self._folder / f"{token}.writer"

    def _claim_file(self, name: str) -> Path:
        return self._folder / f"{name}.claim"


def _count(beat: int) -> bytes:
    return b"%012d\n" % beat


def _who(writer: _Writer) -> str:
    return f"process {writer.process.pid} on {writer.process.host}"


def _what(name: str) -> str:
    name = name.partition("~")[0]
    if name == STUDY:
        return "the study"
    return name if "." in name else f"run {name}"


def _command() -> str:
    words = [Path(sys.argv[0]).name, *sys.argv[1:]] if sys.argv and sys.argv[0] else ["python"]
    text = " ".join(shlex.join(words).split())
    return text if len(text) <= _LONGEST_COMMAND else f"{text[:_LONGEST_COMMAND]}..."
