"""``steadytune reproduce``: bad input, and a small reproduction from the command to the page."""

import json

import pytest
from typer.testing import CliRunner

from steadytune.cli import app
from steadytune.reproducing import weights
from steadytune.results.outcomes import Outcome
from tiny_models import make_tiny

TASK = ("--task", "builtin/acceptability/polarity", "--train-size", "24", "--scale", "small")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoder") / "tiny"
    return make_tiny(folder, architecture="ForMaskedLM", max_position_embeddings=160)


def reproduce(*arguments):
    return CliRunner().invoke(app, ["reproduce", *map(str, arguments)])


REFUSED = {
    "no such paper": (["devlin2019"], ["devlin2019", "mosbach2021"]),
    "no such experiment": (["mosbach2021", "figure1"], ["figure1", "table1", "train_curves"]),
    "an experiment of headroom": (["headroom", "table1"], ["headroom is one experiment"]),
    "no such scale": (["mosbach2021", "--scale", "huge"], ["huge", "paper", "small"]),
    "two rates": (["mosbach2021", "--lr", "1", "--lr", "2"], ["--lr 1 --lr 2", "three"]),
    "no seeds": (["mosbach2021", "--seeds", "0"], ["--seeds 0"]),
    "no such encoder": (["mosbach2021", "table1", "--encoder", "./nowhere", *TASK], ["nowhere"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused(case, tmp_path):
    arguments, words = REFUSED[case]
    result = reproduce(*arguments, "--out", tmp_path / "out")
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr
    assert not (tmp_path / "out").exists()


def test_too_few_examples_for_a_subset(tiny, tmp_path):
    result = reproduce("mosbach2021", "data_size", "--encoder", tiny, *TASK)
    assert result.exit_code == 2
    assert "24 training examples" in result.stderr


def test_a_plan_computes_nothing(tiny, tmp_path):
    out = tmp_path / "out"
    arguments = ("correction", "headroom", "--encoder", tiny, "--seeds", 2, *TASK, "--plan")
    result = reproduce("mosbach2021", *arguments, "--out", out)
    assert result.exit_code == 0, result.output
    assert "ablation-short" in result.stdout
    assert "48 runs more" in result.stdout
    assert not out.exists()


def test_from_the_command_to_the_page(tiny, tmp_path, monkeypatch):
    text = tmp_path / "held_out.txt"
    text.write_text("the cat sat on the mat and never saw the dog again . " * 400)
    arguments = (
        *("mosbach2021", "correction", "forgetting", "--encoder", tiny, "--seeds", 1),
        *("--lr", 1e-4, "--lr", 1e-3, "--lr", 3e-3, *TASK, "--text", text),
        *("--out", tmp_path / "out", "--executor", "sequential"),
    )
    result = reproduce(*arguments)
    assert result.exit_code == 0, result.output
    page = (tmp_path / "out" / "README.md").read_text()
    assert "| C11 |" in page
    assert "![figure5](figures/figure5.png)" in page
    assert "![figure2ab](figures/figure2ab.png)" in page
    assert "![forgetting_along](figures/forgetting_along.png)" in page
    claims = json.loads((tmp_path / "out" / "claims.json").read_text())
    assert {claim["claim"] for claim in claims} == {"C11", "C12", "C15", "C16", "C29"}
    records = sorted((tmp_path / "out").rglob("run.json"))
    before = [path.stat().st_mtime_ns for path in records]
    assert len(records) == 7  # the default and the proposed recipe, and five of the ablation
    again = reproduce(*arguments, "--no-run")
    assert again.exit_code == 0, again.output
    assert [path.stat().st_mtime_ns for path in records] == before
    # The other experiment's runs are those of this one and more; none is trained again.
    more = reproduce("mosbach2021", "schedule_control", *arguments[3:])
    assert more.exit_code == 0, more.output
    assert [path.stat().st_mtime_ns for path in records] == before
    assert len(list((tmp_path / "out").rglob("run.json"))) == 9
    # So small a run never learns, so a default and a proposed run stand for failed and successful.
    kept = {Outcome.FAILED: "default-along", Outcome.SUCCESS: "proposed-kept"}
    monkeypatch.setattr(
        weights,
        "kept_runs",
        lambda evidence, task, kind: (
            (kept[kind], record.id)
            for cell in evidence.of_part(kept[kind])
            for record in cell.records
        ),
    )
    drawn = reproduce("mosbach2021", "surfaces", *arguments[3:])
    assert drawn.exit_code == 0, drawn.output
    assert [path.stat().st_mtime_ns for path in records] == before
    assert (tmp_path / "out" / "figures" / "figure7.png").exists()
    assert (tmp_path / "out" / "figures" / "figure13.png").exists()
