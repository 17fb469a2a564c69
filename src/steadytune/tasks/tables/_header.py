"""The first line of a CSV or TSV file: is it a header, and is it cut at the right separator?"""

from __future__ import annotations

from collections.abc import Sequence

from steadytune.tasks.tables._table import SEPARATORS

_WORDS = 4  # a name of a column has fewer


def first_line_hint(separator: str, fields: Sequence[str]) -> str:
    """What to do if the wanted columns are not there.

    Args:
        separator: at which the line was cut.
        fields: of the first line.
    """
    if len(fields) == 1:
        other = [name for name, mark in SEPARATORS.items() if mark != separator]
        other = [name for name in other if SEPARATORS[name] in fields[0]]
        if other:
            return (
                f"the first line holds no {_name(separator)} but a {other[0]}: --set"
                f" task.separator={other[0]}"
            )
    bare = [field.strip() for field in fields]
    if all(len(field) > 2 and field[0] == field[-1] == '"' for field in bare):
        return "the names are in double quotes: --set task.quoting=standard"
    names = ", ".join(_names(bare))
    way_out = f"name the columns: --set 'task.columns=[{names}]'"
    if _is_data(bare):
        return f"the first line looks like data, not like names; if there is no header {way_out}"
    return f"if the first line is data and not a header, {way_out}"


def _name(separator: str) -> str:
    return next((n for n, mark in SEPARATORS.items() if mark == separator), repr(separator))


def _is_data(fields: Sequence[str]) -> bool:
    return any(not field or _is_number(field) or len(field.split()) > _WORDS for field in fields)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _names(fields: Sequence[str]) -> list[str]:
    """A name for each column: the longest field is the text, the last other one the label."""
    names = [f"column{which}" for which in range(1, len(fields) + 1)]
    longest = max(range(len(fields)), key=lambda which: len(fields[which]))
    others = [which for which in range(len(fields)) if which != longest]
    names[longest] = "text"
    if others:
        names[others[-1]] = "label"
    return names
