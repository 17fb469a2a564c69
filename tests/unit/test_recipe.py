"""Recipe, Seeds, Study, Run and records as values: what is refused, what decides an id."""

import hashlib
import json
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steadytune.errors import BadInput
from steadytune.recipe import RECIPE, RECIPE_FIELDS, Recipe, Seeds, StabilizerChoice, digest
from steadytune.records import EncoderFacts, RunRecord, State, TaskFacts
from steadytune.study import STUDY, Study, TaskChoice, plan, run_id

PLAIN = Recipe("plain", 2e-5, epochs=3.0)
OTHERS: dict[str, Any] = {
    "lr": 3e-5,
    "epochs": 4.0,
    "batch_size": 32,
    "schedule": "cosine",
    "warmup": 10,
    "betas": (0.9, 0.98),
    "eps": 1e-8,
    "eps_mode": "hf",
    "bias_correction": False,
    "weight_decay": 0.0,
    "clip": "none",
    "max_grad_norm": 0.5,
    "dropout": 0.0,
    "attention_dropout": 0.0,
    "classifier_dropout": 0.0,
    "max_length": 64,
    "segment_ids": False,
    "precision": "fp32",
    "stabilizers": (StabilizerChoice("mixout", {"p": 0.5}),),
}
TASK = TaskFacts("glue/rte", "t0", ("a", "b"), "accuracy", 40, {"dev": 5}, "dev", "dev", {})
ENCODER = EncoderFacts("minilm", "e0", "bert", 10)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("lr", 0.0, "greater than 0"),
        ("lr", -1e-5, "greater than 0"),
        ("lr", float("nan"), "finite"),
        ("lr", float("inf"), "finite"),
        ("lr", "2e-5", "must be a number"),
        ("name", "", "must not be empty"),
        ("epochs", 0.0, "greater than 0"),
        ("batch_size", 0, "must be at least 1"),
        ("batch_size", 16.0, "must be a whole number"),
        ("schedule", "constnt", "must be linear, cosine or constant"),
        ("warmup", 1.0, "less than 1"),
        ("warmup", -1, "a whole number of steps"),
        ("warmup", True, "must be a share of all steps"),
        ("betas", (0.9, 1.0), "less than 1"),
        ("betas", (0.9,), "must hold more values"),
        ("eps", 0.0, "greater than 0"),
        ("weight_decay", -0.1, "must be at least 0"),
        ("dropout", 1.0, "must be at most 0.999"),
        ("max_length", 3, "must be at least 4"),
        ("bias_correction", "on", "must be true or false"),
        ("fold_bias_correction", True, "switch one of them off"),
        ("steps", 10, "only one of them"),
        ("epochs", None, "either epochs or steps"),
        ("stabilizers", (StabilizerChoice("a"), StabilizerChoice("a")), "'a' is given twice"),
    ],
)
def test_impossible_values_are_refused(field: str, value: object, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        replace(PLAIN, **{field: value})  # pyright: ignore[reportArgumentType]


def test_several_problems_are_told_together() -> None:
    with pytest.raises(BadInput) as caught:
        Recipe(**{"name": "x", "lr": -1.0, "epochs": -1.0, "clip": "all", "frobnicate": 1})
    assert {line.partition(":")[0] for line in str(caught.value).splitlines()} == {
        "lr",
        "epochs",
        "clip",
        "frobnicate",
    }
    choice = StabilizerChoice("a")
    with pytest.raises(BadInput, match=r"only one of them; .*longer than the 5 steps; .*'a'"):
        Recipe("x", 1.0, epochs=1.0, steps=5, warmup=6, stabilizers=(choice, choice))


def test_recipes_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        PLAIN.lr = 1.0  # pyright: ignore[reportAttributeAccessIssue]


def test_whole_numbers_and_shares_of_warmup_stay_apart() -> None:
    for warmup in (0, 0.0, 1, 0.5):
        kept = Recipe("x", 1.0, epochs=1.0, warmup=warmup).warmup
        assert (type(kept), kept) == (type(warmup), warmup)
    assert digest(replace(PLAIN, warmup=0).decisive()) != digest(
        replace(PLAIN, warmup=0.1).decisive()
    )


def test_a_recipe_survives_json() -> None:
    recipe = replace(PLAIN, **OTHERS)
    assert RECIPE.validate_json(RECIPE.dump_json(recipe)) == recipe
    assert tuple(RECIPE.dump_python(recipe)) == RECIPE_FIELDS


def test_every_field_but_name_and_source_decides() -> None:
    tried = {*OTHERS, "name", "source", "steps", "fold_bias_correction"}
    assert tried == set(RECIPE_FIELDS)
    seen = {digest(PLAIN.decisive())}
    for field, value in OTHERS.items():
        seen.add(digest(replace(PLAIN, **{field: value}).decisive()))
    seen.add(digest(replace(PLAIN, epochs=None, steps=3).decisive()))
    without = replace(PLAIN, bias_correction=False)
    seen.add(digest(replace(without, fold_bias_correction=True).decisive()))
    assert len(seen) == len(OTHERS) + 3
    renamed = replace(PLAIN, name="other", source="elsewhere")
    assert renamed.decisive() == PLAIN.decisive()


def test_the_digest_is_the_same_everywhere() -> None:
    """A changed digest orphans every ledger there is; the first one is that of sha256sum."""
    text = rb'{"a":[1e-05,null,"\u00fc"],"b":1}'
    assert digest({"b": 1, "a": [1e-5, None, "ü"]}) == "914ac10cbb847949"
    assert hashlib.sha256(text).hexdigest().startswith("914ac10cbb847949")
    code = (
        "from steadytune.recipe import *;"
        "print(digest(Recipe('plain', 2e-5, epochs=3.0).decisive()))"
    )
    for seed in ("0", "1"):
        found = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert found.stdout.strip() == digest(PLAIN.decisive())


def test_the_vocabulary_does_without_torch() -> None:
    code = (
        "import sys, steadytune.ledger, steadytune.study_file, steadytune.named_recipes;"
        "assert not {'torch', 'scipy', 'matplotlib', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@settings(max_examples=50)
@given(st.dictionaries(st.text(), st.integers() | st.floats(allow_nan=False, allow_infinity=False)))
def test_a_digest_does_not_depend_on_the_order_of_keys(value: dict[str, float]) -> None:
    assert digest(value) == digest(dict(reversed(value.items())))


@given(st.integers(1, 10_000), st.integers(1, 64), st.integers(1, 30))
def test_total_steps_counts_partial_batches(examples: int, batch: int, epochs: int) -> None:
    batches = len(range(0, examples, batch))
    recipe = replace(PLAIN, batch_size=batch, epochs=float(epochs))
    assert recipe.steps_per_epoch(examples) == batches
    assert recipe.total_steps(examples) == epochs * batches


def test_total_steps_of_parts_of_an_epoch() -> None:
    assert replace(PLAIN, epochs=0.5).total_steps(160) == 5
    assert replace(PLAIN, epochs=0.001).total_steps(160) == 1
    assert replace(PLAIN, epochs=None, steps=7).total_steps(160) == 7


def test_seeds() -> None:
    assert Seeds.tied(3) == Seeds(3, 3, 3)
    assert (str(Seeds.tied(3)), str(Seeds(1, 2, 3))) == ("3", "1-2-3")
    for wrong in (-1, 1.0, True, "1"):
        with pytest.raises(BadInput):
            Seeds(0, wrong, 0)  # pyright: ignore[reportArgumentType]


def a_study(**changes: Any) -> Study:
    values: dict[str, Any] = {
        "recipes": (PLAIN, replace(PLAIN, name="long", epochs=20.0)),
        "tasks": (TaskChoice("glue/rte"), TaskChoice("glue/rte", train_size=10)),
        "encoders": ("minilm", "b/c"),
        "seeds": (Seeds.tied(0), Seeds.tied(1)),
    }
    return Study(**{**values, **changes})


def planned(study: Study, task_digest: str = "t0", encoder_digest: str = "e0") -> list[Any]:
    tasks = {t.title: replace(TASK, digest=task_digest + t.title) for t in study.tasks}
    encoders = {e: replace(ENCODER, digest=encoder_digest + e) for e in study.encoders}
    return list(plan(study, tasks, encoders))


def test_plan_order_and_ids() -> None:
    runs = planned(a_study())
    order = [(r.task.title, r.encoder, r.recipe.name, r.seeds.init) for r in runs]
    assert order == [
        (task, encoder, recipe, seed)
        for task in ("glue/rte", "glue/rte[train_size=10]")
        for encoder in ("minilm", "b/c")
        for recipe in ("plain", "long")
        for seed in (0, 1)
    ]
    assert len({run.id for run in runs}) == 16
    assert all(len(run.id) == 16 and int(run.id, 16) >= 0 for run in runs)


def test_what_decides_a_run_id() -> None:
    def only(**changes: Any) -> str:
        study = a_study(recipes=(PLAIN,), tasks=(TaskChoice("x"),), encoders=("m",))
        return planned(replace(study, **changes))[0].id

    same = only()
    assert only(name="other", question="?", evaluate="end", keep="best") == same
    assert only(recipes=(replace(PLAIN, name="n", source="s"),)) == same
    assert only(recipes=(replace(PLAIN, lr=1.0),)) != same
    assert only(seeds=(Seeds(0, 0, 1),)) != same
    base = run_id(PLAIN, TASK, ENCODER, Seeds.tied(0))
    assert run_id(PLAIN, replace(TASK, name="n", metric="f1"), ENCODER, Seeds.tied(0)) == base
    assert run_id(PLAIN, replace(TASK, digest="t1"), ENCODER, Seeds.tied(0)) != base
    assert run_id(PLAIN, TASK, replace(ENCODER, name="n"), Seeds.tied(0)) == base
    assert run_id(PLAIN, TASK, replace(ENCODER, digest="e1"), Seeds.tied(0)) != base


def test_recipes_that_differ_in_name_alone_share_their_runs() -> None:
    runs = planned(a_study(recipes=(PLAIN, replace(PLAIN, name="again"))))
    assert len(runs) == 16
    assert len({run.id for run in runs}) == 8


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"recipes": (PLAIN, replace(PLAIN, lr=1.0))}, "recipes: 'plain' is given twice"),
        ({"tasks": (TaskChoice("x"), TaskChoice("x", data_dir="y"))}, "tasks: 'x' is given twice"),
        ({"seeds": (Seeds.tied(1), Seeds(1, 1, 1))}, "seeds: '1' is given twice"),
        ({"seeds": ()}, "must hold at least 1"),
        ({"evaluate": 0}, r"a whole number of steps \(1 to"),
        ({"evaluate": "never"}, "must be epoch, end, or"),
    ],
)
def test_studies_that_make_no_sense(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        a_study(**changes)


def test_a_study_survives_json() -> None:
    study = a_study(recipes=(replace(PLAIN, **OTHERS),), evaluate=7)
    assert STUDY.validate_json(json.dumps(STUDY.dump_python(study, mode="json"))) == study


def test_evaluate_every() -> None:
    found = [a_study(evaluate=when).evaluate_every(156) for when in ("epoch", "end", 10)]
    assert found == [156, None, 10]


def test_titles_say_every_choice_that_matters() -> None:
    changed: dict[str, Any] = {
        "train_size": 5, "subset_seed": 1, "dev": "d", "dev_share": 0.1, "dev_seed": 1,
        "dev_protocol": "halves", "text": "t", "pair": "p", "label": "l", "labels": "scores",
        "metric": "f1", "separator": "tab", "quoting": "none", "encoding": "cp1252",
    }  # fmt: skip
    names = {field.name for field in fields(TaskChoice)}  # pyright: ignore[reportArgumentType]
    assert set(changed) == names - {"name", "data_dir", "columns"}
    titles = {TaskChoice("x", **{name: value}).title for name, value in changed.items()}
    assert titles == {f"x[{name}={value}]" for name, value in changed.items()}
    assert TaskChoice("x", columns=("a", "b")).title == "x[columns=a|b]"
    assert TaskChoice("x", data_dir="d").title == "x"


def test_states_that_have_ended() -> None:
    ended = {State.FINISHED, State.DIVERGED, State.STOPPED}
    assert {state for state in State if state.ended} == ended


def test_majority_is_that_of_the_split_that_reports() -> None:
    task = replace(
        TASK,
        dev_examples={"a": 1, "b": 1},
        select="a",
        report="b",
        baseline={"a": {"accuracy": 0.1}, "b": {"accuracy": 0.7, "f1": 0.8}},
    )
    seeds = {"init": 0, "order": 0, "dropout": 0}
    record = RunRecord("r", State.PLANNED, {}, task, ENCODER, seeds, total_steps=1)
    assert record.majority == 0.7
    assert record.step == 0
    assert record.schema == 1
