"""GLUE from folders (real data where there is any, else written here) and from the Hub's library.

The Hub itself is never asked: a stand-in takes the place of ``datasets`` and notes how it was
called. What it gives is shaped like that library's answer: splits by name, columns by name.
"""

import shutil
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from steadytune.errors import BadInput
from steadytune.metrics import METRICS
from steadytune.study import TaskChoice
from steadytune.tasks import TABLE, acceptability, load
from steadytune.tasks._glue_table import GLUE

# published sizes of train and dev, labels by index, and dev's majority accuracy
REAL = {
    "glue/rte": (2490, 277, ("entailment", "not_entailment"), 0.5271),
    "glue/mrpc": (3668, 408, ("not_equivalent", "equivalent"), 0.6838),
    "glue/cola": (8551, 1043, ("unacceptable", "acceptable"), 0.6913),
    "glue/sst2": (67349, 872, ("negative", "positive"), 0.5092),
    "glue/wnli": (635, 71, ("not_entailment", "entailment"), 0.5634),
}
TRAIN_SHARES = {  # name: (class index, share in train)
    "glue/rte": (0, 0.502),
    "glue/mrpc": (1, 0.674),
    "glue/cola": (1, 0.704),
    "glue/sst2": (1, 0.558),
}


@pytest.mark.parametrize("name", REAL)
def test_real_classes(data_dir, name):
    task = load(TaskChoice(name, data_dir=str(data_dir)))
    train, dev, label_names, majority = REAL[name]
    assert (task.facts.train_examples, task.facts.dev_examples) == (train, {"dev": dev})
    assert task.target.label_names == label_names
    assert (task.select, task.report) == ("dev", "dev")
    assert task.facts.baseline["dev"]["accuracy"] == pytest.approx(majority, abs=5e-5)
    if name in TRAIN_SHARES:
        index, share = TRAIN_SHARES[name]
        assert np.mean(task.train.labels == index) == pytest.approx(share, abs=5e-4)
    assert all(text.strip() for text in task.train.texts + task.dev["dev"].texts)


def test_real_mrpc_baseline_and_quotes(data_dir):
    task = load(TaskChoice("glue/mrpc", data_dir=str(data_dir)))
    expected = {"f1": 0.8122, "accuracy": 0.6838, "accuracy_and_f1": 0.748}
    assert task.metrics == tuple(expected)
    assert task.facts.baseline["dev"] == pytest.approx(expected, abs=5e-5)
    # a lone quote opens this text; with quoting on it would swallow the rows after it
    assert task.dev["dev"].pairs is not None
    assert task.dev["dev"].pairs[0].startswith('" The foodservice pie business')


def test_real_cola_first_rows(data_dir):
    task = load(TaskChoice("glue/cola", data_dir=str(data_dir)))
    assert task.train.texts[0].startswith("Our friends won't buy this analysis")
    assert task.metrics == ("matthews", "accuracy")
    assert task.train.pairs is None
    assert task.facts.baseline["dev"]["matthews"] == 0


def test_real_similarity_scores(data_dir):
    task = load(TaskChoice("glue/stsb", data_dir=str(data_dir)))
    assert (len(task.train), len(task.dev["dev"])) == (5749, 1500)
    assert task.target.label_names is None
    assert len(task.target.output_names) == 1
    assert task.train.labels.dtype == np.float64
    assert (task.train.labels.min(), task.train.labels.max()) == (0, 5)
    assert task.dev["dev"].texts[0] == "A man with a hard hat is dancing."
    assert task.dev["dev"].labels[0] == 5
    assert task.facts.baseline["dev"] == dict.fromkeys(
        ("pearson_spearman", "pearson", "spearman"), 0
    ) | {"mean_squared_error": pytest.approx(np.var(task.dev["dev"].labels))}


def test_real_mrpc_from_its_originals_is_the_same(data_dir, tmp_path):
    (tmp_path / "MRPC").mkdir()
    for name in ("msr_paraphrase_train.txt", "mrpc_dev_ids.tsv"):
        shutil.copy(data_dir / "MRPC" / name, tmp_path / "MRPC" / name)
    made = load(TaskChoice("glue/mrpc", data_dir=str(tmp_path)))
    given = load(TaskChoice("glue/mrpc", data_dir=str(data_dir)))
    for ours, theirs in ((made.train, given.train), (made.dev["dev"], given.dev["dev"])):
        rows = [
            sorted(zip(split.texts, split.pairs or (), split.labels.tolist(), strict=True))
            for split in (ours, theirs)
        ]
        assert rows[0] == rows[1]


def test_real_qnli_without_train_says_what_is_missing(data_dir):
    if (data_dir / "QNLI" / "train.tsv").exists():
        pytest.skip("this copy holds all of QNLI")
    with pytest.raises(BadInput, match=r"QNLI has no train\.tsv; it holds dev\.tsv"):
        load(TaskChoice("glue/qnli", data_dir=str(data_dir)))


def test_the_parent_of_the_glue_folder_will_do(data_dir):
    parent = load(TaskChoice("glue/wnli", data_dir=str(data_dir.parent)))
    assert parent.facts == load(TaskChoice("glue/wnli", data_dir=str(data_dir))).facts


def written(folder, name, **files):
    """A task folder with small files: rows of fields by file stem."""
    task = folder / GLUE[name].folder
    task.mkdir(parents=True)
    for stem, rows in files.items():
        text = "".join("\t".join(row) + "\n" for row in rows)
        (task / f"{stem}.tsv").write_text(text, encoding="utf-8")
    return TaskChoice(name, data_dir=str(folder))


def test_mnli_selects_and_reports_on_matched(tmp_path):
    header = ("index", "sentence1", "sentence2", "label1", "gold_label")
    rows = [
        header,
        ("0", "a", "b", "neutral", "contradiction"),
        ("1", "c", "d", "neutral", "entailment"),
        ("2", "e\u2028f", 'g "h', "neutral", "neutral"),
        ("3", "i", "j", "neutral", "neutral"),
    ]
    choice = written(
        tmp_path, "glue/mnli", train=rows, dev_matched=rows[:3], dev_mismatched=rows[:2]
    )
    task = load(choice)
    assert (task.select, task.report) == ("dev_matched", "dev_matched")
    assert task.facts.dev_examples == {"dev_matched": 2, "dev_mismatched": 1}
    assert task.train.labels.tolist() == [2, 0, 1, 1]
    assert task.train.texts[2] == "e\u2028f"
    assert task.train.pairs == ("b", "d", 'g "h', "j")


def test_qqp_skips_cut_rows_as_the_hub_does(tmp_path):
    header = ("id", "qid1", "qid2", "question1", "question2", "is_duplicate")
    rows = [header, ("0", "1", "2", "a?", "b?", "1"), ("1", "3"), ("2", "4", "5", "c", "d", "0")]
    task = load(written(tmp_path, "glue/qqp", train=rows, dev=rows))
    assert task.train.texts == ("a?", "c")
    assert task.metrics == ("f1", "accuracy")


RTE_HEADER = ("index", "sentence1", "sentence2", "label")
RTE_ROWS = [RTE_HEADER, ("0", "a", "b", "entailment"), ("1", "c", "d", "not_entailment")]


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ([*RTE_ROWS, ("2", "e")], r"train\.tsv: line 4 has 2 tab-separated fields, not 4"),
        ([*RTE_ROWS, ("2", "e", "f", "maybe")], "line 4 has the label 'maybe', allowed is entail"),
        ([("index", "a", "b", "label")], "no column 'sentence1'; there are 'index', 'a'"),
        ([], r"train\.tsv is empty"),
        (RTE_ROWS[:1], r"train\.tsv has no examples; download the file anew"),
    ],
)
def test_files_that_are_not_as_glue_writes_them(tmp_path, train, message):
    with pytest.raises(BadInput, match=message):
        load(written(tmp_path, "glue/rte", train=train, dev=RTE_ROWS))


def test_a_dev_split_without_examples_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"dev\.tsv has no examples; download the file anew"):
        load(written(tmp_path / "rte", "glue/rte", train=RTE_ROWS, dev=RTE_ROWS[:1]))
    header = ("id", "qid1", "qid2", "question1", "question2", "is_duplicate")
    rows = [header, ("0", "1", "2", "a?", "b?", "1")]
    with pytest.raises(BadInput, match=r"dev\.tsv has no examples"):
        load(written(tmp_path / "qqp", "glue/qqp", train=rows, dev=[header, ("1", "3")]))


@pytest.mark.parametrize(("ids", "split"), [(["7\t8"], "dev"), (["1\t2", "3\t4"], "train")])
def test_originals_without_examples_for_a_split_are_refused(tmp_path, ids, split):
    (tmp_path / "MRPC").mkdir()
    rows = ["Quality\t#1 ID\t#2 ID\t#1 String\t#2 String", "1\t1\t2\ta\tb", "0\t3\t4\tc\td"]
    (tmp_path / "MRPC" / "msr_paraphrase_train.txt").write_text("\n".join(rows))
    (tmp_path / "MRPC" / "mrpc_dev_ids.tsv").write_text("\n".join(ids))
    with pytest.raises(
        BadInput, match=rf"msr_paraphrase_train\.txt has no examples for {split} by"
    ):
        load(TaskChoice("glue/mrpc", data_dir=str(tmp_path)))


def test_a_score_that_is_no_number_is_refused(tmp_path):
    rows = [("sentence1", "sentence2", "score"), ("a", "b", "nan")]
    with pytest.raises(BadInput, match="line 2 has the label 'nan', allowed is a number"):
        load(written(tmp_path, "glue/stsb", train=rows, dev=rows))


def test_folders_that_hold_no_glue(tmp_path):
    with pytest.raises(BadInput, match=r"no folder RTE/ in data_dir"):
        load(TaskChoice("glue/rte", data_dir=str(tmp_path)))
    with pytest.raises(BadInput, match="is not a folder"):
        load(TaskChoice("glue/rte", data_dir=str(tmp_path / "nowhere")))


def test_choices_for_files_are_refused_for_named_tasks(tmp_path):
    with pytest.raises(BadInput, match=r"dev_share=0\.5, text='body' cannot be chosen"):
        load(TaskChoice("glue/rte", data_dir=str(tmp_path), text="body", dev_share=0.5))


@pytest.mark.parametrize(
    ("name", "meant"),
    [("rte", "glue/rte"), ("glue/RTE", "glue/rte"), ("glue/sst-2", "glue/sst2")],
)
def test_an_unknown_name_gets_close_ones_and_the_table(name, meant):
    with pytest.raises(BadInput) as caught:
        load(TaskChoice(name))
    message = str(caught.value)
    assert f"did you mean {meant}" in message
    assert all(known in message for known in TABLE)
    assert "the path of a file" in message


def test_the_table_describes_every_task():
    assert set(TABLE) == {*GLUE, *acceptability.TASKS}
    assert "builtin/acceptability" in TABLE
    for name, task in TABLE.items():
        assert task.name == name
        assert task.what
        assert task.metric in METRICS
    for task in GLUE.values():
        assert set(task.metrics) <= set(task.target.fitting_metrics())
        assert set(task.target.always) <= set(task.metrics)


class FakeHub(SimpleNamespace):
    """Stands in for ``datasets``: notes the calls, answers with small splits."""

    def __init__(self, columns, splits=("train", "validation")):
        super().__init__(calls=[])
        self.columns, self.splits = columns, splits

    def load_dataset(self, *arguments):
        self.calls.append(arguments)
        return dict.fromkeys(self.splits, self.columns)


@pytest.mark.parametrize("name", [n for n in GLUE if n not in ("glue/mnli", "glue/stsb")])
def test_the_hub_is_asked_for_the_task(monkeypatch, name):
    columns = {column: [f"{column} 0", f"{column} 1"] for column in GLUE[name].hub_columns}
    hub = FakeHub({**columns, "label": [0, 1], "idx": [0, 1]})
    monkeypatch.setitem(sys.modules, "datasets", hub)
    task = load(TaskChoice(name))
    assert hub.calls == [("nyu-mll/glue", name.removeprefix("glue/"))]
    first, *second = GLUE[name].hub_columns
    assert task.train.texts == (f"{first} 0", f"{first} 1")
    assert task.train.pairs == (tuple(columns[second[0]]) if second else None)
    assert task.train.labels.tolist() == [0, 1]
    assert list(task.dev) == ["dev"]


def test_hub_splits_of_mnli_and_scores(monkeypatch):
    splits = ("train", "validation_matched", "validation_mismatched", "test_matched")
    columns = {"premise": ["a", "b"], "hypothesis": ["c", "d"], "label": [0, 2]}
    monkeypatch.setitem(sys.modules, "datasets", FakeHub(columns, splits))
    task = load(TaskChoice("glue/mnli"))
    assert list(task.dev) == ["dev_matched", "dev_mismatched"]
    assert task.report == "dev_matched"
    scores = FakeHub({"sentence1": ["a", "b"], "sentence2": ["c", "d"], "label": [0.5, 2]})
    monkeypatch.setitem(sys.modules, "datasets", scores)
    assert load(TaskChoice("glue/stsb")).train.labels.dtype == np.float64


def test_hub_and_folder_give_the_same_digest(monkeypatch, tmp_path):
    folder = load(written(tmp_path, "glue/rte", train=RTE_ROWS, dev=RTE_ROWS))
    columns = {"sentence1": ["a", "c"], "sentence2": ["b", "d"], "label": [0, 1]}
    monkeypatch.setitem(sys.modules, "datasets", FakeHub(columns))
    assert load(TaskChoice("glue/rte")).facts.digest == folder.facts.digest


def test_without_datasets_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)  # what makes an import fail
    with pytest.raises(BadInput, match=r"pip install steadytune\[hub\].*--data-dir"):
        load(TaskChoice("glue/rte"))


def test_without_a_network_the_remedy_is_named(monkeypatch):
    def unreachable(*_):
        raise ConnectionError("Couldn't reach 'nyu-mll/glue' on the Hub\ndetails")

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=unreachable))
    with pytest.raises(BadInput, match=r"ConnectionError: Couldn't reach.*Hub\)\n.*--data-dir"):
        load(TaskChoice("glue/rte"))
