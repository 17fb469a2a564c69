"""Text with everything in it made visible: what every other way out starts from."""

from __future__ import annotations

import re

# C0 and C1 controls; marks that turn the direction of what follows (Boucher & Anderson 2021,
# "Trojan Source"); separators of lines; halves of surrogate pairs, which no encoding can write
_HIDDEN = (
    r"\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff\ud800-\udfff"
)
_ALL = re.compile(f"[{_HIDDEN}]")
_ALL_BUT_LINES = re.compile(rf"(?![\n\t])[{_HIDDEN}]")
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def visible(text: str, *, lines: bool = False) -> str:
    r"""Text in which control, direction and surrogate characters are written as escapes.

    Args:
        text: from anywhere.
        lines: keep line breaks and tabs, for text of several lines.

    >>> print(visible("a\x1b[31mb\u202ec\nd"))
    a\x1b[31mb\u202ec\nd
    """
    return (_ALL_BUT_LINES if lines else _ALL).sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    return _SHORT.get(found[0]) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
