"""The search for the headroom on simulated curves of failure."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm

from simulated_reproduction import ENCODER, cast, facts_of
from steadytune.figures.headroom import name_without_lr
from steadytune.reproduce.scale import SMALL
from steadytune.reproducing.searching import candidates, next_runs, search_study, searched_recipes
from steadytune.results.outcomes import Outcome
from steadytune.stats.headroom import Posterior, Trial, rates, search
from steadytune.study import plan

GRID = rates(1e-5, 1e-2, per_decade=5)
CURVES = {
    "logistic": (lambda x, m, w: expit((x - m) / w), lambda m, w: m + w * np.log(0.1 / 0.9)),
    "normal": (
        lambda x, m, w: norm.cdf((x - m) / (1.7 * w)),
        lambda m, w: m + 1.7 * w * norm.ppf(0.1),
    ),
    "cliff": (lambda x, m, w: float(x > m), lambda m, w: m),
}


def simulated(curve, seed, runs):
    """A search with a made-up recipe; its estimate, and log10 of the true headroom."""
    draw = np.random.default_rng(seed)
    middle, width = draw.uniform(-4, -3), draw.choice([0.03, 0.1, 0.2])
    share, headroom = CURVES[curve]
    trials = search(
        GRID, lambda lr, k: draw.random() < share(np.log10(lr), middle, width), runs, enough=1.0
    )
    return Posterior(GRID, trials).headroom(), headroom(middle, width)


@pytest.mark.parametrize("curve", CURVES)
def test_intervals_hold_the_truth(curve):
    """95 % of intervals should; 20 of 24 is what 24 simulations can tell from much fewer."""
    found = [simulated(curve, seed, 16) for seed in range(24)]
    held = sum(
        estimate.interval[0] <= 10**truth <= estimate.interval[1] for estimate, truth in found
    )
    assert held >= 20


def test_more_runs_make_a_narrower_interval():
    few, many = (
        np.median([simulated("logistic", seed, runs)[0].factor for seed in range(6)])
        for runs in (6, 24)
    )
    assert many < few


def test_a_recipe_that_never_fails_has_an_open_end():
    found = Posterior(GRID, search(GRID, lambda lr, k: False, 12)).headroom()
    assert found.open_above
    assert not found.open_below
    assert (found.runs, found.failed) == (12, 0)


def test_a_recipe_that_always_fails_is_open_below():
    found = Posterior(GRID, search(GRID, lambda lr, k: True, 12)).headroom()
    assert found.open_below
    assert not found.open_above


def test_a_search_ends_when_it_knows_enough():
    trials = search(GRID, lambda lr, k: lr > 4e-4, 200, enough=3.0)
    assert len(trials) < 60
    assert Posterior(GRID, trials).headroom().factor <= 3.0


def test_shares_rise_with_the_rate_and_lie_in_their_intervals():
    posterior = Posterior(GRID, [Trial(1e-4, False), Trial(1e-3, True), Trial(1e-3, True)])
    shares = [posterior.share(lr) for lr in GRID]
    assert np.all(np.diff([mean for mean, _, _ in shares]) > 0)
    assert all(low <= mean <= high for mean, low, high in shares)


def planned(made):
    study = search_study(made)
    main = study.tasks[0].title
    facts = {main: facts_of(main, made.train_examples[main])}
    return plan(study, facts, {ENCODER.name: ENCODER})


def test_every_seed_is_used_once_a_recipe_and_the_choices_repeat():
    made = cast(replace(SMALL, most_runs=8))
    runs, recipe = planned(made), searched_recipes(made)["default"]

    def whole_search():
        became, order = dict[str, Outcome](), list[str]()
        while asked := next_runs(made, runs, recipe, became):
            for run in asked:
                failed = run.recipe.lr > 2e-4
                became[run.id] = Outcome.FAILED if failed else Outcome.SUCCESS
                order.append(run.id)
        return order

    order = whole_search()
    assert order == whole_search()
    by_id = {run.id: run for run in runs}
    assert [by_id[id_].seeds.init for id_ in order] == list(range(8))
    assert len({by_id[id_].recipe.lr for id_ in order}) > 2


def test_a_search_that_was_stopped_asks_for_what_is_missing():
    made = cast(SMALL)
    runs, recipe = planned(made), searched_recipes(made)["default"]
    first, second = next_runs(made, runs, recipe, {})
    assert next_runs(made, runs, recipe, {first.id: Outcome.FAILED}) == [second]


def test_rates_of_the_ablation_are_left_to_it():
    assert not set(candidates(cast(SMALL))) & set(SMALL.lrs)
    assert rates(1e-5, 1e-4, 3) == (1e-5, 2.2e-5, 4.6e-5, 1e-4)


def test_recipes_are_named_without_their_rate():
    names = ["lr 1.0e-04, 3 epochs, correction on", "lr 2.0e-04, 3 epochs, correction on"]
    assert name_without_lr(names) == "3 epochs, correction on"
    assert name_without_lr(["3e-4 on", "5e-4 on"]) == "on"
    assert name_without_lr(["one", "other"]) == "one"
