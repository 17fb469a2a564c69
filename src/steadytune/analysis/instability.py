"""Instability beyond the std: how much the runs of one cell differ in what they predict.

The prediction measures of Du & Nguyen, "Measuring the Instability of Fine-Tuning" (ACL 2023), plus
what changes for a user when a model is trained again (churn), and the spread of calibration. Two
cells with the same std of accuracy can differ by a lot in these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from steadytune.analysis.calibration import brier, expected_calibration_error
from steadytune.analysis.prediction_set import PredictionSet
from steadytune.analysis.run_pairs import (
    Matrix,
    disagreement_matrix,
    jensen_shannon_matrix,
    pair_mean,
    percentile_interval,
    resampled_pair_means,
    resampled_runs,
    score_difference_matrix,
)


@dataclass(frozen=True)
class Measure:
    """A number of a set of runs with its interval.

    Attributes:
        name: a key that stays. title: for a table. what: how to read it, one line.
        value: None where there are too few runs.
        interval: 95 % percentile bootstrap over runs; None for fewer than three runs.
        runs: how many it is over.
    """

    name: str
    title: str
    what: str
    value: float | None
    interval: tuple[float, float] | None
    runs: int


class Churn(NamedTuple):
    """What replacing one run by another changes, as shares of the examples."""

    changed: float
    lost: float
    won: float


def churn(before: NDArray[Any], after: NDArray[Any], labels: NDArray[Any]) -> Churn:
    """Predictions that change, right ones that become wrong, wrong ones that become right.

    Args:
        before: (N,) classes that the one run predicts.
        after: (N,) those of the run in its place.
        labels: (N,).
    """
    was, now = before == labels, after == labels
    return Churn(
        changed=float((before != after).mean()),
        lost=float((was & ~now).mean()),
        won=float((~was & now).mean()),
    )


def fleiss_kappa(predictions: NDArray[Any]) -> float | None:
    """Fleiss' kappa with the R runs as raters of the N examples; None for fewer than two.

    (P - Pe) / (1 - Pe), with P the share of agreeing pairs and Pe that of raters who draw classes
    at their overall rates (Fleiss 1971). It is 1 where all runs predict one and the same class.

    Args:
        predictions: (R, N) class indices.
    """
    agreement = pair_mean(disagreement_matrix(predictions))
    if agreement is None:
        return None
    shares = _class_shares(predictions).mean(axis=0)
    return float(_kappa(np.array([1 - agreement]), shares[None])[0])


def instability(of: PredictionSet) -> list[Measure]:
    """The measures that the set's kind of labels has, in the order of a table."""
    counts = resampled_runs(len(of.records)) if len(of.records) > 2 else None
    if of.classes is None:
        matrix = score_difference_matrix(of.predictions)
        what = "typical difference of two runs' scores for one example, in the unit of the labels"
        return [over_pairs("difference", "score difference", what, matrix, counts)]
    assert of.probabilities is not None
    assert of.decided is not None
    found = _of_classes(of, of.classes.plural, of.probabilities, counts)
    if of.per_label:
        matrix = disagreement_matrix(of.probabilities.argmax(axis=2))
        what = "share of all labels of all examples that one of two runs predicts alone"
        found.insert(1, over_pairs("label_disagreement", "by label", what, matrix, counts))
    return [*found, *_of_calibration(of.probabilities, of.decided, counts)]


def _of_classes(
    of: PredictionSet,
    classes: str,
    probabilities: NDArray[np.float64],
    counts: NDArray[np.int64] | None,
) -> list[Measure]:
    disagreement = disagreement_matrix(of.predictions)
    right = of.predictions == of.labels
    agreed_right = right.astype(np.float64) @ right.T / len(of.labels)
    lost = np.diag(agreed_right)[:, None] - agreed_right  # right in one run, wrong in the other
    return [
        over_pairs(
            "disagreement",
            "disagreement",
            f"share of examples on which two runs predict different {classes}",
            disagreement,
            counts,
        ),
        _kappa_measure(of.predictions, classes, disagreement, counts),
        over_pairs(
            "jensen_shannon",
            "Jensen-Shannon",
            "divergence of two runs' probabilities, in nats (at most 0.69)",
            jensen_shannon_matrix(probabilities),
            counts,
        ),
        over_pairs(
            "lost",
            "churn: lost",
            "share of examples that are right now and wrong after training again",
            (lost + lost.T) / 2,
            counts,
        ),
    ]


def _of_calibration(
    probabilities: NDArray[np.float64],
    decided: NDArray[np.int64],
    counts: NDArray[np.int64] | None,
) -> list[Measure]:
    errors = np.array([expected_calibration_error(p, decided) for p in probabilities])
    briers = np.array([brier(p, decided) for p in probabilities])
    gap = "mean gap between confidence and accuracy, 15 bins; reads too high on small splits"
    return [
        _over_runs("ece", "ECE", gap, errors, counts),
        _spread("ece_std", "std of ECE", "spread of the ECE over runs, ddof = 1", errors, counts),
        _over_runs("brier", "Brier", "squared error of the probabilities, 0 to 2", briers, counts),
    ]


def _class_shares(predictions: NDArray[Any]) -> NDArray[np.float64]:
    """(R, K) how often each run predicts each class that occurs."""
    return np.stack([(predictions == k).mean(axis=1) for k in np.unique(predictions)], axis=1)


def _kappa(agreement: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    by_chance = (shares**2).sum(axis=1)
    room = 1 - by_chance
    with np.errstate(invalid="ignore"):
        return np.where(room < 1e-12, 1.0, (agreement - by_chance) / np.maximum(room, 1e-12))


def _kappa_measure(
    predictions: NDArray[Any],
    classes: str,
    disagreement: Matrix,
    counts: NDArray[np.int64] | None,
) -> Measure:
    interval = None
    if counts is not None:
        shares = counts @ _class_shares(predictions) / len(predictions)
        agreement = 1 - resampled_pair_means(disagreement, counts)
        interval = percentile_interval(_kappa(agreement, shares))
    what = f"agreement beyond chance: 1 all runs alike, 0 no better than drawing {classes}"
    value = fleiss_kappa(predictions)
    return Measure("kappa", "Fleiss' kappa", what, value, interval, len(predictions))


def over_pairs(
    name: str, title: str, what: str, matrix: Matrix, counts: NDArray[np.int64] | None
) -> Measure:
    """The mean over pairs of runs of (R, R) distances; no interval without ``resampled_runs``."""
    interval = None
    if counts is not None:
        interval = percentile_interval(resampled_pair_means(matrix, counts))
    return Measure(name, title, what, pair_mean(matrix), interval, len(matrix))


def _over_runs(
    name: str,
    title: str,
    what: str,
    values: NDArray[np.float64],
    counts: NDArray[np.int64] | None,
) -> Measure:
    interval = None
    if counts is not None:
        interval = percentile_interval(counts @ values / len(values))
    return Measure(name, title, what, float(values.mean()), interval, len(values))


def _spread(
    name: str,
    title: str,
    what: str,
    values: NDArray[np.float64],
    counts: NDArray[np.int64] | None,
) -> Measure:
    n, interval = len(values), None
    if counts is not None:
        means = counts @ values / n
        squares = counts @ (values - values.mean()) ** 2 - n * (means - values.mean()) ** 2
        interval = percentile_interval(np.sqrt(np.maximum(squares, 0) / (n - 1)))
    value = float(values.std(ddof=1)) if n > 1 else None
    return Measure(name, title, what, value, interval, n)
