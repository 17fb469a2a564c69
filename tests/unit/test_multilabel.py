"""Several labels at once: from a file to runs, their records, and the model that is saved."""

import csv
import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from small_sick_studies import conducted
from small_studies import RECIPE, SmallStudy, kept, make_task
from steadytune.analysis.cells import cells
from steadytune.analysis.instability import instability
from steadytune.analysis.outcomes import Outcome, outcome
from steadytune.analysis.prediction_set import prediction_set
from steadytune.analysis.summary import summarize
from steadytune.analysis.verdicts import diagnose
from steadytune.errors import BadInput
from steadytune.recipe import StabilizerChoice
from steadytune.study import TaskChoice
from steadytune.targets import Multilabel
from steadytune.tasks import load

LEARNS = replace(RECIPE, lr=5e-3, epochs=None, steps=200)
ROWS = [
    (f"text {i}", [name for k, name in enumerate(("red", "green", "blue")) if i % (k + 2) == 0])
    for i in range(60)
]


def written(folder, form):
    """The rows as a file, and the choice that reads it."""
    path = folder / {"parquet": "x.parquet", "lists": "x.jsonl"}.get(form, "x.csv")
    if form == "lists":
        lines = (json.dumps({"text": text, "label": labels}) + "\n" for text, labels in ROWS)
        path.write_text("".join(lines), encoding="utf-8")
        return TaskChoice(str(path), labels="multilabel")
    if form == "parquet":
        texts, labels = zip(*ROWS, strict=True)
        pq.write_table(pa.table({"text": list(texts), "label": list(labels)}), path)
        return TaskChoice(str(path), labels="multilabel")
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        if form == "separator":
            out.writerows([("text", "label"), *((t, " ; ".join(labels)) for t, labels in ROWS)])
            return TaskChoice(str(path), label_separator=";")
        names = ("blue", "green", "red")
        out.writerows([("text", *names), *((t, *(int(n in ls) for n in names)) for t, ls in ROWS)])
        return TaskChoice(str(path), label=names)


@pytest.mark.parametrize("form", ["lists", "parquet", "separator", "columns"])
def test_every_way_to_write_them_gives_the_same_task(tmp_path, form):
    task = load(written(tmp_path, form))
    assert task.target == Multilabel(("blue", "green", "red"))
    assert (task.metric, task.facts.target_name) == ("micro_f1", "multilabel")
    sets = {text: set(labels) for text, labels in ROWS}
    for split in (task.train, *task.dev.values()):
        for text, row in zip(split.texts, split.labels, strict=True):
            assert {task.target.label_names[k] for k in np.flatnonzero(row)} == sets[text]
    assert any(not labels for labels in sets.values())
    assert task.facts.digest == load(written(tmp_path, "lists")).facts.digest
    (tmp_path / "y").mkdir()
    assert min(task.dev["dev"].labels.sum(axis=0)) > 0


def test_the_rarest_label_is_in_both_parts_of_a_held_out_split(tmp_path):
    rows = [{"text": f"t {i}", "label": ["often"] + ["rare"] * (i % 20 == 0)} for i in range(100)]
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    for seed in range(10):
        task = load(TaskChoice(str(path), labels="multilabel", dev_seed=seed))
        found = [split.labels[:, 1].sum() for split in (task.train, task.dev["dev"])]
        assert found == [4, 1]


BAD = {
    "text alone": ([{"label": "a;b"}, {"label": "a"}], {}, "what parts the labels"),
    "a number": ([{"label": 3}, {"label": []}], {}, "which is no list of labels"),
    "nothing in a list": ([{"label": ["a", None]}, {"label": []}], {}, "no label (['a', None])"),
    "no label at all": ([{"label": []}, {"label": []}], {}, "no row has a label"),
    "all the same": ([{"label": ["a"]}, {"label": ["a"]}], {}, "all 2 rows have the same labels"),
    "columns that hold more": (
        [{"a": 1, "b": 2}, {"a": 0, "b": 1}],
        {"label": ("a", "b")},
        "line 1: column 'b' holds 2; a label's column holds 0 or 1",
    ),
    "scores": ([{"a": 1, "b": 0}], {"label": ("a", "b"), "labels": "scores"}, "is scores; leave"),
    "both": ([{"a": 1, "b": 0}], {"label": ("a", "b"), "label_separator": ";"}, "leave one of"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_set_of_labels_is_refused_in_a_sentence(tmp_path, what):
    rows, choices, said = BAD[what]
    path = tmp_path / "x.jsonl"
    lines = [json.dumps({"text": f"t {i}", **row}) + "\n" for i, row in enumerate(rows)]
    path.write_text("".join(lines), encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        load(TaskChoice(str(path), **{"labels": "multilabel", **choices}))
    assert said in str(caught.value)


def test_a_label_that_only_dev_has_is_refused(tmp_path):
    paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for path, extra in zip(paths, ("a", "A"), strict=True):
        path.write_text(
            f'{{"text": "x", "label": ["{extra}"]}}\n{{"text": "y", "label": []}}\n', "utf-8"
        )
    with pytest.raises(BadInput, match="line 1: label 'A' is not among the training labels 'a'"):
        load(TaskChoice(str(paths[0]), dev=str(paths[1]), labels="multilabel"))


def labelled_task():
    """The tiny task: whether "never" is there, whether it is not, and a label of no example."""
    task, target = make_task(), Multilabel(("never", "other", "absent"))

    def indicators(split):
        has = split.labels
        return replace(split, labels=np.stack([has, 1 - has, 0 * has], axis=1))

    train, dev = indicators(task.train), indicators(task.dev["dev"])
    names = target.default_metrics
    facts = replace(
        task.facts,
        label_names=target.label_names,
        target_name="multilabel",
        metric=names[0],
        baseline={"dev": target.baseline(names, dev.labels)},
    )
    return replace(
        task,
        target=target,
        train=train,
        dev={"dev": dev},
        metric=names[0],
        metrics=names,
        facts=facts,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


def test_a_run_learns_and_its_model_predicts_the_same_in_plain_transformers(folder, tmp_path):
    study = SmallStudy(folder, LEARNS, labelled_task(), stop_hopeless=True)
    ledger = conducted(tmp_path / "study", study)
    (row,) = ledger.records()
    record = row.record
    assert outcome(record) is Outcome.SUCCESS
    assert record.last.metrics["dev"]["micro_f1"] > 0.8
    found = ledger.predictions(record.id, record.last.step, "dev")
    assert found.labels.shape == found.predictions.shape == found.outputs.shape == (40, 3)
    np.testing.assert_array_equal(found.predictions, found.outputs > 0)
    np.testing.assert_array_equal(found.labels, study.task.dev["dev"].labels)
    chance = study.prepare(study.run).chance
    assert chance.level == pytest.approx(2 / 3 * np.log(2), rel=0.01)
    assert ledger.steps(record.id)["loss"][0] > chance.level

    keeping = SmallStudy(folder, LEARNS, study.task, keep="last")
    weights = {name: torch.from_numpy(each) for name, each in kept(keeping.events()).items()}
    saved = tmp_path / "model"
    keeping.encoder.save(weights, saved, study.task.target)
    model = AutoModelForSequenceClassification.from_pretrained(saved)
    assert model.config.problem_type == "multi_label_classification"
    assert model.config.id2label == {0: "never", 1: "other", 2: "absent"}
    texts = list(study.task.dev["dev"].texts)
    inputs = AutoTokenizer.from_pretrained(saved)(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        theirs = model(**inputs).logits.numpy()
    np.testing.assert_allclose(theirs, found.outputs, atol=1e-4)
    labels = torch.from_numpy(found.labels).float()
    assert float(model(**inputs, labels=labels).loss.detach()) == pytest.approx(
        record.last.metrics["dev"]["loss"], abs=1e-4
    )


def test_a_run_that_learns_nothing_is_stopped_judged_and_counted(folder, tmp_path):
    recipe = replace(LEARNS, lr=0.3, warmup=0, steps=120)
    ledger = conducted(
        tmp_path / "study", SmallStudy(folder, recipe, labelled_task(), stop_hopeless=True)
    )
    (told,) = diagnose(ledger).runs
    assert told.outcome in (Outcome.FAILED, Outcome.DIVERGED)
    assert told.cause != "success"
    (cell,) = cells(ledger)
    (row,) = summarize([cell])
    assert row.failed == 1
    assert row.constant == "each label's more frequent value"


def test_r_drop_and_measures_of_instability_take_several_labels(folder, tmp_path):
    recipe = replace(LEARNS, steps=8, stabilizers=(StabilizerChoice("r_drop", {}),))
    ledger = conducted(tmp_path / "study", SmallStudy(folder, recipe, labelled_task()))
    (cell,) = cells(ledger)
    of = prediction_set(ledger, cell)
    assert of.per_label
    twice = replace(
        of,
        records=of.records * 2,
        predictions=np.repeat(of.predictions, 2, axis=0),
        probabilities=np.repeat(of.probabilities, 2, axis=0),
    )
    found = {one.name: one.value for one in instability(twice)}
    assert found["disagreement"] == found["label_disagreement"] == found["lost"] == 0
    assert 0 <= found["ece"] <= 1
