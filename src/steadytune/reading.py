"""Commands that read a study and make files of it: ``figures`` and ``report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from steadytune.analysis.cells import cells
from steadytune.errors import BadInput
from steadytune.ledger import Ledger

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a study.")]


def figures(
    folder: Folder,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="See 'list figures'.", show_default="all"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Where to write them.", show_default="DIR/figures"),
    ] = None,
) -> None:
    """Draw figures of a study: PNG, PDF and SVG of each, with a caption as text."""
    from steadytune.figures import TABLE, save  # scipy and matplotlib take a second to import

    wanted = list(dict.fromkeys(names or TABLE))
    unknown = [name for name in wanted if name not in TABLE]
    if unknown:
        raise BadInput(f"figure {unknown[0]!r} is not known; there are {', '.join(TABLE)}")
    ledger = Ledger.open(folder)
    found = cells(ledger)
    for name in wanted:
        panels = TABLE[name].panels(ledger, found)
        if not panels and not names:
            typer.echo(f"{name}: nothing to draw in this study", err=True)
            continue
        for path in save(TABLE[name], panels, out or folder / "figures"):
            typer.echo(path)


def report(
    folder: Folder,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The HTML file.", show_default="DIR/report.html"),
    ] = None,
) -> None:
    """Write everything about a study into one HTML file that opens anywhere, without network."""
    from steadytune.reports.study_report import report as page  # jinja2 only where it is needed

    path = out or folder / "report.html"
    text = page(Ledger.open(folder))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    typer.echo(path)
