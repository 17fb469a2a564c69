"""What counts as failed: against scikit-learn's metrics, scipy's Fisher test, and permutation."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from simulated_run import new_record

from steadytune import metrics
from steadytune.analysis.cells import Cell
from steadytune.analysis.outcomes import Outcome, outcome
from steadytune.analysis.summary import summarize
from steadytune.failure_rule import (
    FailureRule,
    fisher_p,
    in_words,
    no_better_than_constant,
    normal_p,
)
from steadytune.records import Checkpoint, State

NAMES = ("accuracy", "matthews")
RARE = np.r_[np.ones(25, int), np.zeros(475, int)]


def judged(labels, predictions, classes=2, **rule):
    measured = {name: metrics.METRICS[name].function(labels, predictions) for name in NAMES}
    return no_better_than_constant(
        measured,
        metrics.baseline(NAMES, labels, classes),
        bool((predictions == predictions[0]).all()),
        classes=classes,
        examples=len(labels),
        rule=FailureRule(**rule),
    )


def flagged(found, false_alarms):
    predictions = np.zeros(500, int)
    predictions[:found] = 1
    predictions[25 : 25 + false_alarms] = 1
    return predictions


def test_a_useful_model_of_a_rare_class_is_no_failure():
    """20 of 25 positives among 500, MCC 0.40, less accurate than the constant prediction."""
    useful = flagged(20, 60)
    assert metrics.matthews(RARE, useful) == pytest.approx(0.40, abs=0.01)
    assert metrics.accuracy(RARE, useful) < 0.95
    assert not judged(RARE, useful)
    assert judged(RARE, useful, ask="accuracy")


def test_a_collapsed_run_is_one_all_the_same():
    assert judged(RARE, flagged(0, 0))
    assert judged(RARE, flagged(25, 475))
    assert judged(RARE, flagged(1, 19))  # what chance finds
    assert judged(RARE, flagged(0, 3))  # worse than chance
    rng = np.random.default_rng(0)
    lucky = [not judged(RARE, rng.permutation(flagged(5, 20))) for _ in range(600)]
    assert np.mean(lucky) <= 0.05 + 3 * 0.009


def test_balanced_classes_are_judged_as_ever():
    labels = np.arange(100) % 2
    better, worse = labels.copy(), labels.copy()
    better[:49], worse[:50] = 1 - labels[:49], 1 - labels[:50]
    assert not judged(labels, better)  # 51 % against 50 %, though by no means significant
    assert judged(labels, worse)
    assert judged(labels, better, ask="mcc")


@settings(max_examples=60, deadline=None)
@given(st.integers(20, 300), st.data())
def test_the_table_is_found_again_from_accuracy_and_mcc(examples, data):
    rare = data.draw(st.integers(1, examples // 2))
    found = data.draw(st.integers(0, rare))
    alarms = data.draw(st.integers(0, examples - rare))
    labels = np.r_[np.ones(rare, int), np.zeros(examples - rare, int)]
    predictions = np.zeros(examples, int)
    predictions[:found] = 1
    predictions[rare : rare + alarms] = 1
    mcc = metrics.matthews(labels, predictions)
    if mcc <= 0:
        return
    table = np.array([[found, rare - found], [alarms, examples - rare - alarms]])
    expected = stats.fisher_exact(table, alternative="greater").pvalue
    found_p = fisher_p(mcc, metrics.accuracy(labels, predictions), 1 - rare / examples, examples)
    assert found_p is not None
    assert found_p >= expected * (1 - 1e-6)
    if rare < examples / 2:
        assert found_p == pytest.approx(expected, rel=1e-6)


def test_metrics_of_no_table_are_judged_roughly():
    assert fisher_p(0.4321, 0.9, 0.95, 500) is None
    assert normal_p(0.4, 500) == pytest.approx(stats.norm.sf(0.4 * np.sqrt(499)))


def test_more_than_two_classes_are_judged_by_a_careful_approximation():
    """Permuted labels pass far less often than asked; a weak but real model passes."""
    rng = np.random.default_rng(1)
    labels = np.r_[np.zeros(340, int), np.ones(40, int), np.full(20, 2)]
    drawn = [rng.permutation(labels) for _ in range(400)]
    assert np.mean([not judged(labels, one, classes=3) for one in drawn]) <= 0.01
    real = labels.copy()
    moved = rng.random(400) < 0.4
    real[moved] = rng.permutation(labels[moved])
    assert not judged(labels, real, classes=3)


def test_without_mcc_in_the_record_accuracy_decides():
    measured, baseline = {"accuracy": 0.9}, {"accuracy": 0.95}
    assert no_better_than_constant(measured, baseline, False, classes=2, examples=500)
    assert not no_better_than_constant({"accuracy": 0.96}, baseline, False, classes=2, examples=9)


def test_metrics_that_are_not_finite_are_failures():
    nan = float("nan")
    for majority in (0.5, 0.95):
        measured, baseline = {"accuracy": nan, "matthews": nan}, {"accuracy": majority}
        assert no_better_than_constant(measured, baseline, False, classes=2, examples=100)
    scores = {"mean_squared_error": nan}
    assert no_better_than_constant(
        scores, {"mean_squared_error": 1.0}, False, classes=None, examples=9
    )


@pytest.fixture
def rare_record():
    """A record of a finished run that finds 20 of 25 positives among 500."""
    record = new_record("x")
    useful = flagged(20, 60)
    task = replace(
        record.task,
        metric="matthews",
        label_names=("no", "yes"),
        report="dev",
        dev_examples={"dev": 500},
        baseline={"dev": metrics.baseline(NAMES, RARE, 2)},
    )
    measured = {name: metrics.METRICS[name].function(RARE, useful) for name in NAMES}
    last = Checkpoint(9, {"dev": measured}, {"dev": False})
    return replace(record, task=task, last=last, state=State.FINISHED)


def test_records_are_judged_and_captions_say_how(rare_record):
    assert outcome(rare_record) is Outcome.SUCCESS
    assert outcome(rare_record, FailureRule("accuracy")) is Outcome.FAILED
    cell = Cell("spam", "tiny", "r", 1, (rare_record,))
    (row,) = summarize([cell])
    assert row.failed == 0
    assert row.failed_if == in_words(0.95)
    assert "Matthews' correlation not significantly above 0" in row.failed_if
    assert "more than 80 %" in row.failed_if
    (by_accuracy,) = summarize([cell], rule=FailureRule("accuracy"))
    assert by_accuracy.failed == 1
    assert "accuracy not above" in by_accuracy.failed_if


def test_a_metric_that_is_not_finite_counts_as_diverged(rare_record):
    broken = {"dev": {"accuracy": 0.9, "matthews": float("nan")}}
    record = replace(rare_record, last=Checkpoint(9, broken, {"dev": False}))
    assert outcome(record) is Outcome.DIVERGED
    (row,) = summarize([Cell("spam", "tiny", "r", 1, (record,))])
    assert (row.failed, row.diverged, row.mean) == (1, 1, 0.0)
