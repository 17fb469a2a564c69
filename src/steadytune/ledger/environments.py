"""Where a study was run: the list in ``environment.json``, one object for each different place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from steadytune.errors import Damaged, Unreadable
from steadytune.ledger.durable import replace_json
from steadytune.ledger.json_lines import damaged, plain, read_json


def read_environments(path: Path) -> list[dict[str, Any]]:
    """The list in the file; none without a file. A damaged one is no reason to overwrite it.

    Raises:
        Damaged: it is not a list of environments.
    """
    try:
        value = read_json(path)
    except FileNotFoundError:
        return []
    except (OSError, ValueError, RecursionError) as error:
        problem = damaged(path, error)
        kind = Unreadable if isinstance(problem, Unreadable) else Damaged
        raise kind(f"{problem}; repair it, or move it away to begin a new one") from error
    listed = cast(list[object], value) if isinstance(value, list) else None
    if listed is None or not all(isinstance(one, dict) for one in listed):
        raise Damaged(
            f"{path}: is not a list of environments; repair it, or move it away to begin a new one"
        )
    return cast(list[dict[str, Any]], listed)


def add_environment(path: Path, environment: Mapping[str, object]) -> None:
    """Put an environment at the end of the list, unless it is there.

    Raises:
        Damaged: the file holds something else. OSError: it cannot be written.
    """
    known = read_environments(path)
    if plain(environment) not in known:
        replace_json(path, [*known, environment])
