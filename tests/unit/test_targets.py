"""Targets against torch and scikit-learn, and that nothing else asks what labels are."""

import re
from pathlib import Path

import numpy as np
import pytest
import sklearn.metrics as reference
import torch
from simulated_run import new_record

import steadytune
from steadytune import metrics
from steadytune.failure_rule import FailureRule
from steadytune.targets import Classification, Multilabel, Regression, target_of
from steadytune.training.losses import DIVERGENCES, LOSSES, labels_divergence, labels_loss

RNG = np.random.default_rng(0)
THREE = Multilabel(("a", "b", "c"))
LABELS = (RNG.random((60, 3)) < (0.5, 0.3, 0.05)).astype(np.int64)
LOGITS = RNG.normal(0, 2, (60, 3)) + 2 * (LABELS - 0.5)
CLASSES = np.repeat([0, 1, 2], (30, 20, 10))
CASES = {
    "classification": (Classification(("x", "y", "z")), CLASSES, RNG.normal(size=(60, 3))),
    "regression": (Regression(), RNG.normal(3, 2, 60), RNG.normal(size=(60, 1))),
    "multilabel": (THREE, LABELS, LOGITS),
}


def best_constant_outputs(target, labels):
    """(N, K) outputs of the best model that does not look at the text."""
    if target.name == "classification":
        return np.tile(np.log(np.bincount(labels) / len(labels)), (len(labels), 1))
    share = labels.mean(axis=0)
    return np.tile(share if target.ordered else np.log(share / (1 - share)), (len(labels), 1))


@pytest.mark.parametrize("name", LOSSES)
def test_chance_is_the_loss_of_the_best_constant_outputs(name):
    target, labels, _ = CASES[name]
    outputs = torch.from_numpy(best_constant_outputs(target, labels))
    loss = float(LOSSES[name](outputs, torch.from_numpy(labels)))
    assert target.chance_losses(labels).mean() == pytest.approx(loss, rel=1e-6)
    for shift in (0.3, -0.3):
        assert (
            float(
                LOSSES[name](
                    outputs + shift * torch.eye(outputs.shape[1])[0], torch.from_numpy(labels)
                )
            )
            > loss
        )


@pytest.mark.parametrize("name", CASES)
def test_predictions_baseline_and_constant_agree(name):
    target, labels, outputs = CASES[name]
    predictions = target.predictions(outputs)
    assert predictions.shape == labels.shape
    names = [n for n in target.fitting_metrics() if metrics.METRICS[n].takes == "predictions"]
    expected = metrics.measured(names, labels, target.constant(labels), outputs)
    assert target.baseline(names, labels) == expected
    assert set(target.default_metrics) <= set(target.fitting_metrics())
    assert set(target.always) <= set(target.default_metrics)
    assert len(target.output_names) == outputs.shape[1]
    assert target_of(target.label_names, target.name) == target


def test_records_without_a_target_are_read_as_they_were():
    facts = new_record("x").task
    assert facts.target_name is None
    assert facts.target == Classification(("no", "yes"))
    assert target_of(None) == Regression()


def test_the_loss_of_labels_is_what_transformers_takes():
    logits, labels = torch.from_numpy(LOGITS), torch.from_numpy(LABELS)
    theirs = torch.nn.BCEWithLogitsLoss()(logits.float(), labels.float())
    assert float(labels_loss(logits, labels)) == pytest.approx(float(theirs))
    p, q = logits.sigmoid(), (logits + 1).sigmoid()
    forth, back = (
        (a * (a / b).log() + (1 - a) * ((1 - a) / (1 - b)).log()).mean()
        for a, b in ((p, q), (q, p))
    )
    found = float(labels_divergence(logits, logits + 1))
    assert found == pytest.approx(float(forth + back) / 2, rel=1e-4)
    assert set(DIVERGENCES) == set(LOSSES) == set(CASES)


def test_metrics_of_several_labels_equal_scikit_learn():
    found = THREE.measure(THREE.fitting_metrics(), LABELS, LOGITS)
    predicted = (LOGITS > 0).astype(int)
    correlations = [
        reference.matthews_corrcoef(*c) for c in zip(LABELS.T, predicted.T, strict=True)
    ]
    assert found == pytest.approx(
        {
            "micro_f1": reference.f1_score(LABELS, predicted, average="micro"),
            "macro_f1": reference.f1_score(LABELS, predicted, average="macro"),
            "subset_accuracy": reference.accuracy_score(LABELS, predicted),
            "label_accuracy": 1 - reference.hamming_loss(LABELS, predicted),
            "macro_matthews": np.mean(correlations),
            "macro_precision": reference.precision_score(LABELS, predicted, average="macro"),
            "macro_recall": reference.recall_score(LABELS, predicted, average="macro"),
            "auroc": reference.roc_auc_score(LABELS, LOGITS),
            "average_precision": reference.average_precision_score(LABELS, LOGITS),
        }
    )
    f1 = [one.f1 for one in THREE.by_label(LABELS, predicted).values()]
    np.testing.assert_allclose(f1, reference.f1_score(LABELS, predicted, average=None))


def test_metrics_of_classes_equal_scikit_learn():
    target, labels, outputs = CASES["classification"]
    asked = ("balanced_accuracy", "macro_precision", "macro_recall", "auroc", "average_precision")
    probabilities = torch.from_numpy(outputs).softmax(1).numpy()
    predicted = outputs.argmax(1)
    one_hot = np.eye(3)[labels]
    assert target.measure(asked, labels, outputs) == pytest.approx(
        {
            "balanced_accuracy": reference.balanced_accuracy_score(labels, predicted),
            "macro_precision": reference.precision_score(labels, predicted, average="macro"),
            "macro_recall": reference.recall_score(labels, predicted, average="macro"),
            "auroc": reference.roc_auc_score(labels, probabilities, multi_class="ovr"),
            "average_precision": reference.average_precision_score(one_hot, probabilities),
        }
    )
    two = (labels > 0).astype(np.int64)
    found = Classification(("n", "y")).measure(
        ("precision", "recall", "auroc", "average_precision"), two, outputs[:, :2]
    )
    margin, predicted = outputs[:, 1] - outputs[:, 0], outputs[:, :2].argmax(1)
    assert found == pytest.approx(
        {
            "precision": reference.precision_score(two, predicted),
            "recall": reference.recall_score(two, predicted),
            "auroc": reference.roc_auc_score(two, margin),
            "average_precision": reference.average_precision_score(two, margin),
        }
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [0, 1])
def test_degenerate_labels_and_predictions_have_defined_values(value):
    """All alike, absent classes, and outputs that are not finite: no warning, no surprise."""
    target = Classification(("n", "y"))
    same, outputs = np.full(8, value), np.eye(2)[[1 - value] * 8]
    names = target.fitting_metrics()
    found = target.measure(names, same, outputs)
    assert {found["balanced_accuracy"], found["precision"], found["recall"]} == {0.0}
    assert (found["auroc"], found["average_precision"]) == (0.5, 0.0)
    assert all(np.isfinite(list(target.baseline(names, same).values())))
    broken = target.measure(("auroc",), np.array([0, 1]), np.array([[np.nan, 0], [0, 1]]))
    assert np.isnan(broken["auroc"])
    labels = np.full((8, 3), value)
    found = THREE.measure(THREE.fitting_metrics(), labels, np.full((8, 3), 0.5 - value))
    assert {found["micro_f1"], found["macro_f1"], found["label_accuracy"]} == {0.0}
    assert (found["macro_matthews"], found["auroc"]) == (0.0, 0.5)
    baseline = THREE.baseline(("auroc", "average_precision"), LABELS)
    assert baseline == pytest.approx({"auroc": 0.5, "average_precision": LABELS.mean()})


def judged(labels, predictions, **rule):
    target = Multilabel(tuple(map(str, range(labels.shape[1]))))
    measured = metrics.measured(target.always, labels, predictions, predictions)
    return target.no_better_than_constant(
        measured,
        target.baseline(target.always, labels),
        bool((predictions == predictions[0]).all()),
        len(labels),
        FailureRule(**rule),
    )


@pytest.mark.parametrize("count", [2, 8])
def test_several_rare_labels_are_judged_by_their_correlations(count):
    rng = np.random.default_rng(count)
    labels = (rng.random((400, count)) < 0.05).astype(np.int64)
    assert judged(labels, np.zeros_like(labels))
    assert judged(labels, np.ones_like(labels))
    lucky = [not judged(labels, rng.permutation(labels)) for _ in range(400)]
    assert np.mean(lucky) <= 0.01
    useful = labels | (rng.random(labels.shape) < 0.1)  # all found, and many false alarms
    assert (useful == labels).mean() < 0.95
    assert not judged(labels, useful)
    assert judged(labels, useful, ask="accuracy")


def test_labels_that_are_all_the_same_text_are_judged_carefully():
    """The bound on the variance holds for labels that go together."""
    rng = np.random.default_rng(3)
    one = (rng.random((300, 1)) < 0.1).astype(np.int64)
    labels = np.repeat(one, 6, axis=1)
    lucky = [not judged(labels, rng.permutation(labels)) for _ in range(400)]
    assert np.mean(lucky) <= 0.01


def test_frequent_labels_are_judged_by_the_share_that_is_right():
    labels = (np.random.default_rng(4).random((100, 3)) < 0.5).astype(np.int64)
    better = labels.copy()
    better[:20] = 1 - labels[:20]
    assert not judged(labels, better)
    assert judged(labels, 1 - better)


def test_label_sets_are_classes_and_labels_decisions():
    runs = np.stack([LABELS, 1 - LABELS])
    classes = THREE.classes(LABELS, runs)
    np.testing.assert_array_equal(classes.predictions == classes.labels, THREE.right(LABELS, runs))
    assert {"(none)", "a + b"} <= set(classes.names)
    decided = THREE.decisions(LABELS, LOGITS)
    np.testing.assert_allclose(
        decided.probabilities[:, 1], torch.from_numpy(LOGITS).sigmoid().numpy().ravel()
    )
    np.testing.assert_array_equal(decided.labels, LABELS.ravel())
    far = THREE.decisions(LABELS[:1], np.array([[800.0, -800.0, 0.0]]))
    np.testing.assert_allclose(far.probabilities[:, 1], [1, 0, 0.5])


ASKING = re.compile(
    r"label_names is (not )?None|if [\w.]*label_names\b|num_classes|classes=task|"
    r"\.shape\[1\] == 1\b|dtype\.kind == \"f\"|isinstance\([^)]*(Classification|Regression|Multi)|"
    r"target(\.name)? (==|is) |kind == \"(classes|scores)\"|target_name =="
)


def test_no_other_file_asks_what_labels_are():
    root = Path(steadytune.__file__).parent
    asked = [
        f"{path.relative_to(root)}:{number}: {line.strip()}"
        for path in sorted(root.rglob("*.py"))
        if path.parent.name != "targets" and path.name != "_labels.py"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if ASKING.search(line)
    ]
    assert asked == []
    assert ASKING.search("    names = None if task.label_names is None else 1")
