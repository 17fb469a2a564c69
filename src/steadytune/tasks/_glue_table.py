"""The GLUE tasks (Wang et al. 2019) as data: where their texts are and how they are measured.

Class order is that of ``nyu-mll/glue`` on the Hugging Face Hub. Metrics are those of Mosbach et al.
2021 where they use the task, else GLUE's own; accuracy is always among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from steadytune.targets import Classification, Regression, Target


@dataclass(frozen=True)
class GlueTask:
    """How one GLUE task is stored and measured.

    Attributes:
        what: one line on the task.
        folder: its folder in the official download. hub: its configuration on the Hub.
        text, pair, label: columns in the official files, by name, or by position in a file
            without a header.
        hub_columns: the text columns on the Hub.
        target: what its labels are.
        written: how the files write the classes, in index order.
        metrics: headline metric first.
        dev: names of the dev splits, the one that selects and reports first.
        cut_rows_skipped: skip rows with missing columns, as the Hub's copy does.
    """

    what: str
    folder: str
    hub: str
    text: str | int
    pair: str | int | None
    label: str | int
    hub_columns: tuple[str, ...]
    target: Target
    written: tuple[str, ...]
    metrics: tuple[str, ...]
    dev: tuple[str, ...] = ("dev",)
    cut_rows_skipped: bool = False


_ENTAILMENT = ("entailment", "not_entailment")
_SENTENCES = ("sentence1", "sentence2")
_BITS = ("0", "1")

GLUE: Mapping[str, GlueTask] = {
    "glue/rte": GlueTask(
        what="pair, 2 classes: does the first text entail the second? 2 490 training pairs",
        folder="RTE",
        hub="rte",
        text="sentence1",
        pair="sentence2",
        label="label",
        hub_columns=_SENTENCES,
        target=Classification(_ENTAILMENT),
        written=_ENTAILMENT,
        metrics=("accuracy",),
    ),
    "glue/mrpc": GlueTask(
        what="pair, 2 classes: do two news sentences paraphrase each other? 3 668 training pairs",
        folder="MRPC",
        hub="mrpc",
        text="#1 String",
        pair="#2 String",
        label="Quality",
        hub_columns=_SENTENCES,
        target=Classification(("not_equivalent", "equivalent")),
        written=_BITS,
        metrics=("f1", "accuracy", "accuracy_and_f1"),
    ),
    "glue/cola": GlueTask(
        what="single, 2 classes: is the sentence acceptable English? 8 551 training sentences",
        folder="CoLA",
        hub="cola",
        text=3,
        pair=None,
        label=1,
        hub_columns=("sentence",),
        target=Classification(("unacceptable", "acceptable")),
        written=_BITS,
        metrics=("matthews", "accuracy"),
    ),
    "glue/qnli": GlueTask(
        what="pair, 2 classes: does the sentence answer the question? 104 743 training pairs",
        folder="QNLI",
        hub="qnli",
        text="question",
        pair="sentence",
        label="label",
        hub_columns=("question", "sentence"),
        target=Classification(_ENTAILMENT),
        written=_ENTAILMENT,
        metrics=("accuracy",),
    ),
    "glue/sst2": GlueTask(
        what="single, 2 classes: sentiment of film reviews; 67 349 training phrases",
        folder="SST-2",
        hub="sst2",
        text="sentence",
        pair=None,
        label="label",
        hub_columns=("sentence",),
        target=Classification(("negative", "positive")),
        written=_BITS,
        metrics=("accuracy",),
    ),
    "glue/stsb": GlueTask(
        what="pair, score from 0 to 5: how similar are two sentences? 5 749 training pairs",
        folder="STS-B",
        hub="stsb",
        text="sentence1",
        pair="sentence2",
        label="score",
        hub_columns=_SENTENCES,
        target=Regression(),
        written=(),
        metrics=("pearson_spearman", "pearson", "spearman", "mean_squared_error"),
    ),
    "glue/wnli": GlueTask(
        what="pair, 2 classes: which noun does a pronoun mean? 635 training pairs",
        folder="WNLI",
        hub="wnli",
        text="sentence1",
        pair="sentence2",
        label="label",
        hub_columns=_SENTENCES,
        target=Classification(("not_entailment", "entailment")),
        written=_BITS,
        metrics=("accuracy",),
    ),
    "glue/mnli": GlueTask(
        what="pair, 3 classes: entailment, several genres, two dev splits; 392 702 training pairs",
        folder="MNLI",
        hub="mnli",
        text="sentence1",
        pair="sentence2",
        label="gold_label",
        hub_columns=("premise", "hypothesis"),
        target=Classification(("entailment", "neutral", "contradiction")),
        written=("entailment", "neutral", "contradiction"),
        metrics=("accuracy",),
        dev=("dev_matched", "dev_mismatched"),
    ),
    "glue/qqp": GlueTask(
        what="pair, 2 classes: do two questions ask the same? about 364 000 training pairs",
        folder="QQP",
        hub="qqp",
        text="question1",
        pair="question2",
        label="is_duplicate",
        hub_columns=("question1", "question2"),
        target=Classification(("not_duplicate", "duplicate")),
        written=_BITS,
        metrics=("f1", "accuracy"),
        cut_rows_skipped=True,
    ),
}
