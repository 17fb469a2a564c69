"""``steadytune figures``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import steadytune
from steadytune.cli.choices import Folder
from steadytune.cli.terminal import (
    CANNOT_READ_OR_WRITE,
    errors,
    opened,
    plain_errors,
    say_damaged,
    show,
)
from steadytune.errors import BadInput, Damaged


@plain_errors()
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
    from steadytune.api.figure import NothingToDraw, check_figures

    empty, damaged = list[str](), False
    with opened(folder) as ledger:
        for name in check_figures(names or []):
            try:
                paths = steadytune.save_figure(name, ledger, out)
            except Damaged as problem:
                say_damaged(f"{problem}; figure {name} is not drawn")
                damaged = True
                continue
            except NothingToDraw as problem:
                empty.append(str(problem))
                continue
            for path in paths:
                show(path)
        if damaged:
            raise typer.Exit(CANNOT_READ_OR_WRITE)
        if empty and names:
            raise BadInput("\n".join(empty))
        for sentence in empty:
            errors.print(sentence, soft_wrap=True)
