"""What a reproduction plans: how many runs, and that none is in two parts."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from simulated_reproduction import ENCODER, cast, facts_of
from steadytune.figures.correction_factor import correction_factor
from steadytune.reproduce.cast import LONG, SHORT, mean_factor
from steadytune.reproduce.claims import CLAIMS
from steadytune.reproduce.mosbach2021 import EXPERIMENTS
from steadytune.reproduce.parts import of_experiments, parts
from steadytune.reproduce.scale import PAPER, SMALL
from steadytune.reproducing.options import Options, experiments, scale_of
from steadytune.reproducing.searching import search_study
from steadytune.study import plan
from steadytune.training.schedules import correction, schedule


def run_ids(study, made):
    facts = {
        t.title: facts_of(t.title, t.train_size or made.train_examples[t.title])
        for t in study.tasks
    }
    return [run.id for run in plan(study, facts, {ENCODER.name: ENCODER})]


@pytest.mark.parametrize("scale", [PAPER, SMALL, replace(SMALL, seeds=2, levels=4)])
@pytest.mark.parametrize("pairs", [False, True])
def test_no_run_is_in_two_parts(scale, pairs):
    made = cast(replace(scale, kept=min(scale.kept, scale.seeds)), pairs)
    studies = [part.study for part in parts(made)] + [search_study(made)]
    ids = Counter(id_ for study in studies for id_ in run_ids(study, made))
    assert {id_ for id_, times in ids.items() if times > 1} == set()


def test_the_paper_has_450_runs_in_its_ablation():
    made = cast(PAPER)
    names = {
        made.ablated(lr, length, on).name
        for lr in PAPER.lrs
        for length in range(3)
        for on in (False, True)
    }
    rows = [
        (recipe.name, seeds)
        for part in of_experiments(made, ["ablation"])
        for recipe in part.study.recipes
        for seeds in part.study.seeds
        for task in part.study.tasks
        if recipe.name in names and task.title == PAPER.main.title
    ]
    assert len(rows) == len(set(rows)) == 450


def test_experiments_share_the_parts_they_both_show():
    made = cast(PAPER)
    shown = {
        name: {part.study.name for part in of_experiments(made, [name])}
        for name in ("table1", "forgetting", "correction")
    }
    assert shown["forgetting"] < shown["table1"]
    assert shown["correction"] & shown["table1"] == {"default-along", "default-kept", "default"}
    assert "ablation-long" not in shown["correction"]


def test_a_part_grows_with_the_seeds_and_keeps_its_runs():
    few, many = cast(replace(PAPER, seeds=10)), cast(PAPER)
    before = {p.study.name: set(run_ids(p.study, few)) for p in parts(few)}
    after = {p.study.name: set(run_ids(p.study, many)) for p in parts(many)}
    assert all(before[name] <= after[name] for name in before)


def test_same_steps_on_a_subset_are_those_of_all_examples():
    made = cast(PAPER)
    studies = {part.study.name: part.study for part in parts(made)}
    (recipe,) = studies["subset-same-steps-glue-mrpc"].recipes
    assert recipe.steps == made.steps(made.default, PAPER.subset_tasks[0])
    assert studies["subset-same-steps-glue-mrpc"].tasks[0].train_size == PAPER.subset


def test_the_factor_is_that_of_the_training_and_the_paper():
    steps = np.arange(1, 3200)
    for betas in ((0.9, 0.999), (0.9, 0.98)):
        ours = correction_factor(steps, betas)
        theirs = [correction(int(t) - 1, betas) for t in steps]
        np.testing.assert_allclose(ours, theirs)
    first = correction_factor(steps, (0.9, 0.999))
    sheet = {1: 0.316, 12: 0.152, 46: 0.214, 468: 0.612, 3120: 0.978}
    assert {t: float(first[t - 1]) for t in sheet} == pytest.approx(sheet, abs=1e-3)


def test_the_same_mean_rate_is_the_mean_of_the_corrected_schedule():
    made = cast(PAPER)
    steps = made.steps(made.default, PAPER.main)
    plain = schedule("linear", steps, int(0.1 * steps))
    rates = np.array([plain(k) for k in range(steps)])
    factors = np.array([correction(k, made.default.betas) for k in range(steps)])
    expected = (rates * factors).sum() / rates.sum()
    assert mean_factor(made.default, steps) == pytest.approx(expected)
    assert made.same_mean_lr.lr == pytest.approx(PAPER.lr * expected)


def test_warm_up_and_length_are_varied_apart():
    made = cast(PAPER)
    short, long = made.other_warmup(SHORT), made.other_warmup(LONG)
    assert (short.epochs, long.epochs) == (3, 20)
    assert isinstance(short.warmup, int)
    assert isinstance(long.warmup, int)
    assert short.warmup > long.warmup
    assert short.bias_correction
    assert long.bias_correction


def test_families_have_their_own_hyperparameters():
    made = cast(PAPER)
    assert replace(made, family="roberta").default.betas == (0.9, 0.98)
    assert replace(made, family="albert").default.dropout == 0.0
    assert replace(made, family="electra").default.betas == made.default.betas


def test_every_claim_names_experiments_and_every_number_is_there():
    assert [claim.name for claim in CLAIMS] == [f"C{k}" for k in range(1, 31)]
    assert {name for claim in CLAIMS for name in claim.experiments} <= set(EXPERIMENTS)


def test_every_experiment_but_the_formula_and_the_search_has_parts():
    made = cast(SMALL, pairs=True)
    without = {name for name in EXPERIMENTS if not of_experiments(made, [name])}
    assert without == {"correction_factor", "headroom"}
    shown = {name for part in parts(made) for name in part.shown_in}
    assert shown <= set(EXPERIMENTS)


def test_options_take_the_place_of_the_scale():
    given = Options(seeds=3, tasks=("glue/rte",), train_size=100, lrs=(3e-4, 1e-4, 2e-4))
    scale = scale_of(given, ["minilm"])
    assert (scale.name, scale.seeds, scale.kept, scale.lr) == ("small", 3, 3, 2e-4)
    assert [task.title for task in scale.tasks] == ["glue/rte[train_size=100]"]
    assert scale_of(Options(), ["bert-large-uncased"]) == PAPER


def test_headroom_is_an_experiment_of_its_own():
    assert [one.name for one in experiments("headroom", [])] == ["headroom"]
    assert len(experiments("mosbach2021", [])) == len(EXPERIMENTS)
