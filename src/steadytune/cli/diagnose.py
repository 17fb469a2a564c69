"""``steadytune diagnose``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

import steadytune
from steadytune.cli.choices import Folder
from steadytune.cli.terminal import opened, show


class Format(StrEnum):
    """Output formats of ``diagnose``."""

    text = "text"
    json = "json"


def diagnose(
    folder: Folder,
    run: Annotated[
        str | None, typer.Option("--run", metavar="ID", help="One run: its id or how it begins.")
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="Output format.")] = Format.text,
) -> None:
    """Why runs failed, with the evidence, and what to change first."""
    with opened(folder) as ledger:
        show(steadytune.diagnose(ledger, run).render(format_.value))
