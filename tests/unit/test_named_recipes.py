"""Named recipes against the table of hyperparameters in the paper."""

import pytest

from steadytune.named_recipes import RECIPES
from steadytune.recipe import Recipe, digest

# Section 1.3 of the paper's facts: what Mosbach et al. ran, column by column.
COLUMNS = {
    "devlin2019": (16, 2e-5, 3, False, (0.9, 0.999), 1e-6, 0.01, 0.1, "global"),
    "mosbach2021": (16, 2e-5, 20, True, (0.9, 0.999), 1e-6, 0.01, 0.1, "global"),
    "devlin2019_roberta": (16, 2e-5, 3, False, (0.9, 0.98), 1e-6, 0.1, 0.1, "none"),
    "mosbach2021_roberta": (16, 2e-5, 20, True, (0.9, 0.98), 1e-6, 0.1, 0.1, "none"),
    "devlin2019_albert": (16, 2e-5, 3, False, (0.9, 0.999), 1e-6, 0.0, 0.0, "global"),
    "mosbach2021_albert": (16, 2e-5, 20, True, (0.9, 0.999), 1e-6, 0.0, 0.0, "global"),
    "lee2020": (32, 2e-5, 3, False, (0.9, 0.999), 1e-6, 0.01, 0.0, "global"),
    "zhang2021": (32, 2e-5, 3, True, (0.9, 0.999), 1e-8, 0.0, 0.1, "global"),
}


def column(recipe: Recipe) -> tuple[object, ...]:
    assert recipe.dropout == recipe.attention_dropout == recipe.classifier_dropout
    return (
        recipe.batch_size,
        recipe.lr,
        recipe.epochs,
        recipe.bias_correction,
        recipe.betas,
        recipe.eps,
        recipe.weight_decay,
        recipe.dropout,
        recipe.clip,
    )


@pytest.mark.parametrize("name", RECIPES)
def test_numbers_of_the_paper(name: str) -> None:
    recipe = RECIPES[name]()
    assert column(recipe) == COLUMNS[name]
    assert (recipe.warmup, recipe.schedule, recipe.max_length) == (0.1, "linear", 128)
    eps_mode = "torch" if name == "zhang2021" else "hf"  # see its docstring
    assert (recipe.eps_mode, recipe.max_grad_norm, recipe.segment_ids) == (eps_mode, 1.0, True)


def test_every_column_has_its_recipe() -> None:
    assert set(RECIPES) == set(COLUMNS)


@pytest.mark.parametrize("name", RECIPES)
def test_named_after_itself_with_a_source(name: str) -> None:
    recipe = RECIPES[name]()
    assert recipe.name == name
    assert "20" in recipe.source
    assert recipe.source.endswith(".")
    assert len(recipe.source) < 140
    assert len(RECIPES[name].__doc__ or "") > 100


def test_no_two_are_the_same() -> None:
    assert len({digest(make().decisive()) for make in RECIPES.values()}) == len(RECIPES)


def test_steps_of_the_paper() -> None:
    """RTE 468 and 3120, MRPC 690 and 4600, CoLA 1605 and 10700 steps at 3 and 20 epochs."""
    for examples, short, long in [(2490, 468, 3120), (3668, 690, 4600), (8551, 1605, 10700)]:
        assert RECIPES["devlin2019"]().total_steps(examples) == short
        assert RECIPES["mosbach2021"]().total_steps(examples) == long


@pytest.mark.parametrize("name", ["lee2020", "zhang2021"])
def test_every_setting_of_a_stabilizer_is_written_out(name: str) -> None:
    from steadytune import stabilizers

    for choice in RECIPES[name]().stabilizers:
        assert stabilizers.resolve(choice) == choice
