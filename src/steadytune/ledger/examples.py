"""The texts of the dev splits, kept once a task, so that results can be shown with them.

One Parquet file a task and split, ``examples/<digest of the task>-<split>.parquet``: columns
``example`` (its place in the split, as in the files of predictions), ``text`` and ``pair``.
"""

# pyright: basic
# (pyarrow has no types; everything that leaves this file has.)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from steadytune.ledger.durable import replace_file


@dataclass(frozen=True)
class Examples:
    """The N texts of a split in its order; ``pairs`` is None for a task on single texts."""

    texts: tuple[str, ...]
    pairs: tuple[str, ...] | None


def examples_file(folder: Path, task_digest: str, split: str) -> Path:
    """Where the texts of a split lie in the folder of a study."""
    return folder / "examples" / f"{task_digest}-{split}.parquet"


def write_examples(path: Path, texts: Sequence[str], pairs: Sequence[str] | None) -> None:
    """Write the texts of a split, unless they are there: the digest in the name is of them.

    Raises:
        OSError: the disk is full or not writable.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {
        "example": pa.array(range(len(texts)), pa.int64()),
        "text": pa.array(list(texts), pa.string()),
        "pair": pa.array([None] * len(texts) if pairs is None else list(pairs), pa.string()),
    }
    replace_file(path, lambda temporary: pq.write_table(pa.table(columns), temporary))


def read_examples(path: Path) -> Examples | None:
    """The texts of a split; None where they were not kept."""
    if not path.exists():
        return None
    table = pq.read_table(path)
    texts: list[str] = table["text"].to_pylist()  # pyright: ignore[reportAssignmentType]
    pairs: list[str] = table["pair"].to_pylist()  # pyright: ignore[reportAssignmentType]
    return Examples(tuple(texts), None if None in pairs else tuple(pairs))
