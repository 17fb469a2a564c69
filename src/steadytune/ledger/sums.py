"""Sums: what tells that bytes are those that were written.

Files have SHA-256, which ``sha256sum`` checks without steadytune. A JSON file that is replaced as a
whole carries a digest of itself. Tensors of snapshots have CRC-32, which is twice as fast and
enough against accidents.
"""

from __future__ import annotations

import hashlib
import json
import stat
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from steadytune.ledger.json_lines import damaged, json_line
from steadytune.records import FileSum

_BLOCK = 1 << 20
_DIGEST = "digest"


def sum_of(path: Path, size: int | None = None) -> FileSum:
    """The sum of a file, or of its first ``size`` bytes.

    Raises:
        OSError: it cannot be read.
    """
    found, left, done = hashlib.sha256(), size, 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK if left is None else min(left, _BLOCK)):
            found.update(block)
            done += len(block)
            left = None if left is None else left - len(block)
    return FileSum(done, found.hexdigest())


def sums_below(folder: Path, without: str) -> dict[str, FileSum]:
    """The sums of all files below a folder by their path in it, but for those of one name."""
    return {
        str(path.relative_to(folder)): sum_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != without and not path.name.startswith(".")
    }


def misfit(path: Path, wanted: FileSum, whole: bool, prefix: bool = False) -> str | None:
    """What tells a file from the one that was written, in a few words; None where nothing does.

    Args:
        path: the file.
        wanted: its sum.
        whole: look at every byte; or at no more than its size.
        prefix: the file may have grown.

    Raises:
        Unreadable: the system refuses to give it.
    """
    try:
        there = path.stat()
        if not stat.S_ISREG(there.st_mode):
            return "is not a file"
        if there.st_size < wanted.bytes or (there.st_size > wanted.bytes and not prefix):
            return f"has {there.st_size} bytes, not the {wanted.bytes} that were written"
        if whole and sum_of(path, wanted.bytes) != wanted:
            return "does not hold the bytes that were written (its SHA-256 differs)"
    except (FileNotFoundError, NotADirectoryError):
        return "is missing" if wanted.bytes or not prefix else None
    except OSError as error:
        raise damaged(path, error) from None
    return None


def with_digest(fields: Mapping[str, object]) -> dict[str, object]:
    """A JSON object with the digest of all that it says."""
    return {**fields, _DIGEST: _digest(fields)}


def checked(fields: Mapping[str, object]) -> dict[str, object]:
    """A JSON object without its digest; older ones have none.

    Raises:
        ValueError: it does not say what was written.
    """
    rest = {name: value for name, value in fields.items() if name != _DIGEST}
    if _DIGEST in fields and fields[_DIGEST] != _digest(rest):
        raise ValueError("it does not say what was written there (its digest differs)")
    return rest


def crc_of(tensors: Mapping[str, NDArray[Any]]) -> int:
    """A number that follows from names, types, shapes and bytes of arrays."""
    crc = 0
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name])
        about = json.dumps([name, str(tensors[name].dtype), list(tensors[name].shape)])
        crc = zlib.crc32(
            cast(bytes, array.reshape(-1).view(np.uint8)), zlib.crc32(about.encode(), crc)
        )
    return crc


def _digest(fields: Mapping[str, object]) -> str:
    return hashlib.sha256(json_line(fields)).hexdigest()[:16]
