"""Study files: what they mean, and what they say when they mean nothing."""

from dataclasses import replace
from pathlib import Path
from string import ascii_letters, digits, printable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steadytune.errors import BadInput
from steadytune.named_recipes import RECIPES, devlin2019, mosbach2021
from steadytune.recipe import Recipe, Seeds, StabilizerChoice
from steadytune.study import Study, TaskChoice
from steadytune.study_file import Catalogue, Options, assemble, dump, read
from steadytune.study_file.given import parse

DEFAULTS = {
    "mixout": {"p": 0.7, "head": True},
    "layerwise_lr_decay": {"factor": 0.95},
    "pretrained_decay": {"rate": 0.01},
    "reinit_layers": {"top": 5, "pooler": True},
}


def resolve(choice: StabilizerChoice) -> StabilizerChoice:
    if choice.name not in DEFAULTS:
        raise BadInput(f"stabilizer {choice.name!r} is not known")
    return StabilizerChoice(choice.name, {**DEFAULTS[choice.name], **choice.settings})


CATALOGUE = Catalogue(resolve, ("glue/rte", "glue/cola"), ("minilm",))
AXES = "recipes: [devlin2019]\ntasks: [glue/rte]\nencoders: [minilm]\nseeds: 2\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def study_of(folder: Path):
    def read_text(text: str, *overrides: str, **options: object) -> Study:
        Path("study.yaml").write_text(text, encoding="utf-8")
        return read(Path("study.yaml"), overrides, CATALOGUE, Options(**options))  # pyright: ignore[reportArgumentType]

    return read_text


@pytest.fixture
def problems_of(study_of):
    def said(text: str, *overrides: str, **options: object) -> list[str]:
        with pytest.raises(BadInput) as caught:
            study_of(text, *overrides, **options)
        return str(caught.value).splitlines()

    return said


def with_axis(axis: str, text: str) -> str:
    lines = [line for line in AXES.splitlines() if not line.startswith(f"{axis}:")]
    return "\n".join([*lines, f"{axis}: {text}\n"])


def test_a_file_means_the_same_as_python(study_of) -> None:
    found = study_of("""
name: length
question: Does it?
evaluate: 50
keep: best
diagnostics: off
stop_hopeless: true
keep_texts: false
data_dir: /data
recipes:
  - devlin2019
  - name: longer
    base: mosbach2021
    lr: 3e-5
    stabilizers: [{mixout: {p: 0.8}}, layerwise_lr_decay]
  - name: bare
    lr: 1e-5
    steps: 100
    warmup: 10
    betas: [0.9, 0.98]
    bias_correction: off
tasks: [glue/rte, {name: glue/cola, train_size: 1000, data_dir: /other}]
encoders: [minilm, google-bert/bert-large-uncased]
seeds: 2
""")
    longer = replace(
        mosbach2021(),
        name="longer",
        lr=3e-5,
        stabilizers=(
            StabilizerChoice("mixout", {"p": 0.8, "head": True}),
            StabilizerChoice("layerwise_lr_decay", {"factor": 0.95}),
        ),
        source=f"{mosbach2021().source} Changed: lr, stabilizers.",
    )
    bare = Recipe("bare", 1e-5, steps=100, warmup=10, betas=(0.9, 0.98), bias_correction=False)
    assert found == Study(
        name="length",
        question="Does it?",
        evaluate=50,
        keep="best",
        diagnostics="off",
        stop_hopeless=True,
        keep_texts=False,
        recipes=(devlin2019(), longer, bare),
        tasks=(
            TaskChoice("glue/rte", data_dir="/data"),
            TaskChoice("glue/cola", data_dir="/other", train_size=1000),
        ),
        encoders=("minilm", "google-bert/bert-large-uncased"),
        seeds=(Seeds.tied(0), Seeds.tied(1)),
    )


def test_epochs_and_steps_replace_each_other(study_of) -> None:
    text = """[{name: a, base: devlin2019, steps: 7}, {name: b, base: a, epochs: 2},
      {name: c, base: b, lr: 1}]"""
    recipes = study_of(with_axis("recipes", text)).recipes
    assert [(r.epochs, r.steps) for r in recipes] == [(None, 7), (2.0, None), (2.0, None)]
    (overridden,) = study_of(AXES, "recipe.steps=9").recipes
    assert (overridden.epochs, overridden.steps) == (None, 9)


def test_a_recipe_may_carry_the_name_of_the_one_it_starts_from(study_of) -> None:
    text = "[{name: mosbach2021, base: mosbach2021, epochs: 5}, {name: x, base: mosbach2021}]"
    recipes = study_of(with_axis("recipes", text)).recipes
    assert [recipe.epochs for recipe in recipes] == [5.0, 5.0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2", [(0, 0, 0), (1, 1, 1)]),
        ("[7, 3]", [(7, 7, 7), (3, 3, 3)]),
        ("{init: 2, order: [5], dropout: 1}", [(0, 5, 0), (1, 5, 0)]),
        ("{dropout: [9], init: 1, order: 2}", [(0, 0, 9), (0, 1, 9)]),
        ("[{init: 1, order: 2, dropout: 3}, 4]", [(1, 2, 3), (4, 4, 4)]),
    ],
)
def test_seeds(study_of, text: str, expected: list[tuple[int, int, int]]) -> None:
    assert study_of(with_axis("seeds", text)).seeds == tuple(Seeds(*three) for three in expected)


def test_overrides_reach_every_recipe_and_task(study_of) -> None:
    text = with_axis("tasks", "[glue/rte, glue/cola]").replace(
        "[devlin2019]", "[devlin2019, mosbach2021]"
    )
    found = study_of(
        text,
        "recipe.lr=5e-5",
        "recipe.bias_correction=on",
        "recipe.stabilizers=[mixout]",
        "task.train_size=100",
        "evaluate=end",
        "seeds=[8]",
        "question=a=b",
    )
    assert {recipe.lr for recipe in found.recipes} == {5e-5}
    assert {recipe.bias_correction for recipe in found.recipes} == {True}
    assert {recipe.stabilizers[0].name for recipe in found.recipes} == {"mixout"}
    assert all("Changed: lr, bias_corr" in recipe.source for recipe in found.recipes)
    assert {task.train_size for task in found.tasks} == {100}
    assert (found.evaluate, found.seeds, found.question) == ("end", (Seeds.tied(8),), "a=b")


def test_options_win_over_the_file(study_of) -> None:
    found = study_of(
        AXES, tasks=["glue/cola"], recipes=["lee2020", "zhang2021"], seeds=1, data_dir="/data"
    )
    assert [recipe.name for recipe in found.recipes] == ["lee2020", "zhang2021"]
    assert found.tasks == (TaskChoice("glue/cola", data_dir="/data"),)
    assert found.encoders == ("minilm",)
    assert found.seeds == (Seeds.tied(0),)


def test_a_typed_data_dir_wins_over_those_of_the_file(study_of) -> None:
    text = with_axis("tasks", "[glue/rte, {name: glue/cola, data_dir: own}]") + "data_dir: file\n"
    for typed in ({"data_dir": "x"}, {}):
        tasks = study_of(text, *([] if typed else ["data_dir=x"]), **typed).tasks
        assert [task.data_dir for task in tasks] == ["x", "x"]
    assert [task.data_dir for task in study_of(text).tasks] == ["file", "own"]


def test_options_alone_are_the_same_as_a_file(study_of) -> None:
    alone = assemble(
        Options(tasks=["glue/rte"], encoders=["minilm"], recipes=["devlin2019"], seeds=2),
        ["recipe.epochs=1"],
        CATALOGUE,
    )
    assert alone == study_of(AXES, "recipe.epochs=1")
    least = assemble(Options(tasks=["glue/rte"], encoders=["minilm"]), [], CATALOGUE)
    assert [recipe.name for recipe in least.recipes] == ["mosbach2021"]
    assert len(least.seeds) == 5


def test_files_and_folders_count_as_tasks_and_encoders(folder: Path) -> None:
    (folder / "mine.csv").write_text("text,label\n")
    (folder / "weights").mkdir()
    found = assemble(Options(tasks=["mine.csv"], encoders=["weights"]), [], CATALOGUE)
    assert (found.tasks[0].name, found.encoders[0]) == ("mine.csv", "weights")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2e-5", 2e-5), ("1E3", 1000.0), (".5", 0.5), ("3", 3), ("-3", -3), ("010", 10),
        ("on", "on"), ("no", "no"), ("true", True), ("False", False), ("~", None), ("", None),
        ("2020-01-01", "2020-01-01"), ("1:30", "1:30"), ("0x10", "0x10"), ("'2e-5'", "2e-5"),
        ("1e", "1e"), ("-", [None]), ("[1, {a: 2e-5}]", [1, {"a": 2e-5}]), ("[&a 1, *a]", [1, 1]),
    ],
)  # fmt: skip
def test_words_and_numbers(text: str, value: object) -> None:
    found = parse(text, "x").plain
    assert found == value
    assert type(found) is type(value)


WORDS = st.text(printable + "äß日", max_size=20)
PLAIN = ascii_letters + digits + "_äß日"
NAMES = st.builds(str.__add__, st.sampled_from(PLAIN), st.text(PLAIN + " .-", max_size=9))
RECIPE = st.builds(
    Recipe,
    name=WORDS.filter(bool),
    lr=st.floats(1e-12, 1),
    source=WORDS,
    epochs=st.floats(0.1, 100),
    warmup=st.integers(0, 9) | st.floats(0, 0.99),
    betas=st.tuples(st.floats(0, 0.9), st.floats(0, 0.99)),
    bias_correction=st.booleans(),
    dropout=st.none() | st.floats(0, 0.5),
    stabilizers=st.lists(
        st.sampled_from([resolve(StabilizerChoice(name)) for name in DEFAULTS]),
        unique_by=lambda choice: choice.name,
    ).map(tuple),
)
TASK = st.builds(
    TaskChoice,
    name=st.sampled_from(["glue/rte", "glue/cola"]),
    text=WORDS,
    pair=st.none() | WORDS,
    train_size=st.none() | st.integers(2, 99),
)
STUDY = st.builds(
    Study,
    recipes=st.lists(RECIPE, min_size=1, max_size=3, unique_by=lambda r: r.name).map(tuple),
    tasks=st.lists(TASK, min_size=1, max_size=2, unique_by=lambda t: t.title).map(tuple),
    encoders=st.just(("minilm", "org/name")),
    seeds=st.lists(st.builds(Seeds, *[st.integers(0, 3)] * 3), min_size=1, unique=True).map(tuple),
    name=NAMES,
    question=WORDS,
    evaluate=st.sampled_from(["epoch", "end"]) | st.integers(1, 99),
    keep_texts=st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(study=STUDY)
def test_what_is_written_reads_back_equal(
    tmp_path_factory: pytest.TempPathFactory, study: Study
) -> None:
    path = tmp_path_factory.getbasetemp() / "written.yaml"
    path.write_text(dump(study), encoding="utf-8")
    assert read(path, [], CATALOGUE) == study


def test_named_recipes_are_written_and_read(tmp_path: Path) -> None:
    study = Study(
        tuple(make() for make in RECIPES.values()), (TaskChoice("glue/rte"),), ("a/b",),
        (Seeds.tied(0),),
    )  # fmt: skip
    (tmp_path / "s.yaml").write_text(dump(study))
    anything = replace(CATALOGUE, resolve_stabilizer=lambda choice: choice)
    assert read(tmp_path / "s.yaml", [], anything) == study


@pytest.mark.parametrize("name", ["study", "Länge 2.0", "rte_cola-5 seeds", "2020"])
def test_names_that_a_folder_may_take(study_of, name: str) -> None:
    assert study_of(f"{AXES}name: '{name}'\n").name == name


def test_the_home_folder_is_found(study_of, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder / "home"))
    (folder / "home" / "encoder").mkdir(parents=True)
    (folder / "home" / "data.csv").write_text("text,label\n")
    found = study_of(
        "recipes: [devlin2019]\ntasks: [~/data.csv]\nencoders: [~/encoder]\nseeds: 2\n"
    )
    assert (found.tasks[0].name, found.encoders) == ("~/data.csv", ("~/encoder",))
