"""Regression: a score an example. Squared error, the output as it is, the mean of the labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from steadytune import metrics
from steadytune.failure_rule import RULE, FailureRule
from steadytune.metrics import Numbers
from steadytune.score_scale import ScoreScale
from steadytune.targets._target import ByLabel, Outputs, TargetName, check_outputs


@dataclass(frozen=True)
class Regression:
    """Labels are (N,) float64 scores; outputs (N, 1) in the same unit. See Target."""

    name: ClassVar[TargetName] = "regression"
    problem_type: ClassVar[str] = "regression"
    always: ClassVar[tuple[str, ...]] = ("mean_squared_error",)
    constant_name: ClassVar[str] = "the mean of the labels"
    primary: ClassVar[str] = "mean_squared_error"
    # runs of versions that trained scores as they are are other runs
    digested: ClassVar[Mapping[str, str]] = {"scores": "standardized"}
    ordered: ClassVar[bool] = True
    different: ClassVar[str] = "different scores"
    dtype: ClassVar[type[np.int64] | type[np.float64]] = np.float64

    @property
    def label_names(self) -> None:
        """None."""

    @property
    def output_names(self) -> tuple[str, ...]:
        """One."""
        return ("score",)

    @property
    def described(self) -> str:
        """``scores``."""
        return "scores"

    @property
    def default_metrics(self) -> tuple[str, ...]:
        """GLUE's first."""
        return ("pearson_spearman", "pearson", "spearman", "mean_squared_error")

    def fitting_metrics(self) -> tuple[str, ...]:
        """Those of scores."""
        return tuple(m.name for m in metrics.METRICS.values() if self.name in m.targets)

    def predictions(self, outputs: Outputs) -> Numbers:
        """(N,) the outputs."""
        return outputs[:, 0].astype(np.float64)

    def constant(self, labels: Numbers) -> NDArray[Any]:
        """The mean."""
        return np.full(len(labels), np.mean(labels, dtype=np.float64))

    def scale(self, labels: Numbers) -> ScoreScale:
        """Mean and standard deviation of the training scores."""
        return ScoreScale.of(labels)

    def strata(self, labels: Numbers) -> NDArray[np.int64]:
        """One: scores are not stratified."""
        return np.zeros(len(labels), dtype=np.int64)

    def only_class(self, labels: Numbers) -> None:
        """Scores are none."""

    def chance_losses(self, labels: Numbers) -> NDArray[np.float64]:
        """Squared distance to the mean; their mean is the variance."""
        return (labels - labels.mean()) ** 2

    def measure(self, names: Iterable[str], labels: Numbers, outputs: Outputs) -> dict[str, float]:
        """See Target."""
        check_outputs(labels, outputs, 1)
        return metrics.measured(names, labels, outputs[:, 0], outputs)

    def baseline(self, names: Iterable[str], labels: Numbers) -> dict[str, float]:
        """Of predicting the mean: correlations are 0."""
        constant = self.constant(labels)
        return metrics.measured(names, labels, constant, constant[:, None])

    def no_better_than_constant(
        self,
        measured: Mapping[str, float],
        baseline: Mapping[str, float],
        constant: bool,
        examples: int,
        rule: FailureRule = RULE,
    ) -> bool:
        """The squared error is not below that of predicting the mean."""
        error = "mean_squared_error"
        return constant or not measured[error] < baseline[error]

    def failed_if(self, baseline: Mapping[str, float], rule: FailureRule = RULE) -> str:
        """See Target."""
        return "squared error not below that of predicting the mean"

    def right(self, labels: Numbers, predictions: Numbers) -> None:
        """No score is simply right."""

    def columns(self, values: Numbers) -> Sequence[Numbers]:
        """One."""
        return (values,)

    def classes(self, labels: Numbers, predictions: Numbers) -> None:
        """Scores are none."""

    def decisions(self, labels: Numbers, outputs: Outputs) -> None:
        """Scores are none."""

    def by_label(self, labels: Numbers, predictions: Numbers) -> Mapping[str, ByLabel]:
        """There are no labels to tell apart."""
        return {}
