"""Multilabel: any number of K labels an example, none included. Each label is a yes or no.

Binary cross-entropy with logits; a label is predicted where its logit is above 0. The best constant
prediction says of each label what most examples say: for rare labels that none is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from steadytune import failure_rule, metrics
from steadytune.failure_rule import RULE, FailureRule
from steadytune.metrics import Numbers
from steadytune.targets._target import (
    ByLabel,
    Classes,
    Decisions,
    Outputs,
    TargetName,
    by_label,
    check_outputs,
)

NO_LABEL = "(none)"  # how the empty label set is shown


@dataclass(frozen=True)
class Multilabel:
    """Labels are (N, K) int64 indicators; outputs (N, K) logits. See Target."""

    name: ClassVar[TargetName] = "multilabel"
    problem_type: ClassVar[str] = "multi_label_classification"
    always: ClassVar[tuple[str, ...]] = ("label_accuracy", "macro_matthews")
    constant_name: ClassVar[str] = "each label's more frequent value"
    primary: ClassVar[str] = "label_accuracy"
    digested: ClassVar[Mapping[str, str]] = {"target": "multilabel"}
    ordered: ClassVar[bool] = False
    different: ClassVar[str] = "different label sets"
    dtype: ClassVar[type[np.int64] | type[np.float64]] = np.int64

    label_names: tuple[str, ...]

    @property
    def output_names(self) -> tuple[str, ...]:
        """The labels."""
        return self.label_names

    @property
    def described(self) -> str:
        """Such as ``3 labels, several at once``."""
        return f"{len(self.label_names)} labels, several at once"

    @property
    def default_metrics(self) -> tuple[str, ...]:
        """Micro F1 first."""
        return ("micro_f1", "macro_f1", "subset_accuracy", "label_accuracy", "macro_matthews")

    def fitting_metrics(self) -> tuple[str, ...]:
        """Those of several labels."""
        return tuple(m.name for m in metrics.METRICS.values() if self.name in m.targets)

    def predictions(self, outputs: Outputs) -> Numbers:
        """(N, K) 1 where the logit is above 0: a probability above one half."""
        return (outputs > 0).astype(np.int64)

    def constant(self, labels: Numbers) -> NDArray[Any]:
        """Each label where more than half of the examples have it."""
        often = (2 * labels.sum(axis=0) > len(labels)).astype(np.int64)
        return np.broadcast_to(often, labels.shape)

    def scale(self, labels: Numbers) -> None:
        """Labels have no unit."""

    def strata(self, labels: Numbers) -> NDArray[np.int64]:
        """The rarest label that an example has; those that have none come last."""
        order = np.argsort(labels.sum(axis=0), kind="stable")
        ranked = labels[:, order] > 0
        return np.where(ranked.any(axis=1), order[ranked.argmax(axis=1)], labels.shape[1])

    def only_class(self, labels: Numbers) -> None:
        """Labels that all examples share leave others to learn."""

    def chance_losses(self, labels: Numbers) -> NDArray[np.float64]:
        """Mean over labels of -log of the share that says what the example says."""
        share = labels.mean(axis=0, dtype=np.float64)
        said = np.where(labels > 0, share, 1 - share)
        return np.abs(np.log(said)).mean(axis=1)

    def measure(self, names: Iterable[str], labels: Numbers, outputs: Outputs) -> dict[str, float]:
        """See Target."""
        check_outputs(labels, outputs, len(self.label_names))
        return metrics.measured(names, labels, self.predictions(outputs), outputs)

    def baseline(self, names: Iterable[str], labels: Numbers) -> dict[str, float]:
        """Of the best constant prediction; what asks for outputs is given equal ones."""
        return metrics.measured(
            names, labels, self.constant(labels), np.zeros(labels.shape, dtype=np.float64)
        )

    def no_better_than_constant(
        self,
        measured: Mapping[str, float],
        baseline: Mapping[str, float],
        constant: bool,
        examples: int,
        rule: FailureRule = RULE,
    ) -> bool:
        """The classes' rule, with the share of right decisions in the place of accuracy.

        Where the constant has more than ``rule.dominant`` of them right, the mean over labels of
        Matthews' correlation must be above 0 by a test. Over permutations of the examples its
        variance is at most 1 / (N - 1), as each of the labels' correlations has that variance and
        a mean has no larger one; so the normal test of one correlation holds for it.
        """
        if constant:
            return True
        usual = baseline["label_accuracy"]
        if not rule.asks_mcc(usual):
            return not measured["label_accuracy"] > usual
        return not failure_rule.above_zero(measured["macro_matthews"], examples, None, rule)

    def failed_if(self, baseline: Mapping[str, float], rule: FailureRule = RULE) -> str:
        """See Target."""
        if rule.asks_mcc(baseline["label_accuracy"]):
            why = f"a constant has more than {100 * rule.dominant:g} % of the labels right"
            what = "mean over labels of Matthews' correlation"
            return failure_rule.asked_mcc(what, why, rule, rule.rough_level)
        return (
            "share of labels right not above that of the best constant prediction, or the same "
            "labels for every example"
        )

    def right(self, labels: Numbers, predictions: Numbers) -> NDArray[np.bool_]:
        """All labels of the example are as they should be."""
        return np.asarray((predictions == labels).all(axis=-1))

    def columns(self, values: Numbers) -> Sequence[Numbers]:
        """One a label."""
        return tuple(values.T)

    def classes(self, labels: Numbers, predictions: Numbers) -> Classes:
        """Each set of labels that occurs is a class of its own."""
        rows = np.concatenate([labels[None], predictions]).reshape(-1, labels.shape[1])
        sets, which = np.unique(rows, axis=0, return_inverse=True)
        found = which.reshape(1 + len(predictions), len(labels)).astype(np.int64)
        names = tuple(self._set_name(one) for one in sets)
        return Classes(found[0], found[1:], names, "label set", "label sets")

    def _set_name(self, indicators: NDArray[Any]) -> str:
        names = [self.label_names[k] for k in np.flatnonzero(indicators)]
        return " + ".join(names) or NO_LABEL

    def decisions(self, labels: Numbers, outputs: Outputs) -> Decisions:
        """A yes or no an example and label, by the logistic function."""
        logits = outputs.astype(np.float64).ravel()
        yes = np.exp(np.minimum(logits, 0)) / (1 + np.exp(-np.abs(logits)))
        return Decisions(labels.astype(np.int64).ravel(), np.stack([1 - yes, yes], axis=1))

    def by_label(self, labels: Numbers, predictions: Numbers) -> Mapping[str, ByLabel]:
        """Each label."""
        return by_label(self.label_names, labels > 0, np.asarray(predictions) > 0)
