"""CSV, TSV, JSON lines and Parquet files as columns of values with the place of every row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from steadytune.errors import BadInput

_LONGEST_FIELD = 1 << 30  # the csv module's own limit of 131 072 characters cuts off documents


@dataclass(frozen=True)
class Table:
    """The rows of one file.

    Attributes:
        path: the file.
        columns: the names of all columns in their order.
        values: the N values of each wanted column that is there, None where a row has none.
        places: the N places to look a row up: lines of a text file, rows of a Parquet file.
        unit: ``line`` or ``row``: what places count, from 1.
    """

    path: Path
    columns: tuple[str, ...]
    values: Mapping[str, Sequence[Any]]
    places: Sequence[int]
    unit: str

    def __len__(self) -> int:
        return len(self.places)

    def where(self, rows: Sequence[int]) -> str:
        """``line 7`` or ``lines 7, 9, 12 and 30 more`` for rows by index."""
        shown = ", ".join(str(self.places[row]) for row in rows[:5])
        more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
        return f"{self.unit}{'s' if len(rows) > 1 else ''} {shown}{more}"


def read(path: Path, wanted: Collection[str]) -> Table:
    """The wanted columns of a file, read by its suffix.

    Raises:
        BadInput: no such file, an unknown suffix, or content that cannot be read as what the suffix
            says; with the line where there is one.
    """
    reader = FORMATS.get(path.suffix.lower())
    if path.is_dir():
        raise BadInput(f"{path} is a folder; name one file with suffix {_suffixes()}")
    if reader is None:
        given = f"suffix {path.suffix!r}" if path.suffix else "no suffix"
        raise BadInput(f"{path} has {given}; allowed are {_suffixes()}")
    if not path.is_file():
        raise BadInput(f"{path} does not exist (looked from {Path.cwd()})")
    try:
        table = reader(path, wanted)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from None
    if not len(table):
        raise BadInput(f"{path} has no rows; a task needs examples")
    return table


def _suffixes() -> str:
    return ", ".join(FORMATS)


def _text(path: Path) -> str:
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadInput(
            f"{path}: line {line} holds byte 0x{data[error.start]:02x}, which is not UTF-8;"
            " save the file as UTF-8"
        ) from None
    if not text.strip():
        raise BadInput(f"{path} is empty")
    return text


def _csv(path: Path, wanted: Collection[str]) -> Table:
    return _delimited(path, wanted, ",")


def _tsv(path: Path, wanted: Collection[str]) -> Table:
    return _delimited(path, wanted, "\t")


def _delimited(path: Path, wanted: Collection[str], delimiter: str) -> Table:
    reader = csv.reader(io.StringIO(_text(path), newline=""), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    places: list[int] = []
    begins = 1
    limit = csv.field_size_limit(_LONGEST_FIELD)
    try:
        for row in reader:
            if row:
                rows.append(row)
                places.append(begins)
            begins = reader.line_num + 1
    except csv.Error as error:
        raise BadInput(
            f"{path}: line {begins} cannot be read ({error}); a field that begins with a double"
            ' quote must end with one, and quotes inside it are doubled (""); or use JSON lines'
        ) from None
    finally:
        csv.field_size_limit(limit)
    header = tuple(rows[0])
    ragged = [which for which, row in enumerate(rows) if len(row) != len(header)]
    if ragged:
        first = ragged[0]
        others = f" ({len(ragged)} such rows)" if len(ragged) > 1 else ""
        raise BadInput(
            f"{path}: line {places[first]} has {len(rows[first])} fields, the header"
            f" {len(header)}{others}; quote fields that hold the separator {delimiter!r}"
        )
    values = {
        name: [row[which] for row in rows[1:]] for name, which in _found(path, header, wanted)
    }
    return Table(path, header, values, places[1:], "line")


def _found(path: Path, columns: Sequence[str], wanted: Collection[str]) -> list[tuple[str, int]]:
    """The wanted columns that are there, with their positions."""
    twice = sorted({name for name in wanted if columns.count(name) > 1})
    if twice:
        raise BadInput(f"{path}: column {twice[0]!r} is there twice; rename one of the two")
    return [(name, which) for which, name in enumerate(columns) if name in wanted]


def _json_lines(path: Path, wanted: Collection[str]) -> Table:
    rows: list[dict[str, Any]] = []
    places: list[int] = []
    for number, line in enumerate(_text(path).split("\n"), 1):
        if not line.strip():
            continue
        rows.append(_json_object(path, number, line))
        places.append(number)
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    values = {name: [row.get(name) for row in rows] for name, _ in _found(path, columns, wanted)}
    return Table(path, columns, values, places, "line")


def _json_object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        hint = "; every line must be a whole JSON object" if number == 1 else ""
        raise BadInput(f"{path}: line {number} is not JSON: {error}{hint}") from None
    if not isinstance(value, dict):
        raise BadInput(
            f"{path}: line {number} is a JSON {type(value).__name__}, not an object such as"
            ' {"text": "...", "label": "..."}'
        )
    return value


def _parquet(path: Path, wanted: Collection[str]) -> Table:
    if path.stat().st_size == 0:
        raise BadInput(f"{path} is empty")
    try:
        file = pq.ParquetFile(path)
        columns = tuple(file.schema_arrow.names)
        found = _found(path, columns, wanted)
        table = file.read(columns=[name for name, _ in found])
        values = {name: table.column(name).to_pylist() for name, _ in found}
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise BadInput(f"{path} is not a readable Parquet file: {reason}") from None
    return Table(path, columns, values, range(1, file.metadata.num_rows + 1), "row")


FORMATS: Mapping[str, Callable[[Path, Collection[str]], Table]] = MappingProxyType(
    {
        ".csv": _csv,
        ".tsv": _tsv,
        ".jsonl": _json_lines,
        ".ndjson": _json_lines,
        ".parquet": _parquet,
    }
)
"""How a file is read, by its suffix."""
