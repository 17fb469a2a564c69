"""Target: what the labels of a task are, and all that follows from it without torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from steadytune.failure_rule import RULE, FailureRule
from steadytune.metrics import Numbers
from steadytune.score_scale import ScoreScale

TargetName = Literal["classification", "regression", "multilabel"]
Outputs = NDArray[np.floating[Any]]


class Classes(NamedTuple):
    """Labels and predictions as one class an example, whatever the target.

    Attributes:
        labels: (N,) class indices. predictions: (R, N) the same.
        names: of the classes by index. noun: what one of them is called: class, or label set.
        plural: of the noun.
    """

    labels: NDArray[np.int64]
    predictions: NDArray[np.int64]
    names: tuple[str, ...]
    noun: str
    plural: str


class Decisions(NamedTuple):
    """What a model decides and how sure it is: M decisions between C alternatives.

    Attributes:
        labels: (M,) the right alternatives. probabilities: (M, C).
    """

    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]


class Target(Protocol):
    """What labels are. N examples, K outputs a model.

    Labels and predictions are (N,) class indices, (N,) scores, or (N, K) indicators (0 or 1).

    Attributes:
        name: the key of the target in records, and in the table of losses.
        problem_type: what transformers calls it.
        label_names: names of the K labels; None for scores.
        output_names: names of the outputs of a saved model.
        described: what the labels are, for messages: ``3 classes``.
        default_metrics: what is reported unless the task says otherwise; the first is the headline.
        always: metrics that the failure rule reads, which are reported whatever the headline is.
        constant_name: what the best constant prediction is called.
        primary: the metric that says how a failed run and a constant prediction compare.
        digested: what of the target enters a task's digest beside its label names.
        ordered: whether predictions are numbers, so that rank correlation applies.
        different: what there must be two of to learn and to measure.
        dtype: of an array of labels.
    """

    name: ClassVar[TargetName]
    problem_type: ClassVar[str]
    always: ClassVar[tuple[str, ...]]
    constant_name: ClassVar[str]
    primary: ClassVar[str]
    digested: ClassVar[Mapping[str, str]]
    ordered: ClassVar[bool]
    different: ClassVar[str]
    dtype: ClassVar[type[np.int64] | type[np.float64]]

    @property
    def label_names(self) -> tuple[str, ...] | None: ...

    @property
    def output_names(self) -> tuple[str, ...]: ...

    @property
    def described(self) -> str: ...

    @property
    def default_metrics(self) -> tuple[str, ...]: ...

    def fitting_metrics(self) -> tuple[str, ...]:
        """Names of all metrics that are defined for it."""
        ...

    def predictions(self, outputs: Outputs) -> Numbers:
        """The predictions that (N, K) outputs mean."""
        ...

    def constant(self, labels: Numbers) -> NDArray[Any]:
        """The best constant prediction for all N examples, in the shape of the labels."""
        ...

    def scale(self, labels: Numbers) -> ScoreScale | None:
        """The unit in which training labels are trained; None where they are trained as they are.

        Raises:
            BadInput: they allow none.
        """
        ...

    def strata(self, labels: Numbers) -> NDArray[np.int64]:
        """(N,) which part of the examples each belongs to, for splits that keep all parts."""
        ...

    def only_class(self, labels: Numbers) -> str | None:
        """The class that all examples have; None where there are several, or no classes."""
        ...

    def chance_losses(self, labels: Numbers) -> NDArray[np.float64]:
        """(N,) training loss of each example by the best constant output."""
        ...

    def measure(self, names: Iterable[str], labels: Numbers, outputs: Outputs) -> dict[str, float]:
        """The named metrics of (N, K) outputs.

        Raises:
            ValueError: the outputs are not of that shape.
        """
        ...

    def baseline(self, names: Iterable[str], labels: Numbers) -> dict[str, float]:
        """The named metrics of the best constant prediction."""
        ...

    def no_better_than_constant(
        self,
        measured: Mapping[str, float],
        baseline: Mapping[str, float],
        constant: bool,
        examples: int,
        rule: FailureRule = RULE,
    ) -> bool:
        """Whether predictions are no better than a constant one: what makes a run a failed run.

        Args:
            measured: metrics of the predictions.
            baseline: of the best constant prediction.
            constant: whether all predictions are the same.
            examples: of the split.
            rule: see FailureRule.
        """
        ...

    def failed_if(self, baseline: Mapping[str, float], rule: FailureRule = RULE) -> str:
        """What counts as failed, for a caption."""
        ...

    def right(self, labels: Numbers, predictions: Numbers) -> NDArray[np.bool_] | None:
        """Whether each example is predicted wholly right; None where that is not asked.

        Args:
            labels: of N examples.
            predictions: of them, with leading axes such as runs or none.
        """
        ...

    def columns(self, values: Numbers) -> Sequence[Numbers]:
        """Labels or predictions as columns (N,) that can be held against each other one by one."""
        ...

    def classes(self, labels: Numbers, predictions: Numbers) -> Classes | None:
        """Labels, and predictions (R, N, ...), as one class an example; None for scores."""
        ...

    def decisions(self, labels: Numbers, outputs: Outputs) -> Decisions | None:
        """What (N, K) outputs decide, with probabilities; None for scores."""
        ...

    def by_label(self, labels: Numbers, predictions: Numbers) -> Mapping[str, ByLabel]:
        """Precision, recall and F1 of each label by name; empty for scores."""
        ...


class ByLabel(NamedTuple):
    """How well one class or label is found.

    Attributes:
        examples: that have it. precision, recall, f1: 0 where their denominator is 0.
    """

    examples: int
    precision: float
    recall: float
    f1: float


def by_label(
    names: Sequence[str], labels: NDArray[np.bool_], predicted: NDArray[np.bool_]
) -> dict[str, ByLabel]:
    """That of each of K columns of (N, K) indicators."""
    found = dict[str, ByLabel]()
    for k, name in enumerate(names):
        have, said = int(labels[:, k].sum()), int(predicted[:, k].sum())
        hits = int((labels[:, k] & predicted[:, k]).sum())
        found[name] = ByLabel(
            have,
            hits / said if said else 0.0,
            hits / have if have else 0.0,
            2 * hits / (have + said) if have + said else 0.0,
        )
    return found


def check_outputs(labels: Numbers, outputs: Outputs, columns: int | None) -> None:
    """Refuse outputs that are not (N, K).

    Raises:
        ValueError: with both shapes.
    """
    if outputs.ndim != 2 or len(outputs) != len(labels):
        raise ValueError(f"outputs have shape {outputs.shape} for {len(labels)} labels")
    if columns is not None and outputs.shape[1] != columns:
        raise ValueError(f"outputs have shape {outputs.shape}; {columns} columns are needed")
