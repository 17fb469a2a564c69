"""Arrays on disk: tables as Parquet, snapshots as safetensors, both replaced at once."""

# pyright: basic
# (pyarrow has no types; everything that leaves this file has.)

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from steadytune.ledger.durable import replace_file
from steadytune.records import Snapshot


def write_table(path: Path, columns: Mapping[str, NDArray[Any]]) -> None:
    """Write columns of one length as Parquet; NaN becomes null."""
    table = pa.table({name: pa.array(v, from_pandas=True) for name, v in columns.items()})
    replace_file(path, lambda temporary: pq.write_table(table, temporary))


def read_table(path: Path) -> dict[str, NDArray[Any]]:
    """The columns of a Parquet file; null becomes NaN."""
    # One file at a time; read_table would load the machinery of many-file data sets, and pandas.
    with pq.ParquetFile(path) as file:
        table = file.read(use_threads=False)
    return {name: table[name].to_numpy() for name in table.column_names}


class SnapshotHeader(NamedTuple):
    """What a snapshot says of itself.

    Attributes:
        step: steps done. measured: lines that diagnostics had left by then.
    """

    step: int
    measured: int


def write_snapshot(path: Path, snapshot: Snapshot, measured: int) -> None:
    """Write a snapshot with its run and header in the metadata.

    Raises:
        OSError: the disk is full or gone; an earlier snapshot is as it was.
    """
    # safetensors writes the memory of an array as it lies there, so it has to be contiguous.
    tensors = {name: np.asarray(array, order="C") for name, array in snapshot.tensors.items()}
    metadata = {"run": snapshot.run, "step": str(snapshot.step), "measured": str(measured)}

    def write(temporary: Path) -> None:
        try:
            save_file(tensors, temporary, metadata)
        except SafetensorError as error:  # also where the disk is full
            raise OSError(str(error)) from error

    replace_file(path, write)


def snapshot_header(path: Path, run: str) -> SnapshotHeader | None:
    """The header of a whole snapshot of ``run``; None if there is none, or a damaged one.

    The header is read, and the length of the file checked against it; not the tensors.
    """
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
        header = SnapshotHeader(int(metadata["step"]), int(metadata.get("measured", "0")))
        return header if metadata.get("run") == run else None
    except (OSError, SafetensorError, KeyError, ValueError):
        return None


def read_snapshot(path: Path, run: str, step: int) -> Snapshot | None:
    """The snapshot that ``snapshot_header`` found; None if its tensors cannot be read."""
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError, AttributeError, KeyError, TypeError, ValueError):
        # Types that NumPy does not have end in any of the last four.
        return None
    return Snapshot(run=run, step=step, tensors=tensors)
