"""The ledger as a folder: what is written, what is read back, what is refused."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulated_run import (
    LABELS,
    TASK,
    TOTAL,
    begin,
    conduct,
    contents,
    evaluation_event,
    events,
    ledger_in,
    new_record,
    step_event,
    the_record,
)
from steadytune.errors import BadInput
from steadytune.ledger import Ledger
from steadytune.records import (
    Diverged,
    Evaluation,
    Finished,
    Snapshot,
    Started,
    State,
)


def test_a_whole_run(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    run = ledger.planned[0].id
    conduct(ledger, run)
    record = the_record(Ledger.open(tmp_path))
    assert record.state is State.FINISHED
    assert (record.step, record.total_steps, record.tokens) == (TOTAL, TOTAL, 7 * TOTAL)
    assert record.seconds == {"steps": 0.25 * TOTAL, "evaluations": 0.5 * 8}
    assert record.train_loss == pytest.approx((1 / 10 + 1 / 11) / 2)  # a tenth of 11, rounded up
    assert record.resumed == 0
    assert record.last is not None
    assert record.last.metrics == {
        "a": {"accuracy": 0.55, "loss": 1 / 11},
        "b": {"accuracy": 0.7, "loss": 1 / 11},
    }
    assert record.best is not None
    assert record.best.step == 6  # the first of two equal ones on the split that selects
    assert record.best.metrics["a"]["accuracy"] == 0.3
    assert record.task == TASK
    here = sorted(path.name for path in (tmp_path / "runs" / run).iterdir())
    files = ["diagnostics.parquet", "events.jsonl", "predictions", "run.json", "steps.parquet"]
    assert here == files
    curve = ledger.diagnostics(run)["norm/high"]
    assert curve.steps.tolist() == [2, 4, 6, 8, 10]
    assert np.array_equal(curve.values, [2, np.nan, 2, 2, 2], equal_nan=True)


def test_what_is_read_while_running_is_what_is_read_afterwards(tmp_path: Path) -> None:
    ledger, writer = begin(tmp_path)
    run = ledger.planned[0].id
    for event in list(events(run, None))[:-1]:
        writer.write(event)
    running = ledger.steps(run)
    assert the_record(ledger).state is State.RUNNING
    writer.write(Finished(run, TOTAL))
    ended = ledger.steps(run)
    for name, values in running.items():
        np.testing.assert_array_equal(values, ended[name])
        assert values.dtype == ended[name].dtype
    assert np.isnan(running["loss"]).tolist() == [step == 2 for step in range(1, TOTAL + 1)]
    rows = ledger.evaluations(run)
    assert [(row.step, row.split) for row in rows] == [(s, x) for s in (3, 6, 9, 11) for x in "ab"]
    assert rows[-1].metrics == {"accuracy": 0.7}


def test_predictions(tmp_path: Path) -> None:
    ledger, writer = begin(tmp_path)
    run = ledger.planned[0].id
    event = evaluation_event(run, 3, "a")
    writer.write(event)
    found = ledger.predictions(run, 3, "a")
    np.testing.assert_array_equal(found.labels, LABELS)
    np.testing.assert_array_equal(found.predictions, event.outputs.argmax(axis=1))
    np.testing.assert_array_equal(found.outputs, event.outputs)
    assert found.outputs.dtype == np.float32
    assert found.labels.dtype == found.predictions.dtype == np.int64
    with pytest.raises(BadInput, match="no predictions of split 'b' at step 3; there are 000003-a"):
        ledger.predictions(run, 3, "b")


def test_scores_are_kept_as_floats(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    run = ledger.planned[0].id
    labels = np.array([0.0, 2.5, 5.0])
    task = replace(TASK, label_names=None, metric="pearson", select="a", baseline={"a": {}})
    writer = ledger.writer(new_record(run, task), {"a": labels})
    outputs = np.array([[1.5], [1.5], [1.5]], dtype=np.float32)
    writer.write(Evaluation(run, 1, "a", 0.1, {"pearson": math.nan}, outputs, 0.1))
    found = ledger.predictions(run, 1, "a")
    assert found.predictions.tolist() == [1.5, 1.5, 1.5]
    assert found.labels.tolist() == labels.tolist()
    record = the_record(ledger)
    assert record.last is not None
    assert record.last.constant == {"a": True}
    assert math.isnan(record.last.metrics["a"]["pearson"])
    assert math.isnan(record.majority)


def test_best_prefers_any_number_to_nan(tmp_path: Path) -> None:
    _, writer = begin(tmp_path)
    run = writer.record.id
    for step, value in [(1, math.nan), (2, -0.5), (3, math.nan), (4, -0.5)]:
        outputs = np.zeros((5, 2), dtype=np.float32)
        writer.write(Evaluation(run, step, "b", 0.7, {"accuracy": value}, outputs, 0.1))
        writer.write(Evaluation(run, step, "a", 0.7, {"accuracy": 0.1 * step}, outputs, 0.1))
        assert writer.record.best is not None
        assert writer.record.best.step == min(step, 2)
        assert set(writer.record.best.metrics) == {"a", "b"}
        assert writer.record.best.constant == {"a": True, "b": True}


def test_files_open_without_steadytune(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    run = ledger.planned[0].id
    conduct(ledger, run)
    folder = tmp_path / "runs" / run
    record = pd.read_json(folder / "run.json", lines=True)
    assert record.loc[0, "state"] == "finished"
    assert record.loc[0, "schema"] == 1
    log = pd.read_json(folder / "events.jsonl", lines=True)
    assert log["event"].tolist() == ["started", *["evaluation"] * 8, "finished"]
    assert set(log["run"]) == {run}
    steps = pd.read_parquet(folder / "steps.parquet")
    assert steps["step"].tolist() == list(range(1, TOTAL + 1))
    assert np.isnan(steps["loss"].to_numpy()).sum() == 1
    predictions = pd.read_parquet(folder / "predictions" / "000003-b.parquet")
    assert list(predictions) == ["step", "example", "label", "prediction", "output_0", "output_1"]
    for path in [*tmp_path.rglob("*.json"), *tmp_path.rglob("*.jsonl")]:
        for line in path.read_text().splitlines():
            json.loads(line, parse_constant=pytest.fail)  # NaN and Infinity are not JSON


def test_two_runs_with_the_same_events_leave_the_same_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        ledger = ledger_in(tmp_path / name)
        conduct(ledger, ledger.planned[0].id)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_diverged_run_has_ended(tmp_path: Path) -> None:
    ledger, writer = begin(tmp_path)
    run = writer.record.id
    writer.write(Started(run, 0, TOTAL))
    writer.write(replace(step_event(run, 1), loss=math.inf))
    writer.write(Snapshot(run, 1, {"sum": np.array(1.0)}))
    writer.write(Diverged(run, 2, "layers.0.weight"))
    record = the_record(ledger)
    assert record.state is State.DIVERGED
    assert record.diverged == {"step": 2, "tensor": "layers.0.weight"}
    assert record.step == 1
    assert record.train_loss is None
    assert np.isnan(ledger.steps(run)["loss"]).all()
    assert ledger.steps(run)["loss"].dtype == np.float64
    assert not (tmp_path / "runs" / run / "snapshot.safetensors").exists()
    with pytest.raises(ValueError, match="not computed again"):
        ledger.writer(new_record(run), {})
    with pytest.raises(ValueError, match="not an event of the unfinished run"):
        writer.write(Finished(run, 2))
