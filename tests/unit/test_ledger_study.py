"""A study folder: made, read back, grown; what is refused and why."""

import json
from pathlib import Path

import pytest
from simulated_run import ENCODER, TASK, conduct, contents, ledger_in, study

from steadytune.errors import BadInput, Damaged
from steadytune.ledger import Ledger
from steadytune.recipe import Recipe
from steadytune.records import State
from steadytune.study import STUDY, Run, plan


def test_a_study_is_read_back(tmp_path: Path) -> None:
    a_study = study(question="Ünstable?", seeds=3)
    ledger = ledger_in(tmp_path / "new" / "folder", a_study)
    again = Ledger.open(tmp_path / "new" / "folder")
    assert again.study == a_study
    assert again.planned == ledger.planned
    assert [str(row.seeds) for row in again.planned] == ["0", "1", "2"]
    assert [row.state for row in again.records()] == [State.PLANNED] * 3
    assert again.environments == [{"python": "3.11"}]
    value = json.loads((tmp_path / "new" / "folder" / "study.json").read_text())
    assert value["study"] == STUDY.dump_python(a_study, mode="json")


def test_a_study_may_grow(tmp_path: Path) -> None:
    first = ledger_in(tmp_path, study(seeds=1))
    conduct(first, first.planned[0].id)
    plain = Recipe("renamed", 1e-5, epochs=3.0)
    grown = ledger_in(tmp_path, study(plain, Recipe("new", 2e-5, epochs=3.0), seeds=2))
    rows = Ledger.open(tmp_path).records()
    states = [(row.planned.recipe, row.state.value) for row in rows]
    assert states[:2] == [("renamed", "finished"), ("renamed", "planned")]
    assert len(states) == 4
    Ledger.create_or_open(tmp_path, grown.study, _runs(grown), {"python": "3.12"})
    assert grown.environments == [{"python": "3.11"}, {"python": "3.12"}]


def test_diagnostics_may_change_and_old_studies_have_none(tmp_path: Path) -> None:
    ledger_in(tmp_path, study())
    assert ledger_in(tmp_path, study(diagnostics="full")).study.diagnostics == "full"
    path = tmp_path / "study.json"
    value = json.loads(path.read_text())
    del value["study"]["diagnostics"], value["study"]["stop_hopeless"], value["digest"]
    path.write_text(json.dumps(value))
    ledger = ledger_in(tmp_path, study())
    assert ledger.diagnostics(ledger.planned[0].id) == {}


def _runs(ledger: Ledger) -> tuple[Run, ...]:

    return plan(ledger.study, {"glue/rte": TASK}, {"tiny": ENCODER})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lr": 5e-5}, "recipe plain: lr 1e-05 there, 5e-05 here"),
        ({"seeds": 1}, "seeds 1: there, not here"),
        ({"name": "other", "lr": 5e-5}, "recipe plain: there, not here"),
        ({"evaluate": "end"}, "evaluate: epoch there, end here"),
        ({"stop_hopeless": True}, "stop_hopeless: False there, True here"),
        ({"data": "t1"}, "task glue/rte with encoder tiny: its data or weights are not those of"),
    ],
)
def test_another_study_is_refused(tmp_path: Path, change: dict[str, object], said: str) -> None:
    ledger_in(tmp_path)
    before = contents(tmp_path)
    recipe = Recipe(str(change.get("name", "plain")), change.get("lr", 1e-5), epochs=3.0)  # type: ignore[arg-type]
    fields = {
        name: change[name] for name in ("seeds", "evaluate", "stop_hopeless") if name in change
    }
    with pytest.raises(BadInput, match="holds another study") as caught:
        ledger_in(tmp_path, study(recipe, **fields), str(change.get("data", "t0")))  # type: ignore[arg-type]
    assert said in str(caught.value)
    assert contents(tmp_path) == before


def test_folders_that_are_no_study(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("")
    with pytest.raises(BadInput, match="is a file"):
        ledger_in(tmp_path / "file")
    with pytest.raises(BadInput, match=r"not empty and not the folder of a study.*thesis\.tex"):
        ledger_in(tmp_path / "full")
    with pytest.raises(BadInput, match="cannot write there"):
        ledger_in(tmp_path / "file" / "below")
    with pytest.raises(BadInput, match="no such folder"):
        Ledger.open(tmp_path / "missing")
    with pytest.raises(BadInput, match=r"it has no study\.json"):
        Ledger.open(tmp_path / "full")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cannot be read as a study"),
        ('{"schema": 1, "stu', "cannot be read as a study"),
        ('{"schema": 1}', "not what steadytune writes"),
        ("[]", "not what steadytune writes"),
        ('{"schema": 99}', r"newer steadytune \(schema 99; this one reads up to 1\)"),
    ],
)
def test_damaged_study_files(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "study.json").write_text(text)
    with pytest.raises(BadInput, match=said):
        Ledger.open(tmp_path)
    with pytest.raises(BadInput, match=said):
        ledger_in(tmp_path)


def test_a_record_that_cannot_be_read_is_told_and_its_run_computed_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = ledger_in(tmp_path)
    run = ledger.planned[0].id
    conduct(ledger, run)
    whole = contents(tmp_path)
    file = tmp_path / "runs" / run / "run.json"
    text = file.read_text()
    odd = text.replace('"finished"', '"odd"')
    for damage in ("", "[]", "[1]", "{}", text[:200], odd, '{"task": []}', "\udcff"):
        file.write_text(damage, errors="surrogateescape")
        before = contents(tmp_path)
        with pytest.raises(Damaged, match=r"run\.json: cannot be read "):
            Ledger.open(tmp_path).record(run)
        assert contents(tmp_path) == before
        caplog.clear()
        conduct(ledger_in(tmp_path), run)
        assert f"run {run} is computed again" in caplog.text
        assert contents(tmp_path) == whole
    file.unlink()
    file.mkdir()
    with pytest.raises(Damaged, match=r"cannot be read \(Is a directory\)"):
        Ledger.open(tmp_path).record(run)
    conduct(ledger_in(tmp_path), run)
    assert contents(tmp_path) == whole
    file.write_text(text.replace('"schema": 1', '"schema": 99'))
    with pytest.raises(BadInput, match="newer steadytune"):
        ledger_in(tmp_path)
    file.unlink()
    assert Ledger.open(tmp_path).record(run) is None


@pytest.mark.parametrize("text", ["", "[{", "{}", "null"])
def test_a_damaged_history_of_environments_is_not_overwritten(tmp_path: Path, text: str) -> None:
    ledger = ledger_in(tmp_path)
    (tmp_path / "environment.json").write_text(text)
    before = contents(tmp_path)
    with pytest.raises(BadInput, match=r"environment\.json: .*repair it, or move it away"):
        ledger_in(tmp_path, study(seeds=5))
    with pytest.raises(BadInput, match=r"environment\.json: "):
        _ = ledger.environments
    assert contents(tmp_path) == before
    (tmp_path / "environment.json").unlink()
    assert ledger_in(tmp_path).environments == [{"python": "3.11"}]
