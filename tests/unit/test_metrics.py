"""Metrics against scikit-learn and scipy, and on input where those warn or give NaN."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from steadytune import metrics
from steadytune.seeds import generator

SIZES = st.integers(2, 40)
unhurried = settings(deadline=None)  # the first call of a reference imports it


@st.composite
def class_pairs(draw, most=4):
    size, num_classes = draw(SIZES), draw(st.integers(2, most))
    indices = st.integers(0, num_classes - 1)
    return (
        draw(arrays(np.int64, size, elements=indices)),
        draw(arrays(np.int64, size, elements=indices)),
    )


@st.composite
def score_pairs(draw):
    size = draw(SIZES)
    coarse = st.integers(-20, 20).map(lambda x: x / 4)  # ties are frequent
    fine = st.floats(-1e6, 1e6, allow_subnormal=False)
    elements = draw(st.sampled_from([coarse, fine]))
    return tuple(draw(arrays(np.float64, size, elements=elements)) for _ in range(2))


@unhurried
@given(class_pairs(most=2))
def test_binary_metrics_equal_scikit_learn(pair):
    reference = pytest.importorskip("sklearn.metrics")
    labels, predictions = pair
    expected = reference.f1_score(labels, predictions, zero_division=0)
    assert metrics.f1(labels, predictions) == pytest.approx(expected, abs=1e-12)
    both = (reference.accuracy_score(labels, predictions) + expected) / 2
    assert metrics.accuracy_and_f1(labels, predictions) == pytest.approx(both, abs=1e-12)


@unhurried
@given(class_pairs())
def test_class_metrics_equal_scikit_learn(pair):
    reference = pytest.importorskip("sklearn.metrics")
    labels, predictions = pair
    assert metrics.accuracy(labels, predictions) == reference.accuracy_score(labels, predictions)
    assert metrics.macro_f1(labels, predictions) == pytest.approx(
        reference.f1_score(labels, predictions, average="macro", zero_division=0), abs=1e-12
    )
    if np.ptp(labels) and np.ptp(predictions):
        assert metrics.matthews(labels, predictions) == pytest.approx(
            reference.matthews_corrcoef(labels, predictions), abs=1e-12
        )


@unhurried
@given(score_pairs())
def test_score_metrics_equal_scipy(pair):
    reference = pytest.importorskip("scipy.stats")
    labels, predictions = pair
    squared = sum((a - b) ** 2 for a, b in zip(labels, predictions, strict=True)) / len(labels)
    assert metrics.mean_squared_error(labels, predictions) == pytest.approx(squared)
    if np.ptp(labels) == 0 or np.ptp(predictions) == 0:
        assert metrics.pearson_spearman(labels, predictions) == 0
        return
    rank = metrics.spearman(labels, predictions)
    assert rank == pytest.approx(reference.spearmanr(labels, predictions).statistic, abs=1e-9)
    spread = min(np.std(labels), np.std(predictions))
    if spread > 1e-6:  # below that scipy warns of its own loss of digits
        linear = reference.pearsonr(labels, predictions).statistic
        assert metrics.pearson(labels, predictions) == pytest.approx(linear, abs=1e-7)


@unhurried
@given(class_pairs(most=2))
def test_matthews_is_the_pearson_correlation_of_two_classes(pair):
    labels, predictions = pair
    assert metrics.matthews(labels, predictions) == pytest.approx(
        metrics.pearson(labels, predictions), abs=1e-12
    )


@unhurried
@given(score_pairs(), st.integers(0, 2**32 - 1))
def test_no_metric_depends_on_the_order_of_examples(pair, seed):
    order = generator("order", seed).permutation(len(pair[0]))
    for metric in metrics.METRICS.values():
        labels, predictions = pair
        if metric.kind == "classes":
            labels, predictions = (labels > 0).astype(np.int64), (predictions > 0).astype(np.int64)
        assert metric.function(labels, predictions) == pytest.approx(
            metric.function(labels[order], predictions[order]), rel=1e-9, abs=1e-9
        )


def test_perfect_predictions_have_the_best_value():
    labels = np.array([0, 1, 1, 0, 1])
    for name, metric in metrics.METRICS.items():
        best = 1 if metric.higher_is_better else 0
        assert metric.name == name
        assert metric.function(labels, labels) == pytest.approx(best)


@pytest.mark.parametrize("constant", [0, 1])
def test_an_empty_margin_gives_matthews_zero(constant):
    labels, all_same = np.array([0, 1, 1]), np.full(3, constant)
    assert metrics.matthews(labels, all_same) == 0
    assert metrics.matthews(all_same, labels) == 0
    assert metrics.matthews(all_same, all_same) == 0


def test_f1_without_any_positive_is_zero():
    assert metrics.f1(np.zeros(3, dtype=np.int64), np.zeros(3, dtype=np.int64)) == 0


def test_constant_scores_whose_mean_rounds_have_no_correlation():
    constant = np.full(10, 0.1)  # its computed mean is not 0.1
    assert metrics.pearson(np.arange(10.0), constant) == 0


def test_tiny_scores_keep_their_correlation():
    labels = np.array([1.0, 2.0, 3.0])
    assert metrics.pearson(labels, labels * 1e-300) == pytest.approx(1)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_scores_that_are_not_finite_give_nan(bad):
    values = metrics.measure(
        ["pearson", "spearman"], np.array([1.0, 2.0]), np.array([[bad], [1.0]])
    )
    assert all(math.isnan(value) for value in values.values())


def test_measure_takes_the_largest_logit_or_the_score():
    logits = np.array([[2.0, 1.0], [0.0, 3.0], [1.0, 1.0]], dtype=np.float32)
    assert metrics.measure(["accuracy"], np.array([0, 1, 0]), logits) == {"accuracy": 1.0}
    scores = np.array([[1.0], [3.0]], dtype=np.float32)
    assert metrics.measure(["mean_squared_error"], np.array([1.0, 1.0]), scores) == {
        "mean_squared_error": 2.0
    }


def test_measure_refuses_outputs_of_another_shape():
    with pytest.raises(ValueError, match="3 labels"):
        metrics.measure(["accuracy"], np.zeros(3, dtype=np.int64), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="pearson"):
        metrics.measure(["pearson"], np.zeros(2), np.zeros((2, 2)))


def test_baseline_predicts_the_majority_or_the_mean():
    labels = np.array([1, 1, 1, 0])
    names = ("accuracy", "f1", "matthews", "accuracy_and_f1")
    assert metrics.baseline(names, labels, 2) == pytest.approx(
        {"accuracy": 0.75, "f1": 6 / 7, "matthews": 0, "accuracy_and_f1": (0.75 + 6 / 7) / 2}
    )
    scores = np.array([0.0, 1.0, 5.0])
    assert metrics.baseline(
        ("pearson", "spearman", "pearson_spearman", "mean_squared_error"), scores, None
    ) == pytest.approx(
        {"pearson": 0, "spearman": 0, "pearson_spearman": 0, "mean_squared_error": scores.var()}
    )


def test_baseline_of_a_tie_is_the_first_class():
    assert metrics.baseline(("accuracy", "f1"), np.array([0, 1]), 2) == {"accuracy": 0.5, "f1": 0}


def test_metrics_say_what_they_fit():
    fitting = {name for name, metric in metrics.METRICS.items() if metric.fits(3)}
    assert fitting == {"accuracy", "macro_f1", "matthews"}
    assert metrics.METRICS["f1"].fits(2)
    assert not metrics.METRICS["f1"].fits(None)
    assert metrics.METRICS["pearson"].fits(None)


ODD_PREDICTIONS = {
    "constant": (np.full(50, 2.7), 0.0),
    "not a number": (np.where(np.arange(50) == 3, np.nan, np.linspace(0, 5, 50)), np.nan),
    "infinite": (np.where(np.arange(50) == 3, np.inf, np.linspace(0, 5, 50)), np.nan),
    "tiny": (np.linspace(0, 5, 50) * 1e-40, 1.0),
    "huge": (np.linspace(0, 5, 50) * 1e30, 1.0),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("unit", [1.0, 1e30, 1e-30])
@pytest.mark.parametrize("name", ODD_PREDICTIONS)
def test_odd_scores_have_a_defined_value_in_any_unit(name, unit):
    predictions, expected = ODD_PREDICTIONS[name]
    labels = np.linspace(0, 5, 50) * unit
    for metric in ("pearson", "spearman", "pearson_spearman"):
        value = metrics.METRICS[metric].function(labels, predictions)
        assert value == pytest.approx(expected, nan_ok=True), metric
    assert not metrics.METRICS["mean_squared_error"].function(labels, predictions) < 0
