"""Mosbach, Andriushchenko & Klakow, "On the Stability of Fine-tuning BERT" (ICLR 2021).

One entry for each table and figure, and for the controls that nobody ran: the experiments of which
parts (``parts.py``) show it, its figures, its table. The claims it decides name it (``claims``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from steadytune.reproduce import panels
from steadytune.reproduce.claims import CLAIMS, Claim
from steadytune.reproduce.evidence import SEARCHED, Evidence
from steadytune.reproduce.panels import Panels
from steadytune.results.conditions import Condition

Cells = Callable[[Evidence], list[Condition]]


@dataclass(frozen=True)
class Experiment:
    """A table or figure of the paper, or a control.

    Attributes:
        name: as the command takes it. shows: which figure or table of the paper it is.
        question: what it asks.
        figures: by the stem of their files: a figure of the table of figures, and its panels.
        table: cells of its table; None where figures say it all.
        measures: what it measures on kept weights: ``forgetting``, ``surfaces`` or nothing.
        note: a sentence for the captions of its figures.
    """

    name: str
    shows: str
    question: str
    figures: Mapping[str, tuple[str, Panels]]
    table: Cells | None = None
    measures: str = ""
    note: str = ""

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The claims that its runs decide, alone or with other experiments."""
        return tuple(claim for claim in CLAIMS if self.name in claim.experiments)


_ALL = (
    Experiment(
        "table1",
        "table 1, figure 1",
        "Is the proposed recipe better and steadier than the default and Mixout?",
        {"figure1": ("boxes", panels.table_boxes)},
        panels.table,
    ),
    Experiment(
        "forgetting",
        "figure 2 (a, b)",
        "Do failed runs forget more than successful ones, and where?",
        {
            "figure2ab": ("forgetting", panels.forgetting),
            "forgetting_along": ("forgetting_along", panels.forgetting_along),
        },
        measures="forgetting",
    ),
    Experiment(
        "failed_runs",
        "figure 2 (c)",
        "What do failed runs learn?",
        {"figure2c": ("bands", panels.failed_bands)},
    ),
    Experiment(
        "data_size",
        "figure 3",
        "Is it the number of examples or the number of steps?",
        {"figure3": ("boxes", panels.data_size_boxes)},
        panels.data_size_cells,
    ),
    Experiment(
        "gradient_norms",
        "figures 4, 10, 11, 12",
        "Do gradients vanish in failed runs?",
        {
            "figure4": ("gradient_norms", panels.norms),
            "figure10": ("matrix_norms", panels.matrices),
        },
    ),
    Experiment(
        "correction",
        "figure 5",
        "Does bias correction help at few epochs, at which learning rates?",
        {"figure5": ("lr_boxes", panels.correction_boxes)},
        lambda evidence: evidence.ablation(0),
    ),
    Experiment(
        "correction_factor",
        "figure 6",
        "What does bias correction multiply a step by? (a formula, no runs)",
        {"figure6": ("correction_factor", panels.factor)},
    ),
    Experiment(
        "surfaces",
        "figures 7, 13",
        "Where do failed and successful weights lie on the loss surface?",
        {
            "figure7": ("surface", panels.surface("loss")),
            "figure13": ("gradient_surface", panels.surface("gradient_norm")),
        },
        measures="surfaces",
    ),
    Experiment(
        "generalization",
        "figure 8",
        "Does long training overfit, and how far do equally trained runs lie apart?",
        {
            "figure8a": ("dev_curves", panels.late_curves),
            "figure8b": ("generalization", panels.scatter),
        },
    ),
    Experiment(
        "ablation",
        "figure 9",
        "Epochs x learning rate x bias correction.",
        {"figure9": ("lr_boxes", panels.ablation_boxes)},
        lambda evidence: evidence.ablation(),
    ),
    Experiment(
        "train_curves",
        "figure 14",
        "How do failed and successful runs train?",
        {"figure14": ("bands", panels.curves_bands)},
    ),
    Experiment(
        "schedule_control",
        "not in the paper",
        "Is bias correction more than a learning-rate schedule?",
        {"schedule_control": ("boxes", panels.boxes_of(panels.schedule_cells))},
        panels.schedule_cells,
    ),
    Experiment(
        "length_control",
        "not in the paper",
        "Is it longer training, or the longer warm-up that comes with it?",
        {"length_control": ("boxes", panels.boxes_of(panels.length_cells))},
        panels.length_cells,
    ),
    Experiment(
        "checkpoint_control",
        "not in the paper",
        "How much does choosing the best checkpoint flatter?",
        {"checkpoint_control": ("boxes", panels.checkpoint_boxes)},
        note="The same runs twice: at their last checkpoint, and at their best one (selection).",
    ),
    Experiment(
        "segment_control",
        "not in the paper",
        "Does leaving out segment ids, as the original code does, make runs fail?",
        {"segment_control": ("boxes", panels.boxes_of(panels.segment_cells))},
        panels.segment_cells,
    ),
    Experiment(
        "seed_control",
        "not in the paper",
        "Which seed decides: initialization, order or dropout?",
        {"seed_control": ("boxes", panels.boxes_of(panels.seed_cells))},
        panels.seed_cells,
        note="Every run is drawn three times: by its seed of initialization, order and dropout.",
    ),
    Experiment(
        "headroom",
        "not in the paper",
        "Up to which learning rate do at most 10 % of the runs of each recipe fail?",
        {"headroom": ("headroom", panels.headroom)},
        lambda evidence: evidence.of_part(SEARCHED),
    ),
)
EXPERIMENTS: Mapping[str, Experiment] = MappingProxyType({one.name: one for one in _ALL})
