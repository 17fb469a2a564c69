"""Several labels a row: lists, text with a separator, or columns of 0 and 1, as indicators."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadytune.errors import BadInput
from steadytune.study import TaskChoice
from steadytune.targets import Multilabel
from steadytune.tasks._labels import (
    Labels,
    class_name,
    is_missing,
    is_whole,
    ordered,
    such,
    written_there,
)
from steadytune.tasks.tables import Table

MANY = 0.5  # labels a row: more is seldom meant
SHOWN = 60  # characters of a value in a message
_YES_OR_NO = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}


def has_label_sets(choice: TaskChoice) -> bool:
    """Whether rows have any number of labels.

    Raises:
        BadInput: ``task.labels`` says otherwise than the columns or the separator.
    """
    given = {
        "several columns in task.label": not isinstance(choice.label, str),
        "task.label_separator": choice.label_separator is not None,
    }
    said = [what for what, is_given in given.items() if is_given]
    if said and choice.labels not in ("auto", "multilabel"):
        raise BadInput(
            f"{choice.name}: {said[0]} says that rows have several labels, but task.labels is"
            f" {choice.labels}; leave one of the two out, or set task.labels=multilabel"
        )
    if len(said) == 2:
        raise BadInput(
            f"{choice.name}: task.label_separator is for one column of text, but task.label names"
            f" {len(choice.label)} columns of 0 and 1; leave one of the two out"
        )
    return choice.labels == "multilabel" or bool(said)


def label_columns(choice: TaskChoice) -> tuple[str, ...]:
    """The columns that hold labels."""
    return (choice.label,) if isinstance(choice.label, str) else tuple(choice.label)


def read_label_sets(tables: Sequence[Table], choice: TaskChoice) -> Labels:
    """The label sets of the training file, and of the dev file where there is one.

    A row without any label is fine: an empty list or text, or nothing at all in a column of lists
    or text. Labels are named and ordered like classes; columns of 0 and 1 in the order given.

    Raises:
        BadInput: values that are no label sets, labels that only the second file has, a file
            whose rows all have the same labels, or no label at all.
    """
    columns = label_columns(choice)
    names: tuple[str, ...] = columns
    if len(columns) > 1:
        values = [_indicators(table, columns) for table in tables]
    else:
        names, values = _from_sets(tables, columns[0], choice.label_separator)
    problems = [
        f"{table.path}: all {len(table)} rows have the same labels; a task needs rows that differ,"
        " in training and in dev"
        for table, found in zip(tables, values, strict=True)
        if len(np.unique(found, axis=0)) < 2
    ]
    if problems:
        raise BadInput("\n".join(problems))
    return Labels(Multilabel(names), tuple(values), tuple(_many(tables, columns, names)))


def _many(tables: Sequence[Table], columns: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    rows = sum(map(len, tables))
    if len(columns) == 1 and len(names) > max(2, MANY * rows):
        yield (
            f"{tables[0].path}: column {columns[0]!r} has {len(names)} different labels in {rows}"
            " rows; is it the label column, and is task.label_separator right?"
        )


def _from_sets(
    tables: Sequence[Table], column: str, separator: str | None
) -> tuple[tuple[str, ...], list[NDArray[np.int64]]]:
    """Names of all labels, and the indicators of each table."""
    problems = [line for table in tables for line in _problems(table, column, separator)]
    if problems:
        raise BadInput("\n".join(problems))
    sets = [[_names(value, separator) for value in table.values[column]] for table in tables]
    known = {name for row in sets[0] for name in row}
    if not known:
        raise BadInput(
            f"{tables[0].path}: no row has a label in column {column!r}; there is nothing to learn"
        )
    for table, rows in zip(tables[1:], sets[1:], strict=True):
        unseen = [place for place, row in enumerate(rows) if not known.issuperset(row)]
        if unseen:
            new = sorted({name for row in rows for name in row} - known)
            raise BadInput(
                f"{table.path}: {table.where(unseen)}: label {', '.join(map(repr, new[:5]))} is not"
                f" among the training labels {', '.join(map(repr, sorted(known)[:10]))}"
                f"{written_there(new, known)}; relabel {such(unseen)}, or add training examples"
                " with that label"
            )
    names = tuple(ordered(known, whole=all(map(is_whole, known))))
    index = {name: k for k, name in enumerate(names)}
    values = [np.zeros((len(rows), len(names)), dtype=np.int64) for rows in sets]
    for found, rows in zip(values, sets, strict=True):
        for place, row in enumerate(rows):
            found[place, [index[name] for name in row]] = 1
    return names, values


def _problems(table: Table, column: str, separator: str | None) -> Iterator[str]:
    """Values that are no label sets."""
    values = table.values[column]
    wrong = dict[str, list[int]]()
    for place, value in enumerate(values):
        if what := _wrong(value, separator):
            wrong.setdefault(what, []).append(place)
    for what, rows in wrong.items():
        found = repr(values[rows[0]])
        shown = found if len(found) <= SHOWN else f"{found[:SHOWN]}..."
        yield f"{table.path}: {table.where(rows)}: column {column!r} {what.format(shown)}"


def _wrong(value: Any, separator: str | None) -> str:  # noqa: ANN401
    """What is wrong with a value, which takes the place of {}; or nothing."""
    if isinstance(value, list):
        if any(is_missing(one) for one in value):
            return "holds a list with something in it that is no label ({}); repair it"
        return ""
    if isinstance(value, str) and value.strip() and separator is None:
        return (
            "holds text ({}); say what parts the labels in it, such as"
            " --set 'task.label_separator=;', or write lists in a JSONL or Parquet file"
        )
    if isinstance(value, str) or (is_missing(value) and not isinstance(value, dict | bytes)):
        return ""
    return (
        "holds {}, which is no list of labels; write lists, such as"
        ' ["a", "b"], or text with a task.label_separator'
    )


def _names(value: Any, separator: str | None) -> list[str]:  # noqa: ANN401
    if isinstance(value, list):
        return [class_name(one) for one in value]
    if not isinstance(value, str):
        return []
    return [piece for one in value.split(separator) if (piece := one.strip())]


def _indicators(table: Table, columns: Sequence[str]) -> NDArray[np.int64]:
    """(N, K) from K columns of 0 and 1.

    Raises:
        BadInput: another value is there.
    """
    found = np.zeros((len(table), len(columns)), dtype=np.int64)
    problems = list[str]()
    for k, column in enumerate(columns):
        values = [_YES_OR_NO.get(str(value).strip().lower()) for value in table.values[column]]
        bad = [place for place, value in enumerate(values) if value is None]
        if bad:
            problems.append(
                f"{table.path}: {table.where(bad)}: column {column!r} holds"
                f" {table.values[column][bad[0]]!r}; a label's column holds 0 or 1: repair"
                f" {such(bad)}"
            )
        else:
            found[:, k] = np.array(values, dtype=np.int64)
    if problems:
        raise BadInput("\n".join(problems))
    return found
