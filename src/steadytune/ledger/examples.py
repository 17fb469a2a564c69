"""The texts of the dev splits, kept once a task, so that results can be shown with them.

One Parquet file a task and split, ``examples/<digest of the task>-<split>.parquet``: columns
``example`` (its place in the split, as in the files of predictions), ``text`` and ``pair``.
"""

# pyright: basic
# (pyarrow has no types; everything that leaves this file has.)

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from steadytune.errors import Damaged
from steadytune.ledger.arrays import read_arrow, write_arrow
from steadytune.ledger.durable import make_folder
from steadytune.ledger.json_lines import damaged

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Examples:
    """The N texts of a split in its order; ``pairs`` is None for a task on single texts."""

    texts: tuple[str, ...]
    pairs: tuple[str, ...] | None


def examples_file(folder: Path, task_digest: str, split: str) -> Path:
    """Where the texts of a split lie in the folder of a study."""
    return folder / "examples" / f"{task_digest}-{split}.parquet"


def write_examples(path: Path, texts: Sequence[str], pairs: Sequence[str] | None) -> None:
    """Write the texts of a split, unless they are there; what is damaged is written anew.

    Raises:
        OSError: the disk is full or not writable.
    """
    wanted = Examples(tuple(texts), None if pairs is None else tuple(pairs))
    try:
        if read_examples(path) == wanted:
            return
        if path.exists():
            _log.warning("%s: does not hold the texts of the task; it is written anew", path)
    except Damaged as problem:
        _log.warning("%s; it is written anew", problem)
    make_folder(path.parent)
    columns = {
        "example": pa.array(range(len(texts)), pa.int64()),
        "text": pa.array(list(texts), pa.string()),
        "pair": pa.array([None] * len(texts) if pairs is None else list(pairs), pa.string()),
    }
    write_arrow(path, pa.table(columns))


def read_examples(path: Path) -> Examples | None:
    """The texts of a split; None where they were not kept.

    Raises:
        Damaged: the file holds something else.
    """
    if not path.exists():
        return None
    table = read_arrow(path)
    try:
        texts: list[Any] = table["text"].to_pylist()
        pairs: list[Any] = table["pair"].to_pylist()
    except (KeyError, ValueError) as error:
        raise damaged(path, error) from None
    if not all(isinstance(text, str) for text in texts):
        raise Damaged(f"{path}: damaged (a text is missing)")
    return Examples(tuple(texts), None if None in pairs else tuple(pairs))
