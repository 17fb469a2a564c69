"""Arrays on disk: tables as Parquet, snapshots as safetensors, both replaced at once."""

# pyright: basic
# (pyarrow has no types; everything that leaves this file has.)

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from steadytune.errors import Damaged
from steadytune.ledger.durable import replace_file
from steadytune.ledger.json_lines import damaged, plain
from steadytune.ledger.sums import crc_of
from steadytune.records import FileSum, Snapshot


def write_table(path: Path, columns: Mapping[str, NDArray[Any]]) -> None:
    """Write columns of one length as Parquet; NaN becomes null."""
    write_arrow(
        path, pa.table({name: pa.array(v, from_pandas=True) for name, v in columns.items()})
    )


def write_arrow(path: Path, table: pa.Table) -> None:
    """Write a table as Parquet with a checksum a page."""
    replace_file(path, lambda temporary: pq.write_table(table, temporary, write_page_checksum=True))


def read_table(path: Path) -> dict[str, NDArray[Any]]:
    """The columns of a Parquet file; null becomes NaN.

    Raises:
        Damaged: it cannot be read.
    """
    table = read_arrow(path)
    return {name: table[name].to_numpy() for name in table.column_names}


def read_arrow(path: Path) -> pa.Table:
    """The table in a Parquet file.

    Raises:
        Damaged: it cannot be read.
    """
    # One file at a time; read_table would load the machinery of many-file data sets, and pandas.
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            return file.read(use_threads=False)
    except (OSError, pa.ArrowException, ValueError, TypeError, MemoryError) as error:
        raise damaged(path, error) from None


class SnapshotHeader(NamedTuple):
    """What a snapshot says of itself.

    Attributes:
        step: steps done. crc: of the tensors.
        files: the sums of what lay beside it then, by path below the run's folder; of a file that
            lines are appended to, the sum of those that were there.
    """

    step: int
    crc: int
    files: dict[str, FileSum]


def write_snapshot(path: Path, snapshot: Snapshot, files: Mapping[str, FileSum]) -> None:
    """Write a snapshot with its run and header in the metadata.

    Raises:
        OSError: the disk is full or gone; an earlier snapshot is as it was.
    """
    # safetensors writes the memory of an array as it lies there, so it has to be contiguous.
    tensors = {name: np.asarray(array, order="C") for name, array in snapshot.tensors.items()}
    metadata = {
        "run": snapshot.run,
        "step": str(snapshot.step),
        "crc": str(crc_of(tensors)),
        "files": json.dumps(plain(files)),
    }

    def write(temporary: Path) -> None:
        try:
            save_file(tensors, temporary, metadata)
        except SafetensorError as error:  # also where the disk is full
            raise OSError(str(error)) from error

    replace_file(path, write)


def snapshot_header(path: Path, run: str) -> SnapshotHeader:
    """The header of a snapshot of ``run``.

    The header is read, and the length of the file checked against it; not the tensors.

    Raises:
        FileNotFoundError: there is none.
        Damaged: it cannot be used.
    """
    try:
        with safe_open(path, framework="np") as file:
            about = file.metadata() or {}
        sums: dict[str, Any] = json.loads(about["files"])
        files = {name: FileSum(of["bytes"], of["sha256"]) for name, of in sums.items()}
        header = SnapshotHeader(int(about["step"]), int(about["crc"]), files)
    except FileNotFoundError:
        raise
    except KeyError:
        raise Damaged(f"{path}: has no checksums (an earlier steadytune wrote it)") from None
    except (OSError, SafetensorError, ValueError, TypeError, AttributeError) as error:
        raise damaged(path, error) from None
    if about.get("run") != run:
        raise Damaged(f"{path}: is of another run")
    return header


def read_snapshot(path: Path, run: str, header: SnapshotHeader) -> Snapshot:
    """The snapshot that ``snapshot_header`` found.

    Raises:
        Damaged: its tensors are not those that were written.
    """
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError, AttributeError, KeyError, TypeError, ValueError) as error:
        # Types that NumPy does not have end in any of the last four.
        raise damaged(path, error) from None
    if crc_of(tensors) != header.crc:
        raise Damaged(f"{path}: damaged (its tensors are not those that were written)")
    return Snapshot(run=run, step=header.step, tensors=tensors)
