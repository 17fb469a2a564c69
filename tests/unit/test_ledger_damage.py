"""Every damage to a file of a study is told in a sentence that names it, and its run made anew."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simulated_run import (
    LABELS,
    TOTAL,
    begin,
    conduct,
    contents,
    events,
    ledger_in,
    new_record,
)

from steadytune.encoders.checkpoint import whole
from steadytune.errors import Damaged, Unreadable
from steadytune.ledger import Depth, LayerStates, Ledger, read_points, write_states
from steadytune.ledger.durable import replace_json
from steadytune.ledger.sums import with_digest
from steadytune.records import Finished, Snapshot, Weights


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return (
        data[:middle]
        + bytes(byte ^ 0x15 for byte in data[middle : middle + 40])
        + data[middle + 40 :]
    )


BYTES: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda data: data[: len(data) // 2],
    "empty": lambda data: b"",
    "zeroed": lambda data: bytes(len(data)),
    "flipped": flipped,
    "longer": lambda data: data + data[-20:],
}
FILES = [
    "run.json",
    "events.jsonl",
    "steps.parquet",
    "diagnostics.parquet",
    "predictions/000011-a.parquet",
    "predictions/000003-b.parquet",
    "models/000003/sum",
    "model/weights",
]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study whose first run finished and kept weights."""
    folder = tmp_path_factory.mktemp("sound")
    compute(folder)
    return folder


def compute(folder: Path) -> None:
    ledger = ledger_in(folder)
    run = ledger.planned[0].id
    record = ledger.record(run)
    if record is not None and record.state.ended:
        return
    writer = ledger.writer(new_record(run), {"a": LABELS, "b": LABELS})
    for event in events(run, writer.load_snapshot(), keep=True):
        if isinstance(event, Weights):
            with whole(ledger.model_folder(run, event.step)) as fresh:
                (fresh / "sum").write_text(str(event.weights["sum"]))
        if isinstance(event, Finished):
            event = replace(event, weights={"sum": np.array(0.0)})
            with whole(ledger.model_folder(run)) as fresh:
                (fresh / "weights").write_text("1.5" * 40)
        writer.write(event)


def read_all(ledger: Ledger) -> int:
    """What reading commands read; how many runs they see."""
    seen = 0
    for row in ledger.records():
        if row.record is None:
            continue
        run, seen = row.planned.id, seen + 1
        assert len(ledger.steps(run)["step"]) == TOTAL
        assert len(ledger.evaluations(run)) == 8
        assert len(ledger.diagnostics(run)) == 2
        assert len(ledger.predictions(run, TOTAL, "a").labels) == 5
    return seen


def check_told_and_made_anew(
    folder: Path, name: str, sound: Path, log: pytest.LogCaptureFixture
) -> None:
    before = contents(folder)
    ledger = Ledger.open(folder)
    told = ledger.check(Depth.EVERYTHING)
    assert len(told) == 1, told
    assert f"/{name}: " in told[0]
    assert "\n" not in told[0]
    assert read_all(ledger) == (1 if name.startswith("model") else 0)
    assert contents(folder) == before
    log.clear()
    compute(folder)
    assert "is computed again" in log.text
    assert contents(folder) == contents(sound)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("how", [*BYTES, "missing", "a folder"])
def test_damaged_bytes(
    tmp_path: Path, sound: Path, name: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "study"
    shutil.copytree(sound, folder)
    run = Ledger.open(folder).planned[0].id
    path = folder / "runs" / run / name
    if how in BYTES:
        path.write_bytes(BYTES[how](path.read_bytes()))
    else:
        path.unlink()
    if how == "a folder":
        path.mkdir()
    if (name, how) == ("run.json", "missing"):
        return  # that is a run that was not begun
    check_told_and_made_anew(folder, name, sound, caplog)


def _put(*keys: str | int, value: object) -> Callable[[Any], None]:
    def change(record: Any) -> None:
        for key in keys[:-1]:
            record = record[key]
        record[keys[-1]] = value

    return change


VALUES: dict[str, Callable[[Any], object]] = {
    "id of another": _put("id", value="0" * 16),
    "text for steps": _put("step", value="eleven"),
    "number as text": _put("step", value="11"),
    "no steps": _put("step", value=None),
    "too few steps": _put("step", value=10),
    "unknown state": _put("state", value="odd"),
    "no last": _put("last", value=None),
    "last is a list": _put("last", value=[1]),
    "metric is text": _put("last", "metrics", "a", "accuracy", value="high"),
    "metric missing": lambda record: record["last"]["metrics"]["a"].pop("accuracy"),
    "split missing": lambda record: record["last"]["metrics"].pop("a"),
    "unknown split": _put("last", "metrics", "c", value={"accuracy": 0.5, "loss": 1.0}),
    "constant missing": lambda record: record["last"]["constant"].pop("a"),
    "report is unknown": _put("task", "report", value="c"),
    "select is unknown": _put("task", "select", value="c"),
    "metric is unknown": _put("task", "metric", value="luck"),
    "task is a number": _put("task", value=3),
    "task missing": lambda record: record.pop("task"),
    "baseline missing": lambda record: record["task"].pop("baseline"),
    "seed missing": lambda record: record["seeds"].pop("init"),
    "seed is text": _put("seeds", "init", value="0"),
    "seconds are none": _put("seconds", "steps", value=None),
    "recipe is a list": _put("recipe", value=[]),
    "digest leaves the folder": _put("task", "digest", value="../../x"),
    "file leaves the folder": _put("files", "../../../x", value={"bytes": 1, "sha256": "0"}),
    "file is absolute": _put("files", "/etc/passwd", value={"bytes": 1, "sha256": "0"}),
    "sum is a number": _put("files", "events.jsonl", value=3),
}


@pytest.mark.parametrize("digest", [True, False])
@pytest.mark.parametrize("what", VALUES)
def test_values_that_cannot_be(
    tmp_path: Path, sound: Path, what: str, digest: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Also with a digest that fits: in records without one, values are all there is to see."""
    folder = tmp_path / "study"
    shutil.copytree(sound, folder)
    file = next((folder / "runs").glob("*/run.json"))
    record = json.loads(file.read_text())
    del record["digest"]
    VALUES[what](record)
    replace_json(file, with_digest(record) if digest else record)
    check_told_and_made_anew(folder, "run.json", sound, caplog)


def test_another_number_is_told_by_the_digest(tmp_path: Path, sound: Path) -> None:
    folder = tmp_path / "study"
    shutil.copytree(sound, folder)
    file = next((folder / "runs").glob("*/run.json"))
    file.write_text(file.read_text().replace('"accuracy": 0.55', '"accuracy": 0.95'))
    (told,) = Ledger.open(folder).check(Depth.RECORDS)
    assert "it does not say what was written there (its digest differs)" in told


def as_older(folder: Path) -> Path:
    """Take out what earlier versions did not write; gives back the run's folder."""
    file = next((folder / "runs").glob("*/run.json"))
    record = json.loads(file.read_text())
    del record["digest"], record["files"]
    replace_json(file, record)
    study = json.loads((folder / "study.json").read_text())
    del study["digest"]
    replace_json(folder / "study.json", study)
    return file.parent


def test_older_records_are_read_and_not_computed_again(tmp_path: Path, sound: Path) -> None:
    folder = tmp_path / "study"
    shutil.copytree(sound, folder)
    shutil.rmtree(as_older(folder) / "model")
    ledger = Ledger.open(folder)
    assert ledger.check(Depth.EVERYTHING) == []
    assert read_all(ledger) == 1
    before = contents(folder)
    compute(folder)
    assert contents(folder) == before


@pytest.mark.parametrize("name", [n for n in FILES[1:] if "model" not in n and "0003" not in n])
@pytest.mark.parametrize("how", ["truncated", "zeroed", "a folder"])
def test_damage_to_older_files_is_found_by_reading(
    tmp_path: Path, sound: Path, name: str, how: str
) -> None:
    folder = tmp_path / "study"
    shutil.copytree(sound, folder)
    path = as_older(folder) / name
    if how == "a folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes(BYTES[how](path.read_bytes()))
    ledger = Ledger.open(folder)
    told = ledger.check(Depth.CONTENTS)
    if name == "events.jsonl" and how != "a folder":  # as a kill may leave it
        assert told == []
        return
    assert len(told) == 1
    assert name in told[0]
    assert read_all(ledger) == 0


@pytest.mark.parametrize("how", BYTES)
def test_files_of_the_study_that_are_damaged(tmp_path: Path, sound: Path, how: str) -> None:
    folder = tmp_path / "study"
    shutil.copytree(sound, folder)
    ledger = Ledger.open(folder)
    ledger.keep_examples("t0", "a", ["one", "two"] * 50, None)
    states = np.ones((2, 5, 3), dtype=np.float32)
    write_states(ledger.states_file(ledger.planned[0].id), LayerStates({"of": 1}, states))
    names = ["environment.json", "examples/t0-a.parquet"]
    names += [f"checkpoints/states/{ledger.planned[0].id}.npz"]
    for name in names if how != "longer" else names[:1]:
        path = folder / name
        data = path.read_bytes()
        path.write_bytes(BYTES[how](data))
        ledger = Ledger.open(folder)
        told = ledger.check(Depth.CONTENTS)
        assert len(told) == 1
        assert str(path) in told[0]
        if name == "environment.json":
            assert ledger.environments == []
        elif name.startswith("examples"):
            assert ledger.examples("t0", "a") is None
            ledger.keep_examples("t0", "a", ["one", "two"] * 50, None)
            assert Ledger.open(folder).examples("t0", "a") is not None
        else:
            assert ledger.states(ledger.planned[0].id) is None
        path.write_bytes(data)
    path = folder / "study.json"
    path.write_bytes(BYTES[how](path.read_bytes()))
    with pytest.raises(Damaged, match=r"study\.json: "):
        Ledger.open(folder)
    with pytest.raises(Damaged, match=r"study\.json: "):
        ledger_in(folder)


@pytest.mark.parametrize("odd", ["../../x", "/tmp/x", "", "\0", "0123456789ABCDEF", "0" * 17])
def test_ids_cannot_leave_the_folder(tmp_path: Path, sound: Path, odd: str) -> None:
    folder = tmp_path / "study"
    shutil.copytree(sound, folder)
    value = json.loads((folder / "study.json").read_text())
    del value["digest"]
    value["runs"][0]["id"] = odd
    replace_json(folder / "study.json", with_digest(value))
    with pytest.raises(Damaged, match="cannot be the id of a run"):
        Ledger.open(folder)


def test_a_file_that_is_refused_stays(
    tmp_path: Path, sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "study"
    shutil.copytree(sound, folder)
    before = contents(folder)
    real = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == "run.json" and path.exists():
            raise PermissionError(13, "Permission denied")
        return real(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refuse)
        (told,) = Ledger.open(folder).check(Depth.RECORDS)
        assert "run.json: cannot be read (Permission denied); run" in told
        with pytest.raises(Unreadable, match=r"run\.json: cannot be read \(Permission denied\)"):
            ledger_in(folder)
    assert contents(folder) == before


@pytest.mark.parametrize("how", [*BYTES, "missing"])
@pytest.mark.parametrize(
    "name",
    [
        "snapshot.safetensors",
        "steps.jsonl",
        "events.jsonl",
        "diagnostics.jsonl",
        "predictions/000006-b.parquet",
        "models/000006/sum",
    ],
)
def test_what_a_run_goes_on_from_is_checked(
    tmp_path: Path, name: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    compute(tmp_path / "whole")
    folder = tmp_path / "study"
    ledger, writer = begin(folder)
    run = writer.record.id
    for event in events(run, None, keep=True):
        if isinstance(event, Weights):
            with whole(ledger.model_folder(run, event.step)) as fresh:
                (fresh / "sum").write_text(str(event.weights["sum"]))
        writer.write(event)
        if isinstance(event, Snapshot) and event.step == 8:
            break
    writer.close()
    path = folder / "runs" / run / name
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(BYTES[how](path.read_bytes()))
    caplog.clear()
    compute(folder)
    after = name.endswith(".jsonl") and how == "longer"  # lines after the snapshot are cut off
    if not after and (name, how) != ("snapshot.safetensors", "missing"):
        assert f"run {run} starts over" in caplog.text
        assert name in caplog.text
    assert contents(folder) == contents(tmp_path / "whole")


def test_flipped_tensors_are_not_gone_on_from(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger, writer = begin(tmp_path)
    run = writer.record.id
    for event in list(events(run, None))[:10]:
        writer.write(event)
        if isinstance(event, Snapshot):
            break
    writer.close()
    path = tmp_path / "runs" / run / "snapshot.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1  # the sum of the steps, in its highest byte
    path.write_bytes(data)
    again = ledger.writer(new_record(run), {"a": LABELS, "b": LABELS})
    assert again.load_snapshot() is None
    assert "its tensors are not those that were written" in caplog.text
    assert f"run {run} starts over" in caplog.text


@pytest.mark.parametrize("how", ["zeroed", "flipped"])
def test_points_in_which_a_line_is_damaged(tmp_path: Path, how: str) -> None:
    path = tmp_path / "points.jsonl"
    lines = [{"schema": 1, "about": {}}, *({"a": k, "loss": 0.5} for k in range(40))]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert read_points(path).columns["a"].tolist() == list(range(40))
    data = path.read_bytes()
    middle = len(data) // 2
    bad = bytes(60) + b"\n" if how == "zeroed" else b"{" * 60 + b"\n"
    path.write_bytes(data[:middle] + bad + data[middle:])
    with pytest.raises(Damaged, match=r"points\.jsonl: damaged \(line \d+ cannot be read\)"):
        read_points(path)


def test_a_run_that_lost_steps_does_not_say_finished(tmp_path: Path) -> None:
    ledger, writer = begin(tmp_path)
    run = writer.record.id
    for event in list(events(run, None))[:-1]:
        writer.write(event)
    lines = tmp_path / "runs" / run / "steps.jsonl"
    lines.write_text("".join(lines.read_text().splitlines(keepends=True)[5:]))
    with pytest.raises(Damaged, match=r"steps\.jsonl: has \d+ bytes, not the \d+"):
        writer.write(Finished(run, TOTAL))
    record = ledger.record(run)
    assert record is not None
    assert not record.state.ended
    conduct(ledger, run)
    assert len(ledger.steps(run)["step"]) == TOTAL
