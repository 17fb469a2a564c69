"""GLUE tasks from a folder in the layout of the official download.

The files are tab separated without any quoting, so a double quote is a character like any other;
the MRPC originals begin with a byte-order mark; CoLA has no header.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steadytune.errors import BadInput
from steadytune.paths import as_path
from steadytune.study import TaskChoice
from steadytune.tasks._finish import Contents
from steadytune.tasks._glue_table import GLUE, GlueTask
from steadytune.tasks._task import Split


def load_folder(choice: TaskChoice) -> Contents:
    """A GLUE task from ``choice.data_dir``.

    The folder may hold the task folders (``RTE``, ``CoLA``, ...) itself or in a ``glue`` or
    ``glue_data`` inside it.

    Raises:
        BadInput: a folder or file is missing, or a row is not as GLUE writes it.
    """
    glue = GLUE[choice.name]
    folder = _task_folder(choice, glue)
    missing = [name for name in ("train", *glue.dev) if not _present(folder, name)]
    if missing:
        there = sorted(path.name for path in folder.iterdir())
        raise BadInput(
            f"{choice.name}: {folder} has no {' and no '.join(f'{name}.tsv' for name in missing)};"
            f" it holds {', '.join(there) or 'nothing'}\n"
            "complete the folder from the official GLUE download, or leave --data-dir out to take"
            " the task from the Hugging Face Hub"
        )
    splits = {name: _split(glue, _rows(folder, name, glue)) for name in ("train", *glue.dev)}
    return Contents(
        label_names=glue.label_names,
        train=splits.pop("train"),
        dev=splits,
        select=glue.dev[0],
        metrics=glue.metrics,
    )


def _task_folder(choice: TaskChoice, glue: GlueTask) -> Path:
    root = as_path(choice.data_dir or ".")
    if not root.is_dir():
        raise BadInput(
            f"data_dir {str(root)!r} is not a folder; give the folder of the official GLUE"
            f" download, the one that holds {glue.folder}/"
        )
    candidates = [root / glue.folder, root / "glue" / glue.folder, root / "glue_data" / glue.folder]
    for folder in candidates:
        if folder.is_dir():
            return folder
    raise BadInput(
        f"{choice.name}: no folder {glue.folder}/ in data_dir {str(root)!r}; looked for\n"
        + "\n".join(f"  {folder}" for folder in candidates)
        + "\ngive the folder of the official GLUE download, or leave --data-dir out to take the"
        " task from the Hugging Face Hub"
    )


def _present(folder: Path, name: str) -> bool:
    return (folder / f"{name}.tsv").is_file() or _msr_files(folder) is not None


def _msr_files(folder: Path) -> tuple[Path, Path] | None:
    """The two files that MRPC's train and dev are made from, where both are there."""
    pairs, dev_ids = folder / "msr_paraphrase_train.txt", folder / "mrpc_dev_ids.tsv"
    return (pairs, dev_ids) if pairs.is_file() and dev_ids.is_file() else None


@dataclass(frozen=True)
class _Rows:
    path: Path
    header: list[str] | None
    rows: list[tuple[int, list[str]]]  # line in the file, fields


def _rows(folder: Path, name: str, glue: GlueTask) -> _Rows:
    """Rows of one split; MRPC's from Microsoft's originals where the tsv is not there."""
    path = folder / f"{name}.tsv"
    if path.is_file():
        return _read(path, glue)
    originals = _msr_files(folder)
    assert originals is not None
    pairs, dev_ids = _read(originals[0], glue), _lines(originals[1])
    in_dev = {tuple(line.split("\t")) for _, line in dev_ids}
    first, second = (_position(pairs, column) for column in ("#1 ID", "#2 ID"))
    wanted = [
        (line, row)
        for line, row in pairs.rows
        if ((row[first], row[second]) in in_dev) == (name == "dev")
    ]
    if not wanted:
        raise BadInput(
            f"{pairs.path} has no examples for {name} by the ids in {originals[1]}; download the"
            " files anew"
        )
    return _Rows(pairs.path, pairs.header, wanted)


def _lines(path: Path) -> list[tuple[int, str]]:
    """Numbered lines; cut at newlines only, since texts hold other separators (U+2028, ...)."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = f"{path}: byte {error.start}"
        raise BadInput(f"{place} is not UTF-8; download the file anew") from None
    numbered = (
        (number, line.removesuffix("\r")) for number, line in enumerate(text.split("\n"), 1)
    )
    return [(number, line) for number, line in numbered if line]


def _read(path: Path, glue: GlueTask) -> _Rows:
    rows = [(number, line.split("\t")) for number, line in _lines(path)]
    if not rows:
        raise BadInput(f"{path} is empty; download the file anew")
    header = None if isinstance(glue.text, int) else rows.pop(0)[1]
    width = len(header) if header else len(rows[0][1])
    ragged = [(number, len(row)) for number, row in rows if len(row) != width]
    if ragged and not glue.cut_rows_skipped:
        raise BadInput(
            f"{path}: line {ragged[0][0]} has {ragged[0][1]} tab-separated fields, not {width}"
            f" ({len(ragged)} such lines); download the file anew"
        )
    return _Rows(path, header, [(number, row) for number, row in rows if len(row) == width])


def _split(glue: GlueTask, table: _Rows) -> Split:
    text, label = _position(table, glue.text), _position(table, glue.label)
    pair = None if glue.pair is None else _position(table, glue.pair)
    rows = table.rows
    if not rows:
        raise BadInput(f"{table.path} has no examples; download the file anew")
    return Split(
        texts=tuple(row[text] for _, row in rows),
        pairs=None if pair is None else tuple(row[pair] for _, row in rows),
        labels=_labels(glue, table.path, ((number, row[label]) for number, row in rows)),
    )


def _position(table: _Rows, column: str | int) -> int:
    if isinstance(column, int):
        return column
    assert table.header is not None
    if column not in table.header:
        raise BadInput(
            f"{table.path}: no column {column!r}; there are {', '.join(map(repr, table.header))};"
            " is it the file of the official GLUE download?"
        )
    return table.header.index(column)


def _labels(
    glue: GlueTask, path: Path, written: Iterable[tuple[int, str]]
) -> NDArray[np.int64] | NDArray[np.float64]:
    index = {label: which for which, label in enumerate(glue.written)}
    values: list[float] = []
    for number, label in written:
        value = index.get(label) if glue.label_names else _score(label)
        if value is None:
            allowed = ", ".join(glue.written) or "a number"
            raise BadInput(f"{path}: line {number} has the label {label!r}, allowed is {allowed}")
        values.append(value)
    if glue.label_names:
        return np.array(values, dtype=np.int64)
    return np.array(values, dtype=np.float64)


def _score(text: str) -> float | None:
    try:
        score = float(text)
    except ValueError:
        return None
    return score if math.isfinite(score) else None
