"""Scale: how large every experiment of a reproduction is; the paper's own, or one for a laptop."""

from __future__ import annotations

from dataclasses import dataclass

from steadytune.study import TaskChoice


@dataclass(frozen=True)
class Scale:
    """The size of every experiment.

    Attributes:
        name: ``paper`` or ``small``. what: a line that says what it is.
        tasks: of table 1; the first is the one that all else is shown on (RTE in the paper).
        subset_tasks: those whose training set is cut (figure 3). subset: to so many examples.
        seeds: runs of each recipe on each task.
        lrs: learning rates of the ablation; the middle one is the default recipe's.
        epochs: short (the default recipe), medium and long (the proposed one).
        kept: of how many seeds the default recipe's weights are kept, for what is measured on them.
        levels: of each of the three seeds where they are crossed.
        searched: lowest and highest learning rate of the search for the headroom.
        most_runs: of that search, for each recipe.
        resolution: places on each axis of a loss surface. surface_examples: its training examples.
        block_length: tokens of a block of text where forgetting is measured. most_blocks: of them.
    """

    name: str
    what: str
    tasks: tuple[TaskChoice, ...]
    subset_tasks: tuple[TaskChoice, ...]
    subset: int
    seeds: int
    lrs: tuple[float, ...]
    epochs: tuple[float, float, float]
    kept: int
    levels: int
    searched: tuple[float, float]
    most_runs: int
    resolution: int
    surface_examples: int
    block_length: int
    most_blocks: int | None

    @property
    def lr(self) -> float:
        """The learning rate of the default and of the proposed recipe."""
        return self.lrs[len(self.lrs) // 2]

    @property
    def main(self) -> TaskChoice:
        """The task of every experiment but table 1 and figure 3."""
        return self.tasks[0]


PAPER = Scale(
    name="paper",
    what="the paper's own: all training data, 3, 10 and 20 epochs, 25 seeds (needs a GPU)",
    tasks=tuple(TaskChoice(f"glue/{name}") for name in ("rte", "mrpc", "cola")),
    subset_tasks=tuple(TaskChoice(f"glue/{name}") for name in ("mrpc", "cola", "qnli")),
    subset=1000,
    seeds=25,
    lrs=(1e-5, 2e-5, 3e-5),
    epochs=(3.0, 10.0, 20.0),
    kept=8,
    levels=5,
    searched=(1e-5, 1e-3),
    most_runs=60,
    resolution=31,
    surface_examples=1000,
    block_length=512,
    most_blocks=None,
)

_SMALL_TASKS = (
    TaskChoice("glue/sst2", train_size=500),
    TaskChoice("builtin/acceptability/polarity", train_size=500),
)
SMALL = Scale(
    name="small",
    what=(
        "for a laptop, not the paper's: few training examples, seeds and epochs, and "
        "the learning rates at which a small encoder begins to fail"
    ),
    tasks=_SMALL_TASKS,
    subset_tasks=_SMALL_TASKS,
    subset=125,
    seeds=5,
    lrs=(1e-4, 3e-4, 5e-4),
    epochs=(3.0, 6.0, 12.0),
    kept=5,
    levels=3,
    searched=(5e-5, 5e-3),
    most_runs=16,
    resolution=13,
    surface_examples=250,
    block_length=128,
    most_blocks=64,
)

SCALES = {scale.name: scale for scale in (PAPER, SMALL)}


def default_scale(encoders: tuple[str, ...]) -> Scale:
    """Small for encoders that are, the paper's for all others."""
    return SMALL if all("minilm" in encoder.lower() for encoder in encoders) else PAPER
