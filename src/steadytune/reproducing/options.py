"""What the command line gives, turned into a scale and a cast for each encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import ValidationError

from steadytune.bounds import MOST_RATE
from steadytune.errors import BadInput, not_known
from steadytune.reproduce.mosbach2021 import EXPERIMENTS, Experiment
from steadytune.reproduce.scale import SCALES, Scale, default_scale
from steadytune.study import TaskChoice
from steadytune.study_file.problems import told

MOST_SEEDS = 1000  # each stands for some fifty runs
PAPERS = ("mosbach2021", "headroom")


@dataclass(frozen=True)
class Options:
    """As given; None and empty stand for the scale's own.

    ``tasks`` are names or files, each cut to ``train_size``; ``lrs`` those of the ablation.
    """

    scale: str | None = None
    seeds: int | None = None
    tasks: Sequence[str] = ()
    train_size: int | None = None
    lrs: Sequence[float] = ()
    data_dir: str | None = None


def experiments(what: str, names: Sequence[str]) -> list[Experiment]:
    """The experiments of those names, or all of them, each once.

    Raises:
        BadInput: there is no such paper or experiment.
    """
    if what not in PAPERS:
        raise BadInput(not_known("paper", what, PAPERS))
    if what == "headroom":
        if names:
            raise BadInput(f"headroom is one experiment; leave out {', '.join(names)}")
        names = ("headroom",)
    unknown = [name for name in names if name not in EXPERIMENTS]
    if unknown:
        raise BadInput("\n".join(not_known("experiment", name, EXPERIMENTS) for name in unknown))
    wanted = list(dict.fromkeys(names or EXPERIMENTS))
    return [EXPERIMENTS[name] for name in wanted]


def scale_of(given: Options, encoders: Sequence[str]) -> Scale:
    """The scale with everything that was given in place of its own.

    Raises:
        BadInput: there is no such scale, or a number is out of range.
    """
    if given.scale is not None and given.scale not in SCALES:
        raise BadInput(not_known("scale", given.scale, SCALES))
    scale = default_scale(tuple(encoders)) if given.scale is None else SCALES[given.scale]
    if given.seeds is not None and not 1 <= given.seeds <= MOST_SEEDS:
        raise BadInput(f"--seeds {given.seeds}: give 1 to {MOST_SEEDS}")
    if len(given.lrs) not in (0, 3) or not all(0 < lr <= MOST_RATE for lr in given.lrs):
        raise BadInput(
            f"--lr {' --lr '.join(f'{lr:g}' for lr in given.lrs)}: give three rates above 0, at "
            f"most {MOST_RATE}; the middle one is for the default and the proposed recipe"
        )
    try:
        tasks, subsets = _tasks(given, scale)
    except ValidationError as error:
        raise told(error) from None
    lrs = tuple(sorted(given.lrs)) or scale.lrs
    searched = scale.searched if not given.lrs else (lrs[0] / 2, lrs[-1] * 10)
    seeds = scale.seeds if given.seeds is None else given.seeds
    return replace(
        scale,
        seeds=seeds,
        kept=min(scale.kept, seeds),
        tasks=tasks,
        subset_tasks=subsets,
        lrs=lrs,
        searched=searched,
    )


def _tasks(given: Options, scale: Scale) -> tuple[tuple[TaskChoice, ...], tuple[TaskChoice, ...]]:
    """The tasks of table 1 and those of figure 3."""
    both = (scale.tasks, scale.subset_tasks)
    if given.tasks:
        size = scale.tasks[0].train_size
        chosen = tuple(TaskChoice(name, train_size=size) for name in dict.fromkeys(given.tasks))
        both = (chosen, chosen)
    changes: dict[str, object] = {}
    if given.train_size is not None:
        changes["train_size"] = given.train_size
    if given.data_dir is not None:
        changes["data_dir"] = given.data_dir
    tables, subsets = (tuple(replace(task, **changes) for task in group) for group in both)
    return tables, subsets
