"""A packed study reads as the study does, byte for byte, and packing never harms either."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from test_ledger_damage import BYTES
from test_ledger_kills import left_by_kills
from typer.testing import CliRunner

from simulated_run import LABELS, conduct, contents, events, ledger_in, new_record
from steadytune import BadInput, Ledger
from steadytune.cli import app
from steadytune.errors import Claimed, Damaged
from steadytune.figures import TABLE
from steadytune.ledger import Claims, Depth, LayerStates, measure, pack, write_states
from steadytune.ledger.pack_check import difference
from steadytune.ledger.packed_file import read_packed
from steadytune.records import Crashed
from steadytune.reports.study_report import report
from steadytune.results.conditions import conditions
from synthetic import CONDITIONS

TABLE_NAMES = ["runs", "steps", "events", "diagnostics", "predictions", "examples"]


def invoke(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    return result.exit_code, result.stdout, " ".join(result.stderr.split())


@pytest.fixture
def small(in_condition, tmp_path: Path) -> Path:
    return Path(shutil.copytree(in_condition("small").folder, tmp_path / "study"))


@pytest.fixture
def packed(small: Path) -> Path:
    return pack(small).folder


def read_as(folder: Path, where: Path) -> Iterator[tuple[int, str, str]]:
    """What the commands say of a study that lies at ``where``."""
    shutil.copytree(folder, where)
    recipes = list(dict.fromkeys(row.recipe for row in Ledger.open(where).planned))
    yield invoke("summary", where, "--format", "json")
    yield invoke("summary", where, "--layout", "paper", "--checkpoint", "best")
    yield invoke("diagnose", where, "--format", "json")
    yield invoke("compare", where, "--a", recipes[0], "--b", recipes[-1], "--format", "json")
    shutil.rmtree(where)


@pytest.mark.parametrize("name", [*CONDITIONS])
def test_commands_say_the_same_of_a_packed_study(in_condition, tmp_path: Path, name: str) -> None:
    folder = in_condition(name).folder
    packed = pack(folder, tmp_path / "packed").folder
    there = list(read_as(folder, tmp_path / "study"))
    assert there == list(read_as(packed, tmp_path / "study"))
    assert there[0][0] == 0


@pytest.mark.parametrize("name", ["mixed", "scores", "hostile"])
def test_the_report_of_a_packed_study_is_the_same(in_condition, tmp_path: Path, name: str) -> None:
    pages = []
    for number, folder in enumerate(
        (in_condition(name).folder, pack(in_condition(name).folder, tmp_path / "packed").folder)
    ):
        where = shutil.copytree(folder, tmp_path / str(number) / "study")
        page = report(Ledger.open(where))
        pages.append([line for line in page.splitlines() if "Made by steadytune" not in line])
    assert pages[0] == pages[1]


def test_figures_of_a_packed_study_show_the_same(small: Path, packed: Path) -> None:
    one, other = Ledger.open(small), Ledger.open(packed)
    drawn = 0
    for name, figure in TABLE.items():
        here, there = figure.panels(conditions(one)), figure.panels(conditions(other))
        np.testing.assert_equal(there, here, name)
        drawn += bool(here)
    assert drawn > 8


def test_few_files_and_equal_bytes_each_time(small: Path, packed: Path, tmp_path: Path) -> None:
    before = contents(packed)
    assert set(before) == {f"{name}.parquet" for name in TABLE_NAMES} | {
        "study.json",
        "environment.json",
        "packed.json",
    }
    assert contents(pack(small, packed).folder) == before  # once more
    assert contents(pack(packed, tmp_path / "again").folder) == before  # from the packed one
    pack(small, replace=True)
    assert contents(small) == before
    pack(small, replace=True)
    assert contents(small) == before


def test_the_tables_open_without_steadytune(packed: Path) -> None:
    pd = pytest.importorskip("pandas")
    runs = pd.read_parquet(packed / "runs.parquet")
    ledger = Ledger.open(packed)
    assert runs["id"].tolist() == [row.planned.id for row in ledger.records()]
    record = ledger.record(runs["id"][0])
    assert record is not None
    assert record.last is not None
    assert runs["last"][0] == record.last.metrics[record.task.report][record.task.metric]
    assert json.loads(runs["record"][0])["id"] == record.id
    steps = pd.read_parquet(packed / "steps.parquet")
    assert len(steps) == runs["steps"].sum()
    mine = steps[steps["run"] == record.id]
    np.testing.assert_array_equal(mine["loss"], ledger.steps(record.id)["loss"])


@pytest.fixture
def unfinished(tmp_path: Path) -> Path:
    """A run that crashed after a snapshot, one that was killed, one that was never begun."""
    ledger = ledger_in(tmp_path / "study")
    for run, last in zip((row.id for row in ledger.planned), ("crash", "kill"), strict=True):
        writer = ledger.writer(new_record(run), {"a": LABELS, "b": LABELS})
        for event in [*events(run, None)][:20]:
            writer.write(event)
        if last == "crash":
            writer.write(Crashed(run, "it was too hot"))
        writer.close()
        log = tmp_path / "study" / "runs" / run / "steps.jsonl"
        log.write_bytes(log.read_bytes() + b'{"step": 1')
    return tmp_path / "study"


def test_unfinished_runs_are_packed_as_they_stand(unfinished: Path) -> None:
    ledger, packed = Ledger.open(unfinished), Ledger.open(pack(unfinished).folder)
    assert [row.state.value for row in packed.records()] == ["crashed", "running"]
    for run in (row.id for row in ledger.planned):
        assert packed.record(run) == ledger.record(run)
        assert packed.evaluations(run) == ledger.evaluations(run)
        assert len(packed.steps(run)["step"]) == len(ledger.steps(run)["step"]) > 5
        assert list(packed.diagnostics(run)) == ["norm/low", "norm/high"]
        split = packed.evaluations(run)[0].split
        np.testing.assert_array_equal(
            packed.predictions(run, 3, split).outputs, ledger.predictions(run, 3, split).outputs
        )
        with pytest.raises(BadInput) as here:
            packed.predictions(run, 4, "a")
        with pytest.raises(BadInput) as there:
            ledger.predictions(run, 4, "a")
        assert str(here.value) == str(there.value)


def test_runs_that_can_be_resumed_are_not_replaced(unfinished: Path) -> None:
    before = contents(unfinished)
    with pytest.raises(BadInput, match=r"2 runs have a snapshot to resume from.*leave out"):
        pack(unfinished, replace=True)
    assert contents(unfinished) == before


def test_what_lies_beside_the_runs(small: Path) -> None:
    points = small / "checkpoints" / "surface.jsonl"
    measure(points, {"what": "x"}, [{"a": 1}], lambda point: {"loss": 0.5})
    run = Ledger.open(small).planned[0].id
    write_states(
        Ledger.open(small).states_file(run),
        LayerStates({"of": 1}, np.zeros((1, 2, 3), dtype=np.float32)),
    )
    weights = Ledger.open(small).model_folder(run) / "model.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(b"weights")

    packed = pack(small).folder
    assert (packed / "checkpoints" / points.name).read_bytes() == points.read_bytes()
    assert Ledger.open(packed).states(run) is None
    assert not Ledger.open(packed).model_folder(run).exists()
    assert Ledger.open(pack(small, states=True).folder).states(run) is not None

    pack(small, replace=True)
    ledger = Ledger.open(small)
    assert [path.name for path in (small / "runs").iterdir()] == [run]
    assert weights.read_bytes() == b"weights"
    assert ledger.states(run) is not None
    measure(points, {"what": "x"}, [{"a": 1}, {"a": 2}], lambda point: {"loss": 0.25})
    assert ledger.check(Depth.CONTENTS) == []  # a measurement may go on


def test_a_packed_study_is_not_continued(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path / "study")
    conduct(ledger, ledger.planned[0].id)
    packed = pack(tmp_path / "study").folder
    before = contents(packed)
    with pytest.raises(BadInput, match="can be read and not continued; give the folder that it"):
        ledger_in(packed)
    opened = Ledger.open(packed)
    with pytest.raises(BadInput, match="can be read and not continued"):
        opened.writer(new_record(opened.planned[1].id), {})
    assert contents(packed) == before


@pytest.mark.parametrize("table", TABLE_NAMES)
@pytest.mark.parametrize("how", [*BYTES, "missing"])
def test_damage_is_told(packed: Path, table: str, how: str) -> None:
    path = packed / f"{table}.parquet"
    if how in BYTES:
        path.write_bytes(BYTES[how](path.read_bytes()))
    else:
        path.unlink()
    status, told, said = invoke("diagnose", packed, "--format", "json")
    assert status == 3
    assert f"{path.name}: " in said
    assert len(said) < 1500
    assert json.loads(told)["schema"] == 1
    assert invoke("summary", packed)[0] == 3 or how in ("zeroed", "flipped")
    with pytest.raises(Damaged, match="was not packed"):
        pack(packed, packed.with_name("again"))


def test_damage_in_one_run_leaves_the_others(packed: Path) -> None:
    ledger = Ledger.open(packed)
    path = packed / "steps.parquet"
    data = bytearray(path.read_bytes())
    data[200:260] = bytes(60)  # in the rows of the first run
    path.write_bytes(data)
    file, run = ledger.check(Depth.CONTENTS)[::-1]
    first = ledger.planned[0].id
    assert run.endswith(f"; run {first} is left out")
    assert file.endswith("steps.parquet: does not hold the bytes that were written "
                         "(its SHA-256 differs)")  # fmt: skip
    begun = [row.planned.id for row in ledger.records() if row.record]
    assert begun == [row.id for row in ledger.planned if row.id != first]
    assert all(len(ledger.steps(run)["step"]) == 150 for run in begun[:2])


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b'{"schema": 99}', b'{"rows": {}, "files": {"/etc/x": 5}}']
)
def test_a_damaged_list_of_files(packed: Path, text: bytes) -> None:
    (packed / "packed.json").write_bytes(text)
    with pytest.raises(BadInput, match=r"packed.json: "):
        Ledger.open(packed)


def test_damaged_studies_are_not_packed(small: Path) -> None:
    run = Ledger.open(small).planned[3].id
    path = small / "runs" / run / "steps.parquet"
    path.write_bytes(path.read_bytes()[:-10])
    before = contents(small)
    for arguments in ((small,), (small, "--replace")):
        status, _, said = invoke("pack", *arguments)
        assert status == 3
        assert f"runs/{run}/steps.parquet: has " in said
        assert contents(small) == before
    assert not small.with_name("study-packed").exists()


def test_studies_that_are_written_are_not_packed(small: Path) -> None:
    with Claims(small) as claims:
        claims.take(Ledger.open(small).planned[0].id)
        for replace in (True, False):
            with pytest.raises(Claimed, match="has been writing run"):
                pack(small, replace=replace)


@pytest.mark.parametrize("held", ["a file", "something else", "another study", "the study"])
def test_where_it_cannot_go(small: Path, tmp_path: Path, held: str) -> None:
    out = tmp_path / "out"
    if held == "a file":
        out.write_text("x")
    elif held == "something else":
        out.mkdir()
        (out / "thesis.tex").write_text("x")
    elif held == "another study":
        pack(ledger_in(tmp_path / "other").folder, out)
    else:
        out = small
    before = contents(tmp_path)
    status, _, said = invoke("pack", small, "--out", out)
    assert status == 2
    assert "give " in said.lower()
    assert contents(tmp_path) == before


@pytest.mark.parametrize("replace", [False, True])
def test_a_kill_at_every_change_to_the_disk(
    in_condition, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replace: bool
) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    study = Path(shutil.copytree(in_condition("mixed").folder, tmp_path / "all" / "study"))
    original = Ledger.open(in_condition("mixed").folder)
    reference = pack(original.folder, tmp_path / "reference").folder

    def packing(folder: Path) -> None:
        pack(folder / "study", None if replace else folder / "packed", replace=replace)

    left = left_by_kills(tmp_path / "all", tmp_path / "left", act=packing)
    assert len(left) > (25 if replace else 8)
    for folder in left:
        assert difference(original, Ledger.open(folder / "study").reader) is None, folder.name
        target = folder / ("study" if replace else "packed")
        if (target / "study.json").exists() and (target / "packed.json").exists():
            assert difference(original, Ledger.open(target).reader) is None
        assert replace or not (target / "study.json").exists() or read_packed(target)
        packing(folder)
        assert contents(target) == contents(reference), folder.name
    assert (
        difference(original, Ledger.open(study if replace else study.parent / "packed").reader)
        is None
    )
