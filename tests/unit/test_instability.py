"""Measures of instability against slow definitions, published numbers and known limits."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import spatial
from scipy.special import softmax

from steadytune.analysis.calibration import brier, expected_calibration_error
from steadytune.analysis.flips import flipping, instability_by_example, shares_by_class
from steadytune.analysis.instability import churn, fleiss_kappa, instability
from steadytune.analysis.prediction_set import PredictionSet
from steadytune.analysis.run_pairs import (
    disagreement_matrix,
    jensen_shannon_matrix,
    pair_mean,
    resampled_pair_means,
    resampled_runs,
    score_difference_matrix,
)
from steadytune.analysis.thinning import thinned
from steadytune.targets import Classes

classes = arrays(
    np.int64, st.tuples(st.integers(2, 6), st.integers(1, 12)), elements=st.integers(0, 2)
)


@given(classes)
def test_disagreement_is_the_share_of_differing_examples(predictions):
    matrix = disagreement_matrix(predictions)
    for i, j in itertools.combinations(range(len(predictions)), 2):
        assert matrix[i, j] == pytest.approx((predictions[i] != predictions[j]).mean())
        assert matrix[i, j] == matrix[j, i]
    assert np.allclose(np.diag(matrix), 0)
    assert instability_by_example(predictions).mean() == pytest.approx(pair_mean(matrix))


def test_fleiss_kappa_of_his_own_example():
    """Fleiss (1971) as worked through on Wikipedia: 14 raters, 10 subjects, kappa 0.210."""
    counts = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    raters = np.array([np.repeat(np.arange(5), row) for row in counts]).T
    assert fleiss_kappa(raters) == pytest.approx(0.210, abs=5e-4)
    assert fleiss_kappa(raters[::-1, ::-1]) == pytest.approx(0.210, abs=5e-4)


def test_kappa_where_all_agree_or_there_is_one_run():
    assert fleiss_kappa(np.zeros((3, 4), int)) == 1
    assert fleiss_kappa(np.array([[0, 1], [0, 1]])) == 1
    assert fleiss_kappa(np.array([[0, 1]])) is None


def test_jensen_shannon_is_scipys():
    probabilities = softmax(np.random.default_rng(0).normal(0, 2, (4, 7, 3)), axis=-1)
    matrix = jensen_shannon_matrix(probabilities)
    for i, j in itertools.combinations(range(4), 2):
        expected = spatial.distance.jensenshannon(probabilities[i], probabilities[j], axis=1) ** 2
        assert matrix[i, j] == pytest.approx(expected.mean())
    opposite = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])
    assert jensen_shannon_matrix(opposite)[0, 1] == pytest.approx(np.log(2))


def test_score_differences():
    matrix = score_difference_matrix(np.array([[0.0, 0.0], [3.0, 4.0]]))
    assert matrix[0, 1] == pytest.approx(np.sqrt(12.5))


def test_churn_adds_up():
    before, after, labels = (
        np.array([0, 1, 1, 0, 2]),
        np.array([0, 1, 0, 1, 1]),
        np.array([0, 1, 1, 1, 0]),
    )
    assert churn(before, after, labels) == (0.6, 0.2, 0.2)


def test_a_run_drawn_twice_is_no_pair_with_itself():
    """All pairs equally far: every bootstrap sample has that distance, none a smaller one."""
    matrix = 0.3 * (1 - np.eye(4))
    assert np.allclose(resampled_pair_means(matrix, resampled_runs(4)), 0.3)


def test_resampled_pair_means_equal_the_slow_way():
    draw = np.random.default_rng(1)
    matrix = disagreement_matrix(draw.integers(0, 2, (5, 30)))
    counts = resampled_runs(5)[:20]
    for row, got in zip(counts, resampled_pair_means(matrix, counts), strict=True):
        drawn = np.repeat(np.arange(5), row)
        pairs = [matrix[i, j] for i in drawn for j in drawn if i != j]
        assert got == pytest.approx(np.mean(pairs))


def prediction_set(runs=5, examples=40, scores=False):
    draw = np.random.default_rng(2)
    logits = draw.normal(0, 1, (runs, examples, 2)) + draw.normal(0, 2, (1, examples, 2))
    labels = draw.normal(0, 1, examples) if scores else draw.integers(0, 2, examples)
    predictions = logits[..., 0] if scores else logits.argmax(axis=2)
    return PredictionSet(
        records=(None,) * runs,  # pyright: ignore[reportArgumentType]
        left_out=0,
        labels=labels,
        predictions=predictions,
        classes=None if scores else Classes(labels, predictions, ("0", "1"), "class", "classes"),
        decided=None if scores else labels,
        probabilities=None if scores else softmax(logits, axis=-1),
    )


def test_measures_lie_in_their_intervals_and_carry_n():
    for one in instability(prediction_set(runs=25)):
        assert one.interval is not None
        assert one.value is not None
        assert one.interval[0] <= one.value <= one.interval[1], one.name
        assert one.runs == 25


def test_lost_is_the_mean_churn_over_ordered_pairs():
    of = prediction_set(runs=4)
    found = {one.name: one.value for one in instability(of)}
    pairs = itertools.permutations(of.predictions, 2)
    lost = [churn(before, after, of.labels).lost for before, after in pairs]
    assert found["lost"] == pytest.approx(np.mean(lost))


@pytest.mark.parametrize("runs", [1, 2])
@pytest.mark.parametrize("scores", [True, False])
def test_too_few_runs_have_no_interval(runs, scores):
    found = {one.name: one for one in instability(prediction_set(runs, scores=scores))}
    assert all(one.interval is None for one in found.values())
    if not scores and runs == 1:
        assert found["disagreement"].value is None
        assert found["ece"].value is not None


def test_calibration_of_known_cases():
    sure, labels = np.array([[1.0, 0.0]] * 4), np.array([0, 0, 0, 1])
    assert expected_calibration_error(sure, labels) == pytest.approx(0.25)
    assert brier(sure, labels) == pytest.approx(0.5)
    guess = np.full((4, 2), 0.5)
    assert expected_calibration_error(guess, np.array([0, 0, 1, 1])) == pytest.approx(0)
    assert brier(guess, labels) == pytest.approx(0.5)


def test_flipping_lists_the_least_stable_first_and_nothing_stable():
    predictions = np.array([[0, 0, 0], [0, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 0]])
    assert flipping(predictions, 10).tolist() == [1, 2]
    assert flipping(predictions, 1).tolist() == [1]
    assert shares_by_class(predictions, 2)[1].tolist() == [0.4, 0.6]


@given(st.integers(1, 400), st.integers(1, 50))
def test_thinning_keeps_the_end_and_the_mean(n, most):
    values = np.random.default_rng(n).normal(0, 1, n)
    steps, means = thinned(np.arange(1, n + 1), values, most)
    assert len(steps) == len(means) == min(n, most)
    assert steps[-1] == n
    weights = np.diff(steps, prepend=0)
    assert weights @ means / n == pytest.approx(values.mean())


def test_thinning_shows_where_a_series_breaks():
    values = np.ones(100)
    values[57] = np.nan
    _, means = thinned(np.arange(100), values, 10)
    assert np.isnan(means).tolist() == [i == 5 for i in range(10)]
