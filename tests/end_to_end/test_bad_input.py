"""Bad input: exit status 2, one clear message, nothing computed, nothing lost."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from steadytune.cli import app
from tiny_models import make_tiny

GOOD_ROWS = [("a good cat", "yes"), ("a bad dog", "no")] * 10


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return make_tiny(tmp_path_factory.mktemp("encoder") / "tiny")


def csv(path: Path, rows, header=("text", "label")) -> Path:
    path.write_text("\n".join([",".join(header), *(",".join(map(str, row)) for row in rows)]))
    return path


def refused(arguments, *words):
    """The command is refused with status 2 and a message that has these words and no traceback."""
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    for word in words:
        assert word in result.stderr, (word, result.stderr)
    assert "Traceback" not in result.stderr
    return result.stderr


def run(tmp_path, tiny, task, *more):
    return ["run", "--task", task, "--encoder", tiny, "--out", tmp_path / "out", *more]


FILES = {
    "wrong column": ([*GOOD_ROWS], ("sentence", "label"), ["text", "sentence"]),
    "empty text": ([*GOOD_ROWS, ("", "yes")], ("text", "label"), ["22", "empty"]),
    "single class": ([("a", "yes")] * 20, ("text", "label"), ["yes", "at least two classes"]),
    "NaN target": (
        [(f"t {i}", i + 0.5) for i in range(20)] + [("t", "nan")],
        ("text", "label"),
        ["22"],
    ),
}


@pytest.mark.parametrize("case", FILES)
def test_bad_file(tmp_path, tiny, case):
    rows, header, words = FILES[case]
    refused(run(tmp_path, tiny, csv(tmp_path / "train.csv", rows, header)), "train.csv", *words)
    assert not (tmp_path / "out").exists()


def test_label_only_in_dev(tmp_path, tiny):
    train = csv(tmp_path / "train.csv", GOOD_ROWS)
    dev = csv(tmp_path / "dev.csv", [*GOOD_ROWS, ("odd", "maybe")])
    refused(run(tmp_path, tiny, train, "--set", f"task.dev={dev}"), "maybe", "dev.csv")


def test_missing_file(tmp_path, tiny):
    refused(run(tmp_path, tiny, tmp_path / "nowhere.csv"), "nowhere.csv")
    refused(["run", tmp_path / "nowhere.yaml"], "nowhere.yaml")


def test_unknown_names_and_impossible_values_are_told_together(tmp_path, tiny):
    message = refused(
        ["run", "--task", "glue/rt", "--encoder", "no such", "--recipe", "devlin2018",
         "--set", "recipe.lr=0", "--set", "recipe.learning_rate=1", "--seeds", "0",
         "--out", tmp_path / "out"],
        "glue/rte", "devlin2019", "lr", "learning_rate", "--seeds 0",
    )  # fmt: skip
    assert len(message.strip().splitlines()) >= 5


def test_study_file_problems_name_their_lines(tmp_path, tiny):
    study = tmp_path / "study.yaml"
    study.write_text(
        f"tasks: [{csv(tmp_path / 't.csv', GOOD_ROWS)}]\nencoders: [{tiny}]\n"
        "recipes:\n  - {name: a, base: mosbach2021, lr: -1}\nseeds: 2\nepoch: 3\n"
    )
    refused(
        ["run", study, "--out", tmp_path / "out"], "study.yaml:4", "-1", "study.yaml:6", "epoch"
    )


@pytest.mark.parametrize("damage", ["truncated", "garbage"])
def test_damaged_weights(tmp_path, damage):
    folder = make_tiny(tmp_path / "tiny")
    weights = folder / "model.safetensors"
    data = weights.read_bytes()
    weights.write_bytes(data[: len(data) // 2] if damage == "truncated" else b"\0" * 100)
    refused(run(tmp_path, folder, csv(tmp_path / "t.csv", GOOD_ROWS)), "model.safetensors")


def test_vocabulary_that_does_not_match(tmp_path):
    folder = make_tiny(tmp_path / "tiny")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    vocabulary = tokenizer["model"]["vocab"]
    vocabulary |= {f"new{i}": len(vocabulary) + i for i in range(5)}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    refused(run(tmp_path, folder, csv(tmp_path / "t.csv", GOOD_ROWS)), "vocabulary")


def test_a_folder_that_is_no_study(tmp_path, tiny):
    (tmp_path / "thesis.txt").write_text("precious")
    refused(["summary", tmp_path], "not the folder of a study")
    refused(["summary", tmp_path / "none"], "no such folder")
    task = csv(tmp_path / "t.csv", GOOD_ROWS)
    refused(["run", "--task", task, "--encoder", tiny, "--out", tmp_path,
             "--set", "recipe.max_length=48"], "not empty")  # fmt: skip
    assert (tmp_path / "thesis.txt").read_text() == "precious"


def test_reading_what_cannot_be_read(tmp_path, in_condition):
    one, three = (in_condition(name).folder for name in ("mixed", "small"))
    for command in (["report"], ["figures"], ["compare", "--a", "a", "--b", "b"]):
        refused([command[0], tmp_path / "none", *command[1:]], "no such folder")
        refused([command[0], tmp_path, *command[1:]], "not the folder of a study")
    refused(["compare", three, "--a", "default", "--b", "nope"], "'nope'", "default, corrected")
    refused(["compare", three, "--a", "default", "--b", "default"], "given twice")
    refused(["compare", one, "--a", "plain", "--b", "other"], "one recipe, plain")
    refused(["figures", three, "histogram"], "'histogram'", "boxes, raincloud")
    (tmp_path / "file").touch()
    refused(["figures", three, "boxes", "--out", tmp_path / "file"], "is a file", "folder")
    refused(["report", three, "--out", tmp_path], "report.html")
    refused(["report", three, "--out", tmp_path / "file" / "page.html"], "report.html")


def test_figures_without_data_say_what_they_need_and_the_others_are_made(tmp_path, in_condition):
    out = tmp_path / "figures"
    given = ["figures", in_condition("small").folder, "surface", "boxes", "forgetting"]
    result = CliRunner().invoke(app, [str(one) for one in [*given, "--out", out]])
    assert result.exit_code == 2
    surface, forgetting = result.stderr.strip().splitlines()
    assert surface.startswith("steadytune: surface: nothing to draw in this study; needs kept")
    assert "keep=last" in forgetting
    assert "docs/checkpoints.md" in forgetting
    assert sorted(path.name for path in out.iterdir()) == [
        f"boxes.{kind}" for kind in ("pdf", "png", "svg", "txt")
    ]


def test_a_disk_that_cannot_be_written_has_nothing_to_resume_before_anything_began(tmp_path, tiny):
    task = csv(tmp_path / "t.csv", GOOD_ROWS)
    given = ["run", "--task", task, "--encoder", tiny, "--set", "recipe.max_length=48",
             "--out", "/proc/nowhere/x"]  # fmt: skip
    result = CliRunner().invoke(app, [str(one) for one in given])
    assert result.exit_code in (2, 3)
    assert "/proc/nowhere" in result.stderr
    assert "resume" not in result.stderr


def test_reading_a_study_that_has_hardly_begun(in_condition, tmp_path):
    for condition in ("empty", "one run"):
        folder = in_condition(condition).folder
        out = tmp_path / condition
        for given in (["summary", folder, "--layout", "paper"], ["report", folder, "--out", out]):
            result = CliRunner().invoke(app, [str(one) for one in given])
            assert result.exit_code == 0, result.output
        assert "No run has ended yet" in out.read_text() or condition == "one run"


def test_out_folder_of_another_study(tmp_path, tiny):
    task = csv(tmp_path / "t.csv", GOOD_ROWS)
    small = ["--set", "recipe.steps=1", "--set", "recipe.max_length=48", "--seeds", "1"]
    first = CliRunner().invoke(app, [str(a) for a in run(tmp_path, tiny, task, *small)])
    assert first.exit_code == 0, first.output
    other = run(tmp_path, tiny, task, *small, "--set", "recipe.lr=5e-5")
    refused(other, "mosbach2021", "5e-05", "2e-05")


def test_combination_that_does_not_fit(tmp_path, tiny):
    study = tmp_path / "study.yaml"
    study.write_text(
        f"tasks: [{csv(tmp_path / 't.csv', GOOD_ROWS)}]\nencoders: [{tiny}]\nseeds: 1\nrecipes:\n"
        "  - {name: a, base: mosbach2021, max_length: 48, stabilizers: "
        "[{reinit_layers: {top: 9}}]}\n"
        "  - {name: b, base: mosbach2021, max_length: 1000}\n"
    )
    refused(["run", study, "--out", tmp_path / "out"], "top=9", "2 distinct layers", "1000", "96")
    assert not (tmp_path / "out").exists()


def test_unknown_executor(tmp_path, tiny):
    task = csv(tmp_path / "t.csv", GOOD_ROWS)
    given = run(tmp_path, tiny, task, "--executor", "quantum", "--set", "recipe.max_length=48")
    refused(given, "quantum", "sequential")
    assert not (tmp_path / "out").exists()


def test_a_reader_that_has_seen_enough_is_no_error():
    folder = Path(__file__).resolve().parents[2] / "results" / "2026-11-23-edge" / "sst2"
    program = f"from steadytune.cli import app; app(['summary', {str(folder)!r}])"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-u", "-c", program], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert b"Traceback" not in done.stderr
    assert b"cannot read" not in done.stderr
