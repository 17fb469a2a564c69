"""JSON on disk: how values become lines, and how files of lines are read."""

from __future__ import annotations

import errno
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from pydantic import ValidationError

from steadytune.errors import Damaged, Unreadable

_REFUSED = (errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENFILE)


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
    """The JSON objects of a file but for a last one that is half there; none without a file.

    Raises:
        Damaged: a line that others follow is none, or the file cannot be read.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise damaged(path, error) from None
    lines: list[Line] = []
    end = 0
    whole = text.split(b"\n")[:-1]  # what follows the last newline is half-written or empty
    for number, raw in enumerate(whole, 1):
        end += len(raw) + 1
        try:
            value: object = json.loads(raw)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            if number == len(whole):
                break
            raise Damaged(f"{path}: damaged (line {number} cannot be read)")
        lines.append(Line(cast(dict[str, Any], value), end))
    return lines


def damaged(path: Path, error: Exception) -> Damaged:
    """The sentence for a file that could not be read because of ``error``, in one line."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    elif isinstance(error, KeyError):
        reason = f"{error.args[0]} is missing"
    else:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    refused = isinstance(error, OSError) and error.errno in _REFUSED
    kind = Unreadable if refused else Damaged
    return kind(f"{path}: cannot be read ({' '.join(reason.split())[:200]})")
