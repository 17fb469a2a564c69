"""What the values in a label column mean: class indices with names, or scores.

Labels are looked at once for each different value, so that a million rows cost little.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from steadytune.errors import BadInput
from steadytune.tasks.tables import Table

_MAYBE_MISSING = {"nan", "na", "n/a", "#n/a", "<na>", "none", "null", "nil"}


@dataclass(frozen=True)
class Labels:
    """The labels of several files under one reading.

    Attributes:
        names: names of the K classes in index order, or None where labels are scores.
        values: for each file (N,) int64 class indices, or (N,) float64 scores.
        cautions: sentences on labels that may have been meant otherwise.
    """

    names: tuple[str, ...] | None
    values: tuple[NDArray[np.int64] | NDArray[np.float64], ...]
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Column:
    """A label column: its different values, and which of them each row has."""

    table: Table
    name: str
    distinct: Sequence[Any]
    which: NDArray[np.int64]

    def rows(self, holds: Callable[[Any], bool]) -> list[int]:
        """Rows whose value has a property."""
        found = [index for index, value in enumerate(self.distinct) if holds(value)]
        return np.flatnonzero(np.isin(self.which, found)).tolist() if found else []

    def where(self, rows: Sequence[int]) -> str:
        """The file and the lines of rows."""
        return f"{self.table.path}: {self.table.where(rows)}"

    def at(self, row: int) -> Any:  # noqa: ANN401  (whatever the file holds)
        """The value of a row."""
        return self.distinct[self.which[row]]


def read_labels(
    tables: Sequence[Table], column: str, kind: Literal["auto", "classes", "scores"]
) -> Labels:
    """The label column of the training file, and of the dev file where there is one.

    A text names the class as it is written, blanks around it aside: ``01``, ``1`` and ``1.0`` are
    three classes. Numbers of JSON lines and Parquet files name the same class as 1 or 1.0. Classes
    are in the order of their numbers where all are whole numbers, else of the alphabet.

    Raises:
        BadInput: a label is missing, a score is not a finite number, a class is only in the second
            file, all examples of a file are of one class or score, or, unless ``kind`` says
            otherwise, nearly every example has a class of its own.
    """
    columns = [_column(table, column) for table in tables]
    present = [value for one in columns for value in one.distinct if not _is_missing(value)]
    numeric = all(map(_is_number, present))
    fractional = numeric and not all(map(_is_whole_or_not_finite, present))
    if kind == "scores" or (kind == "auto" and fractional):
        return _scores(columns)
    _refuse_missing(columns, finite=numeric and kind == "auto")
    written = [[_class_name(value) for value in one.distinct] for one in columns]
    names = _ordered(set(written[0]), whole=all(map(_is_whole, present)))
    _refuse_odd_classes(columns, written, guess=kind == "auto")
    index = {name: which for which, name in enumerate(names)}
    return Labels(
        names=tuple(names),
        values=tuple(
            np.array([index[name] for name in found], dtype=np.int64)[one.which]
            for one, found in zip(columns, written, strict=True)
        ),
        cautions=(*_alike(columns[0], names), *_maybe_missing(columns)),
    )


def _column(table: Table, name: str) -> _Column:
    values = table.values[name]
    keys = values if set(map(type, values)) <= {str} else map(_key, values)
    seen: dict[object, int] = {}
    which = np.fromiter((seen.setdefault(key, len(seen)) for key in keys), np.int64, len(values))
    _, first = np.unique(which, return_index=True)
    return _Column(table, name, [values[row] for row in first], which)


def _key(value: object) -> object:
    """Tells values apart that Python calls equal, such as 1, 1.0 and True."""
    if value != value or isinstance(value, list | dict):
        return type(value), repr(value)
    return type(value), value


def _ordered(names: Iterable[str], whole: bool) -> list[str]:
    if not whole:
        return sorted(names)
    return sorted(names, key=lambda name: (_as_int(name), name))


def _as_int(text: str) -> int:
    try:
        return int(text)
    except ValueError:  # written as 1.0
        return int(float(text))


def _scores(columns: Sequence[_Column]) -> Labels:
    problems: list[str] = []
    for column in columns:
        bad = column.rows(lambda value: not _is_finite(value))
        if bad:
            problems.append(
                f"{column.where(bad)}: the score in column {column.name!r} must be a finite"
                f" number, not {column.at(bad[0])!r}; remove or repair {_such(bad)}"
            )
        elif len({_number(value) for value in column.distinct}) == 1:
            problems.append(
                f"{column.table.path}: every score in column {column.name!r} is"
                f" {_number(column.distinct[0])}; there is nothing to learn or to measure"
            )
    if problems:
        raise BadInput("\n".join(problems))
    return Labels(
        names=None,
        values=tuple(
            np.array([_number(value) for value in one.distinct], dtype=np.float64)[one.which]
            for one in columns
        ),
    )


def _refuse_missing(columns: Sequence[_Column], finite: bool) -> None:
    """Refuse labels that are none; with ``finite`` also ``nan`` and ``inf`` among numbers."""
    problems: list[str] = []
    for column in columns:
        several = column.rows(lambda value: isinstance(value, list | dict | bytes))
        if several:
            value = column.at(several[0])
            kind = {list: "a list", dict: "an object"}.get(type(value), "bytes")
            problems.append(
                f"{column.where(several)}: column {column.name!r} holds {kind} ({value!r}); a label"
                " is one word or number: write one, or choose another column with task.label"
            )
            continue
        missing = column.rows(
            lambda value: _is_missing(value) or (finite and not _is_finite(value))
        )
        if missing:
            found = column.at(missing[0])
            classes = isinstance(found, str) and found.strip()
            problems.append(
                f"{column.where(missing)}: no label to use in column {column.name!r} (found"
                f" {found!r}); remove or repair {_such(missing)}"
                + ("; if it names a class, --set task.labels=classes" if classes else "")
            )
    if problems:
        raise BadInput("\n".join(problems))


def _refuse_odd_classes(
    columns: Sequence[_Column], written: Sequence[Sequence[str]], guess: bool
) -> None:
    problems: list[str] = []
    for column, names in zip(columns, written, strict=True):
        if len(set(names)) == 1:
            problems.append(
                f"{column.table.path}: all {len(column.which)} rows have the label {names[0]!r}; a"
                " task needs at least two classes in training and in dev"
            )
    known, size = set(written[0]), sum(len(column.which) for column in columns)
    if guess and len(known) > max(2, size // 2):
        problems.append(
            f"{columns[0].table.path}: column {columns[0].name!r} has {len(known)} different labels"
            f" in {size} rows; is it the label column? if they are classes, --set"
            " task.labels=classes; if they are numbers to predict, --set task.labels=scores"
        )
    for column, names in zip(columns[1:], written[1:], strict=True):
        unseen = column.rows(lambda value: _class_name(value) not in known)
        if unseen:
            new = sorted(set(names) - known)
            problems.append(
                f"{column.where(unseen)}: label {', '.join(map(repr, new[:5]))} is not among the"
                f" training labels {', '.join(map(repr, sorted(known)[:10]))}"
                f"{_written_there(new, known)}; relabel {_such(unseen)}, or add training examples"
                " of that class"
            )
    if problems:
        raise BadInput("\n".join(problems))


def _written_there(new: Iterable[str], known: Iterable[str]) -> str:
    forms = {_form(name): name for name in known}
    pairs = [(name, forms[_form(name)]) for name in new if _form(name) in forms]
    return f" (there {pairs[0][1]!r} may be what is {pairs[0][0]!r} here)" if pairs else ""


def _alike(column: _Column, names: Iterable[str]) -> Iterator[str]:
    """Classes that differ only in case, blanks or how a number is written."""
    forms: dict[object, list[str]] = {}
    for name in names:
        forms.setdefault(_form(name), []).append(name)
    for group in forms.values():
        if len(group) > 1:
            yield (
                f"{column.table.path}: labels {' and '.join(map(repr, group))} differ only in how"
                f" they are written and are {len(group)} classes; if they are one, write them alike"
            )


def _form(name: str) -> object:
    number = _number(name)
    if number is not None and math.isfinite(number):
        return _as_int(name) if number.is_integer() else number
    return " ".join(name.casefold().split())


def _maybe_missing(columns: Sequence[_Column]) -> Iterator[str]:
    for column in columns:
        rows = column.rows(
            lambda value: isinstance(value, str) and value.strip().casefold() in _MAYBE_MISSING
        )
        if rows:
            yield (
                f"{column.table.path}: {len(rows)} of {len(column.which)} rows have the label"
                f" {str(column.at(rows[0])).strip()!r} (first: {column.table.where(rows[:1])}); it"
                " is a class like any other; if it stands for a missing label, remove those rows"
            )


def _such(rows: Sequence[int]) -> str:
    return "that row" if len(rows) == 1 else f"those {len(rows)} rows"


def _number(value: object) -> float | None:
    """The number a label is, or is written as; truth values are none."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    if isinstance(value, str) and "_" in value:
        return None  # Python would read 1_0 as ten
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _is_number(value: object) -> bool:
    return _number(value) is not None


def _is_finite(value: object) -> bool:
    number = _number(value)
    return number is not None and math.isfinite(number)


def _is_whole(value: object) -> bool:
    number = _number(value)
    return number is not None and number.is_integer()


def _is_whole_or_not_finite(value: object) -> bool:
    return _is_whole(value) or not _is_finite(value)


def _is_missing(value: object) -> bool:
    """Nothing, blank, not a number, or several values at once."""
    if isinstance(value, float):
        return math.isnan(value)
    if isinstance(value, str):
        return not value.strip()
    return value is None or isinstance(value, list | dict | bytes)


def _class_name(value: object) -> str:
    if isinstance(value, float | Decimal) and _is_whole(value):
        return str(int(value))
    return str(value).strip()
