"""Parquet files."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from steadytune.errors import BadInput
from steadytune.tasks.tables._table import Dialect, Table, find


def read_parquet(path: Path, wanted: Collection[str], _: Dialect) -> Table:
    """The wanted columns, as Python values.

    Raises:
        BadInput: the file is damaged or no Parquet.
    """
    try:
        with pq.ParquetFile(path) as file:
            columns = tuple(file.schema_arrow.names)
            found = [name for name, _ in find(path, columns, wanted)]
            values: dict[str, list[Any]] = {name: [] for name in found}
            for batch in file.iter_batches(columns=found):
                for name in found:
                    values[name].extend(batch.column(name).to_pylist())
            rows = file.metadata.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise BadInput(f"{path} is not a readable Parquet file: {reason}") from None
    return Table(path, columns, values, range(1, rows + 1), "row")
