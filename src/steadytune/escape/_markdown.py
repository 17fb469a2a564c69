"""Text for Markdown."""

from __future__ import annotations

import re

from steadytune.escape._visible import visible

_SIGNS = re.compile(r"[\\`*_\[\]<>|#&~$]")


def markdown(text: str) -> str:
    r"""Text on one line that Markdown and the HTML within it take for nothing else.

    >>> print(markdown("a|b <b>_c_"))
    a\|b \<b\>\_c\_
    """
    return _SIGNS.sub(r"\\\g<0>", visible(text))
