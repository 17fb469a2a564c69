"""Classification: one of K classes an example. Cross-entropy, the largest logit, majority class."""

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


@dataclass(frozen=True)
class Classification:
    """Labels are (N,) int64 indices of K classes; outputs (N, K) logits. See Target."""

    name: ClassVar[TargetName] = "classification"
    problem_type: ClassVar[str] = "single_label_classification"
    always: ClassVar[tuple[str, ...]] = ("accuracy",)
    constant_name: ClassVar[str] = "the majority class"
    primary: ClassVar[str] = "accuracy"
    digested: ClassVar[Mapping[str, str]] = {}
    ordered: ClassVar[bool] = False
    different: ClassVar[str] = "classes"
    dtype: ClassVar[type[np.int64] | type[np.float64]] = np.int64

    label_names: tuple[str, ...]

    @property
    def output_names(self) -> tuple[str, ...]:
        """The classes."""
        return self.label_names

    @property
    def described(self) -> str:
        """Such as ``3 classes``."""
        return f"{len(self.label_names)} classes"

    @property
    def default_metrics(self) -> tuple[str, ...]:
        """Accuracy first."""
        second = "f1" if len(self.label_names) == 2 else "macro_f1"
        return ("accuracy", second, "matthews")

    def fitting_metrics(self) -> tuple[str, ...]:
        """Those of classes; some are for two classes alone."""
        two = len(self.label_names) == 2
        found = metrics.METRICS.values()
        return tuple(m.name for m in found if self.name in m.targets and (two or not m.binary))

    def predictions(self, outputs: Outputs) -> Numbers:
        """(N,) the largest logit's index, the first of equals."""
        return outputs.argmax(axis=1).astype(np.int64)

    def constant(self, labels: Numbers) -> NDArray[Any]:
        """The majority class, the first of equally frequent ones."""
        counts = np.bincount(labels.astype(np.int64), minlength=len(self.label_names))
        return np.full(len(labels), int(counts.argmax()))

    def scale(self, labels: Numbers) -> None:
        """Labels have no unit."""

    def strata(self, labels: Numbers) -> NDArray[np.int64]:
        """The classes."""
        return labels.astype(np.int64)

    def only_class(self, labels: Numbers) -> str | None:
        """Its name, if all examples are of one."""
        return self.label_names[int(labels[0])] if labels.min() == labels.max() else None

    def chance_losses(self, labels: Numbers) -> NDArray[np.float64]:
        """-log of the share of each example's class; the mean is the entropy in nats."""
        _, which, counts = np.unique(labels, return_inverse=True, return_counts=True)
        return np.abs(np.log(counts / len(labels)))[which]

    def measure(self, names: Iterable[str], labels: Numbers, outputs: Outputs) -> dict[str, float]:
        """See Target."""
        check_outputs(labels, outputs, None)
        return metrics.measured(names, labels, self.predictions(outputs), outputs)

    def baseline(self, names: Iterable[str], labels: Numbers) -> dict[str, float]:
        """Of the majority class; what asks for outputs is given equal ones."""
        even = np.zeros((len(labels), len(self.label_names)))
        return metrics.measured(names, labels, self.constant(labels), even)

    def no_better_than_constant(
        self,
        measured: Mapping[str, float],
        baseline: Mapping[str, float],
        constant: bool,
        examples: int,
        rule: FailureRule = RULE,
    ) -> bool:
        """Accuracy, or where one class dominates Matthews' correlation with a test.

        Accuracy is asked also where the headline metric is another (a collapsed MRPC run has an
        F1 of 0.81), and where MCC would be asked but was not recorded.
        """
        if constant:
            return True
        majority = baseline["accuracy"]
        if "matthews" not in measured or not rule.asks_mcc(majority):
            return not measured["accuracy"] > majority
        exact = (measured["accuracy"], majority) if len(self.label_names) == 2 else None
        return not failure_rule.above_zero(measured["matthews"], examples, exact, rule)

    def failed_if(self, baseline: Mapping[str, float], rule: FailureRule = RULE) -> str:
        """See Target."""
        if rule.asks_mcc(baseline["accuracy"]):
            why = f"one class holds more than {100 * rule.dominant:g} %"
            return failure_rule.asked_mcc("Matthews' correlation", why, rule, rule.level)
        return "accuracy not above that of the majority class, or a constant prediction"

    def right(self, labels: Numbers, predictions: Numbers) -> NDArray[np.bool_]:
        """The class is the label."""
        return np.asarray(predictions == labels)

    def columns(self, values: Numbers) -> Sequence[Numbers]:
        """One."""
        return (values,)

    def classes(self, labels: Numbers, predictions: Numbers) -> Classes:
        """They are."""
        of, found = (x.astype(np.int64, copy=False) for x in (labels, predictions))
        return Classes(of, found, self.label_names, "class", "classes")

    def decisions(self, labels: Numbers, outputs: Outputs) -> Decisions:
        """One an example, by softmax."""
        shifted = outputs.astype(np.float64)
        shifted = np.exp(shifted - shifted.max(axis=1, keepdims=True))
        return Decisions(labels.astype(np.int64), shifted / shifted.sum(axis=1, keepdims=True))

    def by_label(self, labels: Numbers, predictions: Numbers) -> Mapping[str, ByLabel]:
        """Each class against all others."""
        which = np.arange(len(self.label_names))
        return by_label(
            self.label_names, labels[:, None] == which, np.asarray(predictions)[:, None] == which
        )
