"""A console that shows text of users and data sets, and never obeys it."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from steadytune.escape._visible import visible


class SafeConsole(Console):
    """A console of rich whose ``print`` makes control characters visible and reads no markup."""

    def print(self, *objects: Any, **options: Any) -> None:  # noqa: ANN401
        """Print as rich does, text made visible line by line."""
        shown = [visible(one, lines=True) if isinstance(one, str) else one for one in objects]
        super().print(*shown, **{"markup": False, **options})
