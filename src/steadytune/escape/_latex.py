"""Text for LaTeX."""

from __future__ import annotations

from steadytune.escape._visible import visible

_SPECIAL = {sign: "\\" + sign for sign in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # after the end of a row it would begin an argument
    "]": "{]}",
}
_TABLE = str.maketrans(_SPECIAL)


def latex(text: str) -> str:
    r"""Text on one line that LaTeX prints as it stands.

    >>> print(latex("a_b ~ 5 %"))
    a\_b \textasciitilde{} 5 \%
    """
    return visible(text).translate(_TABLE)
