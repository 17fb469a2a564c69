"""Schema: which versions of files this steadytune reads."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from steadytune.errors import BadInput
from steadytune.records import SCHEMA


def check_schema(value: object, path: Path) -> None:
    """Refuse a file of a newer steadytune.

    Raises:
        BadInput: its schema is higher than ours.
    """
    schema = cast(dict[str, object], value).get("schema") if isinstance(value, dict) else None
    if isinstance(schema, int) and schema > SCHEMA:
        raise BadInput(
            f"{path}: written by a newer steadytune (schema {schema}; this one reads up to "
            f"{SCHEMA}); install a newer steadytune to read it"
        )
