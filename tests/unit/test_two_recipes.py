"""Tests of two recipes against scipy, their formulas, and their false positives."""

# pyright: reportOptionalSubscript=false, reportOptionalOperand=false, reportOptionalIterable=false
# pyright: reportOptionalMemberAccess=false, reportOperatorIssue=false, reportArgumentType=false
# pyright: reportCallIssue=false, reportGeneralTypeIssues=false
# (an estimate that is None fails the test, as it should)

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from simulated_cells import two_groups

from steadytune.analysis import arrangements, estimators, failure_tests, level_tests, spread_tests
from steadytune.analysis.families import decidable, holm
from steadytune.analysis.permutation_test import difference, permutation
from steadytune.analysis.stochastic_order import almost_stochastic_order, violation
from steadytune.errors import BadInput

A = np.array([0.713, 0.527, 0.698, 0.7, 0.653, 0.527, 0.721])
B = np.array([0.6, 0.64, 0.7, 0.68, 0.66, 0.51])
values = st.lists(st.floats(0, 1, width=16), min_size=5, max_size=7).map(np.array)


def test_brown_forsythe_is_scipys_or_its_permutation():
    f = stats.levene(A, B, center="median")
    found = spread_tests.brown_forsythe(A, B)
    assert found.statistic == pytest.approx(f.statistic)
    assert float(spread_tests.brown_forsythe_p(A, B)) == pytest.approx(f.pvalue)
    theirs = stats.permutation_test(
        (A, B),
        lambda x, y, axis: spread_tests.brown_forsythe_statistic(x, y),
        vectorized=True,
        n_resamples=np.inf,
        alternative="greater",
    )
    assert found.p == pytest.approx(max(f.pvalue, theirs.pvalue))


def test_spread_of_what_does_not_vary():
    same, other = np.full(6, 0.5), np.full(5, 0.7)
    assert spread_tests.brown_forsythe(same, other).p == 1
    assert spread_tests.brown_forsythe(same, B).p < 0.1
    assert float(spread_tests.std_ratio(same, other)) == 1
    assert float(spread_tests.std_ratio(B, same)) == np.inf
    assert spread_tests.std_ratio_estimate(B, same).interval is not None
    assert spread_tests.distance_ratio(B, same).value == np.inf


def test_equal_scores_have_no_spread_at_all():
    same = np.full(7, 0.1 + 0.2)
    assert np.std(same, ddof=1) >= 0  # 6e-17 in plain numpy for some values
    assert float(estimators.std(same)) == 0
    assert estimators.std(np.stack([same, A]))[0] == 0


def test_direction_of_spread_is_that_of_the_statistic():
    """One far run makes the larger std, the many make the larger distance from the median."""
    a, b = np.r_[np.zeros(11), 1.0], np.r_[[-0.2] * 6, [0.2] * 6]
    assert np.std(a, ddof=1) > np.std(b, ddof=1)
    assert spread_tests.distance_ratio(a, b).value < 1


def test_ratio_of_standard_deviations():
    found = spread_tests.std_ratio_estimate(A, B)
    assert found.value == pytest.approx(np.std(A, ddof=1) / np.std(B, ddof=1))
    assert found.interval[0] < found.value < found.interval[1]


def welch(x, y, axis=-1):
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(x.var(axis, ddof=1) / x.shape[axis] + y.var(axis, ddof=1) / y.shape[axis])
        return (x.mean(axis) - y.mean(axis)) / error


def test_permutation_of_all_arrangements_is_scipys():
    theirs = stats.permutation_test((A, B), welch, vectorized=True, n_resamples=np.inf)
    found = permutation(A, B)
    assert found.statistic == pytest.approx(theirs.statistic)
    # scipy doubles the smaller tail; ours counts both
    both = np.mean(np.abs(theirs.null_distribution) >= abs(theirs.statistic) - 1e-9)
    assert found.p == pytest.approx(both)


@pytest.mark.parametrize("x", [np.full(6, 0.5), np.array([0.5] * 5 + [0.7])])
def test_no_difference_has_no_small_p(x):
    assert permutation(x, x).p == pytest.approx(1)


def test_constants_that_differ_are_as_different_as_so_few_runs_can_be():
    found = permutation(np.full(5, 0.5), np.full(5, 0.7))
    assert found.p == pytest.approx(2 / 252)


@settings(max_examples=30, deadline=None)
@given(values, values, st.floats(0.5, 20), st.floats(-3, 3))
def test_p_values_do_not_depend_on_order_scale_or_names(a, b, scale, shift):
    for test in (permutation, spread_tests.brown_forsythe):
        p = test(a, b).p
        assert 0 <= p <= 1
        assert test(b, a).p == pytest.approx(p, abs=1e-6)
        assert test(a[::-1], b).p == pytest.approx(p, abs=1e-6)
    p = permutation(a, b).p
    moved = permutation(scale * a.round(2) + shift, scale * b.round(2) + shift).p
    assert moved == pytest.approx(permutation(a.round(2), b.round(2)).p, abs=1e-6)


def test_probability_of_improvement_is_rliables_formula():
    # rliable.metrics.probability_of_improvement: U / (n m), averaged over tasks
    u = [stats.mannwhitneyu(x, y).statistic / (len(x) * len(y)) for x, y in ((A, B), (B, A))]
    found = level_tests.probability_of_improvement([(A, B), (B, A)])
    assert found.value == pytest.approx(np.mean(u)) == pytest.approx(0.5)
    alone = level_tests.probability_of_improvement([(A, B)])
    assert alone.value == pytest.approx(u[0])
    assert alone.interval[0] < alone.value < alone.interval[1]
    paired = level_tests.probability_of_improvement([(A[:6], B)], paired=True)
    assert paired.value == np.mean([(x > y) + (x == y) / 2 for x, y in zip(A, B, strict=False)])


def test_differences_of_means():
    assert level_tests.mean_difference(A, B).value == pytest.approx(A.mean() - B.mean())
    paired = level_tests.mean_difference(B + 0.1 + np.arange(6) / 1e4, B, paired=True)
    assert paired.interval[1] - paired.interval[0] < 0.001  # the pairs hardly vary


def test_violation_ratio_on_a_fine_grid():
    # del Barrio et al. (2018): integral over {F^-1 < G^-1} of the squared gap, over the whole one
    t = (np.arange(210_000) + 0.5) / 210_000
    qa, qb = (np.sort(x)[(t * len(x)).astype(int)] for x in (A, B))
    gap = (qa - qb) ** 2
    assert float(violation(A, B)) == pytest.approx(gap[qa < qb].sum() / gap.sum(), abs=1e-4)


def test_stochastic_order_of_the_published_example():
    # README of deep-significance: epsilon_min = 0.225 for these scores, and none near 0.5 backwards
    random = np.random.RandomState(1234)
    ours, baseline = random.normal(0.9, 0.8, 5), random.normal(0, 1, 5)
    found = almost_stochastic_order(ours, baseline)
    assert found.epsilon_min == pytest.approx(0.225, abs=0.06)  # another bootstrap, a coarser grid
    assert almost_stochastic_order(baseline, ours).epsilon_min == 1


def test_stochastic_order_of_plain_cases():
    assert almost_stochastic_order(A + 1, B).epsilon_min == 0
    assert almost_stochastic_order(B, A + 1).violation == 1
    assert float(violation(A, A)) == 0.5


@pytest.mark.parametrize(("a", "b"), [(3, 0), (5, 1), (12, 3), (25, 0), (0, 0), (7, 7)])
def test_exact_tests_of_failures_are_scipys(a, b):
    table = [[a, 25 - a], [b, 25 - b]]
    assert failure_tests.fisher(a, 25, b, 25).p == pytest.approx(stats.fisher_exact(table)[1])
    assert failure_tests.fisher_table(25, 25)[a, b] == pytest.approx(stats.fisher_exact(table)[1])
    if a + b:
        # scipy takes columns for the groups; rounding makes it miss some equally extreme tables
        theirs = stats.barnard_exact(np.transpose(table)).pvalue
        assert failure_tests.barnard(a, 25, b, 25).p == pytest.approx(theirs, rel=5e-3)


def test_barnard_by_its_definition():
    def extreme(a, b):
        pooled = Fraction(a + b, 50)
        square = pooled * (1 - pooled) * Fraction(2, 25)
        return Fraction(a - b, 25) ** 2 / square if square else Fraction(0)

    beyond = np.array([[extreme(a, b) >= extreme(12, 3) for b in range(26)] for a in range(26)])
    of_each = [stats.binom.pmf(np.arange(26), 25, rate) for rate in np.linspace(0, 1, 999)]
    worst = max(one @ beyond @ one for one in of_each)
    assert failure_tests.barnard(12, 25, 3, 25).p == pytest.approx(worst, rel=1e-4)


def test_fisher_table_of_unequal_sizes():
    found = failure_tests.fisher_table(4, 7)
    for a, b in itertools.product(range(5), range(8)):
        expected = stats.fisher_exact([[a, 4 - a], [b, 7 - b]])[1]
        assert found[a, b] == pytest.approx(expected)


def test_barnard_keeps_its_level_at_every_failure_rate():
    rejected = failure_tests.barnard_table(10, 12) <= 0.05
    for rate in np.linspace(0.01, 0.99, 99):
        chance = np.outer(
            stats.binom.pmf(np.arange(11), 10, rate), stats.binom.pmf(np.arange(13), 12, rate)
        )
        assert chance[rejected].sum() <= 0.05 + 1e-4


def test_newcombes_published_interval():
    # Newcombe (1998), table II, example (a): 56/70 less 48/80, method 10: 0.0524 to 0.3339
    found = failure_tests.share_difference(56, 70, 48, 80)
    assert found.value == pytest.approx(0.2)
    assert found.interval == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_paired_failures():
    a = np.array([True] * 6 + [False] * 6)
    b = np.zeros(12, bool)
    assert failure_tests.mcnemar(a, b).p == pytest.approx(2 * 0.5**6)
    assert failure_tests.mcnemar(b, b).p == 1


@pytest.mark.parametrize("counts", [(3, 50, 9, 60), (30, 250, 50, 250), (5, 300, 0, 210)])
def test_barnard_of_many_runs_is_that_of_scipy(counts):
    a, n_a, b, n_b = counts
    theirs = stats.barnard_exact([[a, b], [n_a - a, n_b - b]], n=64).pvalue
    assert failure_tests.barnard(*counts).p == pytest.approx(theirs, rel=1e-4)


def test_one_pair_of_counts_has_the_p_value_of_the_table():
    table = failure_tests.barnard_table(45, 50)
    for a, b in ((0, 0), (0, 9), (5, 5), (45, 50), (45, 0), (12, 30), (30, 12)):
        assert failure_tests.barnard(a, 45, b, 50).p == pytest.approx(table[a, b], rel=2e-3)


def test_beyond_what_barnard_is_computed_for_the_test_is_fishers():
    assert failure_tests.failure_test(30, 250, 50, 250).test == "Barnard"
    found = failure_tests.failure_test(30, 2500, 50, 250)
    assert found == failure_tests.fisher(30, 2500, 50, 250)
    with pytest.raises(BadInput, match="at most 2000"):
        failure_tests.barnard(30, 2500, 50, 250)


def test_families():
    # Holm (1979) by hand
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert len(holm([])) == 0


def test_tests_that_cannot_be_significant_do_not_count():
    # Tarone (1990): the size is the fewest k of which at most k tests have k times least p < alpha
    assert decidable([0.03, 0.03, 0.001], 0.05) == ([False, False, True], 2)
    assert decidable([0.001] * 4, 0.05) == ([True] * 4, 4)
    assert decidable([1.0, 1.0, 0.008], 0.05) == ([False, False, True], 1)
    assert decidable([], 0.05) == ([], 0)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_adjusted_p_values_keep_the_order_and_never_shrink(p):
    found = holm(p)
    assert (found >= np.array(p) - 1e-12).all()
    assert (np.diff(found[np.argsort(p)]) >= -1e-12).all()


@pytest.mark.parametrize(("n", "m"), [(5, 5), (5, 6), (4, 9), (20, 20)])
def test_least_p_is_reached_by_recipes_far_apart(n, m):
    found = permutation(np.arange(float(n)), np.arange(float(m)) + 100)
    assert found.p == pytest.approx(arrangements.least_p(n, m))


def test_a_large_family_draws_more():
    low, high = np.arange(20.0), np.arange(20.0) + 100
    assert permutation(low, high, comparisons=1000).p == pytest.approx(
        arrangements.least_p(20, 20, 1000)
    )
    assert arrangements.least_p(20, 20, 1000) * 1000 < 0.05
    assert permutation(low, low + 0.1, comparisons=1000).p == pytest.approx(
        permutation(low, low + 0.1).p
    )


@settings(max_examples=40, deadline=None)
@given(values, values, st.floats(-1, 1))
def test_the_interval_and_the_test_agree(a, b, gap):
    a = a + gap
    low, high = difference(a, b).interval
    assert (low <= 0 <= high) == (permutation(a, b).p >= 0.05)
    assert low <= difference(a, b).value <= high


def test_the_interval_is_the_inverted_test():
    low, high = difference(A, B).interval
    step = 0.002
    assert permutation(A - low - step, B).p >= 0.05 > permutation(A - low + step, B).p
    assert permutation(A - high + step, B).p >= 0.05 > permutation(A - high - step, B).p


@pytest.mark.parametrize("two", [False, True])
def test_false_positives_of_brown_forsythe(two):
    # 4000 studies of 25 runs: standard error 0.35 points; Levene from the means has 20 % for two
    rng = np.random.default_rng(20_210_102)
    a, b = (two_groups(rng, (4000, 25)) if two else rng.normal(0, 1, (4000, 25)) for _ in range(2))
    assert 0.03 <= np.mean(spread_tests.brown_forsythe_p(a, b) < 0.05) <= 0.065


def test_false_positives_of_the_permutation_test_where_spreads_and_sizes_differ():
    # the plain difference of means has over 15 % here
    rng = np.random.default_rng(20_210_103)
    false = [permutation(rng.normal(0, 3, 8), rng.normal(0, 1, 24)).p < 0.05 for _ in range(400)]
    assert 0.02 <= np.mean(false) <= 0.085
