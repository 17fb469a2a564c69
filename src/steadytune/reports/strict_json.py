"""JSON that every reader takes: it has no NaN and no infinity, so null takes their place."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, cast


def strict_json(value: object) -> str:
    """Text of a value made of dicts, lists, tuples, strings and numbers."""
    return json.dumps(_finite(value), indent=2, allow_nan=False)


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in cast(Mapping[str, Any], value).items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in cast(Sequence[Any], value)]
    return value
