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

import os
import time
import uuid
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from steadytune.errors import Claimed
from steadytune.ledger.process import Process
from steadytune.ledger.writing import Heartbeat, Introduced, Writer, read_writer

FOLDER = "claims"
STUDY = "study"
_WAIT_FOR_TOKEN = 1.0  # between creating a claim and writing into it


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
        self._said: Introduced | None = None

    def __enter__(self) -> Claims:
        """Say who writes.

        Raises:
            OSError: the folder cannot be written to.
        """
        while True:
            self._folder.mkdir(exist_ok=True)
            try:
                file = self._writer_file(self.token)
                self._said = Introduced(file, self._process, self._heartbeat)
                return self
            except FileNotFoundError:  # another that ended has just removed the folder
                if not self._of.is_dir():
                    raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let go of everything."""
        assert self._said is not None
        self._said.end()
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
            if writer := self._living(token):
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
        writer = read_writer(self._writer_file(token)) if token else None
        by = f" by {writer.name}" if writer else ""
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
            if token and token != self.token and (writer := self._living(token)):
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
            writer = read_writer(path)
            if writer is not None and writer.has_ended(self._process):
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

    def _living(self, token: str) -> Writer | None:
        """The writer of a token, if it is alive; the file of a dead one is removed."""
        writer = read_writer(self._writer_file(token))
        if writer is None:
            return None
        if writer.is_alive(self._process, self._heartbeat):
            return writer
        writer.file.unlink(missing_ok=True)
        return None

    def _sentence(self, name: str, writer: Writer) -> str:
        return (
            f"{self._of}: {writer.name} has been writing {_what(name)} there since "
            f"{writer.since} ({writer.command}); wait until it ends, or stop it, and give the "
            "same command again"
        )

    def _writer_file(self, token: str) -> Path:
        return self._folder / f"{token}.writer"

    def _claim_file(self, name: str) -> Path:
        return self._folder / f"{name}.claim"


def _what(name: str) -> str:
    name = name.partition("~")[0]
    if name == STUDY:
        return "the study"
    return name if "." in name else f"run {name}"
