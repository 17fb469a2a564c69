"""``steadytune pack``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from steadytune.cli.terminal import errors, plain_errors, show
from steadytune.ledger import pack as pack_study


@plain_errors()
def pack(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a study.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The packed folder.", show_default="DIR-packed"),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Pack in DIR itself and remove the files that were packed."),
    ] = False,
    states: Annotated[
        bool, typer.Option("--states", help="Pack the states of dev examples, too.")
    ] = False,
) -> None:
    """Pack a study into a few files, for archives and git. Every command reads it as before.

    A packed study cannot be continued. Kept weights and snapshots are not packed.
    """
    packed = pack_study(folder, out, replace, states)
    (files, size), (fewer, less) = packed.before, packed.after
    errors.print(
        f"{packed.runs} runs: {files} files, {_readable(size)}, are now {fewer} files, "
        f"{_readable(less)}",
        markup=False,
        soft_wrap=True,
    )
    show(packed.folder)


def _readable(size: int) -> str:
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"
