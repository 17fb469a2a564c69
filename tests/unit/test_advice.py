"""Cautions and remedies over many recipes: none asks for what the recipe has already."""

import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from steadytune.analysis.cautions import fragile, longer_training, overshoot
from steadytune.analysis.verdicts._case import Case
from steadytune.analysis.verdicts._finding import Remedy
from steadytune.analysis.verdicts.remedies import (
    REACH,
    against_collapse,
    higher_lr,
    longer,
    lower_lr,
)
from steadytune.ledger import Planned
from steadytune.named_recipes import RECIPES
from steadytune.recipe import RECIPE, Recipe, Seeds
from steadytune.records import EncoderFacts, RunRecord, State
from synthetic import task_of

GRID = [make() for make in RECIPES.values()] + [
    Recipe(
        name="grid",
        lr=lr,
        epochs=length if isinstance(length, float) else None,
        steps=length if isinstance(length, int) else None,
        warmup=warmup,
        clip=clip,
        max_grad_norm=norm,
        betas=betas,
        bias_correction=corrected,
        fold_bias_correction=folded,
    )
    for lr, length, warmup, (clip, norm), betas, (corrected, folded) in product(
        (1e-8, 7e-6, 2e-5, 5e-4, 0.3),
        (0.5, 3.0, 20.0, 100.0, 1, 90, 5000),
        (0.0, 0.1, 1),
        (("none", 5.0), ("global", 1.0), ("tensor", 1.0)),
        ((0.9, 0.999), (0.9, 0.98), (0.9, 0.5)),
        ((True, False), (False, False), (False, True)),
    )
]
STEPS_AN_EPOCH = 25


def total(recipe: Recipe) -> int:
    return recipe.steps or max(1, round((recipe.epochs or 0) * STEPS_AN_EPOCH))


def case(recipe: Recipe) -> Case:
    steps = total(recipe)
    record = RunRecord(
        id="r",
        state=State.FINISHED,
        recipe=RECIPE.dump_python(recipe, mode="json"),
        task=task_of("task"),
        encoder=EncoderFacts("e", "e", "bert", 1),
        seeds={"init": 0, "order": 0, "dropout": 0},
        total_steps=steps,
    )
    planned = Planned("r", "grid", "task", "e", Seeds.tied(0))
    return Case(planned, record, np.ones(steps), np.ones(steps), np.full(steps, recipe.lr / 2))


def changed(recipe: Recipe, setting: str) -> Recipe:
    """The recipe that a ``--set`` makes; it is checked as any other."""
    key, _, value = setting.partition("=")
    name = key.removeprefix("recipe.")
    kinds = {"bias_correction": lambda text: text == "true", "steps": int, "clip": str}
    return replace(recipe, **{name: kinds.get(name, float)(value)})


def assert_it_is_a_change_for_the_better(recipe: Recipe, setting: str) -> None:
    new = changed(recipe, setting)
    assert new.decisive() != recipe.decisive(), setting
    name = setting.partition("=")[0].removeprefix("recipe.")
    if name in ("epochs", "steps"):
        assert total(new) > total(recipe)
    assert setting.count("=") == 1


@pytest.mark.parametrize("recipes", np.array_split(np.arange(len(GRID)), 8), ids=len)
def test_no_caution_contradicts_the_recipe(recipes):
    for recipe in (GRID[place] for place in recipes):
        for sentence in fragile(recipe, total(recipe), "task"):
            settings = re.findall(r"--set (\S+)", sentence)
            assert len(settings) == 1, sentence
            assert_it_is_a_change_for_the_better(recipe, settings[0])
            after = changed(recipe, settings[0])
            if "epochs" not in settings[0] and "steps" not in settings[0]:
                assert sentence not in fragile(after, total(after), "task")


@pytest.mark.parametrize("recipes", np.array_split(np.arange(len(GRID)), 8), ids=len)
def test_no_remedy_contradicts_the_recipe(recipes):
    for recipe in (GRID[place] for place in recipes):
        run = case(recipe)
        remedies: list[Remedy] = [*against_collapse(run), higher_lr(run), longer(run)]
        for remedy in remedies:
            assert remedy.setting is not None
            assert_it_is_a_change_for_the_better(recipe, remedy.setting)
            new = changed(recipe, remedy.setting)
            if remedy.name == "lower_lr":
                assert new.lr == pytest.approx(recipe.lr / 3, rel=0.05)
                assert new.lr * total(new) / 2 >= 0.95 * REACH
            if remedy.name == "higher_lr":
                assert new.lr > 2.8 * recipe.lr or new.lr == 2e-5 > recipe.lr
            if remedy.name == "longer":
                assert f"in place of {recipe.epochs or recipe.steps:g}" in remedy.words
        names = [remedy.name for remedy in remedies]
        assert "bias_correction" not in names or not recipe.bias_correction
        assert "warm_up" not in names or recipe.warmup == 0


def test_a_third_has_two_digits():
    (remedy,) = lower_lr(case(replace(RECIPES["mosbach2021"](), lr=5e-4)))
    assert remedy.setting == "recipe.lr=0.00017"


def test_longer_training_than_the_recipe_has():
    assert longer_training(3, 75) == ("recipe.epochs=20", "20 epochs in place of 3")
    assert longer_training(20, 500) == ("recipe.epochs=40", "40 epochs in place of 20")
    assert longer_training(None, 90) == ("recipe.steps=180", "180 steps in place of 90")


def test_how_much_larger_updates_are_without_correction():
    assert overshoot((0.9, 0.999)) == pytest.approx(6.6, abs=0.05)
    assert overshoot((0.9, 0.98)) == pytest.approx(1.55, abs=0.01)


def test_a_caution_says_what_there_is_and_what_to_try():
    (sentence,) = fragile(RECIPES["mosbach2021"](), 500, "sts.csv")
    assert sentence == (
        "mosbach2021 on sts.csv: only 500 steps (20 epochs); longer training is steadier: try "
        "--set recipe.epochs=40 (Mosbach et al. 2021, section 5)"
    )
