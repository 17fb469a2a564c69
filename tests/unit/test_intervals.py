"""Bootstrap intervals and estimators: against scipy, against their formulas, and by coverage."""

# pyright: reportOptionalSubscript=false, reportOptionalOperand=false, reportOptionalIterable=false
# pyright: reportOptionalMemberAccess=false, reportOperatorIssue=false, reportArgumentType=false
# pyright: reportCallIssue=false, reportGeneralTypeIssues=false
# (an estimate that is None fails the test, as it should)

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from simulated_cells import two_groups

from steadytune.analysis import estimators
from steadytune.analysis.intervals import (
    RESAMPLES,
    bootstrap,
    bootstrap_interval,
    draws,
    resampled,
    wilson,
)
from steadytune.errors import BadInput

SCORES = np.array([0.713, 0.527, 0.698, 0.7, 0.653, 0.527, 0.721, 0.69, 0.678])
OTHERS = np.array([0.6, 0.64, 0.7, 0.68, 0.66, 0.51])


class Replayed(np.random.Generator):
    """A generator for scipy that draws what ours has drawn, so that results must be equal."""

    def __init__(self, *drawn):
        super().__init__(np.random.PCG64(0))
        self.drawn = list(drawn)

    def integers(self, *args, **kwargs):
        return self.drawn.pop(0)


@pytest.mark.parametrize("what", ["mean", "std", "median", "iqm"])
@pytest.mark.parametrize("method", ["BCa", "percentile"])
def test_bootstrap_is_scipys_on_the_same_draws(what, method):
    statistic = estimators.STATISTICS[what]
    ours, made = bootstrap_interval([SCORES], statistic, widened=False, method=method)
    theirs = stats.bootstrap(
        (SCORES,), statistic, n_resamples=RESAMPLES, method=method, rng=Replayed(draws(9, 0))
    ).confidence_interval
    # a resample that is the sample itself counts as a tie with ours, below or above with scipy's
    assert ours == pytest.approx(tuple(theirs), abs=3e-4 if method == "BCa" else 1e-12)
    assert made == method


def test_bootstrap_of_two_samples_is_scipys():
    def difference(a, b, axis=-1):
        return np.mean(a, axis=axis) - np.mean(b, axis=axis)

    ours, _ = bootstrap_interval([SCORES, OTHERS], difference, widened=False)
    theirs = stats.bootstrap(
        (SCORES, OTHERS),
        difference,
        n_resamples=RESAMPLES,
        rng=Replayed(draws(9, 0), draws(6, 1)),
    ).confidence_interval
    assert ours == pytest.approx(tuple(theirs), abs=3e-4)


def test_widened_levels_are_hesterbergs():
    # 2015, section 5.3: the normal quantile sqrt(n / (n - 1)) t in place of 1.96
    n, values = len(SCORES), resampled([SCORES], estimators.mean)
    outside = stats.norm.cdf(math.sqrt(n / (n - 1)) * stats.t.ppf(0.025, n - 1))
    ours, _ = bootstrap_interval([SCORES], estimators.mean, method="percentile")
    assert ours == pytest.approx(tuple(np.quantile(values, [outside, 1 - outside])))


def test_where_bca_is_not_defined_the_percentiles_serve():
    # all jackknife medians are equal
    found = bootstrap_interval([np.array([0.5, 0.5, 0.5, 0.5, 0.5, 0.9])], estimators.median)
    assert found is not None
    assert found[1] == "percentile"


def test_constant_runs_have_an_interval_without_width():
    assert bootstrap_interval([np.full(6, 0.527)], estimators.std) == ((0.0, 0.0), "constant")


finite = st.floats(0, 1, width=32)
samples = st.lists(finite, min_size=2, max_size=12).map(np.array)


@settings(max_examples=40, deadline=None)
@given(samples, st.floats(0.5, 100), st.floats(-5, 5))
def test_intervals_move_and_scale_with_the_values(values, scale, shift):
    found = bootstrap(values, estimators.mean)
    moved = bootstrap(scale * values + shift, estimators.mean)
    assert found is not None
    assert moved == pytest.approx([scale * end + shift for end in found], abs=1e-3)
    assert values.min() - 1e-9 <= found[0] <= found[1] <= values.max() + 1e-9


@settings(max_examples=40, deadline=None)
@given(samples, st.randoms(use_true_random=False))
def test_estimates_do_not_depend_on_the_order(values, random):
    mixed = np.array(random.sample(list(values), len(values)))
    for what, statistic in estimators.STATISTICS.items():
        assert float(statistic(mixed)) == pytest.approx(float(statistic(values)), abs=1e-9), what


@pytest.mark.parametrize(
    ("n", "two", "low", "high"),
    # 300 studies: the standard error is 1.2 to 1.6 points. Measured with 2000 (docs): normal 0.92,
    # 0.95, 0.94; two groups 0.97. BCa that is not widened has 0.83 for n = 5.
    [
        (5, False, 0.88, 0.965),
        (10, False, 0.92, 0.985),
        (25, False, 0.92, 0.985),
        (25, True, 0.93, 1),
    ],
)
def test_coverage_of_the_mean(n, two, low, high):
    rng = np.random.default_rng(20_210_101)
    truth = 0.3 * 0.53 + 0.7 * 0.70 if two else 0.0
    hits = 0
    for _ in range(300):
        values = two_groups(rng, n) if two else rng.normal(0, 1, n)
        interval = bootstrap(values, estimators.mean)
        hits += interval is not None and interval[0] <= truth <= interval[1]
    assert low <= hits / 300 <= high


def test_coverage_of_wilson_is_close_to_nominal_for_every_share():
    # exact: Brown, Cai & DasGupta (2001) report 0.95 on average over shares
    n, shares = 25, np.linspace(0.05, 0.95, 181)
    ends = np.array([wilson(k, n) for k in range(n + 1)])
    covers = (ends[:, :1] <= shares) & (shares <= ends[:, 1:])
    chance = stats.binom.pmf(np.arange(n + 1)[:, None], n, shares)
    coverage = (covers * chance).sum(axis=0)
    assert coverage.mean() == pytest.approx(0.95, abs=0.01)
    assert coverage.min() > 0.88


@pytest.mark.parametrize("k", [0, 3, 25])
def test_wilson_is_scipys(k):
    theirs = stats.binomtest(k, 25).proportion_ci(0.9, method="wilson")
    assert wilson(k, 25, 0.9) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_statistics_are_those_of_scipy_and_numpy():
    assert float(estimators.iqm(SCORES)) == pytest.approx(stats.trim_mean(SCORES, 0.25))
    assert float(estimators.std(SCORES)) == pytest.approx(np.std(SCORES, ddof=1))


def test_rliables_interquartile_mean_over_runs_and_tasks():
    # rliable.metrics.aggregate_iqm is scipy.stats.trim_mean of all runs of all tasks, 0.25 cut
    found = estimators.stratified("iqm", [SCORES, OTHERS], pooled=True)
    assert found.value == pytest.approx(stats.trim_mean(np.concatenate([SCORES, OTHERS]), 0.25))
    assert found.interval[0] < found.value < found.interval[1]
    mean = estimators.stratified("std", [SCORES, OTHERS])
    expected = (np.std(SCORES, ddof=1) + np.std(OTHERS, ddof=1)) / 2
    assert mean.value == pytest.approx(expected)
    assert estimators.stratified("mean", []).value is None


def test_expected_maximum_is_what_all_subsets_have():
    from itertools import combinations, product

    values = SCORES[:5]
    for k in range(1, 6):
        subsets = [max(subset) for subset in combinations(values, k)]
        assert float(estimators.expected_max(values, k)) == pytest.approx(np.mean(subsets))
    drawn = [max(pair) for pair in product(values, repeat=3)]
    with_replacement = float(estimators.expected_max(values, 3, replacement=True))
    assert with_replacement == pytest.approx(np.mean(drawn))


def test_expected_maximum_of_show_your_work():
    # Dodge et al. (2019), equation 4: sum of v_(i) (P(V <= v_i)^n - P(V < v_i)^n), for N = 4, n = 2
    found = float(estimators.expected_max(np.array([4.0, 1.0, 3.0, 2.0]), 2, replacement=True))
    assert found == pytest.approx((1 * 1 + 2 * 3 + 3 * 5 + 4 * 7) / 16)


def test_expected_maximum_without_replacement_is_unbiased():
    rng = np.random.default_rng(7)
    values = rng.normal(0, 1, (20_000, 10))
    truth = 1.16296  # expected maximum of 5 standard normals (Harter 1961)
    assert estimators.expected_max(values, 5).mean() == pytest.approx(truth, abs=0.015)
    assert estimators.expected_max(values, 5, replacement=True).mean() < truth - 0.05


def test_expected_maximum_of_more_runs_than_there_are_is_refused():
    with pytest.raises(BadInput, match="ask for 1 to 9"):
        estimators.expected_max(SCORES, 10)
    assert estimators.expected_max_curve(SCORES)[-1] == SCORES.max()
    assert np.isfinite(estimators.expected_max(np.arange(2000.0), 1000))


def test_estimates_of_a_cell():
    failed = SCORES <= 0.527
    found = estimators.estimates(SCORES, failed)
    assert found["failed_share"].value == pytest.approx(2 / 9)
    assert found["failed_share"].interval == wilson(2, 9)
    assert found["successful_std"].value == pytest.approx(np.std(SCORES[~failed], ddof=1))
    assert found["successful_std"].n == 7
    assert found["max"].method == "percentile"
    assert found["max"].interval[1] == SCORES.max()
    assert found["mean"].interval[0] < found["mean"].value < found["mean"].interval[1]


def test_intervals_that_are_too_narrow_say_so():
    few = np.random.default_rng(1).normal(0, 1, 7)
    assert "standard deviation of 7 runs is too narrow" in estimators.estimate("std", few).caution
    assert "missed by 48 % of studies of 7 runs" in estimators.estimate("mean", few).caution
    many = np.tile(few, 4) + np.arange(28)
    assert estimators.estimate("std", many).caution is None
    assert estimators.estimate("mean", many).caution is None
    assert "further runs may go beyond" in estimators.estimate("max", many).caution


@pytest.mark.parametrize("n", [0, 1])
def test_estimates_of_too_little_have_no_numbers(n):
    found = estimators.estimates(SCORES[:n], np.zeros(n, bool))
    assert found["std"].value is None
    assert found["mean"].interval is None
    assert (found["mean"].value is None) == (n == 0)
