"""Settings of rotary positions, as configurations of transformers hold them."""

from collections.abc import Mapping
from typing import Any


def is_plain(parameters: Mapping[str, Any] | None) -> bool:
    """Whether angles grow with the position as published, neither scaled nor interpolated."""
    return parameters is not None and parameters.get("rope_type", "default") == "default"
