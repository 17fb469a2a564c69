"""Diverged: a tensor stopped being finite, and the run was ended there."""

from __future__ import annotations

from steadytune.diagnosis._case import Case
from steadytune.diagnosis._finding import Evidence, Finding
from steadytune.diagnosis.remedies import against_collapse
from steadytune.records import State


def diverged(case: Case) -> Finding | None:
    """The first tensor that was not finite, and the largest loss before it."""
    where = case.record.diverged
    if case.record.state is not State.DIVERGED or where is None:
        return None
    evidence = [Evidence("steps done before it", float(len(case.losses)))]
    if len(case.losses):
        evidence.append(Evidence("largest training loss before it", float(case.losses.max())))
        evidence.append(Evidence("learning rate of the last step", float(case.lrs[-1])))
    return Finding(
        cause="diverged",
        sentence=f"{where['tensor']} stopped being finite in step {where['step']}",
        evidence=tuple(evidence),
        onset=where["step"],
        remedies=against_collapse(case),
    )
