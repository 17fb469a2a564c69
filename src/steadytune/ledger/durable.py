"""Files that survive a kill at any moment: whole files by rename, lines by append.

A whole file is written under a temporary name in the same folder, forced to disk and renamed, so
a reader sees the old one or the new one. Lines are appended one write each; only the last can be
half there, and ``json_lines.read_lines`` stops before it. Everything that the package writes into
the folder of a study goes through here.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from steadytune.ledger.json_lines import json_line
from steadytune.ledger.process import Process, from_tag
from steadytune.records import FileSum

_TEMPORARY = ".tmp"
_OURS = re.compile(r"\..*\.(\d+-\w+-[0-9a-f]{8})\.[0-9a-f]{8}\.tmp")
_OF_SAFETENSORS = re.compile(r"\.tmp\w{6}")  # it writes a file of its own first, and renames it
_FORGOTTEN = 24 * 3600.0  # seconds after which no process on another machine still writes a file


def is_temporary(path: Path) -> bool:
    """Whether ``path`` is what a killed ``replace_file`` may leave behind."""
    name = path.name
    ours = name.startswith(".") and name.endswith(_TEMPORARY)
    return ours or _OF_SAFETENSORS.fullmatch(name) is not None


def sweep_temporary(folder: Path) -> None:
    """Remove what killed processes left half-written anywhere below; living ones keep theirs."""
    this = Process.this()
    for where, _, names in os.walk(folder):
        for path in (Path(where) / name for name in names if is_temporary(Path(name))):
            made = _OURS.fullmatch(path.name)
            gone = from_tag(made[1]).is_gone(this) if made else None
            with suppress(FileNotFoundError):
                if gone or (gone is None and time.time() - path.stat().st_mtime > _FORGOTTEN):
                    path.unlink()


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Force every file and every name below a folder to disk."""
    for where, _, names in os.walk(folder):
        for name in names:
            _sync_file(Path(where) / name)
        sync_folder(Path(where))


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, where they are missing, and force their names to disk."""
    if folder.is_dir():
        return
    if folder.parent != folder:
        make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` make a temporary file, then put it in the place of ``path`` at once.

    Raises:
        OSError: the disk is full or the folder cannot be written to; ``path`` is as it was.
    """
    tag = f"{Process.this().tag}.{uuid.uuid4().hex[:8]}"
    temporary = path.with_name(f".{path.name}.{tag}{_TEMPORARY}")
    try:
        write(temporary)
        _sync_file(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


@contextmanager
def replace_folder(folder: Path) -> Generator[Path]:
    """A new folder that takes the place of ``folder`` when everything is written and on disk.

    A reader sees the old content or the new one, never a part; on an error the old one stays. A
    kill leaves a folder ``.<name>-...`` beside it.

    Raises:
        OSError: the disk is full or the folder cannot be written to.
    """
    folder = folder.absolute()
    make_folder(folder.parent)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as workplace:
        fresh, old = Path(workplace) / "new", Path(workplace) / "old"
        fresh.mkdir()
        yield fresh
        sync_tree(fresh)
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)
        sync_folder(folder.parent)
        shutil.rmtree(old, ignore_errors=True)


def replace_text(path: Path, text: str) -> None:
    """Put a text in the place of ``path``, whose folder is made if it is not there."""
    make_folder(path.parent)
    replace_file(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def replace_json(path: Path, value: object) -> None:
    """Put ``value`` as one line of JSON in the place of ``path``."""
    replace_file(path, lambda temporary: temporary.write_bytes(json_line(value)))


def cut_file(path: Path, size: int) -> None:
    """Keep the first ``size`` bytes of a file, if it exists."""
    if path.exists():
        with path.open("rb+") as file:
            file.truncate(size)
            os.fsync(file.fileno())


class Lines:
    """Appends JSON lines to a file, which is opened at the first of them.

    Attributes:
        sum: of the lines of the file as they were written: those of this object, and the ones
            that were there before.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None
        self._size, self._hash = 0, hashlib.sha256()

    @property
    def sum(self) -> FileSum:
        """Size and digest of everything so far."""
        return FileSum(self._size, self._hash.hexdigest())

    def append(self, value: object) -> None:
        """Write one line, whole or (on a full disk) not at all.

        Raises:
            OSError: it could not be written; the lines before it are untouched.
        """
        if self._handle is None:
            self._open()
        assert self._handle is not None
        before = os.fstat(self._handle).st_size
        line = rest = json_line(value)
        try:
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        except OSError:
            os.ftruncate(self._handle, before)
            raise
        self._add(line)

    def sync(self) -> None:
        """Force the lines to disk."""
        if self._handle is not None:
            os.fsync(self._handle)

    def close(self) -> None:
        """Force the lines to disk and let go of the file."""
        self.sync()
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def go_on_after(self, size: int) -> None:
        """Keep the first ``size`` bytes of the file, if it exists, and append to them."""
        self.close()
        cut_file(self._path, size)
        self._size, self._hash = 0, hashlib.sha256()
        if size:
            self._add(self._path.read_bytes())

    def _open(self) -> None:
        self._handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        sync_folder(self._path.parent)

    def _add(self, text: bytes) -> None:
        self._size += len(text)
        self._hash.update(text)
