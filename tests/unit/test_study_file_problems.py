"""Everything that is wrong with a study file is told at once, with its place."""

import itertools
from pathlib import Path

import pytest
from test_study_file import AXES, CATALOGUE, folder, problems_of, study_of, with_axis

from steadytune.errors import BadInput
from steadytune.study_file import Options, assemble, read

__all__ = ["folder", "problems_of", "study_of"]


def test_all_at_once_in_the_order_of_the_file(problems_of) -> None:
    said = problems_of(
        """recipes:
  - devlin2018
  - name: a
    lr: -3
    learning_rate: 3
    epochs: 3
    stabilizers: [mixuot]
tasks:
  - glue/rt
encoders: [mini]
evaluate: never
task: x
""",
        "recipe.eps=big",
        "keep=[",
    )
    starts = [
        "study.yaml:1: seeds: missing; give seeds: 5, or --seeds",
        "study.yaml:2: recipes[0]: unknown recipe 'devlin2018'; did you mean devlin2019? allowed:",
        "study.yaml:4: recipes[1].lr: -3 given; must be greater than 0",
        "study.yaml:5: recipes[1].learning_rate: unknown key; did you mean lr? allowed: base, name",
        "study.yaml:7: recipes[1].stabilizers[0]: stabilizer 'mixuot' is not known",
        'study.yaml:9: tasks[0]: "glue/rt" given; no task and no file of this name; did you mean '
        "glue/rte? tasks: glue/rte, glue/cola; or the path of a file",
        'study.yaml:10: encoders[0]: "mini" given; no encoder and no folder of this name; did you '
        "mean minilm?",
        'study.yaml:11: evaluate: "never" given; must be epoch, end, or a whole number of steps',
        "study.yaml:12: task: unknown key; did you mean tasks? allowed: recipes, tasks,",
        "--set keep=[: not valid YAML",
        "--set recipe.eps=big: must be a number",
    ]
    assert len(said) == len(starts)
    for line, start in zip(said, starts, strict=True):
        assert line.startswith(start)
    assert not any("pydantic" in line or "Input should" in line for line in said)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ("lr: 0, epochs: 3", "recipes[0].lr: 0 given; must be greater than 0"),
        ("lr: '2e-5', epochs: 3", 'recipes[0].lr: "2e-5" given; must be a number'),
        ("lr: .nan, epochs: 3", "recipes[0].lr: NaN given; must be a finite number"),
        ("lr: 1", "recipes[0]: give either epochs or steps, and only one of them"),
        ("lr: 1, epochs: 1, steps: 1", "recipes[0]: give either epochs or steps, and only one"),
        ("epochs: 3", "recipes[0].lr: missing"),
        ("lr: 1, steps: 2.0", "recipes[0].steps: 2.0 given; must be a whole number"),
        ("lr: 1, epochs: 1, warmup: 1.5", "recipes[0].warmup: 1.5 given; must be a share of all"),
        ("lr: 1, epochs: 1, warmup: yes", 'recipes[0].warmup: "yes" given; must be a share of'),
        ("lr: 1, epochs: 1, betas: [0.9]", "recipes[0].betas: [0.9] given; must hold more values"),
        ("lr: 1, epochs: 1, betas: [0, 2]", "recipes[0].betas[1]: 2 given; must be less than 1"),
        ("lr: 1, epochs: 1, betas: 0.9", "recipes[0].betas: 0.9 given; must be a list"),
        ("lr: 1, epochs: 1, clip: all", '"all" given; must be global, tensor or none'),
        ("lr: 1, epochs: 1, segment_ids: 1", "recipes[0].segment_ids: 1 given; must be true or"),
        ("lr: 1, epochs: 1, stabilizers: mixout", "must be a list, such as [mixout]"),
        ("lr: 1, epochs: 1, stabilizers: [{a: 1}]", 'stabilizers[0]: {"a": 1} given; must be a'),
        (
            "lr: 1, epochs: 1, stabilizers: [{mixout: {p: [1]}}]",
            "settings must be finite numbers, words",
        ),
        ("lr: 1, epochs: 1, stabilizers: [mixout, mixout]", "'mixout' is given twice"),
        ("lr: 1, epochs: 1e19", "recipes[0].epochs: 1e+19 given; must be at most 100000"),
        ("lr: 1, steps: 10000000000", "steps: 10000000000 given; must be at most 100000000"),
        ("lr: 1, steps: " + "9" * 5000, "recipes[0].steps: Infinity given; must be a whole number"),
        ("lr: 1, epochs: 1, batch_size: 70000", "batch_size: 70000 given; must be at most 65536"),
        ("lr: 2024-01-01, epochs: 1", 'recipes[0].lr: "2024-01-01" given; must be a number'),
        ("lr: 1, epochs: true", "recipes[0].epochs: true given; must be a number"),
        ("base: [a]", "recipes[0].base: unknown recipe '[\"a\"]'; allowed"),
        ("base: nobody", "recipes[0].base: unknown recipe 'nobody'; allowed: devlin2019,"),
        ("base: x", "recipes[0].base: unknown recipe 'x'; allowed: devlin2019,"),
    ],
)
def test_recipes(problems_of, fields: str, said: str) -> None:
    (line,) = problems_of(with_axis("recipes", f"[{{name: x, {fields}}}]"))
    assert line.startswith("study.yaml:4: ")
    assert said in line


@pytest.mark.parametrize(
    ("axis", "text", "said"),
    [
        ("seeds", "0", "seeds: 0 given; must be how many seeds (at least 1), or a list of seeds"),
        ("seeds", "1000000000", "seeds: 1000000000 given; must be at most 100000 seeds in all"),
        ("seeds", "{init: 999, order: 999, dropout: 2}", "must be at most 100000 seeds in all"),
        ("seeds", "[9223372036854775808]", "at least 0, at most 9223372036854775807"),
        ("tasks", '["a\\0b.csv"]', "tasks[0]: a\\x00b.csv: a path cannot hold a NUL"),
        ("tasks", "[" + "x" * 300 + "]", "too long for a path; a name has at most 255 bytes"),
        ("name", "n" * 300, "given; must have at most 200 bytes"),
        ("seeds", "[]", "seeds: [] given; must be a list of one or more"),
        ("seeds", "[1, -1]", "seeds[1]: -1 given; a seed must be a whole number, at least 0"),
        ("seeds", "[1, 2, 1]", "seeds: '1' is given twice (first: study.yaml:4); each must be"),
        ("seeds", "true", "seeds: true given; must be how many seeds"),
        ("seeds", "{init: 1, order: 1}", "seeds.dropout: missing; give init, order and dropout"),
        ("seeds", "{init: 1, order: 1, dropout: 0}", "seeds.dropout: 0 given; must be how many"),
        ("seeds", "{init: 1, order: 1, dropout: 1, ordr: 1}", "seeds.ordr: unknown key; did you"),
        ("seeds", "[{init: 1, order: 1, dropout: x}]", 'seeds[0].dropout: "x" given; a seed must'),
        ("tasks", "glue/rte", 'tasks: "glue/rte" given; must be a list of one or more, such as ['),
        ("tasks", "[3]", "tasks[0]: 3 given; must be the name of a task"),
        ("tasks", "[{text: a}]", "tasks[0].name: missing"),
        ("tasks", "[{name: glue/rte, train_size: 1}]", "tasks[0].train_size: 1 given; must be at"),
        ("tasks", "[{name: glue/rte, text_colum: a}]", "tasks[0].text_colum: unknown key;"),
        ("tasks", "[glue/rte, {name: glue/rte, data_dir: x}]", "'glue/rte' is given twice"),
        ("encoders", "[]", "encoders: [] given; must be a list of one or more, such as [minilm]"),
        ("encoders", "[./nowhere/x]", "no encoder and no folder of this name"),
        ("encoders", "[5]", "encoders[0]: 5 given; must be a name, a folder or a Hub id"),
        ("recipes", "[devlin2019, devlin2019]", "recipes: 'devlin2019' is given twice"),
        ("recipes", "[3]", "recipes[0]: 3 given; must be the name of a recipe"),
        ("keep", "all", 'keep: "all" given; must be none, last, best, every or states'),
        ("name", "3", "name: 3 given; must be text (in quotes, where it looks like something"),
        ("name", "''", 'name: "" given; must begin with a letter or digit and hold only letters,'),
        ("name", "../x", 'name: "../x" given; must begin with a letter or digit and hold only'),
        ("name", "a/b", 'name: "a/b" given; must begin with a letter or digit and hold only'),
        ("name", '"a\\n"', "given; must begin with a letter or digit and hold only letters,"),
        ("tasks", "[~/no such.csv]", 'tasks[0]: "~/no such.csv" given; no task and no file'),
        ("tasks", "[~nobody-of-this-name/x.csv]", "there is no user 'nobody-of-this-name' here"),
        ("encoders", "[~/no such]", 'encoders[0]: "~/no such" given; no encoder and no folder'),
        ("data_dir", "3", "tasks[0].data_dir: 3 given; must be text"),
    ],
)
def test_other_keys(problems_of, axis: str, text: str, said: str) -> None:
    (line,) = problems_of(with_axis(axis, text))
    assert said in line


def test_recipes_that_start_from_one_another(problems_of) -> None:
    said = problems_of(with_axis("recipes", "[{name: a, base: b}, {name: b, base: a}]"))
    assert "start from one another: a -> b -> a" in "\n".join(said)


def test_what_is_inherited_is_told_once(problems_of) -> None:
    text = "\n  - {name: a, lr: -1, epochs: 1}\n  - {name: b, base: a, epochs: 2}"
    assert len(problems_of(with_axis("recipes", text))) == 1
    twice = with_axis("recipes", "[devlin2019, mosbach2021]")
    assert problems_of(twice, "recipe.lr=-3") == ["--set recipe.lr=-3: must be greater than 0"]


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("recipe.lr", "--set recipe.lr: give key=value, such as recipe.lr=5e-5"),
        ("lr=3", "--set lr=3: unknown key; did you mean recipe.lr? allowed: recipes, tasks,"),
        ("recipes.lr=3", "--set recipes.lr=3: unknown key; did you mean recipe.lr?"),
        ("recipe.learning_rate=3", "no such field of a recipe; did you mean recipe.lr? allowed:"),
        ("recipe.base=lee2020", "base=lee2020: no such field of a recipe; "),
        ("task.size=3", "--set task.size=3: no such field of a task; "),
        ("seed=3", "--set seed=3: unknown key; did you mean seeds?"),
        ("recipe.betas=[0.9, 2]", "--set recipe.betas=[0.9, 2]: must be less than 1"),
        ("keep={a: 1, a: 2}", "a: given twice"),
    ],
)
def test_overrides(problems_of, override: str, said: str) -> None:
    (line,) = problems_of(AXES, override)
    assert said in line


def test_options() -> None:
    with pytest.raises(BadInput) as caught:
        assemble(Options(encoders=["x"], recipes=["devlin"], seeds=0), [], CATALOGUE)
    said = str(caught.value).splitlines()
    assert said[0] == "tasks: missing; give tasks: [glue/rte], or --task"
    assert said[1].startswith("--recipe devlin: unknown recipe 'devlin'; did you mean devlin2019?")
    assert said[2].startswith("--encoder x: no encoder and no folder")
    assert said[3].startswith("--seeds 0: must be how many seeds (at least 1)")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seeds: 1\nname: a\nseeds: 2\n", "study.yaml:3: seeds: given twice, on lines 1 and 3"),
        ("recipes: [{name: a, lr: 1, lr: 2}]", "study.yaml:1: lr: given twice, on lines 1 and 1"),
        ("name: a\ntasks: [a\nseeds: 1\n", "not valid YAML: while parsing a flow sequence"),
        ("name: a\n\tb: c\n", "study.yaml:2: not valid YAML"),
        ("name: !!python/object:os.system x", "study.yaml:1: the tag"),
        ("name: !secret x", "study.yaml:1: the tag !secret has no meaning here"),
        ("{[a]: b}", "study.yaml:1: a key must be a word"),
        ("a: &a [*a]", "nested too deep"),
        ("a: 1\n---\nb: 2\n", "not valid YAML: expected a single document"),
        ("name: \x01", "not valid YAML"),
        (
            "b: &b [x]\n"
            + "\n".join(
                f"{c}: &{c} [{', '.join([f'*{p}'] * 9)}]" for p, c in itertools.pairwise("bcdefghi")
            ),
            "more than 20000 values, those of aliases counted each time",
        ),
        ("[" * 3000, "study.yaml:1: nested too deep; a study file has at most 40 levels"),
        ("# " + "x" * 300_000, "study.yaml: is larger than 256 KiB"),
        ("{name: x, <<: {a: 1}}", "study.yaml:1: merge keys (<<) have no meaning here"),
        ('name: "\\ud800"', 'study.yaml:1: "\\ud800" holds half of a surrogate pair'),
        ("? |\n  a\n: 1", "study.yaml:1: a\\n: unknown key"),
        ("", "study.yaml: holds no study; a study file has the keys recipes, tasks, encoders"),
        ("- a", "holds no study"),
    ],
)
def test_text_that_is_no_study(problems_of, text: str, said: str) -> None:
    assert said in "\n".join(problems_of(text))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    for name, said in [("none.yaml", "No such file"), (".", "directory"), ("binary.yaml", "UTF-8")]:
        with pytest.raises(BadInput, match=said):
            read(tmp_path / name, [], CATALOGUE)
