"""Power and sequential designs: against published numbers and by simulation."""

# pyright: reportOptionalSubscript=false, reportOptionalOperand=false, reportOptionalIterable=false
# pyright: reportOptionalMemberAccess=false, reportOperatorIssue=false, reportArgumentType=false
# pyright: reportCallIssue=false, reportGeneralTypeIssues=false
# (an estimate that is None fails the test, as it should)

import numpy as np
import pytest
from scipy import stats
from simulated_cells import two_groups

from steadytune.analysis import power, sequential
from steadytune.analysis.failure_tests import fisher_table
from steadytune.errors import BadInput


@pytest.mark.parametrize(("effect", "runs"), [(0.2, 394), (0.5, 64), (0.8, 26)])
def test_runs_for_a_mean_are_cohens(effect, runs):
    # Cohen (1992), table 2: two means, alpha 0.05, power 0.8; 0.2 asks for 393 to 394
    found = power.seeds_for(lambda n: power.mean_power(effect, 1, 1, n), most=1000)
    assert found == pytest.approx(runs, abs=1)


def test_power_of_a_mean_is_what_simulation_finds():
    rng = np.random.default_rng(20_210_107)
    a, b = rng.normal(1, 1, (4000, 10)), rng.normal(0, 2, (4000, 10))
    found = np.mean(power.welch_p(a, b) < 0.05)
    assert power.mean_power(1, 1, 2, 10) == pytest.approx(found, abs=0.03)


def test_welch_is_scipys():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, 8), rng.normal(0.5, 2, 11)
    assert float(power.welch_p(a, b)) == pytest.approx(stats.ttest_ind(a, b, equal_var=False)[1])
    assert float(power.welch_p(np.ones(4), np.ones(4))) == 1
    assert float(power.welch_p(np.ones(4), np.zeros(4))) == 0


def test_power_is_none_where_so_few_runs_cannot_be_significant():
    # 5 and 5 runs: p is 2 / 252 at least
    assert power.mean_power(100, 1, 1, 5, alpha=0.05 / 6) == 1
    assert power.mean_power(100, 1, 1, 5, alpha=0.05 / 7) == 0
    assert power.spread_power(100, 5, alpha=0.05 / 7) == 0
    assert power.pilot_power("level", np.zeros(5), np.ones(5), 5, alpha=0.05 / 7) == 0
    assert power.detectable_difference(1, 1, 5, alpha=0.05 / 7) is None
    needed = power.seeds_for(lambda n: power.mean_power(100, 1, 1, n, alpha=0.05 / 7), least=5)
    assert needed == 6


def test_power_of_failures_is_exact():
    runs, counts = 12, np.arange(13)
    chance = np.outer(stats.binom.pmf(counts, runs, 0.6), stats.binom.pmf(counts, runs, 0.1))
    barnard = power.failure_power(0.6, 0.1, runs)
    assert chance[fisher_table(runs, runs) < 0.05].sum() < barnard < 1
    assert power.failure_power(0.3, 0.3, 25) <= 0.05


def test_power_without_a_difference_is_the_error_rate():
    assert power.mean_power(0, 1, 1, 10) == pytest.approx(0.05)
    assert power.spread_power(1.0, 25) == pytest.approx(0.045, abs=0.02)
    rng = np.random.default_rng(1)
    pilot = two_groups(rng, 25)
    assert power.pilot_power("spread", pilot, pilot, 25) <= 0.08
    assert power.pilot_power("level", pilot, pilot + 1, 10) == 1


def test_what_runs_can_show_is_what_they_have_the_power_for():
    assert power.mean_power(power.detectable_difference(1, 2, 10), 1, 2, 10) == pytest.approx(
        0.8, abs=1e-3
    )
    ratio = power.detectable_ratio(25)
    assert power.spread_power(ratio, 25) == pytest.approx(0.8, abs=0.02)
    share = power.detectable_share(0.0, 25)
    assert power.failure_power(share, 0.0, 25) == pytest.approx(0.8, abs=0.01)
    assert power.detectable_share(0.3, 5) is None
    assert power.detectable_ratio(3) is None
    assert power.detectable_difference(0, 0, 5) == 0
    assert power.seeds_for(lambda n: 0.1) is None


@pytest.mark.parametrize(
    ("boundary", "looks", "constant"),
    [
        ("pocock", 2, 2.178),
        ("pocock", 3, 2.289),
        ("pocock", 5, 2.413),
        ("obrien-fleming", 2, 1.977),
        ("obrien-fleming", 3, 2.004),
        ("obrien-fleming", 5, 2.040),
    ],
)
def test_boundaries_are_those_of_jennison_and_turnbull(boundary, looks, constant):
    # Jennison & Turnbull (2000), tables 2.1 and 2.3, alpha = 0.05
    plan = sequential.sequential_plan([20 * k for k in range(1, looks + 1)], boundary=boundary)
    assert stats.norm.isf(plan.nominal[-1] / 2) == pytest.approx(constant, abs=6e-4)


def test_a_look_that_cannot_stop_spends_nothing():
    # O'Brien-Fleming asks p < 0.0052 after 5 of 10 runs, of which p is 0.0079 at least
    plan = sequential.sequential_plan([5, 10])
    assert plan.nominal[0] == 0
    assert plan.nominal[1] == pytest.approx(0.05, abs=1e-6)
    assert sequential.sequential_power(plan, 9.0, 1, 1) == pytest.approx((1, 10))


def test_five_looks_at_a_twentieth_are_wrong_in_a_seventh():
    # Armitage, McPherson & Rowe (1969): 0.142
    found = sequential.crossing(np.full(5, 1.959964), np.arange(1, 6) / 5)
    assert found.sum() == pytest.approx(0.142, abs=5e-4)


def test_sequential_power_is_the_published_one():
    # Jennison & Turnbull (2000), table 2.4: O'Brien-Fleming, five looks, power 0.9, needs 1.026
    # times the runs of a fixed design
    plan = sequential.sequential_plan([20, 40, 60, 80, 100])
    fixed = (stats.norm.isf(0.025) + stats.norm.isf(0.1)) ** 2
    difference = np.sqrt(2 * 1.026 * fixed / 100)
    found, expected_runs = sequential.sequential_power(plan, difference, 1, 1)
    assert found == pytest.approx(0.9, abs=1e-3)
    assert expected_runs < 80


@pytest.mark.parametrize("two", [False, True])
@pytest.mark.parametrize("boundary", ["obrien-fleming", "pocock"])
def test_sequential_studies_keep_their_error_rate(two, boundary):
    rng = np.random.default_rng(20_210_108)
    plan = sequential.sequential_plan([5, 10, 15, 20, 25], boundary=boundary)
    a, b = (two_groups(rng, (3000, 25)) if two else rng.normal(0, 1, (3000, 25)) for _ in range(2))
    stopped = np.zeros(3000, bool)
    for look, nominal in zip(plan.looks, plan.nominal, strict=True):
        stopped |= power.welch_p(a[:, :look], b[:, :look]) < nominal
    assert 0.03 <= stopped.mean() <= 0.065  # standard error 0.4 points


def test_decisions():
    rng = np.random.default_rng(2)
    a, b = rng.normal(0.70, 0.01, 25), rng.normal(0.60, 0.01, 25)
    plan = sequential.sequential_plan([5, 10, 25], margin=0.02)
    assert sequential.decide(plan, a[:10], b[:10]).verdict == "a"
    assert sequential.decide(plan, b[:10], a[:10]).verdict == "b"
    same = sequential.decide(plan, a, a[::-1])
    assert same.verdict == "equal"
    assert "differ by less than 0.02" in same.sentence
    wide = rng.normal(0.6, 0.1, (2, 25))
    early = sequential.decide(plan, wide[0, :5], wide[1, :5])
    assert early.verdict == "continue"
    assert "run 5 more seeds" in early.sentence
    assert sequential.decide(plan, wide[0], wide[1]).verdict == "undecided"
    constant = np.full(5, 0.5)
    assert sequential.decide(plan, constant, constant + 0.1).verdict == "continue"


def test_looks_that_cannot_be():
    for looks in ([], [3, 10], [5, 5], [10, 5]):
        with pytest.raises(BadInput, match="rising numbers from 5"):
            sequential.sequential_plan(looks)
    with pytest.raises(BadInput, match="not at a look"):
        sequential.decide(sequential.sequential_plan([5, 10]), np.ones(7), np.ones(7))
