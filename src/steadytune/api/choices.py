"""Check a name that a caller chose."""

from __future__ import annotations

from collections.abc import Collection

from steadytune.errors import BadInput, not_known


def check(what: str, given: str, allowed: Collection[str]) -> None:
    """Raise BadInput where ``given`` is not among those allowed."""
    if given not in allowed:
        raise BadInput(not_known(what, str(given), list(allowed)))
