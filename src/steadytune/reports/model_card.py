"""Model cards: what a kept model is and how far its number can be trusted, beside its weights.

A card says which of how many runs the model is: the score of one run means little without the
others. It holds no time and no path, so a study that was stopped and resumed has the same cards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from steadytune.analysis.cells import Cell, cells
from steadytune.analysis.outcomes import outcome
from steadytune.analysis.summary import SummaryRow, Which, summarize
from steadytune.ledger import Ledger
from steadytune.ledger.durable import replace_file
from steadytune.recipe import Seeds
from steadytune.records import Checkpoint, RunRecord
from steadytune.reports.summary_table import as_markdown, shown

NAME = "README.md"  # where the Hugging Face Hub looks for it


@dataclass(frozen=True)
class Kept:
    """A run whose weights were kept, with the cell it belongs to and that cell's statistics."""

    record: RunRecord
    point: Checkpoint
    cell: Cell
    row: SummaryRow


def write_model_cards(ledger: Ledger) -> None:
    """Write a card beside every kept model; again after more runs, as the numbers are then other.

    Raises:
        OSError: the disk is full or not writable.
    """
    if ledger.study.keep == "none":
        return
    which: Which = "best" if ledger.study.keep == "best" else "last"
    found = cells(ledger)
    for cell, row in zip(found, summarize(found, which), strict=True):
        for record in cell.records:
            point = record.best if which == "best" else record.last
            folder = ledger.model_folder(record.id)
            if point is None or not record.state.ended or not folder.is_dir():
                continue
            card = model_card(Kept(record, point, cell, row), which).encode()
            replace_file(folder / NAME, lambda path, card=card: path.write_bytes(card))


def model_card(kept: Kept, which: Which) -> str:
    """The card of one model, as Markdown with the Hub's metadata on top."""
    record, row = kept.record, kept.row
    split, metric = record.task.report, record.task.metric
    own = shown(metric, kept.point.metrics[split][metric])
    name = _plain(metric.replace("_", " "))
    parts = [
        f"---\n{yaml.safe_dump(_metadata(kept), sort_keys=False, allow_unicode=True)}---",
        f"# {_plain(_public(record.encoder.name))} on {_plain(_public(record.task.name))}, "
        f"recipe {_plain(kept.cell.recipe)}, seed {Seeds(**record.seeds)}",
        f"**This model: {name} {own} on dev** ({_checkpoint(kept.point, which)}), one of "
        f"{row.n} runs that differ in nothing but their seeds; it counts as {_judged(record)}.",
        f"**All {row.n} runs: {_told(row)}.** Expect a number from this range, not this model's, "
        "when you train again.",
        as_markdown([_without_markup(row)]),
        "## Training",
        _settings(record.recipe),
        "## Limits",
        f"Trained on {record.task.train_examples} examples and measured on "
        f"{record.task.dev_examples[split]} of the split `{_plain(split)}`. "
        + _selection(record, which)
        + "Nothing is known of other data. Made with steadytune, which keeps the record of "
        f"every run; this one's id is `{record.id}`.",
    ]
    return "\n\n".join(parts) + "\n"


def _metadata(kept: Kept) -> dict[str, Any]:
    record = kept.record
    metric, split = record.task.metric, record.task.report
    encoder, task = _public(record.encoder.name), _public(record.task.name)
    value = float(f"{kept.point.metrics[split][metric]:.6g}")
    return {
        "library_name": "transformers",
        "tags": ["steadytune", "text-classification"],
        "base_model": encoder,
        "model-index": [
            {
                "name": f"{encoder} {task} {kept.cell.recipe}",
                "results": [
                    {
                        "task": {"type": "text-classification"},
                        "dataset": {"name": task, "type": task},
                        "metrics": [
                            {"type": metric, "value": value, "name": f"{metric} on {split}"}
                        ],
                    }
                ],
            }
        ],
    }


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
        f"| {name} | {_plain(str(value))} |" for name, value in recipe.items() if name != "name"
    ]
    return "\n".join(lines)


def _selection(record: RunRecord, which: Which) -> str:
    if which == "best" and record.task.select == record.task.report:
        return "The checkpoint was chosen on the split that it is measured on: it reads too high. "
    return ""


def _public(name: str) -> str:
    """A name without the folders of this machine; names of the Hub stay whole."""
    return Path(name).name if Path(name).is_absolute() else name


def _without_markup(row: SummaryRow) -> SummaryRow:
    names = [_public(row.task), _public(row.encoder), row.recipe]
    task, encoder, recipe = (" ".join(n.replace("<", "&lt;").split()) for n in names)
    return replace(row, task=task, encoder=encoder, recipe=recipe)


def _plain(text: str) -> str:
    """Text that Markdown takes for nothing else, on one line."""
    flat = " ".join(text.split())
    for sign in "\\`*_[]<>|#":
        flat = flat.replace(sign, f"\\{sign}")
    return flat
