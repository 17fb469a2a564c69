"""What a recipe, a task and a study may hold, given by Python."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from steadytune import Recipe, Seeds, StabilizerChoice, Study, TaskChoice
from steadytune.bounds import MOST_RUNS
from steadytune.recipe import RECIPE, digest
from steadytune.study import STUDY


def recipe(**fields):
    return Recipe(**{"name": "a", "lr": 1e-5, "epochs": 3, **fields})


def study(**fields):
    given = {"recipes": [recipe()], "tasks": [TaskChoice("glue/rte")], "encoders": ["minilm"]}
    return Study(**{**given, "seeds": [Seeds.tied(0)], **fields})


def test_numbers_of_numpy_and_paths_are_taken_as_their_plain_values():
    plain = recipe(epochs=3, batch_size=8, betas=(0.5, 0.25), bias_correction=True)
    of_numpy = recipe(
        epochs=np.float64(3),
        batch_size=np.int32(8),
        betas=(np.float32(0.5), np.float64(0.25)),
        bias_correction=np.bool_(True),
    )
    assert of_numpy == plain
    assert digest(of_numpy.decisive()) == digest(plain.decisive())
    assert type(of_numpy.batch_size) is int
    assert Seeds(np.int64(1), np.uint8(2), 3) == Seeds(1, 2, 3)
    assert Seeds.tied(np.int64(4)) == Seeds.tied(4)
    assert TaskChoice(Path("a.csv"), train_size=np.int64(5)) == TaskChoice("a.csv", train_size=5)
    assert StabilizerChoice("mixout", {"p": np.float64(0.5)}).settings == {"p": 0.5}
    assert study(encoders=[Path("x")]).encoders == ("x",)


@pytest.mark.parametrize(
    "fields",
    [
        {"epochs": 1e19},
        {"epochs": None, "steps": 10**19},
        {"batch_size": 10**6},
        {"max_length": 10**6},
        {"warmup": 10**10},
        {"lr": 1e6},
        {"lr": float("nan")},
        {"lr": float("inf")},
        {"lr": True},
        {"eps": 2.0},
        {"weight_decay": 1e9},
        {"name": "x" * 201},
        {"name": "\ud800"},
        {"batch_size": np.float64(8)},
        {"batch_size": np.bool_(True)},
    ],
)
def test_what_could_only_be_a_slip_is_refused(fields):
    with pytest.raises(ValidationError):
        recipe(**fields)


def test_negative_zero_is_zero_and_the_same_run():
    for name, value in (("weight_decay", -0.0), ("dropout", -0.0), ("betas", (-0.0, 0.9))):
        positive = abs(value) if isinstance(value, float) else (0.0, 0.9)
        one, other = recipe(**{name: value}), recipe(**{name: positive})
        assert digest(one.decisive()) == digest(other.decisive())


def test_seeds_and_names_have_bounds():
    for seeds in (-1, 2**63, 1.0, True, "1"):
        with pytest.raises(ValidationError):
            Seeds.tied(seeds)
    with pytest.raises(ValidationError):
        study(name="n" * 201)
    with pytest.raises(ValidationError):
        study(name="漢" * 67)
    assert study(name="漢" * 66).name


def test_the_number_of_runs_has_a_bound():
    seeds = tuple(map(Seeds.tied, range(MOST_RUNS // 2 + 1)))
    with pytest.raises(ValidationError, match="100002 runs; a study holds at most 100000"):
        study(recipes=[recipe(), recipe(name="b")], seeds=seeds)


def test_json_reads_back_in_strict_mode():
    made = study(recipes=[recipe(stabilizers=[StabilizerChoice("mixout", {"p": 0.5})])])
    assert STUDY.validate_json(STUDY.dump_json(made)) == made
    assert RECIPE.validate_json(RECIPE.dump_json(made.recipes[0])) == made.recipes[0]
