"""Constant prediction: every example gets the same answer, whatever it says."""

from __future__ import annotations

import numpy as np

from steadytune.analysis.verdicts._case import ALIKE, Case, last_crossing
from steadytune.analysis.verdicts._finding import Evidence, Finding
from steadytune.analysis.verdicts.remedies import against_collapse


def constant_prediction(case: Case) -> Finding | None:
    """Whether the last predictions of the report split are all the same, or nearly for scores."""
    if not case.constant or case.predictions is None:
        return None
    predicted, labels = case.predictions.predictions, case.predictions.labels
    shares = np.unique(predicted, return_counts=True)[1]
    evidence = [Evidence("examples with the same prediction", float(shares.max()))]
    if case.record.task.label_names is None:
        limit = ALIKE * float(labels.std())
        evidence = [Evidence("standard deviation of predicted scores", predicted.std(), limit)]
    onset = None
    if "prediction/spread" in case.curves:
        spread = case.curves["prediction/spread"]
        evidence.append(Evidence("last spread of predictions", float(spread.values[-1]), ALIKE))
        onset = last_crossing(spread.steps, spread.values, ALIKE)
    return Finding(
        cause="constant_prediction",
        sentence="every example of the report split gets the same prediction"
        if shares.max() == len(predicted)
        else "every example of the report split gets nearly the same score",
        evidence=tuple(evidence),
        onset=onset,
        remedies=against_collapse(case),
    )
