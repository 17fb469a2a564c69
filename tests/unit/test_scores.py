"""Tasks of scores: the unit of the scores does not matter, and what is saved speaks it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from small_sick_studies import conducted
from small_studies import RECIPE, SmallStudy, kept, losses, make_task, of
from steadytune.analysis.outcomes import Outcome, outcome
from steadytune.analysis.verdicts import diagnose
from steadytune.chance import Chance
from steadytune.early_warning import early_warning
from steadytune.errors import BadInput
from steadytune.metrics import baseline
from steadytune.recipe import StabilizerChoice
from steadytune.records import Evaluation, Finished, Stopped
from steadytune.score_scale import ScoreScale
from steadytune.stabilizers import resolve
from steadytune.study import TaskChoice
from steadytune.tasks import load
from steadytune.training.score_head import ScoreHead

LEARNS = replace(RECIPE, lr=3e-3, epochs=None, steps=60, weight_decay=0.1)
UNITS = [(1.0, 0.0), (1000.0, 0.0), (1e12, 3e12), (1e-9, 0.0), (-3.0, 5.0), (1.0, 2000.0)]


def in_unit(factor, shift):
    """The tiny task of scores (0 and 1) in another unit."""
    task = make_task(scores=True)
    splits = {
        name: replace(split, labels=split.labels * factor + shift)
        for name, split in {"train": task.train, **task.dev}.items()
    }
    names = ("pearson", "mean_squared_error")
    facts = replace(
        task.facts,
        scale=ScoreScale.of(splits["train"].labels),
        baseline={"dev": baseline(names, splits["dev"].labels, None)},
    )
    return replace(task, train=splits["train"], dev={"dev": splits["dev"]}, facts=facts)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


def test_times_1000_is_the_same_training(folder):
    one = SmallStudy(folder, LEARNS, in_unit(1, 0), keep="last").events()
    other = SmallStudy(folder, LEARNS, in_unit(1000, 0), keep="last").events()
    assert losses(one) == losses(other)
    a, b = of(Evaluation, one)[-1], of(Evaluation, other)[-1]
    np.testing.assert_allclose(1000 * a.outputs, b.outputs, rtol=1e-5, atol=1e-2)
    assert a.metrics["pearson"] == pytest.approx(b.metrics["pearson"], abs=1e-6)
    assert a.metrics["pearson"] > 0.8
    assert a.loss == pytest.approx(b.loss, rel=1e-5)
    for name in kept(one):
        if not name.startswith("head.output"):
            np.testing.assert_array_equal(kept(one)[name], kept(other)[name])


@pytest.mark.parametrize(("factor", "shift"), UNITS)
def test_a_run_begins_at_chance_and_learns_in_any_unit(folder, tmp_path, factor, shift):
    study = SmallStudy(folder, LEARNS, in_unit(factor, shift), stop_hopeless=True)
    ledger = conducted(tmp_path / "study", study)
    (run,) = diagnose(ledger).runs
    (row,) = ledger.records()
    assert run.cause == "success"
    assert outcome(row.record) is Outcome.SUCCESS
    found = ledger.steps(run.run)["loss"]
    assert np.mean(found[:4]) == pytest.approx(1, abs=0.5)  # 32 examples
    level = ledger.diagnostics(run.run)["chance_loss/level"].values
    assert level == pytest.approx(1)
    predictions = ledger.predictions(run.run, row.record.last.step, "dev")
    assert np.corrcoef(predictions.predictions, predictions.labels)[0, 1] > 0.8


@pytest.mark.parametrize(
    ("family", "keep"),
    [("bert", "last"), ("bert", "best"), ("distilbert", "last"), ("deberta-v2", "best")],
)
def test_what_is_saved_gives_the_outputs_on_record(folder, tmp_path, family, keep):
    task = in_unit(40, 300)
    recipe = replace(LEARNS, steps=20, lr=1e-3)
    study = SmallStudy(folder, recipe, task, family, keep=keep)
    events = study.events()
    (finished,) = of(Finished, events)
    weights = {name: torch.from_numpy(array) for name, array in finished.weights.items()}
    study.encoder.save(weights, tmp_path / "model", None)
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "model").eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "model")
    assert model.config.num_labels == 1
    inputs = tokenizer(
        list(task.dev["dev"].texts), padding=True, truncation=True, max_length=48,
        return_tensors="pt",
    )  # fmt: skip
    with torch.no_grad():
        predicted = model(**inputs).logits.numpy()
    found = of(Evaluation, events)
    kept_at = found[-1] if keep == "last" else max(found, key=lambda e: e.metrics["pearson"])
    np.testing.assert_allclose(predicted, kept_at.outputs, rtol=1e-4)
    assert abs(predicted.mean() - task.train.labels.mean()) < 20


def test_stabilizers_and_decay_act_in_the_unit_of_training(folder):
    recipe = replace(
        LEARNS,
        steps=10,
        stabilizers=tuple(
            resolve(StabilizerChoice(name, {}))
            for name in ("mixout", "pretrained_decay", "layerwise_lr_decay")
        ),
    )
    one, other = (
        SmallStudy(folder, recipe, in_unit(*unit)).events() for unit in [(1, 0), (1e6, 0)]
    )
    assert losses(one) == losses(other)


def test_a_run_goes_on_after_a_snapshot(folder):
    study = SmallStudy(folder, replace(LEARNS, steps=12), in_unit(1000, 7), keep="last")
    whole = study.events(snapshot_due=lambda run: True)
    snapshot = next(e for e in whole if type(e).__name__ == "Snapshot" and e.step == 5)
    resumed = study.events(snapshot)
    assert losses(whole)[5:] == losses(resumed)
    for name, array in kept(whole).items():
        np.testing.assert_array_equal(array, kept(resumed)[name])


def test_a_head_goes_there_and_back(folder):
    study = SmallStudy(folder, LEARNS, in_unit(40, 300))
    params = study.encoder.initial(1, 0)
    head = ScoreHead.of(study.encoder, study.task.facts.scale)
    assert (head.weight, head.bias) == ("head.output.weight", "head.output.bias")
    back = head.standardized(head.restored(params))
    for name, tensor in params.items():
        torch.testing.assert_close(back[name], tensor, rtol=1e-5, atol=1e-5)
    weight, bias = (head.restored(params)[n] for n in (head.weight, head.bias))
    torch.testing.assert_close(weight, params[head.weight] * head.scale.std)
    torch.testing.assert_close(bias, params[head.bias] * head.scale.std + head.scale.mean)


def test_a_head_without_a_bias_keeps_the_scores_zero():
    class Encoder:
        def parameters(self, outputs):
            from steadytune.procedure import Parameter

            return (Parameter("score.weight", (outputs, 4), "head", 3, "linear", True),)

    scores = np.array([2.0, 4.0])
    head = ScoreHead.of(Encoder(), ScoreScale.of(scores))
    assert head.bias is None
    standard = head.scale.standardized(scores)
    assert np.mean(standard**2) == pytest.approx(1)
    np.testing.assert_allclose(head.scale.restored(standard), scores, rtol=1e-6)
    params = {"score.weight": torch.ones(1, 4)}
    torch.testing.assert_close(head.restored(params)["score.weight"], torch.full((1, 4), 10**0.5))


REFUSED = [
    ([3.5] * 3, "every training score is 3.5"),
    ([1e31, 2.0, 3.0], "the training scores go up to 1e\\+31 in size; at most 1e\\+30 is possible"),
    ([1e-33, 2e-33, 0.0], "a standard deviation of .*e-34; at least 1e-30 is needed: multiply"),
    ([1e6, 1e6 + 1, 1e6 + 2], "differences so small beside numbers so large .* subtract 1e\\+06"),
]


@pytest.mark.parametrize(("scores", "said"), REFUSED)
def test_scores_that_cannot_be_trained(scores, said):
    with pytest.raises(BadInput, match=said):
        ScoreScale.of(np.array(scores))


def test_a_file_of_such_scores_is_refused_by_name(tmp_path):
    path = tmp_path / "huge.csv"
    rows = [f"text {i},{(i + 0.5) * 1e30:g}" for i in range(40)]
    path.write_text("\n".join(["text,label", *rows]) + "\n")
    with pytest.raises(BadInput, match=r"huge.csv\S*: the training scores go up to .*e\+31"):
        load(TaskChoice(str(path), labels="scores"))


def test_the_unit_is_that_of_the_training_split_alone(tmp_path):
    path = tmp_path / "scores.csv"
    rows = [f"text {i},{i / 7:.3f}" for i in range(60)]
    path.write_text("\n".join(["text,label", *rows]) + "\n")
    whole, part = load(TaskChoice(str(path))), load(TaskChoice(str(path), train_size=10))
    for task in (whole, part):
        assert task.facts.scale == ScoreScale.of(task.train.labels)
    assert whole.facts.scale != part.facts.scale


def test_scores_at_chance_are_noisy_and_no_alarm():
    """Losses of a constant prediction on batches of heavy-tailed scores, for many seeds."""
    alarms = 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        scores = ScoreScale.of(x := draw.lognormal(0, 1, 400)).standardized(x)
        chance = Chance.of(scores, classes=False, batch_size=16)
        order = np.concatenate([draw.permutation(400) for _ in range(4)]).reshape(-1, 16)
        batch_losses = (scores[order] ** 2).mean(1)
        alarms += early_warning(batch_losses, np.ones(100), 100, chance) is not None
    assert alarms <= 2  # of 200; three standard errors


def test_how_much_the_loss_at_chance_differs():
    draw = np.random.default_rng(0)
    scores = draw.normal(size=1000)
    chance = Chance.of(scores, classes=False, batch_size=16)
    means = [
        np.mean((scores[draw.permutation(1000)[:160]] - scores.mean()) ** 2) for _ in range(2000)
    ]
    assert chance.error(10) == pytest.approx(np.std(means), rel=0.15)
    balanced = Chance.of(np.array([0, 1] * 50), classes=True, batch_size=16)
    assert (balanced.level, balanced.error(8)) == (pytest.approx(np.log(2)), pytest.approx(0))
    rare = Chance.of(np.array([0] * 90 + [1] * 10), classes=True, batch_size=10)
    entropy = -(0.9 * np.log(0.9) + 0.1 * np.log(0.1))
    assert rare.level == pytest.approx(entropy)
    assert rare.error(1) == pytest.approx(0.3 * np.log(9) / 10**0.5)


def test_hopeless_runs_of_scores_are_still_found(folder, tmp_path):
    recipe = replace(LEARNS, lr=0.3, warmup=0, steps=120)
    study = SmallStudy(folder, recipe, in_unit(1000, 2700), stop_hopeless=True)
    events = study.events()
    assert of(Stopped, events)
    (verdict,) = diagnose(conducted(tmp_path / "study", study)).runs
    assert verdict.outcome is Outcome.FAILED
    assert verdict.cause in ("exploded", "vanishing_gradients", "constant_prediction")
