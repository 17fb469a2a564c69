"""Outcomes, summaries and cautions, against hand-made records whose truth is known."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from steadytune.analysis.cautions import fragile, suspicious
from steadytune.analysis.cells import Cell
from steadytune.analysis.outcomes import Outcome, outcome
from steadytune.analysis.summary import bootstrap, scores, summarize, wilson
from steadytune.named_recipes import devlin2019, mosbach2021
from steadytune.records import Checkpoint, EncoderFacts, RunRecord, State, TaskFacts

TASK = TaskFacts(
    name="glue/mrpc",
    digest="0",
    label_names=("no", "yes"),
    metric="f1",
    train_examples=100,
    dev_examples={"dev": 50},
    select="dev",
    report="dev",
    baseline={"dev": {"accuracy": 0.68, "f1": 0.81}},
)


def record(seed=0, accuracy=0.8, f1=0.85, constant=False, state=State.FINISHED, loss=0.3, **more):
    point = Checkpoint(10, {"dev": {"accuracy": accuracy, "f1": f1}}, {"dev": constant})
    return RunRecord(
        id=str(seed),
        state=state,
        recipe={"name": "r"},
        task=TASK,
        encoder=EncoderFacts("e", "0", "bert", 1),
        seeds={"init": seed, "order": seed, "dropout": seed},
        total_steps=10,
        step=10,
        last=point,
        best=point,
        train_loss=loss + seed,
        **more,
    )


def cell(*records, planned=None):
    return Cell("glue/mrpc", "e", "r", planned or len(records), records)


def test_failed_is_judged_by_accuracy_even_where_f1_looks_fine():
    assert outcome(record(accuracy=0.68, f1=0.812)) is Outcome.FAILED
    assert outcome(record(accuracy=0.69, f1=0.5)) is Outcome.SUCCESS


def test_a_constant_prediction_failed_whatever_its_accuracy():
    assert outcome(record(accuracy=0.9, constant=True)) is Outcome.FAILED


def test_unfinished_and_crashed_runs_have_no_outcome():
    for state in (State.PLANNED, State.RUNNING, State.CRASHED):
        assert outcome(record(state=state)) is None
    assert outcome(record(state=State.DIVERGED)) is Outcome.DIVERGED


def test_scores_fail_against_the_mean():
    facts = replace(
        TASK,
        label_names=None,
        metric="pearson",
        baseline={"dev": {"pearson": 0.0, "mean_squared_error": 2.0}},
    )
    for error, expected in ((2.0, Outcome.FAILED), (1.9, Outcome.SUCCESS)):
        point = Checkpoint(
            1, {"dev": {"pearson": 0.5, "mean_squared_error": error}}, {"dev": False}
        )
        assert outcome(replace(record(), task=facts, last=point)) is expected


def test_summary_counts_every_run():
    runs = cell(
        record(0, 0.9, 0.9),
        record(1, 0.68, 0.81),
        record(2, state=State.DIVERGED),
        record(3, state=State.CRASHED),
        record(4, state=State.RUNNING),
        planned=7,
    )
    (row,) = summarize([runs])
    assert (row.n, row.failed, row.diverged, row.crashed, row.unfinished) == (3, 2, 1, 1, 3)
    assert scores(runs).tolist() == [0.9, 0.81, 0.81]  # the diverged run at the baseline
    assert row.mean == pytest.approx(0.84)
    assert row.std == pytest.approx(np.std([0.9, 0.81, 0.81], ddof=1))
    assert (row.median, row.min, row.max) == (0.81, 0.81, 0.9)
    assert (row.majority, row.majority_accuracy) == (0.81, 0.68)
    assert row.failed_interval == wilson(2, 3)


def test_summary_of_nothing_has_no_numbers():
    (row,) = summarize([cell(planned=5)])
    assert (row.n, row.unfinished, row.mean, row.std, row.mean_interval) == (0, 5, None, None, None)


def test_best_is_another_checkpoint():
    better = Checkpoint(5, {"dev": {"accuracy": 0.9, "f1": 0.95}}, {"dev": False})
    run = replace(record(), best=better)
    assert summarize([cell(run)], "best")[0].mean == 0.95
    assert summarize([cell(run)], "last")[0].mean == 0.85


def test_wilson_is_the_published_formula():
    z, n, p = stats.norm.ppf(0.975), 25, 3 / 25
    center = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert wilson(3, 25) == pytest.approx((center - half, center + half))
    assert wilson(0, 0) is None


def mean(values, axis=-1):
    return np.mean(values, axis=axis)


def test_bootstrap_interval_holds_the_mean_and_repeats():
    values = np.random.default_rng(0).normal(0, 1, 40)
    low, high = bootstrap(values, mean) or (0, 0)
    assert low < values.mean() < high
    exact = stats.t.interval(0.95, 39, values.mean(), stats.sem(values))
    assert (low, high) == pytest.approx(exact, abs=0.08)
    assert bootstrap(values, mean) == (low, high)


@pytest.mark.parametrize("values", [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5, 0.9], [0.1, 0.2]])
def test_bootstrap_survives_degenerate_values(values):
    low, high = bootstrap(np.array(values), mean) or (np.nan, np.nan)
    assert min(values) <= low <= high <= max(values)


def test_bootstrap_of_one_run_is_refused():
    assert bootstrap(np.array([0.5]), mean) is None


def test_the_default_recipe_is_fragile_and_the_stable_one_is_not():
    said = " ".join(fragile(devlin2019(), 468, "glue/rte"))
    assert "bias correction" in said
    assert "468 steps" in said
    assert fragile(mosbach2021(), 3120, "glue/rte") == []
    assert "warm-up" in " ".join(fragile(replace(mosbach2021(), warmup=0), 3120, "glue/rte"))


def test_collapsed_cells_are_pointed_out():
    collapsed = cell(record(0, 0.68, 0.81), record(1, 0.68, 0.81))
    (sentence,) = suspicious([collapsed])
    assert "all 2 runs failed" in sentence
    assert suspicious([cell(record(0, 0.68, 0.81), record(1, 0.9))]) == []


def test_runs_that_are_one_run_repeated_are_pointed_out():
    same = [replace(record(seed), train_loss=0.25) for seed in range(3)]
    (sentence,) = suspicious([cell(*same)])
    assert "all 3 seeds gave the same result" in sentence
    assert suspicious([cell(record(0), record(1))]) == []  # same score, other losses
