"""Text for cells of CSV files."""

from __future__ import annotations

from typing import TypeVar

from steadytune.escape._visible import visible

Value = TypeVar("Value")
_FORMULA = ("=", "+", "-", "@")


def cell(value: Value) -> Value | str:
    """A value as a cell of a CSV file, where a spreadsheet would take some text for a formula.

    Text that begins with ``= + - @`` gets an apostrophe in front, as OWASP advises; numbers stay
    what they are, negative ones as well.

    >>> cell("=1+2"), cell(-1.5)
    ("'=1+2", -1.5)
    """
    if not isinstance(value, str):
        return value
    text = visible(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
