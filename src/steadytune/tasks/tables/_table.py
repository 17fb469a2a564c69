"""Table, the columns of one file, and Dialect, what a user says about how a file is written."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from steadytune.errors import BadInput

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}


@dataclass(frozen=True)
class Dialect:
    """How a file is written, where its suffix alone does not say it.

    Attributes:
        separator: what parts fields in CSV and TSV files; None takes the suffix's.
        quoting: ``standard`` (RFC 4180: a field in double quotes may hold separators and line ends,
            and quotes doubled), or ``none`` (a double quote is a character); None takes the
            suffix's: standard for CSV, none for TSV.
        encoding: of text files, such as ``cp1252``; None is UTF-8.
        columns: names of the columns of CSV and TSV files without a header.
    """

    separator: Literal["comma", "semicolon", "tab", "pipe"] | None = None
    quoting: Literal["standard", "none"] | None = None
    encoding: str | None = None
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Table:
    """The rows of one file.

    Attributes:
        path: the file.
        columns: the names of all columns in their order.
        values: the N values of each wanted column that is there, None where a row has none.
        places: the N places to look a row up: lines of a text file, rows of a Parquet file.
        unit: ``line`` or ``row``: what places count, from 1.
        cautions: sentences on what may have been meant otherwise.
        hint: what may be wrong where a column is missing, or nothing.
    """

    path: Path
    columns: tuple[str, ...]
    values: Mapping[str, Sequence[Any]]
    places: Sequence[int]
    unit: str
    cautions: tuple[str, ...] = ()
    hint: str = ""

    def __len__(self) -> int:
        return len(self.places)

    def where(self, rows: Sequence[int]) -> str:
        """``line 7`` or ``lines 7, 9, 12 and 30 more`` for rows by index."""
        shown = ", ".join(str(self.places[row]) for row in rows[:5])
        more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
        return f"{self.unit}{'s' if len(rows) > 1 else ''} {shown}{more}"


def find(path: Path, columns: Sequence[str], wanted: Collection[str]) -> list[tuple[str, int]]:
    """The wanted columns that are there, with their positions.

    Raises:
        BadInput: one of them is there twice.
    """
    twice = sorted({name for name in wanted if columns.count(name) > 1})
    if twice:
        raise BadInput(f"{path}: column {twice[0]!r} is there twice; rename one of the two")
    return [(name, which) for which, name in enumerate(columns) if name in wanted]
