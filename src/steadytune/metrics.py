"""Metrics: (labels, predictions) -> float, and the value that constant predictions reach.

All values are fractions, never percent, except the mean squared error, which has the unit of the
labels squared. Degenerate input has a defined value instead of a warning or a NaN: a ratio whose
denominator is zero is 0, as are Matthews' correlation with an empty margin and a correlation with
constant labels or predictions. Scores that are not finite give NaN.

N is the number of examples, K the number of classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.integer[Any]] | NDArray[np.floating[Any]]
Function = Callable[[Numbers, Numbers], float]


@dataclass(frozen=True)
class Metric:
    """A named measure of predictions.

    Attributes:
        name: the key in METRICS and in records.
        function: (N,) labels and (N,) predictions (class indices, or scores) to a value.
        kind: whether labels are class indices or scores.
        what: one line that says what it is.
        binary: defined for exactly two classes, of which index 1 is the positive one.
        higher_is_better: False for errors.
    """

    name: str
    function: Function
    kind: Literal["classes", "scores"]
    what: str
    binary: bool = False
    higher_is_better: bool = True

    def fits(self, num_classes: int | None) -> bool:
        """Whether the metric is defined for K classes, or for scores (None)."""
        if num_classes is None:
            return self.kind == "scores"
        return self.kind == "classes" and (num_classes == 2 or not self.binary)

    def merit(self, value: float) -> float:
        """The value turned so that higher is better; NaN is below everything."""
        if np.isnan(value):
            return -np.inf
        return value if self.higher_is_better else -value


def accuracy(labels: Numbers, predictions: Numbers) -> float:
    """Share of examples predicted right.

    >>> accuracy(np.array([0, 1, 1, 1]), np.array([0, 1, 1, 0]))
    0.75
    """
    return int(np.count_nonzero(labels == predictions)) / len(labels)


def f1(labels: Numbers, predictions: Numbers) -> float:
    """F1 = 2 TP / (2 TP + FP + FN) of class index 1; 0 where that class never occurs.

    >>> f1(np.array([0, 1, 1, 1]), np.array([1, 1, 1, 0]))
    0.6666666666666666
    """
    return _class_f1(labels, predictions, 1)


def macro_f1(labels: Numbers, predictions: Numbers) -> float:
    """Mean F1 of the classes that occur among the labels or the predictions."""
    classes = np.union1d(labels, predictions)
    return float(np.mean([_class_f1(labels, predictions, int(one)) for one in classes]))


def accuracy_and_f1(labels: Numbers, predictions: Numbers) -> float:
    """Mean of accuracy and F1 (GLUE's score for MRPC; Mosbach et al. 2020, first version)."""
    return (accuracy(labels, predictions) + f1(labels, predictions)) / 2


def matthews(labels: Numbers, predictions: Numbers) -> float:
    """Matthews' correlation; for K > 2 Gorodkin's R_K (2004, equation 8).

    It is 0 where all labels or all predictions are the same class.
    """
    table = _confusion(labels, predictions)
    per_label, per_prediction = table.sum(axis=1), table.sum(axis=0)
    total = table.sum()
    covariance = table.trace() * total - per_label @ per_prediction
    label_variance = total**2 - per_label @ per_label
    prediction_variance = total**2 - per_prediction @ per_prediction
    if label_variance == 0 or prediction_variance == 0:
        return 0.0
    return float(covariance / (np.sqrt(label_variance) * np.sqrt(prediction_variance)))


def pearson(labels: Numbers, predictions: Numbers) -> float:
    """Pearson's correlation; 0 where either side is constant."""
    x, y = np.asarray(labels, dtype=np.float64), np.asarray(predictions, dtype=np.float64)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return float("nan")
    x, y = _standardized(x), _standardized(y)
    return float(np.clip(x @ y, -1, 1))


def spearman(labels: Numbers, predictions: Numbers) -> float:
    """Pearson's correlation of the ranks, ties given their mean rank."""
    if not (np.isfinite(labels).all() and np.isfinite(predictions).all()):
        return float("nan")
    return pearson(_ranks(labels), _ranks(predictions))


def pearson_spearman(labels: Numbers, predictions: Numbers) -> float:
    """Mean of Pearson's and Spearman's correlation (GLUE's score for STS-B)."""
    return (pearson(labels, predictions) + spearman(labels, predictions)) / 2


def mean_squared_error(labels: Numbers, predictions: Numbers) -> float:
    """Mean of the squared differences."""
    difference = np.asarray(predictions, dtype=np.float64) - np.asarray(labels, dtype=np.float64)
    return float(np.mean(difference**2))


def _class_f1(labels: Numbers, predictions: Numbers, positive: int) -> float:
    actual, predicted = labels == positive, predictions == positive
    occurrences = int(actual.sum()) + int(predicted.sum())
    return 2 * int((actual & predicted).sum()) / occurrences if occurrences else 0.0


def _confusion(labels: Numbers, predictions: Numbers) -> NDArray[np.float64]:
    """(K, K) counts, labels down, predictions across, over the classes that occur."""
    classes, places = np.unique(np.concatenate([labels, predictions]), return_inverse=True)
    rows, columns = places[: len(labels)], places[len(labels) :]
    cells = np.bincount(rows * len(classes) + columns, minlength=len(classes) ** 2)
    return cells.reshape(len(classes), len(classes)).astype(np.float64)


def _standardized(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """``x`` with mean 0 and length 1; all zeros where ``x`` is constant."""
    if x.min() == x.max():  # asked of x itself: rounding in the mean would hide it
        return np.zeros_like(x)
    centered = x - x.mean()
    scaled = centered / np.abs(centered).max()  # squares of tiny numbers would vanish
    return scaled / np.sqrt(scaled @ scaled)


def _ranks(x: Numbers) -> NDArray[np.float64]:
    _, places, counts = np.unique(x, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[places]


_ALL = (
    Metric("accuracy", accuracy, "classes", "share of examples predicted right"),
    Metric("f1", f1, "classes", "F1 of the second of two classes", binary=True),
    Metric("macro_f1", macro_f1, "classes", "mean F1 over all classes"),
    Metric("matthews", matthews, "classes", "Matthews' correlation; R_K beyond two classes"),
    Metric(
        "accuracy_and_f1", accuracy_and_f1, "classes", "mean of accuracy and F1 (GLUE)", binary=True
    ),
    Metric("pearson", pearson, "scores", "Pearson's correlation"),
    Metric("spearman", spearman, "scores", "Spearman's rank correlation, ties averaged"),
    Metric("pearson_spearman", pearson_spearman, "scores", "mean of the two correlations (GLUE)"),
    Metric(
        "mean_squared_error",
        mean_squared_error,
        "scores",
        "mean squared difference to the label",
        higher_is_better=False,
    ),
)
METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _ALL})


def measure(
    names: Iterable[str], labels: Numbers, outputs: NDArray[np.floating[Any]]
) -> dict[str, float]:
    """The named metrics of a model's outputs.

    Args:
        names: keys of METRICS, all of the kind of the labels.
        labels: (N,) class indices, or scores.
        outputs: (N, K) logits, of which the largest is the prediction (the first of equals), or
            (N, 1) predicted scores.

    Returns:
        Metric name to value.

    Raises:
        ValueError: ``outputs`` does not have one row per label, or has more than one column where
            a metric of scores is asked for.
    """
    if outputs.ndim != 2 or len(outputs) != len(labels):
        raise ValueError(f"outputs have shape {outputs.shape} for {len(labels)} labels")
    values: dict[str, float] = {}
    for name in names:
        metric = METRICS[name]
        if metric.kind == "scores" and outputs.shape[1] != 1:
            raise ValueError(f"{name} takes (N, 1) scores, not outputs of shape {outputs.shape}")
        predictions = outputs.argmax(axis=1) if metric.kind == "classes" else outputs[:, 0]
        values[name] = metric.function(labels, predictions)
    return values


def baseline(names: Iterable[str], labels: Numbers, num_classes: int | None) -> dict[str, float]:
    """The named metrics of the constant prediction of the majority class.

    Args:
        names: keys of METRICS.
        labels: (N,) class indices, or scores.
        num_classes: K, or None where labels are scores.

    Returns:
        Metric name to its value when the majority class of ``labels`` is always predicted (the
        first of equally frequent ones), for scores their mean; correlations are 0 then.
    """
    if num_classes is None:
        constant = np.full(len(labels), np.mean(labels, dtype=np.float64))
    else:
        majority = int(np.bincount(labels.astype(np.int64), minlength=num_classes).argmax())
        constant = np.full(len(labels), majority)
    return {name: METRICS[name].function(labels, constant) for name in names}
