"""Early warning, and the policy that ends runs by it."""

from dataclasses import replace

import numpy as np
import pytest

from small_sick_studies import LEARNS, conducted
from small_studies import SmallStudy, losses, of
from steadytune.analysis.cells import cells
from steadytune.analysis.outcomes import Outcome
from steadytune.analysis.summary import summarize
from steadytune.analysis.verdicts import diagnose
from steadytune.chance import Chance
from steadytune.early_warning import early_warning, watched_steps
from steadytune.records import Evaluation, Finished, Snapshot, State, Stopped

CHANCE = Chance(level=0.693, spread=0.0, batch_size=16, examples=1000)
HOPELESS = replace(LEARNS, lr=0.02, warmup=0)


def warned(loss, norm, total=200):
    return early_warning(np.full(total, loss), norm, total, CHANCE) or ""


def test_what_is_warned_of():
    falling, rising = np.linspace(2, 0.1, 200), np.linspace(0.1, 2, 200)
    assert "gradient norm has fallen" in warned(0.69, falling)
    assert not warned(0.69, rising)  # it learns late
    assert not warned(0.5, falling)  # it learns
    assert "above" in warned(0.9, rising)  # it is destroyed


def test_what_cannot_be_judged():
    norms = np.linspace(2, 0.1, 200)
    assert not warned(0.69, norms, total=40)  # thirds of four steps say nothing
    assert early_warning(np.full(30, 0.69), norms[:30], 200, CHANCE) is None  # too early
    assert (
        early_warning(np.full(200, 0.0), norms, 200, replace(CHANCE, level=0.0)) is None
    )  # constant labels
    assert watched_steps(200) == 60


def test_only_the_window_counts():
    late = np.concatenate([np.full(60, 0.69), np.full(140, 0.1)])
    norms = np.linspace(2, 0.1, 200)
    assert early_warning(late, norms, 200, CHANCE) == early_warning(late[:60], norms, 200, CHANCE)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return SmallStudy(tmp_path_factory.mktemp("tiny"), HOPELESS, stop_hopeless=True)


def test_a_hopeless_run_is_ended_and_counts_as_failed(study, tmp_path):
    ledger = conducted(tmp_path / "study", study)
    (row,) = ledger.records()
    assert row.record is not None
    assert (row.state, row.record.step) == (State.STOPPED, watched_steps(96))
    assert row.record.stopped is not None
    assert row.record.last is not None
    assert "constant prediction" in row.record.stopped["reason"]
    assert row.record.last.step == row.record.step  # it was evaluated where it ended
    (summary,) = summarize(cells(ledger))
    assert (summary.n, summary.failed, summary.unfinished) == (1, 1, 0)
    (run,) = diagnose(ledger).runs
    assert run.outcome is Outcome.FAILED
    assert run.finding is not None
    assert "ended early by stop_hopeless" in run.notes[0]


def test_without_the_policy_it_goes_on(study):
    asked = replace(study.study, stop_hopeless=False)
    alone = SmallStudy(study.folder, HOPELESS)
    assert alone.study == asked
    found = alone.events()
    assert of(Finished, found)
    stopped = losses(study.events())
    assert losses(found)[: len(stopped)] == stopped


def test_a_run_that_learns_is_left_alone(study):
    learns = SmallStudy(study.folder, replace(LEARNS, lr=0.02), stop_hopeless=True)
    found = learns.events()
    assert of(Finished, found)
    assert not of(Stopped, found)
    plain = SmallStudy(study.folder, replace(LEARNS, lr=0.02)).events()
    assert [e.step for e in of(Evaluation, found)] == [e.step for e in of(Evaluation, plain)]


def test_it_is_decided_alike_after_a_restart(study):
    snapshot = of(Snapshot, study.events(snapshot_due=lambda run: True))[20]
    resumed = study.events(snapshot)
    assert of(Stopped, resumed) == of(Stopped, study.events())
