"""Where spread comes from: components, dev-set noise, Multi-Bootstrap, ranks; with known truth."""

# pyright: reportOptionalSubscript=false, reportOptionalOperand=false, reportOptionalIterable=false
# pyright: reportOptionalMemberAccess=false, reportOperatorIssue=false, reportArgumentType=false
# pyright: reportCallIssue=false, reportGeneralTypeIssues=false
# (an estimate that is None fails the test, as it should)

import itertools

import numpy as np
import pytest
from scipy import stats

from steadytune.analysis import variance
from steadytune.analysis.dev_noise import binomial_std, noise_split
from steadytune.analysis.intervals import outside
from steadytune.analysis.multi_bootstrap import multi_bootstrap, scorer
from steadytune.analysis.ranks import nemenyi_quantile, ranks
from steadytune.errors import BadInput
from steadytune.metrics import METRICS


def two_way(rng, rows, columns, init=2.0, order=1.0, both=0.5):
    return (
        rng.normal(0, init, (rows, 1))
        + rng.normal(0, order, (1, columns))
        + rng.normal(0, both, (rows, columns))
    )


def test_components_are_those_of_the_textbook():
    table = two_way(np.random.default_rng(0), 6, 4)
    # mean squares by hand, E[MS_rows] = both + columns * rows' variance
    grand, rows, columns = table.mean(), table.mean(axis=1), table.mean(axis=0)
    rest = table - rows[:, None] - columns + grand
    ms_rest = np.sum(rest**2) / 15
    ms_rows = 4 * np.sum((rows - grand) ** 2) / 5
    found = variance.components(("init", "order"), table)
    init, order, both = found.components
    assert init.variance == pytest.approx((ms_rows - ms_rest) / 4)
    assert order.variance == pytest.approx((6 * columns.var(ddof=1) - ms_rest) / 6)
    assert both.variance == pytest.approx(ms_rest)
    assert both.factors == ("init", "order")
    assert init.p == pytest.approx(stats.f.sf(ms_rows / ms_rest, 5, 15))
    assert sum(one.share for one in found.components) == pytest.approx(1)
    low, high = (15 * ms_rest / stats.chi2.ppf(q, 15) for q in (0.975, 0.025))
    assert both.interval == pytest.approx((low, high))  # of one mean square: exact


def test_components_are_unbiased_and_their_intervals_hold_the_truth():
    rng = np.random.default_rng(20_210_104)
    found = [
        variance.components(("init", "order"), two_way(rng, 8, 8)).components for _ in range(400)
    ]
    for place, truth in enumerate((4.0, 1.0, 0.25)):
        values = np.array([one[place].variance for one in found])
        assert values.mean() == pytest.approx(truth, rel=0.15)
        covered = np.mean(
            [one[place].interval[0] <= truth <= one[place].interval[1] for one in found]
        )
        assert 0.92 <= covered <= 0.985  # 400 studies: standard error 1.1 points


def test_three_factors_with_interactions_are_unbiased():
    rng = np.random.default_rng(20_210_105)
    truth = {(0,): 1.0, (1,): 0.5, (2,): 0.0, (0, 1): 0.7, (0, 1, 2): 0.2}
    total = {}
    for _ in range(300):
        table = np.zeros((5, 4, 6))
        for term, size in truth.items():
            shape = [n if axis in term else 1 for axis, n in enumerate(table.shape)]
            table = table + rng.normal(0, np.sqrt(size), shape)
        for one in variance.components("ABC", table).components:
            key = tuple("ABC".index(name) for name in one.factors)
            total[key] = total.get(key, 0) + one.variance / 300
    assert len(total) == 7
    for term, mean in total.items():
        assert mean == pytest.approx(truth.get(term, 0.0), abs=0.17), term


def test_runs_become_a_table():
    seeds = [
        {"init": i, "order": o, "dropout": 7} for o, i in itertools.product(range(3), range(5, 7))
    ]
    values = np.array([10 * s["init"] + s["order"] for s in seeds], dtype=float)
    factors, table = variance.crossed(seeds, values)
    assert factors == ("init", "order")
    assert table.tolist() == [[50, 51, 52], [60, 61, 62]]
    with pytest.raises(BadInput, match="do not cross their seeds"):
        variance.crossed(seeds[1:], values[1:])
    with pytest.raises(BadInput, match="every initialization is run with every order"):
        variance.crossed([dict.fromkeys(variance.FACTORS, s) for s in range(4)], np.arange(4.0))


def test_few_levels_are_pointed_out():
    found = variance.components(("init", "order"), two_way(np.random.default_rng(1), 5, 12))
    (sentence,) = found.cautions
    assert "only 5 init seeds" in sentence


def test_constant_scores_have_no_components():
    found = variance.components(("init", "order"), np.full((4, 5), 0.527))
    assert [one.variance for one in found.components] == [0, 0, 0]
    assert [one.share for one in found.components] == [0, 0, 0]


def test_share_of_failed_runs_is_that_of_an_analysis_of_variance():
    rng = np.random.default_rng(3)
    failed = np.arange(20) < 6
    values = np.where(failed, 0.53, rng.normal(0.7, 0.02, 20)) + rng.normal(0, 0.003, 20)
    groups = [values[failed], values[~failed]]
    between = sum(len(g) * (g.mean() - values.mean()) ** 2 for g in groups)
    found = variance.outcome_share(values, failed)
    assert found.value == pytest.approx(between / np.sum((values - values.mean()) ** 2))
    assert found.interval[0] < found.value <= found.interval[1] <= 1
    assert variance.outcome_share(values, np.zeros(20, bool)).value is None


def test_the_floor_of_a_finite_dev_set():
    assert 100 * binomial_std(0.673, 277) == pytest.approx(2.82, abs=0.005)


def test_noise_and_models_add_up():
    rng = np.random.default_rng(6)
    quality = rng.normal(0, 0.04, (12, 1))
    correct = rng.random((12, 300)) < np.clip(rng.beta(2, 1, 300) + quality, 0, 1)
    found = noise_split(correct)
    accuracy = correct.mean(axis=1)
    per_example = correct.var(axis=0, ddof=1).sum() / 300**2
    assert found.total.value == pytest.approx(accuracy.std(ddof=1))
    assert found.examples.value == pytest.approx(np.sqrt(per_example))
    assert found.models_share.value == pytest.approx(1 - per_example / accuracy.var(ddof=1))
    assert found.total.value**2 == pytest.approx(found.examples.value**2 + found.models.value**2)
    # Zhou et al. (2020): the models' part is the mean covariance of two different examples
    covariance = np.cov(correct.astype(float), rowvar=False)
    off = (covariance.sum() - np.trace(covariance)) / 300**2
    assert found.models.value**2 == pytest.approx(off)


def test_runs_without_differences_have_no_models_part():
    rng = np.random.default_rng(8)
    shares = [
        noise_split(rng.random((25, 277)) < rng.beta(2, 1, 277)).models_share.value
        for _ in range(20)
    ]
    assert abs(np.mean(shares)) < 0.16


@pytest.mark.parametrize("metric", ["accuracy", "f1", "macro_f1", "accuracy_and_f1", "matthews"])
def test_weighted_tables_give_the_metric_of_resampled_examples(metric):
    rng = np.random.default_rng(9)
    labels = rng.integers(0, 2, 40)
    a = np.where(rng.random((3, 40)) < 0.7, labels, 1 - labels)
    a[2] = 1  # a collapsed run
    scores, _ = scorer(metric, labels, a, a)
    weights = rng.multinomial(40, np.full(40, 1 / 40), size=5).astype(float)
    for row, found in zip(weights, scores(weights)[0], strict=True):
        at = np.repeat(np.arange(40), row.astype(int))
        expected = [METRICS[metric].function(labels[at], run[at]) for run in a]
        assert found == pytest.approx(expected)


def test_multi_bootstrap_against_its_definition():
    # google-research/language, multiberts: scores of seeds and examples drawn at once, one by one
    rng = np.random.default_rng(10)
    labels = rng.integers(0, 2, 120)
    a, b = (
        np.where(rng.random((6, 120)) < rng.normal(p, 0.03, (6, 1)), labels, 1 - labels)
        for p in (0.8, 0.72)
    )
    found = multi_bootstrap(a, b, labels, "accuracy")
    deltas = []
    for _ in range(3000):
        seeds, examples = rng.integers(0, 6, 6), rng.integers(0, 120, 120)
        grid = np.ix_(seeds, examples)
        deltas.append((a[grid] == labels[examples]).mean() - (b[grid] == labels[examples]).mean())
    assert found.difference == pytest.approx((a == labels).mean() - (b == labels).mean())
    assert found.std == pytest.approx(np.std(deltas), rel=0.08)
    tail = outside(0.95, [6])  # below 0.025: widened for few runs
    assert tail < 0.025
    assert found.interval == pytest.approx(np.quantile(deltas, [tail, 1 - tail]), abs=0.03)
    assert max(found.seeds_only, found.examples_only) < found.std
    assert multi_bootstrap(a, a, labels, "accuracy").interval == (0, 0)
    assert multi_bootstrap(a, b, labels, "accuracy", paired=False).std > 0
    with pytest.raises(ValueError, match="not pairs"):
        multi_bootstrap(a[:3], b, labels, "accuracy")


def test_multi_bootstrap_of_errors_counts_less_as_better():
    rng = np.random.default_rng(11)
    labels = rng.normal(0, 1, 60)
    near, far = (labels + rng.normal(0, s, (4, 60)) for s in (0.1, 0.8))
    found = multi_bootstrap(near, far, labels, "mean_squared_error")
    assert found.difference > 0
    assert found.interval[0] > 0


def null_share(rng, hardness, studies=100):
    """How often the interval of recipes that do equally well over all examples leaves out 0."""
    false = 0
    for _ in range(studies):
        a, b = (
            (rng.random((10, 100)) < rng.beta(hardness, hardness / 2, 100)).astype(int)
            for _ in range(2)
        )
        found = multi_bootstrap(a, b, np.ones(100, int), "accuracy", paired=False)
        false += not found.interval[0] <= 0 <= found.interval[1]
    return false / studies


def test_false_positives_of_the_multi_bootstrap(monkeypatch):
    monkeypatch.setattr("steadytune.analysis.multi_bootstrap.RESAMPLES", 500)
    rng = np.random.default_rng(20_210_106)
    # examples that all runs of a recipe get right or wrong (standard error 2.2 points)
    assert null_share(rng, 0.05) <= 0.12
    # examples that every run tosses a coin for are counted twice, and the test is too careful
    assert null_share(rng, 20.0) <= 0.02


def test_critical_values_are_those_of_demsar():
    # Demsar (2006), table 5(a), alpha = 0.05, 2 to 10 classifiers
    published = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]
    assert [nemenyi_quantile(k) for k in range(2, 11)] == pytest.approx(published, abs=1.1e-3)


def test_friedman_is_scipys_and_orders_recipes():
    rng = np.random.default_rng(12)
    scores = rng.normal(0, 1, (9, 4)).round(1) + np.array([0, 0.2, 1, 3])
    found = ranks(("a", "b", "c", "d"), scores)
    theirs = stats.friedmanchisquare(*scores.T)
    assert (found.statistic, found.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    assert found.mean_ranks.argmin() == 3
    assert found.mean_ranks.sum() == pytest.approx(10)
    apart = np.abs(found.mean_ranks[:, None] - found.mean_ranks) > found.critical_difference
    assert ((found.pairwise_p < 0.05) == apart).all()
    assert ranks(("a", "b"), np.ones((3, 2))).p == 1
    with pytest.raises(BadInput, match="at least 2"):
        ranks(("a",), np.ones((3, 1)))


def test_iman_davenport_of_demsars_example():
    # Demsar (2006), section 3.2.2: k = 4, N = 14, chi-square 9.28 gives F = 3.69
    assert pytest.approx(3.69, abs=0.005) == 13 * 9.28 / (14 * 3 - 9.28)
    scores = np.random.default_rng(13).normal(0, 1, (14, 4))
    found = ranks(("a", "b", "c", "d"), scores)
    expected = 13 * found.statistic / (14 * 3 - found.statistic)
    assert found.iman_davenport == pytest.approx(expected)
