"""Write the report of a study."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from steadytune.api.load import as_ledger
from steadytune.errors import BadInput

if TYPE_CHECKING:
    from steadytune.ledger import Ledger


def report(
    ledger: Ledger | str | os.PathLike[str], out: str | os.PathLike[str] | None = None
) -> Path:
    """Write everything about a study into one HTML file that opens anywhere, without network.

    >>> import steadytune
    >>> steadytune.report("out").name
    'report.html'

    Args:
        ledger: a Ledger, or the folder of a study.
        out: the HTML file; ``report.html`` in the folder of the study if None.

    Returns:
        Where it was written.

    Raises:
        BadInput: not a study, or ``out`` cannot be a file.
        OSError: it cannot be written.
    """
    from steadytune.ledger.durable import replace_text
    from steadytune.paths import as_path
    from steadytune.reports.study_report import report as page

    ledger = as_ledger(ledger)
    path = ledger.folder / "report.html" if out is None else as_path(out)
    if path.is_dir() or any(parent.is_file() for parent in path.parents):
        raise BadInput(f"{path}: cannot be a file; give the name of one, such as report.html")
    replace_text(path, page(ledger))
    return path
