"""Open the folder of a study."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steadytune.ledger import Ledger

_log = logging.getLogger("steadytune")


def load(folder: str | os.PathLike[str]) -> Ledger:
    """The ledger of a study: its runs, their records, curves and predictions.

    Files that are not as they were written are told as warnings of the logger ``steadytune``, and
    what they hold is left out.

    >>> import steadytune
    >>> ledger = steadytune.load("out")
    >>> first = ledger.records()[0]
    >>> first.planned.recipe, first.state.value, sorted(ledger.steps(first.planned.id))[:2]
    ('tiny', 'finished', ['clipped_norm', 'grad_norm'])

    Raises:
        BadInput: no such folder, not the folder of a study, or one of a newer steadytune.
    """
    from steadytune.ledger import Depth, Ledger

    ledger = Ledger.open(folder)
    for problem in ledger.check(Depth.CONTENTS):
        _log.warning("%s", problem)
    return ledger


def as_ledger(given: Ledger | str | os.PathLike[str]) -> Ledger:
    """The ledger itself, or that of a folder."""
    from steadytune.ledger import Ledger

    return given if isinstance(given, Ledger) else load(given)
