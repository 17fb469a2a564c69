"""``steadytune list``."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from steadytune.cli.terminal import show
from steadytune.listing import Listed, names


class ListFormat(StrEnum):
    """Output formats of ``list``."""

    table = "table"
    json = "json"


def list_(
    what: Annotated[Listed, typer.Argument(help="What to list.")],
    format_: Annotated[
        ListFormat, typer.Option("--format", help="Output format.")
    ] = ListFormat.table,
) -> None:
    """The names that study files and options may use, one line each."""
    known = names(what)
    if format_ is ListFormat.json:
        show(json.dumps(known, indent=2))
        return
    width = max(map(len, known))
    for name, text in known.items():
        show(f"{name:{width}}  {text}")
