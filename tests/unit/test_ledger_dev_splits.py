"""A task with two dev splits of different sizes, from its files through the ledger and back."""

from pathlib import Path

import numpy as np

from simulated_run import ENCODER, new_record
from steadytune.ledger import Ledger
from steadytune.metrics import METRICS
from steadytune.recipe import Recipe, Seeds
from steadytune.records import Evaluation, Finished, Started, Step
from steadytune.study import Study, TaskChoice, plan
from steadytune.tasks import load

CLASSES = ("entailment", "neutral", "contradiction")
SPLITS = {"train": [0, 1, 2, 0], "dev_matched": [0, 1, 2, 1, 1], "dev_mismatched": [2, 0, 2]}


def mnli(folder: Path) -> TaskChoice:
    (folder / "MNLI").mkdir(parents=True)
    for split, labels in SPLITS.items():
        rows = [f"a {i}\tb {i}\t{CLASSES[label]}" for i, label in enumerate(labels)]
        text = "\n".join(["sentence1\tsentence2\tgold_label", *rows])
        (folder / "MNLI" / f"{split}.tsv").write_text(text)
    return TaskChoice("glue/mnli", data_dir=str(folder))


def test_both_dev_splits_of_mnli(tmp_path: Path) -> None:
    choice = mnli(tmp_path / "data")
    task = load(choice)
    study = Study((Recipe("plain", 1e-5, epochs=2.0),), (choice,), ("tiny",), (Seeds.tied(0),))
    runs = plan(study, {choice.title: task.facts}, {"tiny": ENCODER})
    ledger = Ledger.create_or_open(tmp_path / "study", study, runs, {})
    run = runs[0].id
    labels = {name: split.labels for name, split in task.dev.items()}
    writer = ledger.writer(new_record(run, task.facts), labels)
    predicted = {  # matched is best at step 1, mismatched at step 2
        (1, "dev_matched"): [0, 1, 2, 1, 0],
        (1, "dev_mismatched"): [1, 1, 1],
        (2, "dev_matched"): [0, 0, 0, 0, 1],
        (2, "dev_mismatched"): [2, 0, 1],
    }
    writer.write(Started(run, 0, 2))
    for step in (1, 2):
        writer.write(Step(run, step, 0.5, 1e-5, 1.0, 1.0, 7, 0.1))
        for name in task.dev:
            outputs = np.eye(3, dtype=np.float32)[predicted[step, name]]
            classes = np.array(predicted[step, name])
            metrics = {m: METRICS[m].function(labels[name], classes) for m in task.metrics}
            writer.write(Evaluation(run, step, name, 0.1 * step, metrics, outputs, 0.1))
    writer.write(Finished(run, 2))

    read = Ledger.open(tmp_path / "study")
    record = read.record(run)
    assert record is not None
    assert record.task == task.facts
    assert (record.task.select, record.task.report) == ("dev_matched", "dev_matched")
    assert record.majority == 3 / 5
    assert record.task.baseline["dev_mismatched"]["accuracy"] == 2 / 3
    assert record.last is not None
    assert record.best is not None
    assert (record.best.step, record.last.step) == (1, 2)
    assert record.best.metrics == {
        "dev_matched": {"accuracy": 4 / 5, "loss": 0.1},
        "dev_mismatched": {"accuracy": 0, "loss": 0.1},
    }
    assert record.best.constant == {"dev_matched": False, "dev_mismatched": True}
    assert record.last.metrics["dev_matched"]["accuracy"] == 2 / 5
    assert record.last.metrics["dev_mismatched"]["accuracy"] == 2 / 3
    assert [(row.step, row.split) for row in read.evaluations(run)] == list(predicted)
    for (step, name), classes in predicted.items():
        found = read.predictions(run, step, name)
        assert found.labels.tolist() == SPLITS[name]
        assert found.predictions.tolist() == classes
        assert found.outputs.shape == (len(classes), 3)
