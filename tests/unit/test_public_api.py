"""The public API, as a user of Python meets it, on a study that trains in a second."""

import doctest
import importlib
import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import steadytune
from small_studies import make_split
from steadytune import BadInput, Recipe, Seeds, Study, TaskChoice
from steadytune.cli import choices
from steadytune.cli import compare as compare_command
from steadytune.cli import diagnose as diagnose_command
from steadytune.cli import summary as summary_command
from steadytune.comparison.question import Question
from steadytune.reports import comparison, summary_table
from tiny_models import make_tiny

TINY = Recipe(name="tiny", lr=1e-3, steps=10, batch_size=8, max_length=32, precision="fp32")
STUDY = """
tasks: [{name: reviews.csv, dev_share: 0.4}]
encoders: [encoder]
seeds: 2
recipes:
  - {name: tiny, lr: 1e-3, steps: 10, batch_size: 8, max_length: 32, precision: fp32}
  - {name: fast, base: tiny, lr: 2e-3}
"""
WITH_EXAMPLES = [
    "AdamW", "Outcome", "Recipe", "Seeds", "State", "Study", "TaskChoice", "compare", "diagnose",
    "figure", "load", "prepare", "read_study", "report", "run", "save_figure", "summarize",
]  # fmt: skip


def the_study() -> Study:
    return Study(
        recipes=(TINY, replace(TINY, name="fast", lr=2e-3)),
        tasks=(TaskChoice("reviews.csv", dev_share=0.4),),
        encoders=("encoder",),
        seeds=2,
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with data, an encoder, a study file, and the study that was run in ``out``."""
    folder = tmp_path_factory.mktemp("api")
    before = Path.cwd()
    os.chdir(folder)
    split = make_split(40, 0)
    rows = [f"{text},{'ab'[label]}" for text, label in zip(split.texts, split.labels, strict=True)]
    Path("reviews.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    make_tiny(Path("encoder"), max_position_embeddings=160)
    Path("study.yaml").write_text(STUDY)
    steadytune.run(the_study(), "out", executor="sequential")
    yield folder
    os.chdir(before)


@pytest.mark.parametrize("name", [None, *WITH_EXAMPLES])
def test_every_docstring_shows_a_use_that_works(place, name):
    of = steadytune if name is None else getattr(steadytune, name)
    module = importlib.import_module(getattr(of, "__module__", "steadytune"))
    (test,) = doctest.DocTestFinder(recurse=False).find(of, name or "steadytune", module)
    assert test.examples
    test.globs = {"study": the_study()}
    said = list[str]()
    result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(
        test, out=said.append
    )
    assert result.failed == 0, "".join(said)


def test_one_study_in_all_its_forms(place):
    mapping = {
        "tasks": [{"name": Path("reviews.csv"), "dev_share": np.float64(0.4)}],
        "encoders": [Path("encoder")],
        "seeds": range(2),
        "recipes": [TINY, {"name": "fast", "base": "tiny", "lr": 2e-3}],
    }
    of_objects = {
        "tasks": (TaskChoice("reviews.csv", dev_share=0.4),),
        "encoders": ("encoder",),
        "seeds": [Seeds.tied(0), np.int64(1)],
        "recipes": the_study().recipes,
    }
    forms = [the_study(), "study.yaml", Path("study.yaml"), mapping, of_objects]
    ids = [[run.id for run in steadytune.prepare(form).runs] for form in forms]
    assert all(one == ids[0] for one in ids)
    assert ids[0] == [row.id for row in steadytune.load("out").planned]


def test_what_is_run_again_is_left_alone_and_watched_events_are_those_written(place):
    seen = list[str]()
    again = steadytune.run("study.yaml", Path("out"), watch=lambda event: seen.append(event.run))
    assert seen == []
    assert [row.state.value for row in again.records()] == 4 * ["finished"]
    small = replace(the_study(), recipes=(TINY,), seeds=(Seeds.tied(0),))
    ledger = steadytune.run(small, "small", "sequential", lambda event: seen.append(event.run))
    assert set(seen) == {ledger.planned[0].id}
    # A run is a function of its recipe, task, encoder and seeds alone.
    one, other = ledger.record(seen[0]), again.record(seen[0])
    assert one is not None
    assert other is not None
    assert one.last == other.last


REFUSED = [
    ({"recipes": ["devlin209"]}, "recipes[0]: unknown recipe 'devlin209'; did you mean devlin2019"),
    ({"recipes": [{"name": "x", "lr": -1, "epochs": 3}]}, "recipes[0].lr: -1 given; must be great"),
    ({"seeds": 0}, "seeds: 0 given; must be how many seeds (at least 1), or a list"),
    ({"seeds": "five"}, 'seeds: "five" given; must be how many seeds'),
    ({"tasks": []}, "tasks: [] given; must be a list of one or more, such as [glue/rte]"),
    ({"encoder": "x"}, "encoder: unknown key; did you mean encoders? allowed: recipes, tasks"),
    ({"encoders": [object()]}, "must be a name, a folder or a Hub id"),
]


@pytest.mark.parametrize(("changes", "said"), REFUSED)
def test_a_wrong_mapping_is_told_as_a_study_file_is(place, changes, said):
    good = {"recipes": ["mosbach2021"], "tasks": ["glue/rte"], "encoders": ["encoder"], "seeds": 2}
    with pytest.raises(BadInput) as caught:
        steadytune.run({**good, **changes}, "never")
    assert said in str(caught.value)
    assert not Path("never").exists()


def test_what_is_missing_from_a_mapping_is_not_told_of_as_an_option():
    with pytest.raises(BadInput) as caught:
        steadytune.read_study({"tasks": ["glue/rte"]})
    assert "recipes: missing; give recipes: [mosbach2021]\n" in str(caught.value)
    assert "--" not in str(caught.value)


ANY: Any = steadytune  # for what types forbid as well
SAID = [
    (lambda: ANY.Recipe(name="x", lr=-1, epochs=3), "lr: -1 given; must be greater than 0"),
    (
        lambda: ANY.Recipe(name="x", lr=1, epochs=3, steps=4),
        "give either epochs or steps, and only",
    ),
    (
        lambda: ANY.Recipe(name="x", learning_rate=1, epochs=3),
        "learning_rate: unknown key; did you m",
    ),
    (
        lambda: ANY.Recipe(name="x", lr=1, epochs=1, warmup="a"),
        "warmup: 'a' given; must be a share of",
    ),
    (lambda: ANY.Recipe("", 1), "name: '' given; must not be empty"),
    (lambda: ANY.Seeds(0, 1), "dropout: missing"),
    (lambda: ANY.TaskChoice("x", train_size=1), "train_size: 1 given; must be at least 2"),
    (lambda: replace(TINY, batch_size=0), "batch_size: 0 given; must be at least 1"),
    (
        lambda: ANY.Study(["nope"], ["x"], ["y"], 2),
        "recipes[0]: recipe 'nope' is not known; there are",
    ),
    (
        lambda: ANY.Study([TINY], ["x"], ["y"], 0),
        "seeds: 0 given; must be how many seeds (1 to 1000",
    ),
    (lambda: ANY.Study([TINY], ["x"], ["y"], [-1]), "seeds[0]: init: -1 given; must be at least 0"),
    (
        lambda: ANY.Study([TINY], ["x"], ["y"], 2, evaluate="no"),
        "evaluate: 'no' given; must be epoch",
    ),
    (lambda: ANY.Study([TINY], ["x"], [], 2), "encoders: () given; must hold at least 1"),
    (lambda: ANY.Study([TINY], [3], ["y"], 2), "tasks[0]: 3 given; must be a TaskChoice"),
]


@pytest.mark.parametrize(("make", "said"), SAID)
def test_python_hears_the_words_of_study_files_and_never_pydantics(make, said):
    with pytest.raises(BadInput) as caught:
        make()
    assert said in str(caught.value)
    assert "pydantic" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_every_problem_of_a_recipe_is_told():
    with pytest.raises(BadInput) as caught:
        ANY.Recipe(name="x", lr=-1, epochs=-1, clip="all")
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
        "lr", "epochs", "clip"
    ]  # fmt: skip


@pytest.mark.parametrize("ask", [
    lambda: steadytune.load("nowhere"),
    lambda: steadytune.run("nowhere.yaml"),
    lambda: ANY.run(3),
    lambda: steadytune.run(the_study(), "never", executor="gpu"),
    lambda: steadytune.read_study(the_study(), ["recipe.lr=1"]),
    lambda: ANY.summarize("out", "first"),
    lambda: ANY.summarize("out").render("html"),
    lambda: steadytune.compare("out", a="tiny", b="tiny"),
    lambda: steadytune.compare("out", a="tiny", b="slow"),
    lambda: steadytune.compare("out", a="tiny", b="fast", questions=["level", "colour"]),
    lambda: steadytune.diagnose("out", run="zzz"),
    lambda: steadytune.figure("pie", "out"),
    lambda: steadytune.figure("forgetting", "out"),  # nothing to draw
    lambda: steadytune.save_figure("boxes", "out", "reviews.csv"),
    lambda: steadytune.report("out", "reviews.csv/page.html"),
])  # fmt: skip
def test_wrong_arguments_are_bad_input_in_words(place, ask):
    with pytest.raises(BadInput) as caught:
        ask()
    assert len(str(caught.value)) > 20


def test_rows_are_those_of_the_command_line(place):
    ledger = steadytune.load("out")
    summary = steadytune.summarize(ledger, checkpoint="best")
    assert [row.checkpoint for row in summary] == ["best", "best"]
    table = summary.to_pandas()
    assert list(table["recipe"]) == ["tiny", "fast"]
    records: list[Any] = [row.record for row in ledger.records()[:2]]
    best = [record.best.metrics["dev"]["accuracy"] for record in records]
    assert next(iter(table["mean"])) == pytest.approx(np.mean(best))
    assert {"mean_interval_low", "mean_interval_high"} <= set(table.columns)
    assert repr(summary) == summary.render("table") != summary.render("table", "paper")


def test_without_pandas_a_sentence_says_what_to_install(place, monkeypatch):
    summary = steadytune.summarize("out")
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(BadInput, match="pip install pandas"):
        summary.to_pandas()


def test_a_figure_is_shown_by_a_notebook_and_leaves_nothing_in_pyplot(place):
    from matplotlib import pyplot, rcParams

    before, opened = dict(rcParams), pyplot.get_fignums()
    drawing = steadytune.figure("boxes", "out")
    assert drawing._repr_png_().startswith(b"\x89PNG")
    assert "n = 2" in drawing.caption or "2 runs" in drawing.caption
    assert pyplot.get_fignums() == opened
    assert dict(rcParams) == before
    assert pickle.loads(pickle.dumps(drawing)).caption == drawing.caption


def test_the_command_line_offers_what_the_api_takes():
    def of(choices_):
        return [one.value for one in choices_]

    assert of(compare_command.Question) == of(Question)
    assert of(compare_command.Format) == list(comparison.FORMATS)
    assert of(summary_command.Format) == list(summary_table.FORMATS)
    assert of(choices.Checkpoint) == ["last", "best"]
    assert of(diagnose_command.Format) == ["text", "json"]
