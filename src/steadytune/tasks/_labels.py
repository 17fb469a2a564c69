"""What the values in a label column mean: class indices with names, or scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from steadytune.errors import BadInput
from steadytune.tasks._formats import Table


@dataclass(frozen=True)
class Labels:
    """The labels of several files under one reading.

    Attributes:
        names: names of the K classes in index order, or None where labels are scores.
        values: for each file (N,) int64 class indices, or (N,) float64 scores.
    """

    names: tuple[str, ...] | None
    values: tuple[NDArray[np.int64] | NDArray[np.float64], ...]


def read_labels(
    tables: Sequence[Table], column: str, kind: Literal["auto", "classes", "scores"]
) -> Labels:
    """The label column of the training file, and of the dev file where there is one.

    Whole numbers name the same class however they are written (``1``, ``1.0``, ``"1"``). Classes
    are in the order of their numbers where all are whole numbers, else of the alphabet.

    Raises:
        BadInput: a label is missing, a score is not a finite number, a class is only in the second
            file, all examples of a file are of one class or score, or nearly every example has a
            class of its own.
    """
    columns = [table.values[column] for table in tables]
    numeric = _all(_is_number, columns)
    whole = _all(_is_whole, columns)
    if kind == "auto":
        kind = "scores" if numeric and not _all(_is_whole_or_not_finite, columns) else "classes"
    if kind == "scores":
        return _scores(tables, column)
    _refuse_missing(tables, column, numeric)
    written = [[_class_name(value, whole) for value in values] for values in columns]
    names = sorted(set(written[0]), key=int if whole else None)
    _refuse_odd_classes(tables, column, written)
    index = {name: which for which, name in enumerate(names)}
    return Labels(
        names=tuple(names),
        values=tuple(np.array([index[name] for name in rows], dtype=np.int64) for rows in written),
    )


def _scores(tables: Sequence[Table], column: str) -> Labels:
    problems: list[str] = []
    for table in tables:
        numbers = [_number(value) for value in table.values[column]]
        bad = [
            row for row, value in enumerate(numbers) if value is None or not math.isfinite(value)
        ]
        if bad:
            example = table.values[column][bad[0]]
            problems.append(
                f"{table.path}: {table.where(bad)}: the score in column {column!r} must be a finite"
                f" number, not {example!r}; remove or repair {_such(bad)}"
            )
        elif len(set(numbers)) == 1:
            problems.append(
                f"{table.path}: every score in column {column!r} is {numbers[0]}; there is nothing"
                " to learn or to measure"
            )
    if problems:
        raise BadInput("\n".join(problems))
    return Labels(
        names=None,
        values=tuple(
            np.array([_number(value) for value in table.values[column]], dtype=np.float64)
            for table in tables
        ),
    )


def _refuse_missing(tables: Sequence[Table], column: str, numeric: bool) -> None:
    problems: list[str] = []
    for table in tables:
        missing = [
            row
            for row, value in enumerate(table.values[column])
            if _is_missing(value) or (numeric and not _is_finite(value))
        ]
        if missing:
            problems.append(
                f"{table.path}: {table.where(missing)}: no label to use in column {column!r}"
                f" (found {table.values[column][missing[0]]!r}); remove or repair {_such(missing)}"
            )
    if problems:
        raise BadInput("\n".join(problems))


def _refuse_odd_classes(
    tables: Sequence[Table], column: str, written: Sequence[Sequence[str]]
) -> None:
    problems: list[str] = []
    for table, rows in zip(tables, written, strict=True):
        if len(set(rows)) == 1:
            problems.append(
                f"{table.path}: all {len(rows)} rows have the label {rows[0]!r}; a task needs at"
                " least two classes in training and in dev"
            )
    known, size = set(written[0]), len(written[0])
    if len(known) > max(2, size // 2):
        problems.append(
            f"{tables[0].path}: column {column!r} has {len(known)} different labels in {size} rows;"
            " is it the label column? for numbers to predict choose labels=scores"
        )
    for table, rows in zip(tables[1:], written[1:], strict=True):
        unseen = [row for row, name in enumerate(rows) if name not in known]
        if unseen:
            found = ", ".join(repr(name) for name in sorted({rows[row] for row in unseen})[:5])
            problems.append(
                f"{table.path}: {table.where(unseen)}: label {found} is not among the training"
                f" labels {', '.join(map(repr, sorted(known)[:10]))}; relabel {_such(unseen)}, or"
                " add training examples of that class"
            )
    if problems:
        raise BadInput("\n".join(problems))


def _such(rows: Sequence[int]) -> str:
    return "that row" if len(rows) == 1 else f"those {len(rows)} rows"


def _all(holds: Callable[[object], bool], columns: Sequence[Sequence[object]]) -> bool:
    """Whether ``holds`` of every label that is there."""
    present = [value for values in columns for value in values if not _is_missing(value)]
    return all(map(holds, present))


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
    return value is None or isinstance(value, list | dict)


def _class_name(value: object, whole: bool) -> str:
    text = str(value).strip()
    if not whole:
        return text
    try:
        return str(int(text))
    except ValueError:  # written as 1.0
        return str(int(float(text)))
