"""Run a study: all at once, or prepared first and run later."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from steadytune.api.study import read_study

if TYPE_CHECKING:
    from steadytune.ledger import Ledger
    from steadytune.records import Event
    from steadytune.runner import PreparedStudy
    from steadytune.study import Study

_log = logging.getLogger("steadytune")


def run(
    study: Study | Mapping[str, Any] | str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    executor: str = "auto",
    watch: Callable[[Event], None] | None = None,
) -> Ledger:
    """Fine-tune every recipe of a study on every task with every seed, and keep every run.

    May be stopped at any moment and called again: finished runs are kept, others resume. A run
    that crashes is recorded as crashed and costs no other run; the next call tries it again.

    >>> import steadytune
    >>> ledger = steadytune.run(study, "out", executor="sequential")
    >>> [row.state.value for row in ledger.records()]
    ['finished', 'finished', 'finished', 'finished']

    Args:
        study: a Study, a mapping with the keys of a study file, or the path of a study file.
        out: the folder of the study, new or begun before; ``runs/<name of the study>`` if None.
        executor: how runs are computed: auto, sequential, stacked or processes.
        watch: is called with every event after it was written; what it raises stops the study.

    Returns:
        The ledger, which reads what the runs left in ``out``. Cautions about the study are logged
        as warnings of the logger ``steadytune``.

    Raises:
        BadInput: something cannot be used; all problems are told before anything is computed.
        OSError: the disk is full or not writable; what had been written stays.
    """
    prepared = prepare(study, executor)
    ledger = prepared.open_ledger(out)
    for sentence in dict.fromkeys(prepared.cautions()):
        _log.warning("%s", sentence)
    if watch is None:
        prepared.run(ledger, executor)
    else:
        prepared.run(ledger, executor, watch)
    return ledger


def prepare(
    study: Study | Mapping[str, Any] | str | os.PathLike[str], executor: str = "auto"
) -> PreparedStudy:
    """Load and check everything that a study names, and compute nothing yet.

    >>> import steadytune
    >>> prepared = steadytune.prepare(study)
    >>> len(prepared.runs), prepared.total_steps(prepared.runs[0])
    (4, 10)

    Args:
        study: as ``run`` takes it.
        executor: checked as well.

    Returns:
        The study with ``runs``, ``tasks``, ``encoders`` and ``cautions()``. ``open_ledger(out)``
        and ``run(ledger)`` do what ``run`` does.

    Raises:
        BadInput: something cannot be used; all problems are told.
    """
    wanted = read_study(study)
    from steadytune import runner  # torch takes seconds to import; a wrong study is told without

    runner.check_executor(executor)
    return runner.prepare(wanted)
