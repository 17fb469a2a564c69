"""``steadytune report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import steadytune
from steadytune.cli.choices import Folder
from steadytune.cli.terminal import opened, show


def report(
    folder: Folder,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The HTML file.", show_default="DIR/report.html"),
    ] = None,
) -> None:
    """Write everything about a study into one HTML file that opens anywhere, without network."""
    with opened(folder) as ledger:
        show(steadytune.report(ledger, out))
