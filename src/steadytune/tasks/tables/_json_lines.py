"""JSON lines: one JSON object a line."""

from __future__ import annotations

import json
from array import array
from collections.abc import Collection
from pathlib import Path
from typing import Any

from steadytune.errors import BadInput
from steadytune.tasks.tables._contents import text_lines
from steadytune.tasks.tables._table import Dialect, Table, find


def read_json_lines(path: Path, wanted: Collection[str], dialect: Dialect) -> Table:
    """The wanted columns; a row that lacks one has None there.

    Raises:
        BadInput: a line is no JSON object or has a key twice; with its number.
    """
    values: dict[str, list[Any]] = {name: [] for name in wanted}
    columns: dict[str, None] = {}
    places = array("q")
    for number, line in enumerate(text_lines(path, dialect.encoding), 1):
        if not line.strip():
            continue
        row = _object(path, number, line, first=not places)
        places.append(number)
        columns.update(dict.fromkeys(row))
        for name, column in values.items():
            column.append(row.get(name))
    found = find(path, tuple(columns), wanted)
    return Table(path, tuple(columns), {name: values[name] for name, _ in found}, places, "line")


def _object(path: Path, number: int, line: str, first: bool) -> dict[str, Any]:
    try:
        value = _DECODER.decode(line.strip())
    except _Twice as twice:
        raise BadInput(f"{path}: line {number} has the key {twice} twice; keep one") from None
    except (ValueError, RecursionError) as error:
        if first and line.lstrip().startswith("["):
            raise BadInput(_array(path)) from None
        hint = "; every line must be a whole JSON object" if first else ""
        raise BadInput(f"{path}: line {number} is not JSON: {error}{hint}") from None
    if isinstance(value, list) and first and any(isinstance(item, dict) for item in value):
        raise BadInput(_array(path))
    if not isinstance(value, dict):
        raise BadInput(
            f"{path}: line {number} is a JSON {_kind(value)}, not an object such as"
            ' {"text": "...", "label": "..."}'
        )
    return value


def _array(path: Path) -> str:
    return (
        f"{path} is one JSON array, not JSON lines; write one object a line, such as with"
        f" jq -c '.[]' {path.name} > lines.jsonl"
    )


def _kind(value: object) -> str:
    if value is None:
        return "null"
    return {bool: "truth value", str: "string", list: "list"}.get(type(value), "number")


class _Twice(Exception):
    pass


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(repr(next(name for name in names if names.count(name) > 1)))
    return row


_DECODER = json.JSONDecoder(object_pairs_hook=_once)
