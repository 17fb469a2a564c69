"""CSV, TSV, JSON lines and Parquet files as columns of values with the place of every row.

This package reads: what columns mean (texts, pairs, labels) is decided by its callers. To add a
format, write its file here and its line in ``FORMATS``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

from steadytune.errors import BadInput
from steadytune.tasks.tables._contents import refuse_disguised
from steadytune.tasks.tables._delimited import read_delimited
from steadytune.tasks.tables._json_lines import read_json_lines
from steadytune.tasks.tables._parquet import read_parquet
from steadytune.tasks.tables._table import Dialect, Table

__all__ = ["DELIMITED", "FORMATS", "TEXT", "Dialect", "Table", "read"]

FORMATS: Mapping[str, Callable[[Path, Collection[str], Dialect], Table]] = MappingProxyType(
    {
        ".csv": partial(read_delimited, separator="comma", quoting="standard"),
        ".tsv": partial(read_delimited, separator="tab", quoting="none"),
        ".jsonl": read_json_lines,
        ".ndjson": read_json_lines,
        ".parquet": read_parquet,
    }
)
"""How a file is read, by its suffix."""

DELIMITED = (".csv", ".tsv")
TEXT = (*DELIMITED, ".jsonl", ".ndjson")
_PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
_OTHER = {
    ".xlsx": "save the sheet as CSV UTF-8",
    ".xls": "save the sheet as CSV UTF-8",
    ".ods": "save the sheet as CSV UTF-8",
    ".json": "rename it to .jsonl if every line is one JSON object",
    ".txt": "rename it to .csv or .tsv if it has columns",
    **dict.fromkeys(_PACKED, "unpack it first"),
}


def read(path: Path, wanted: Collection[str], dialect: Dialect | None = None) -> Table:
    """The wanted columns of a file, read by its suffix.

    Args:
        path: the file.
        wanted: names of the columns to keep; those that are not there are left out.
        dialect: what was said about how the file is written.

    Raises:
        BadInput: no such file, an unknown suffix, or content that cannot be read as what the suffix
            says; with the line where there is one.
    """
    suffix = path.suffix.lower()
    reader = FORMATS.get(suffix)
    if path.is_dir():
        raise BadInput(f"{path} is a folder; name one file with suffix {', '.join(FORMATS)}")
    if reader is None:
        given = f"suffix {path.suffix!r}" if path.suffix else "no suffix"
        hint = f"; {_OTHER[suffix]}" if suffix in _OTHER else ""
        raise BadInput(f"{path} has {given}; allowed are {', '.join(FORMATS)}{hint}")
    if not path.is_file():
        raise BadInput(f"{path} does not exist (looked from {Path.cwd()})")
    try:
        refuse_disguised(path)
        table = reader(path, wanted, dialect or Dialect())
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from None
    if not len(table):
        raise BadInput(f"{path} has no rows below its header; a task needs examples")
    return table
