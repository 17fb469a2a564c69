"""Model cards: what a kept model is and how far its number can be trusted, beside its weights.

A card says which of how many runs the model is: the score of one run means little without the
others. It holds no time and no path, so a study that was stopped and resumed has the same cards.
Its metadata are what the Hugging Face Hub reads: names that it knows, or none.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from steadytune.analysis.cells import Cell, cells
from steadytune.analysis.outcomes import outcome
from steadytune.analysis.summary import SummaryRow, Which, summarize
from steadytune.escape import markdown
from steadytune.ledger import Ledger
from steadytune.ledger.durable import replace_file
from steadytune.recipe import Seeds
from steadytune.records import Checkpoint, RunRecord
from steadytune.reports.summary_table import as_markdown, shown
from steadytune.study import TaskChoice

logger = logging.getLogger(__name__)
NAME = "README.md"  # where the Hugging Face Hub looks for it
GLUE = "nyu-mll/glue"
METRIC_IDS = {  # of the Hub, where they differ from the names here
    "macro_f1": "f1",
    "matthews": "matthews_correlation",
    "pearson": "pearsonr",
    "spearman": "spearmanr",
    "mean_squared_error": "mse",
    "accuracy_and_f1": "glue",
    "pearson_spearman": "glue",
}


@dataclass(frozen=True)
class Kept:
    """A run whose weights were kept, and what its card says beside it.

    Attributes:
        record: of the run. point: the checkpoint that was kept.
        cell: it belongs to. row: that cell's statistics.
        choice: of the task. base_model: Hub id of the encoder; None where it is a folder.
    """

    record: RunRecord
    point: Checkpoint
    cell: Cell
    row: SummaryRow
    choice: TaskChoice
    base_model: str | None

    @property
    def encoder(self) -> str:
        """The encoder's name, without the folders that it lies in."""
        name = self.record.encoder.name
        return _text(name if self.base_model else _last(name))

    @property
    def task(self) -> str:
        """The task's title, without the folders that its files lie in."""
        dev = None if self.choice.dev is None else _last(self.choice.dev)
        name = self.choice.name if self.named else _last(self.choice.name)
        return _text(replace(self.choice, name=name, dev=dev).title)

    @property
    def named(self) -> bool:
        """Whether the task is one of steadytune's, not a file."""
        return re.fullmatch(r"(glue|builtin)/\w+", self.choice.name) is not None

    @property
    def on_hub(self) -> bool:
        """Whether its data came from the Hub."""
        return self.named and self.choice.name.startswith("glue/") and self.choice.data_dir is None


def write_model_cards(ledger: Ledger, hub_ids: Mapping[str, str | None]) -> None:
    """Write a card beside every kept model; again after more runs, as the numbers are then other.

    Args:
        ledger: of the study.
        hub_ids: Hub id of each encoder by its name; None, or no entry, where it is a folder.

    Raises:
        OSError: the disk is full or not writable.
    """
    if ledger.study.keep == "none":
        return
    which: Which = "best" if ledger.study.keep == "best" else "last"
    found, choices = cells(ledger), {choice.title: choice for choice in ledger.study.tasks}
    for cell, row in zip(found, summarize(found, which), strict=True):
        for record in cell.records:
            point = record.best if which == "best" else record.last
            folder = ledger.model_folder(record.id)
            if point is None or not record.state.ended or not folder.is_dir():
                continue
            choice, base_model = choices[cell.task], hub_ids.get(cell.encoder)
            kept = Kept(record, point, cell, row, choice, base_model)
            try:
                card = model_card(kept, which).encode()
            except Exception as problem:  # the model is kept all the same, and so are the others
                logger.warning("no model card for run %s: %r", record.id, problem)
                continue
            replace_file(folder / NAME, lambda path, card=card: path.write_bytes(card))


def model_card(kept: Kept, which: Which) -> str:
    """The card of one model, as Markdown with the Hub's metadata on top."""
    record, row = kept.record, kept.row
    split, metric = record.task.report, record.task.metric
    own = shown(metric, kept.point.metrics[split][metric])
    name = markdown(metric.replace("_", " "))
    parts = [
        f"---\n{_metadata(kept).to_yaml()}\n---",
        f"# {markdown(kept.encoder)} on {markdown(kept.task)}, "
        f"recipe {markdown(kept.cell.recipe)}, seed {Seeds(**record.seeds)}",
        f"**This model: {name} {own} on dev** ({_checkpoint(kept.point, which)}), one of "
        f"{row.n} runs that differ in nothing but their seeds; it counts as {_judged(record)}.",
        f"**All {row.n} runs: {_told(row)}.** Expect a number from this range, not this model's, "
        "when you train again.",
        as_markdown([replace(kept.row, task=kept.task, encoder=kept.encoder)]),
        "## Training",
        _settings(record.recipe),
        "## Limits",
        f"Trained on {record.task.train_examples} examples and measured on "
        f"{record.task.dev_examples[split]} of the split `{markdown(split)}`. "
        + _selection(record, which)
        + "Nothing is known of other data. Made with steadytune, which keeps the record of "
        f"every run; this one's id is `{record.id}`.",
    ]
    return "\n\n".join(parts) + "\n"


def _metadata(kept: Kept) -> ModelCardData:
    """What the Hub reads: a base model and a data set only where the Hub has them."""
    record, choice = kept.record, kept.choice
    metric, split = record.task.metric, record.task.report
    value = float(f"{kept.point.metrics[split][metric]:.6g}")
    result = EvalResult(
        task_type="text-classification",
        dataset_type=GLUE if kept.on_hub else _kind_of_data(kept),
        dataset_name=kept.task,
        dataset_config=choice.name.removeprefix("glue/") if kept.on_hub else None,
        metric_type=METRIC_IDS.get(metric, metric),
        metric_value=value,
        metric_name=_text(f"{metric.replace('_', ' ')} on {split}"),
    )
    finite = math.isfinite(value)
    return ModelCardData(
        library_name="transformers",
        pipeline_tag="text-classification",
        tags=["steadytune"],
        base_model=kept.base_model,
        datasets=[GLUE] if kept.on_hub else None,
        metrics=[METRIC_IDS.get(metric, metric)],
        model_name=_text(f"{kept.encoder} {kept.task} {kept.cell.recipe}") if finite else None,
        eval_results=[result] if finite else None,
    )


def _kind_of_data(kept: Kept) -> str:
    """What stands for the data set's id where the Hub has none."""
    if kept.named:
        return kept.choice.name.partition("/")[0]
    return PurePath(_last(kept.choice.name)).suffix.lstrip(".").lower() or "file"


def _checkpoint(point: Checkpoint, which: Which) -> str:
    if which == "best":
        return f"its best checkpoint on the selecting dev split, step {point.step}"
    return f"its last checkpoint, step {point.step}"


def _judged(record: RunRecord) -> str:
    found = outcome(record)
    return {"success": "successful", None: "not judged"}.get(found, str(found))


def _told(row: SummaryRow) -> str:
    low_high = row.mean_interval
    interval = (
        ""
        if low_high is None
        else f" (95 % interval {' to '.join(shown(row.metric, end) for end in low_high)})"
    )
    spread = "" if row.std is None else f", std {shown(row.metric, row.std)} (ddof = 1)"
    return (
        f"mean {shown(row.metric, row.mean)}{interval}{spread}, "
        f"{shown(row.metric, row.min)} to {shown(row.metric, row.max)}; "
        f"{row.failed} failed, {row.diverged} of them diverged"
    )


def _settings(recipe: Any) -> str:  # noqa: ANN401  (a recipe's fields as JSON)
    lines = ["| setting | value |", "|---|---|"]
    lines += [
        f"| {name} | {markdown(str(value))} |" for name, value in recipe.items() if name != "name"
    ]
    return "\n".join(lines)


def _selection(record: RunRecord, which: Which) -> str:
    if which == "best" and record.task.select == record.task.report:
        return "The checkpoint was chosen on the split that it is measured on: it reads too high. "
    return ""


def _last(path: str) -> str:
    """The last part of a path of any system."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1] or "folder"


def _text(name: str) -> str:
    """A name on one line."""
    return " ".join(name.split())
