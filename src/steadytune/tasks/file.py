"""A task from the user's own file: CSV, TSV, JSON lines or Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from steadytune.errors import BadInput
from steadytune.paths import as_path
from steadytune.study import TaskChoice
from steadytune.tasks import _splits
from steadytune.tasks._finish import Contents
from steadytune.tasks._formats import Table, read
from steadytune.tasks._labels import Labels, read_labels
from steadytune.tasks._task import Split

_TWO_CLASSES = ("accuracy", "f1", "matthews")
_MORE_CLASSES = ("accuracy", "macro_f1", "matthews")
_SCORES = ("pearson_spearman", "pearson", "spearman", "mean_squared_error")


def load_file(choice: TaskChoice) -> Contents:
    """The task in the file ``choice.name``, its dev split from ``choice.dev`` or held out.

    The held-out part is drawn by ``choice.dev_seed``, stratified by class; a class with a single
    example stays in training.

    Raises:
        BadInput: anything about a file that cannot be used, with its line where it has one; what is
            wrong with several columns or rows is reported together.
    """
    paths = [choice.name] if choice.dev is None else [choice.name, choice.dev]
    columns = {choice.text, choice.label, choice.pair or choice.text}
    tables = [read(as_path(path), columns) for path in paths]
    problems = [problem for table in tables for problem in _column_problems(choice, table)]
    if not problems:
        problems = [problem for table in tables for problem in _text_problems(choice, table)]
    if problems:
        raise BadInput("\n".join(problems))
    labels = read_labels(tables, choice.label, choice.labels)
    splits = [_split(choice, table, labels, which) for which, table in enumerate(tables)]
    train, dev = splits if len(splits) == 2 else _held_out(choice, splits[0], labels)
    return Contents(labels.names, train, {"dev": dev}, "dev", _metrics(labels))


def _metrics(labels: Labels) -> tuple[str, ...]:
    if labels.names is None:
        return _SCORES
    return _TWO_CLASSES if len(labels.names) == 2 else _MORE_CLASSES


def _column_problems(choice: TaskChoice, table: Table) -> list[str]:
    """What is wrong with the choice of columns."""
    wanted = {"text": choice.text, "label": choice.label}
    if choice.pair is not None:
        wanted["pair"] = choice.pair
    problems = [
        f"{table.path}: no column {column!r} for the {role}; {_there(column, table)}"
        for role, column in wanted.items()
        if column not in table.columns
    ]
    if not problems and len(set(wanted.values())) < len(wanted):
        given = ", ".join(f"{role}={column}" for role, column in wanted.items())
        problems.append(
            f"{table.path}: one column is chosen twice ({given}); choose different ones"
        )
    return problems


def _there(column: str, table: Table) -> str:
    """The columns there are, and the likely one."""
    lowered = {name.strip().lower(): name for name in table.columns}
    close = get_close_matches(column.strip().lower(), lowered, n=1)
    hint = f" (did you mean {lowered[close[0]]!r}?)" if close else ""
    if len(table.columns) == 1 and any(mark in table.columns[0] for mark in ",;\t|"):
        hint += "; does the suffix fit the separator? .csv means commas, .tsv tabs"
    return f"there are {', '.join(map(repr, table.columns))}{hint}"


def _text_problems(choice: TaskChoice, table: Table) -> list[str]:
    """Texts that are empty, no text at all, or cannot be encoded."""
    problems: list[str] = []
    for column in filter(None, (choice.text, choice.pair)):
        values = table.values[column]
        for what, wrong in (
            ("is empty", _is_empty),
            ("is not text", _is_no_text),
            ("holds half a character (a lone surrogate)", _is_broken),
        ):
            rows = [row for row, value in enumerate(values) if wrong(value)]
            if rows:
                problems.append(
                    f"{table.path}: {table.where(rows)}: column {column!r} {what}"
                    f" ({len(rows)} of {len(values)} rows); remove or repair"
                    f" {'that row' if len(rows) == 1 else 'those rows'}"
                )
    return problems


def _is_empty(value: object) -> bool:
    missing = value is None or value != value  # NaN is what an empty cell becomes in pandas
    return missing or (isinstance(value, str) and not value.strip())


def _is_no_text(value: object) -> bool:
    return not _is_empty(value) and not isinstance(value, str)


def _is_broken(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


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
