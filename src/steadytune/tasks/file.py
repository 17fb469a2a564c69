"""A task from the user's own file: what the columns of a table mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from steadytune.errors import BadInput
from steadytune.paths import as_path
from steadytune.study import TaskChoice
from steadytune.tasks import _splits
from steadytune.tasks._finish import Contents
from steadytune.tasks._labels import Labels, read_labels
from steadytune.tasks._task import Split
from steadytune.tasks.tables import DELIMITED, TEXT, Dialect, Table, read

_TWO_CLASSES = ("accuracy", "f1", "matthews")
_MORE_CLASSES = ("accuracy", "macro_f1", "matthews")
_SCORES = ("pearson_spearman", "pearson", "spearman", "mean_squared_error")
_SHOWN = 40  # characters of a value in a message
_KINDS = {bool: "truth values", int: "numbers", float: "numbers", list: "lists", dict: "objects"}


def load_file(choice: TaskChoice) -> Contents:
    """The task in the file ``choice.name``, its dev split from ``choice.dev`` or held out.

    The held-out part is drawn by ``choice.dev_seed``, stratified by class; a class with a single
    example stays in training.

    Raises:
        BadInput: anything about a file that cannot be used, with its line where it has one; what is
            wrong with several columns or rows is reported together.
    """
    tables = read_files(choice, [choice.text, choice.pair, choice.label])
    labels = read_labels(tables, choice.label, choice.labels)
    splits = [_split(choice, table, labels, which) for which, table in enumerate(tables)]
    train, dev = splits if len(splits) == 2 else _held_out(choice, splits[0], labels)
    cautions = (*(line for table in tables for line in table.cautions), *labels.cautions)
    return Contents(labels.names, train, {"dev": dev}, "dev", _metrics(labels), cautions)


def read_files(choice: TaskChoice, columns: Sequence[str | None]) -> list[Table]:
    """The training file and, where there is one, the dev file, with texts that can be used.

    Raises:
        BadInput: a file cannot be read, lacks a column, or holds texts that are none.
    """
    paths = [as_path(path) for path in (choice.name, choice.dev) if path is not None]
    dialect = Dialect(choice.separator, choice.quoting, choice.encoding, choice.columns)
    _refuse_idle_dialect(choice, paths)
    tables = [read(path, set(filter(None, columns)), dialect) for path in paths]
    problems = [problem for table in tables for problem in _column_problems(choice, table)]
    if not problems:
        problems = [problem for table in tables for problem in _text_problems(choice, table)]
    if problems:
        raise BadInput("\n".join(problems))
    return tables


def _refuse_idle_dialect(choice: TaskChoice, paths: Sequence[Path]) -> None:
    """Refuse what is said about how files are written if it means nothing for any of them."""
    suffixes = {path.suffix.lower() for path in paths}
    fitting = {"separator": DELIMITED, "quoting": DELIMITED, "columns": DELIMITED, "encoding": TEXT}
    for name, allowed in fitting.items():
        if getattr(choice, name) is not None and not suffixes & set(allowed):
            raise BadInput(
                f"task.{name} is for {', '.join(allowed)} files, but"
                f" {' and '.join(map(str, paths))} is none; leave it out"
            )


def _metrics(labels: Labels) -> tuple[str, ...]:
    if labels.names is None:
        return _SCORES
    return _TWO_CLASSES if len(labels.names) == 2 else _MORE_CLASSES


def _column_problems(choice: TaskChoice, table: Table) -> list[str]:
    """What is wrong with the choice of columns."""
    wanted = {"text": choice.text, "label": choice.label}
    if choice.pair is not None:
        wanted["pair"] = choice.pair
    missing = {role: column for role, column in wanted.items() if column not in table.columns}
    close = len(table.columns) > 1 and any(_close(r, c, table) for r, c in missing.items())
    if table.hint and len(missing) == len(wanted) and not close:
        roles = " and ".join(f"no column {column!r} for the {r}" for r, column in missing.items())
        return [f"{table.path}: {roles}; there are {_names(table)}; {table.hint}"]
    problems = [
        f"{table.path}: no column {column!r} for the {role}; there are {_names(table)}"
        f"{_close(role, column, table)}"
        for role, column in missing.items()
    ]
    if not problems and len(set(wanted.values())) < len(wanted):
        given = ", ".join(f"{role}={column}" for role, column in wanted.items())
        problems.append(
            f"{table.path}: one column is chosen twice ({given}); choose different ones"
        )
    return problems


def _names(table: Table) -> str:
    cut = (name if len(name) <= _SHOWN else f"{name[:_SHOWN]}..." for name in table.columns)
    return ", ".join(map(repr, cut))


def _close(role: str, column: str, table: Table) -> str:
    """The column that may be meant."""
    lowered = {name.strip().lower(): name for name in table.columns}
    close = get_close_matches(column.strip().lower(), lowered, n=1)
    return (
        f" (did you mean {lowered[close[0]]!r}? --set task.{role}={lowered[close[0]]})"
        if close
        else ""
    )


def _text_problems(choice: TaskChoice, table: Table) -> Iterator[str]:
    """Texts that are empty, no text at all, or cannot be encoded."""
    for column in filter(None, (choice.text, choice.pair)):
        values = table.values[column]
        wrong: dict[str, list[int]] = {}
        for row, value in enumerate(values):
            if type(value) is not str or not value.isascii() or not value.strip():
                what = _wrong(value)
                if what:
                    wrong.setdefault(what, []).append(row)
        for what, rows in wrong.items():
            many = len(rows) == len(values) and what != "is empty"
            yield (
                f"{table.path}: {table.where(rows)}: column {column!r} {what}"
                f" ({len(rows)} of {len(values)} rows); "
                + (
                    "choose another column with task.text or task.pair, or write its values as text"
                    if many
                    else f"remove or repair {'that row' if len(rows) == 1 else 'those rows'}"
                )
            )


def _wrong(value: object) -> str:
    """What is wrong with a text, or nothing."""
    if value is None or value != value:  # NaN is what an empty cell becomes in pandas
        return "is empty"
    if not isinstance(value, str):
        return f"is not text but holds {_KINDS.get(type(value), type(value).__name__)}"
    if not value.strip():
        return "is empty"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "holds half a character (a lone surrogate)"
    return ""


def _split(choice: TaskChoice, table: Table, labels: Labels, which: int) -> Split:
    pairs: Sequence[str] | None = None if choice.pair is None else table.values[choice.pair]
    return Split(
        texts=tuple(table.values[choice.text]),
        pairs=None if pairs is None else tuple(pairs),
        labels=labels.values[which],
    )


def _held_out(choice: TaskChoice, everything: Split, labels: Labels) -> tuple[Split, Split]:
    train, dev = _splits.hold_out(everything, choice.dev_share, choice.dev_seed)
    kinds = {"training": train.labels, "dev": dev.labels}
    thin = [name for name, values in kinds.items() if len(values) < 2 or len(set(values)) < 2]
    if thin:
        what = "different scores" if labels.names is None else "classes"
        raise BadInput(
            f"{choice.name}: {len(everything)} examples with dev_share {choice.dev_share} leave"
            f" {len(train)} for training and {len(dev)} for dev, and {' and '.join(thin)} would not"
            f" hold two {what}; give more examples, another dev_share, or a dev file"
        )
    return train, dev
