"""Targets: what labels can be, and everything that follows from it.

A Target says whether labels are classes, several labels at once, or scores. It alone knows how
outputs become predictions, which prediction is the best constant one, its loss and metrics, and
when a run counts as failed. Nothing here needs torch; the loss of each is in ``training.losses``.
To add a target, write its file here, its line below and its loss there.
"""

from __future__ import annotations

from steadytune.targets._target import ByLabel, Classes, Decisions, Target, TargetName
from steadytune.targets.classification import Classification
from steadytune.targets.multilabel import Multilabel
from steadytune.targets.regression import Regression

__all__ = [
    "TARGETS",
    "ByLabel",
    "Classes",
    "Classification",
    "Decisions",
    "Multilabel",
    "Regression",
    "Target",
    "TargetName",
    "target_of",
]

TARGETS: tuple[type[Target], ...] = (Classification, Regression, Multilabel)


def target_of(label_names: tuple[str, ...] | None, name: TargetName | None = None) -> Target:
    """The target that a record tells of.

    Args:
        label_names: None for scores.
        name: None in records of versions that knew classes and scores only.
    """
    if label_names is None:
        return Regression()
    return Multilabel(label_names) if name == Multilabel.name else Classification(label_names)
