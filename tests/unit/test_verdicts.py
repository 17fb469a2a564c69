"""Verdicts: planted sicknesses get the right one, real ledgers of old versions get one at all."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from small_sick_studies import LEARNS, conducted, constant, shuffled
from small_studies import SmallStudy
from steadytune.analysis.outcomes import Outcome
from steadytune.analysis.verdicts import VerdictFormat, diagnose, tell
from steadytune.analysis.verdicts._case import Case, last_crossing
from steadytune.analysis.verdicts.constant_prediction import constant_prediction
from steadytune.analysis.verdicts.exploded import exploded
from steadytune.cli import app
from steadytune.errors import BadInput
from steadytune.figures import TABLE
from steadytune.ledger import Ledger, Planned, Predictions
from steadytune.recipe import RECIPE as ADAPTER
from steadytune.recipe import Recipe, Seeds
from steadytune.records import Checkpoint, EncoderFacts, RunRecord, State
from synthetic import task_of

RESULTS = Path(__file__).parents[2] / "results"
SICK = {
    "lr too high": (replace(LEARNS, lr=0.05), None, "vanishing_gradients", "lower_lr"),
    "no warm-up": (replace(LEARNS, lr=0.02, warmup=0), None, "vanishing_gradients", "warm_up"),
    "labels shuffled": (replace(LEARNS, steps=300), shuffled(), "label_problem", "check_labels"),
    "labels constant": (LEARNS, constant(), "label_problem", "check_labels"),
    "frozen encoder": (replace(LEARNS, lr=1e-8), None, "hardly_trained", "higher_lr"),
    "one epoch": (
        replace(LEARNS, lr=1e-4, steps=None, epochs=1),
        None,
        "too_few_steps",
        "longer",
    ),
    "NaN": (replace(LEARNS, lr=1e20), None, "diverged", "lower_lr"),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


@pytest.mark.parametrize("name", SICK)
def test_a_planted_sickness(models, tmp_path, name):
    recipe, task, cause, remedy = SICK[name]
    found = diagnose(conducted(tmp_path / "with", SmallStudy(models, recipe, task)))
    (run,) = found.runs
    assert run.finding is not None
    assert found.cells[0].first is not None
    assert (run.cause, run.finding.remedies[0].name) == (cause, remedy)
    assert run.finding.evidence
    assert found.cells[0].first.name == remedy
    assert found.findings == ()


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("lr too high", "exploded"),  # the same remedies
        ("labels constant", "label_problem"),
        ("frozen encoder", "hardly_trained"),
        ("one epoch", "too_few_steps"),
    ],
)
def test_without_diagnostics(models, tmp_path, name, cause):
    recipe, task, _, remedy = SICK[name]
    study = SmallStudy(models, recipe, task, diagnostics="off")
    ledger = conducted(tmp_path / "without", study)
    assert ledger.diagnostics(study.run.id) == {}
    (run,) = diagnose(ledger).runs
    assert run.finding is not None
    assert (run.cause, run.finding.remedies[0].name) == (cause, remedy)


def test_runs_that_are_one_run_repeated(models, tmp_path):
    recipe = replace(LEARNS, steps=9, dropout=0.0, attention_dropout=0.0, classifier_dropout=0.0)
    study = SmallStudy(models, recipe)
    two = tuple(Seeds(init=0, order=0, dropout=dropout) for dropout in (0, 1))
    study.study = replace(study.study, seeds=two)
    found = diagnose(conducted(tmp_path / "study", study))
    (finding,) = found.findings
    assert (finding.cause, finding.evidence[0].value) == ("duplicate_runs", 2)
    assert len(found.runs) == 2


def test_a_healthy_run(models, tmp_path):
    ledger = conducted(tmp_path / "study", SmallStudy(models, replace(LEARNS, lr=0.02)))
    (run,) = diagnose(ledger).runs
    assert (run.cause, run.finding, run.accuracy) == ("success", None, 1.0)
    text = tell(diagnose(ledger))
    assert "0 of 1 runs failed" in text
    parsed = json.loads(tell(diagnose(ledger), VerdictFormat.json))
    assert parsed["runs"][0]["cause"] == "success"


@pytest.mark.parametrize(
    ("study", "expected"),
    [
        ("2026-11-23-edge/sst2", {"success": 20, "vanishing_gradients": 10}),
        ("2026-11-23-edge/polarity", {"success": 12, "vanishing_gradients": 8}),
        (
            "2026-11-23-first-result/ledger",
            {"success": 11, "not_generalizing": 3, "still_learning": 3, "too_few_steps": 1},
        ),
    ],
)
def test_real_runs_of_a_version_without_diagnostics(study, expected):
    ledger = Ledger.open(RESULTS / study)
    found = diagnose(ledger)
    assert len(found.runs) == len(ledger.records())  # no run is ever left out
    assert Counter(run.cause for run in found.runs) == expected
    for run in found.runs:
        assert (run.cause == "success") == (run.outcome is Outcome.SUCCESS)
        if run.cause == "vanishing_gradients":
            assert run.finding is not None
            assert run.finding.onset is not None
            assert run.finding.remedies[0].name == "bias_correction"
            assert run.finding.onset < len(ledger.steps(run.run)["step"])


def test_real_runs_with_diagnostics() -> None:
    found = diagnose(Ledger.open(RESULTS / "2026-11-23-why-they-fail/ledger"))
    assert Counter(run.cause for run in found.runs) == {"success": 4, "vanishing_gradients": 2}


def test_failed_runs_that_no_threshold_was_chosen_with() -> None:
    folder = RESULTS / "2026-11-24-every-figure/reproduction/minilm-l6-mlm"
    found = diagnose(Ledger.open(folder / "default-along"))
    causes = Counter(run.cause for run in found.runs)
    assert causes == {"success": 3, "vanishing_gradients": 2}


def test_one_run_by_how_its_id_begins():
    ledger = Ledger.open(RESULTS / "2026-11-23-edge/sst2")
    first = ledger.planned[0].id
    (run,) = diagnose(ledger, first[:6]).runs
    assert run.run == first
    with pytest.raises(BadInput, match=r"--run zzz: no runs of .* have an id that begins so"):
        diagnose(ledger, "zzz")
    with pytest.raises(BadInput, match="runs of"):
        diagnose(ledger, "")


def test_the_command() -> None:
    folder = RESULTS / "2026-11-23-edge/sst2"
    said = CliRunner().invoke(app, ["diagnose", str(folder)])
    assert said.exit_code == 0
    assert "4 of 5 runs failed (95 % Wilson 38 to 96 %): 4 vanishing gradients" in said.stdout
    assert "change first: turn on Adam's bias correction" in said.stdout
    assert "[--set recipe.bias_correction=true]" in said.stdout
    assert "see: steadytune figures DIR gradient_norms" in said.stdout
    as_json = CliRunner().invoke(app, ["diagnose", str(folder), "--format", "json"])
    runs = json.loads(as_json.stdout)["runs"]
    assert len(runs) == 30
    assert {run["figure"] for run in runs if run["cause"] != "success"} <= set(TABLE)
    refused = CliRunner().invoke(app, ["diagnose", str(folder), "--run", "zzz"])
    assert refused.exit_code == 2


def test_a_loss_that_begins_above_chance_and_falls_has_not_exploded(tmp_path) -> None:
    """Scores around 2.7 that an older version trained as they are: the loss began at 9."""
    steps = np.arange(200)
    for losses, found in [
        (2.2 + 6.8 * np.exp(-steps / 20), None),
        (np.where(steps < 20, 2.2, np.where(steps < 80, 9.0, 2.2)), "exploded"),
    ]:
        finding = exploded(score_case(losses))
        assert (finding and finding.cause) == found


def test_nearly_the_same_score_for_everything_is_a_constant() -> None:
    losses, labels = np.full(200, 1.0), np.linspace(0, 5000, 40)
    same = replace(score_case(losses), predictions=predictions(labels, labels * 0.001 + 2700))
    finding = constant_prediction(same)
    assert finding is not None
    assert finding.sentence == "every example of the report split gets nearly the same score"
    apart = replace(same, predictions=predictions(labels, labels * 0.2 + 2000))
    assert constant_prediction(apart) is None


def score_case(losses) -> Case:
    """A run of scores of an older version, whose losses have the user's unit."""
    task = replace(task_of("task", scores=True), train_examples=400)
    recipe = ADAPTER.dump_python(Recipe("recipe", 2e-5, steps=len(losses)), mode="json")
    record = RunRecord(
        id="r",
        state=State.FINISHED,
        recipe=recipe,
        task=task,
        encoder=EncoderFacts("e", "e", "bert", 1),
        seeds={"init": 0, "order": 0, "dropout": 0},
        total_steps=len(losses),
        last=Checkpoint(len(losses), {"dev": {}}, {"dev": False}),
    )
    labels = np.tile([0.0, 2 * 2.2**0.5], 20)
    planned = Planned("r", "recipe", "task", "e", Seeds.tied(0))
    flat = np.ones(len(losses))
    return Case(planned, record, losses, flat, flat, {}, predictions(labels, labels))


def predictions(labels, predicted) -> Predictions:
    return Predictions(labels, predicted, predicted[:, None].astype(np.float32))


def test_from_which_step_on_values_stay_below():
    steps = np.arange(1, 41)
    values = np.where(steps < 20, 1.0, 0.1)
    assert last_crossing(steps, values, 0.5) == 20
    values[30] = 5.0  # one outlier changes nothing
    assert last_crossing(steps, values, 0.5) == 20
    assert last_crossing(steps, np.ones(40), 0.5) is None
    assert last_crossing(steps[:0], values[:0], 0.5) is None
