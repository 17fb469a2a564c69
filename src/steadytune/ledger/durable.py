"""Files that survive a kill at any moment: whole files by rename, lines by append.

A whole file is written under a temporary name in the same folder, forced to disk and renamed, so
a reader sees the old one or the new one. Lines are appended one write each; only the last can be
half there, and ``read_lines`` stops before it.
"""

from __future__ import annotations

import json
import math
import os
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

_TEMPORARY = ".tmp"
_OF_SAFETENSORS = re.compile(r"\.tmp\w{6}")  # it writes a file of its own first, and renames it


def is_temporary(path: Path) -> bool:
    """Whether ``path`` is what a killed ``replace_file`` may leave behind."""
    name = path.name
    ours = name.startswith(".") and name.endswith(_TEMPORARY)
    return ours or _OF_SAFETENSORS.fullmatch(name) is not None


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` make a temporary file, then put it in the place of ``path`` at once.

    Raises:
        OSError: the disk is full or the folder cannot be written to; ``path`` is as it was.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}{_TEMPORARY}")
    try:
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def replace_json(path: Path, value: object) -> None:
    """Put ``value`` as one line of JSON in the place of ``path``."""
    replace_file(path, lambda temporary: temporary.write_bytes(json_line(value)))


def read_json(path: Path) -> object:
    """The JSON value in a file.

    Raises:
        ValueError: it is not JSON. OSError: it cannot be read.
    """
    return json.loads(path.read_bytes())


def json_line(value: object) -> bytes:
    """One line of strict JSON: numbers that are not finite become null."""
    return json.dumps(plain(value), allow_nan=False, ensure_ascii=False).encode() + b"\n"


def plain(value: object) -> Any:  # noqa: ANN401  (whatever JSON can hold)
    """Dataclasses, mappings, sequences and NumPy numbers as plain JSON values."""
    if isinstance(value, np.generic):
        value = cast(object, value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        entries = cast(Mapping[object, object], value)
        return {str(key): plain(entry) for key, entry in entries.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(entry) for entry in cast(Sequence[object], value)]
    return value


class Line(NamedTuple):
    """One JSON object of a file, and the offset of the byte after it."""

    value: dict[str, Any]
    end: int


def read_lines(path: Path) -> list[Line]:
    """The JSON objects of a file up to the first line that is not whole; none without a file."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return []
    lines: list[Line] = []
    end = 0
    for raw in text.split(b"\n")[:-1]:  # what follows the last newline is half-written or empty
        end += len(raw) + 1
        try:
            value: object = json.loads(raw)
        except ValueError:
            break
        if not isinstance(value, dict):
            break
        lines.append(Line(cast(dict[str, Any], value), end))
    return lines


def cut_file(path: Path, size: int) -> None:
    """Keep the first ``size`` bytes of a file, if it exists."""
    if path.exists():
        with path.open("rb+") as file:
            file.truncate(size)
            os.fsync(file.fileno())


class Lines:
    """Appends JSON lines to a file, which is opened at the first of them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def append(self, value: object) -> None:
        """Write one line, whole or (on a full disk) not at all.

        Raises:
            OSError: it could not be written; the lines before it are untouched.
        """
        if self._handle is None:
            self._handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            sync_folder(self._path.parent)
        before = os.fstat(self._handle).st_size
        rest = json_line(value)
        try:
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        except OSError:
            os.ftruncate(self._handle, before)
            raise

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
