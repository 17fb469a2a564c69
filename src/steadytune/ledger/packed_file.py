"""``packed.json``: that a study is packed, how much is in it, and what its files must be.

::

    {"schema": 1, "rows": {"runs": 25, "steps": 2400, ...},
     "files": {"runs.parquet": {"bytes": 8123, "sha256": "..."}, ...}, "digest": "..."}

A folder that has it is a packed study. It is written after all other files but ``study.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter

from steadytune.ledger.durable import replace_json
from steadytune.ledger.json_lines import damaged, plain
from steadytune.ledger.schema import check_schema
from steadytune.ledger.sums import checked, with_digest
from steadytune.records import SCHEMA, FileSum


@dataclass(frozen=True)
class Packed:
    """What a packed study consists of.

    Attributes:
        rows: how many rows each table has, by its name.
        files: size and digest of each file by its path below the folder; to a measurement
            (``checkpoints/*.jsonl``) lines may have been added since.
    """

    rows: Mapping[str, int]
    files: Mapping[str, FileSum]
    schema: int = SCHEMA


_PACKED = TypeAdapter(Packed)


def packed_file(folder: Path) -> Path:
    """Where it lies."""
    return folder / "packed.json"


def write_packed(folder: Path, packed: Packed) -> None:
    """Put it in the folder, which is a packed study from then on.

    Raises:
        OSError: the disk is full or not writable.
    """
    replace_json(packed_file(folder), with_digest(cast(dict[str, object], plain(packed))))


def read_packed(folder: Path) -> Packed:
    """What is written there.

    Raises:
        Damaged: it is not what was written there.
        BadInput: a newer steadytune wrote it.
    """
    path = packed_file(folder)
    try:
        value: Any = json.loads(path.read_bytes())
        check_schema(value, path)
        if not isinstance(value, dict):
            raise ValueError("it is no list of files")
        packed = _PACKED.validate_json(json.dumps(checked(cast(dict[str, object], value))))
        for name in packed.files:
            if Path(name).is_absolute() or ".." in Path(name).parts:
                raise ValueError(f"{name!r} is no file of the study")
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(path, error) from None
    return packed
