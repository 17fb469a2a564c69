"""Draw a figure of a study."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steadytune.api.choices import check
from steadytune.api.load import as_ledger
from steadytune.errors import BadInput

if TYPE_CHECKING:
    from steadytune.figures._drawing import Drawing
    from steadytune.ledger import Ledger


class NothingToDraw(BadInput):
    """The study does not hold what a figure shows; the message says what it needs."""


def figure(name: str, ledger: Ledger | str | os.PathLike[str]) -> Drawing:
    """A figure of a study as a matplotlib Figure, which a notebook shows by itself.

    It is no figure of pyplot: nothing has to be closed. ``caption`` says what it shows, with n,
    estimator, interval and checkpoint.

    >>> import steadytune
    >>> drawing = steadytune.figure("boxes", "out")
    >>> len(drawing.axes), "last checkpoint" in drawing.caption
    (1, True)
    >>> drawing.savefig("boxes.png")

    Args:
        name: see ``steadytune list figures``.
        ledger: a Ledger, or the folder of a study.

    Raises:
        BadInput: there is no such figure, or nothing to draw; the message says what it needs.
    """
    from steadytune.figures import TABLE, paint

    panels = _panels(name, ledger)
    drawing = paint(TABLE[name], panels)
    drawing.caption = TABLE[name].caption(panels)
    return drawing


def save_figure(
    name: str,
    ledger: Ledger | str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
) -> list[Path]:
    """Write a figure as PNG, PDF and SVG, and its caption as text.

    >>> import steadytune
    >>> [path.name for path in steadytune.save_figure("boxes", "out")]
    ['boxes.png', 'boxes.pdf', 'boxes.svg', 'boxes.txt']

    Args:
        name: see ``steadytune list figures``.
        ledger: a Ledger, or the folder of a study.
        out: a folder, new or old; ``figures`` in the folder of the study if None.

    Raises:
        BadInput: there is no such figure, nothing to draw, or ``out`` is a file.
        OSError: the folder cannot be written to.
    """
    from steadytune.figures import TABLE, save
    from steadytune.paths import as_path

    ledger = as_ledger(ledger)
    folder = ledger.folder / "figures" if out is None else as_path(out)
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder}: is a file; give a folder, new or old, for the figures")
    return save(TABLE[name], _panels(name, ledger), folder)


def check_figures(names: list[str]) -> list[str]:
    """The names, each once; all figures where none is given.

    Raises:
        BadInput: there is no such figure; each is told.
    """
    from steadytune.errors import not_known
    from steadytune.figures import TABLE

    wanted = list(dict.fromkeys(names or TABLE))
    unknown = [not_known("figure", name, TABLE) for name in wanted if name not in TABLE]
    if unknown:
        raise BadInput("\n".join(unknown))
    return wanted


def _panels(name: str, ledger: Ledger | str | os.PathLike[str]) -> Any:  # noqa: ANN401
    from steadytune.figures import TABLE
    from steadytune.results.conditions import conditions

    check("figure", name, TABLE)
    panels = TABLE[name].panels(conditions(as_ledger(ledger)))
    if not panels:
        raise NothingToDraw(f"{name}: nothing to draw in this study; needs {TABLE[name].needs}")
    return panels
