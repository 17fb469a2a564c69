"""The tables of a packed study: their columns, and how the rows of all runs lie in one file.

A run's rows are together in one row group, in the order of ``runs.parquet``, which says how many
they are; so one run is read without the others.
"""

# pyright: basic
# (pyarrow has no types; everything that leaves this file has.)

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from steadytune.errors import Damaged
from steadytune.ledger.arrays import read_arrow
from steadytune.ledger.durable import replace_file
from steadytune.ledger.json_lines import damaged

Columns = Mapping[str, Sequence[Any] | NDArray[Any]]
OF_RUNS = ("steps", "events", "diagnostics", "predictions")
"""The tables that have rows of runs; ``runs.parquet`` has a column of each with their number."""
RUN = "run"


class Kind(StrEnum):
    """The type of a column, as Arrow calls it."""

    INTEGER = "int64"
    REAL = "float64"
    SINGLE = "float32"
    TEXT = "string"


class Table(NamedTuple):
    """The columns of a table by name, with their types."""

    name: str
    columns: Mapping[str, Kind]

    @property
    def file(self) -> str:
        """Its name in the folder."""
        return file_of(self.name)


def file_of(table: str) -> str:
    """The name of a table's file in the folder."""
    return f"{table}.parquet"


def write_rows(path: Path, table: Table, groups: Iterable[Columns]) -> int:
    """Write a table, a row group for each of ``groups`` that has rows; how many rows there are.

    NaN becomes null. The same rows give the same bytes.

    Raises:
        OSError: the disk is full or not writable; an earlier file is as it was.
    """
    kinds = {name: pa.type_for_alias(kind.value) for name, kind in table.columns.items()}
    schema, rows = pa.schema(list(kinds.items())), 0

    def write(temporary: Path) -> None:
        nonlocal rows
        with pq.ParquetWriter(temporary, schema, **_options(table)) as writer:
            for columns in groups:
                arrays = [
                    pa.array(columns[name], kind, from_pandas=True) for name, kind in kinds.items()
                ]
                group = pa.Table.from_arrays(arrays, schema=schema)
                rows += len(group)
                if len(group):
                    writer.write_table(group, row_group_size=len(group))

    replace_file(path, write)
    return rows


def _options(table: Table) -> dict[str, Any]:
    """How each type becomes small: integers count up, bytes of floats are alike by place."""
    encodings = {
        name: "DELTA_BINARY_PACKED" if kind is Kind.INTEGER else "BYTE_STREAM_SPLIT"
        for name, kind in table.columns.items()
        if kind is not Kind.TEXT
    }
    return {
        "compression": "zstd",
        "compression_level": 9,
        "use_dictionary": [name for name, kind in table.columns.items() if kind is Kind.TEXT],
        "column_encoding": encodings,
        "write_statistics": [RUN] if RUN in table.columns else False,
        "write_page_checksum": True,
        "store_schema": False,
    }


class Rows:
    """Reads the rows of single runs from a table.

    Args:
        path: its file.
        counts: how many rows each run has, in the order of the file.
    """

    def __init__(self, path: Path, counts: Mapping[str, int]) -> None:
        self.path = path
        self._counts = counts
        begun = accumulate(count > 0 for count in counts.values())
        self._group = {run: place - 1 for run, place in zip(counts, begun, strict=True)}
        self._metadata: Any = None

    def of(self, run: str) -> dict[str, NDArray[Any]] | None:
        """The columns of one run; null becomes NaN. None where it has no rows.

        Raises:
            Damaged: they are not what was written there.
        """
        if not self._counts.get(run):
            return None
        try:
            with pq.ParquetFile(
                self.path, metadata=self._metadata, page_checksum_verification=True
            ) as file:
                self._metadata = file.metadata
                rows = file.read_row_group(self._group[run], use_threads=False)
        except (OSError, pa.ArrowException, ValueError, TypeError, MemoryError) as error:
            raise damaged(self.path, error) from None
        if len(rows) != self._counts[run] or not _are_of(rows, run):
            raise Damaged(f"{self.path}: damaged (run {run} has not the rows that were written)")
        return {name: rows[name].to_numpy() for name in rows.column_names if name != RUN}


def _are_of(rows: pa.Table, run: str) -> bool:
    return RUN in rows.column_names and rows[RUN].unique().to_pylist() == [run]


def read_whole(path: Path, names: Sequence[str]) -> dict[str, list[Any]]:
    """The named columns of a whole table as lists.

    Raises:
        Damaged: they cannot be read.
    """
    table = read_arrow(path)
    if missing := [name for name in names if name not in table.column_names]:
        raise Damaged(f"{path}: damaged (it has no column {missing[0]})")
    return {name: table[name].to_pylist() for name in names}


def integers(values: NDArray[Any]) -> NDArray[Any]:
    """Classes that lie in a column of floats because other runs have scores."""
    return values.astype(np.int64)
