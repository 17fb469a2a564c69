"""Metrics: (labels, predictions) -> float, and the value that constant predictions reach.

All values are fractions, never percent, except the mean squared error, which has the unit of the
labels squared. Degenerate input has a defined value instead of a warning or a NaN: a ratio whose
denominator is zero is 0, as are Matthews' correlation with an empty margin and a correlation with
constant labels or predictions; the area under a ROC curve without positives or without negatives
is 0.5. Scores and outputs that are not finite give NaN.

N is the number of examples, K the number of classes or labels. Labels and predictions are (N,)
class indices, (N,) scores, or (N, K) indicators of several labels at once.
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
        function: labels, and predictions or outputs, to a value.
        targets: names of the targets whose labels it takes.
        what: one line that says what it is.
        binary: of classes it takes exactly two, of which index 1 is the positive one.
        higher_is_better: False for errors.
        takes: whether it is asked of predictions, or of the (N, K) outputs that they come from.
    """

    name: str
    function: Function
    targets: tuple[str, ...]
    what: str
    binary: bool = False
    higher_is_better: bool = True
    takes: Literal["predictions", "outputs"] = "predictions"

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
    """Mean F1 of the classes that occur among the labels or the predictions; or of all labels."""
    if labels.ndim == 2:
        return float(np.mean([f1(*column) for column in zip(labels.T, predictions.T, strict=True)]))
    classes = np.union1d(labels, predictions)
    return float(np.mean([_class_f1(labels, predictions, int(one)) for one in classes]))


def micro_f1(labels: Numbers, predictions: Numbers) -> float:
    """F1 of all N x K yes or no decisions together; 0 where no label is there or predicted."""
    return f1(labels.ravel(), predictions.ravel())


def subset_accuracy(labels: Numbers, predictions: Numbers) -> float:
    """Share of examples whose K labels are all predicted right."""
    return float((labels == predictions).all(axis=1).mean())


def label_accuracy(labels: Numbers, predictions: Numbers) -> float:
    """Share of the N x K decisions that are right: 1 - the Hamming loss."""
    return float((labels == predictions).mean())


def macro_matthews(labels: Numbers, predictions: Numbers) -> float:
    """Mean of Matthews' correlation over the labels that some examples have and others have not."""
    varied = [k for k in range(labels.shape[1]) if np.ptp(labels[:, k])]
    found = [matthews(labels[:, k], predictions[:, k]) for k in varied]
    return float(np.mean(found)) if found else 0.0


def precision(labels: Numbers, predictions: Numbers) -> float:
    """TP / (TP + FP) of class index 1."""
    return _sklearn("precision_score", labels, predictions, labels=[1], average="macro")


def recall(labels: Numbers, predictions: Numbers) -> float:
    """TP / (TP + FN) of class index 1."""
    return _sklearn("recall_score", labels, predictions, labels=[1], average="macro")


def macro_precision(labels: Numbers, predictions: Numbers) -> float:
    """Mean precision of the classes that occur; or of all labels."""
    return _sklearn("precision_score", labels, predictions, average="macro")


def macro_recall(labels: Numbers, predictions: Numbers) -> float:
    """Mean recall of the classes that occur; or of all labels."""
    return _sklearn("recall_score", labels, predictions, average="macro")


def balanced_accuracy(labels: Numbers, predictions: Numbers) -> float:
    """Mean recall of the classes that occur among the labels; 1 / K for a constant prediction."""
    present = np.unique(labels)
    return _sklearn("recall_score", labels, predictions, labels=present, average="macro")


def auroc(labels: Numbers, outputs: Numbers) -> float:
    """Area under the ROC curve of the second of two classes; else the mean over classes or labels.

    Each class is held against all others, by its probability. A class that all examples have, or
    none, is left out of the mean.
    """
    return _ranked("roc_auc_score", labels, outputs, nothing=0.5)


def average_precision(labels: Numbers, outputs: Numbers) -> float:
    """Mean precision over the thresholds at which recall grows; classes and labels as in AUROC."""
    return _ranked("average_precision_score", labels, outputs, nothing=0.0)


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


def _sklearn(name: str, truth: Numbers, predictions: Numbers, **how: Any) -> float:  # noqa: ANN401
    from sklearn import metrics  # pyright: ignore[reportMissingTypeStubs]  # a second to import, which most runs have no use for

    return float(getattr(metrics, name)(truth, predictions, zero_division=0.0, **how))


def _ranked(name: str, labels: Numbers, outputs: Numbers, nothing: float) -> float:
    """The mean over columns that hold both values of a measure of (N,) truths and (N,) outputs."""
    from sklearn import metrics  # pyright: ignore[reportMissingTypeStubs]

    if not np.isfinite(outputs).all():
        return float("nan")
    truths, scores = _one_against_rest(labels, np.asarray(outputs, dtype=np.float64))
    values = [
        float(getattr(metrics, name)(truth, score))
        for truth, score in zip(truths.T, scores.T, strict=True)
        if np.ptp(truth)
    ]
    return float(np.mean(values)) if values else nothing


def _one_against_rest(
    labels: Numbers, outputs: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(N, C) truths and outputs that rank the examples, C = 1 for two classes."""
    if labels.ndim == 2:
        return labels.astype(np.int64), outputs
    if outputs.shape[1] == 2:
        return (labels == 1).astype(np.int64)[:, None], outputs[:, 1:] - outputs[:, :1]
    shares = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    truths = np.equal.outer(labels, np.arange(outputs.shape[1])).astype(np.int64)
    return truths, shares / shares.sum(axis=1, keepdims=True)


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


_CLASSES, _SCORES, _LABELS = ("classification",), ("regression",), ("multilabel",)
_ALL = (
    Metric("accuracy", accuracy, _CLASSES, "share of examples predicted right"),
    Metric("f1", f1, _CLASSES, "F1 of the second of two classes", binary=True),
    Metric("macro_f1", macro_f1, _CLASSES + _LABELS, "mean F1 over all classes or labels"),
    Metric("matthews", matthews, _CLASSES, "Matthews' correlation; R_K beyond two classes"),
    Metric(
        "accuracy_and_f1", accuracy_and_f1, _CLASSES, "mean of accuracy and F1 (GLUE)", binary=True
    ),
    Metric("balanced_accuracy", balanced_accuracy, _CLASSES, "mean recall over all classes"),
    Metric("precision", precision, _CLASSES, "precision of the second of two classes", binary=True),
    Metric("recall", recall, _CLASSES, "recall of the second of two classes", binary=True),
    Metric("micro_f1", micro_f1, _LABELS, "F1 over all examples and labels together"),
    Metric("subset_accuracy", subset_accuracy, _LABELS, "share of examples with all labels right"),
    Metric("label_accuracy", label_accuracy, _LABELS, "share of labels right; 1 - Hamming loss"),
    Metric("macro_matthews", macro_matthews, _LABELS, "mean of Matthews' correlation over labels"),
    Metric("macro_precision", macro_precision, _CLASSES + _LABELS, "mean precision over them"),
    Metric("macro_recall", macro_recall, _CLASSES + _LABELS, "mean recall over them"),
    Metric("auroc", auroc, _CLASSES + _LABELS, "area under the ROC curve", takes="outputs"),
    Metric(
        "average_precision",
        average_precision,
        _CLASSES + _LABELS,
        "area under precision by recall, in steps",
        takes="outputs",
    ),
    Metric("pearson", pearson, _SCORES, "Pearson's correlation"),
    Metric("spearman", spearman, _SCORES, "Spearman's rank correlation, ties averaged"),
    Metric("pearson_spearman", pearson_spearman, _SCORES, "mean of the two correlations (GLUE)"),
    Metric(
        "mean_squared_error",
        mean_squared_error,
        _SCORES,
        "mean squared difference to the label",
        higher_is_better=False,
    ),
)
METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _ALL})


def measured(
    names: Iterable[str], labels: Numbers, predictions: Numbers, outputs: Numbers
) -> dict[str, float]:
    """The named metrics of predictions and of the (N, K) outputs that they come from."""
    found = dict[str, float]()
    for name in names:
        metric = METRICS[name]
        of = outputs if metric.takes == "outputs" else predictions
        found[name] = metric.function(labels, of)
    return found
