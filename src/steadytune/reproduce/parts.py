"""Parts: the studies of which the experiments are made, cut so that no run is in two of them.

Each is an ordinary study in a ledger of its own. An experiment names the parts that it shows, and
a part may be shown in several; so a run that several experiments share is trained once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import NamedTuple

from steadytune.recipe import Recipe, Seeds
from steadytune.reproduce.cast import LONG, MEDIUM, SHORT, Cast
from steadytune.study import Keep, Study, TaskChoice

KEPT_OF_PROPOSED = 2  # successful runs to compare failed ones with
ALONG = 6  # times in which a run's weights are kept along its training


class Part(NamedTuple):
    """A study, and the experiments that show its runs."""

    study: Study
    shown_in: frozenset[str]


def parts(cast: Cast) -> list[Part]:
    """Every part, cheap and widely shared ones first; no run is in two."""
    return [
        *_table(cast),
        *_grid(cast),
        *_subsets(cast),
        *_controls(cast),
    ]


def of_experiments(cast: Cast, names: Sequence[str]) -> list[Part]:
    """The parts that these experiments show."""
    return [part for part in parts(cast) if part.shown_in & set(names)]


def _table(cast: Cast) -> Iterator[Part]:
    """Default, Mixout and proposed recipe on every task (table 1, figure 1), shared by most."""
    scale, seeds = cast.scale, cast.seeds
    default = "table1 forgetting failed_runs data_size gradient_norms correction surfaces"
    default += " ablation schedule_control checkpoint_control segment_control seed_control"
    default += " train_curves"
    kept = scale.kept
    one, main, others = [cast.default], scale.tasks[:1], scale.tasks[1:]
    along = max(1, cast.steps(cast.default, scale.main) // ALONG)
    yield from _part("default-along", cast, default, one, main, seeds[:kept], "every", along)
    yield from _part("default-kept", cast, default, one, others, seeds[:kept], "last")
    yield from _part("default", cast, default, one, scale.tasks, seeds[kept:])
    proposed = "table1 forgetting surfaces generalization ablation train_curves gradient_norms"
    proposed += " length_control checkpoint_control segment_control"
    kept = KEPT_OF_PROPOSED
    one = [cast.proposed]
    yield from _part("proposed-kept", cast, proposed, one, scale.tasks, seeds[:kept], "last")
    yield from _part("proposed", cast, proposed, one, scale.tasks, seeds[kept:])
    yield from _part("mixout", cast, "table1", [cast.mixout], scale.tasks, seeds)


def _grid(cast: Cast) -> Iterator[Part]:
    """The ablation: epochs x learning rate x correction on the main task."""
    in_table = {cast.default.name, cast.proposed.name}
    shown = {
        SHORT: "correction ablation schedule_control length_control generalization",
        MEDIUM: "ablation generalization",
        LONG: "ablation generalization",
    }
    for length, word in ((SHORT, "short"), (MEDIUM, "medium"), (LONG, "long")):
        recipes = [
            cast.ablated(lr, length, correction)
            for lr, correction in product(cast.scale.lrs, (False, True))
        ]
        left = [recipe for recipe in recipes if recipe.name not in in_table]
        yield from _part(
            f"ablation-{word}", cast, shown[length], left, [cast.scale.main], cast.seeds
        )


def _subsets(cast: Cast) -> Iterator[Part]:
    """Figure 3: few examples for as many epochs, and for as many steps, as all of them."""
    scale = cast.scale
    in_table = {task.title for task in scale.tasks}
    others = [task for task in scale.subset_tasks if task.title not in in_table]
    cut = [replace(task, train_size=scale.subset) for task in scale.subset_tasks]
    name = "data_size"
    if not all(task.title in cast.train_examples for task in scale.subset_tasks):
        return  # not loaded, as the experiment is not asked for
    yield from _part("subset-all", cast, name, [cast.default], others, cast.seeds)
    yield from _part("subset-same-epochs", cast, name, [cast.default], cut, cast.seeds)
    for whole, few in zip(scale.subset_tasks, cut, strict=True):
        recipe = cast.with_steps(cast.steps(cast.default, whole))
        part = f"subset-same-steps-{slug(whole.name)}"
        yield from _part(part, cast, name, [recipe], [few], cast.seeds)


def _controls(cast: Cast) -> Iterator[Part]:
    """What nobody ran."""
    main, seeds = [cast.scale.main], cast.seeds
    recipes = [cast.folded, cast.same_mean_lr]
    yield from _part("schedule", cast, "schedule_control", recipes, main, seeds)
    lengths = [cast.other_warmup(SHORT), cast.other_warmup(LONG)]
    yield from _part("warmup", cast, "length_control", lengths, main, seeds)
    pairs = [task for task in cast.scale.tasks if task.title in cast.pairs]
    plain = [cast.without_segments(recipe) for recipe in (cast.default, cast.proposed)]
    yield from _part("segments", cast, "segment_control", plain, pairs, seeds)
    levels = range(cast.scale.levels)
    crossed = [
        Seeds(*three)
        for three in product(levels, repeat=3)
        if len(set(three)) > 1 or three[0] >= cast.scale.seeds  # tied ones are in "default"
    ]
    yield from _part("crossed", cast, "seed_control", [cast.default], main, crossed)


def _part(
    name: str,
    cast: Cast,
    shown_in: str,
    recipes: Sequence[Recipe],
    tasks: Sequence[TaskChoice],
    seeds: Sequence[Seeds],
    keep: Keep = "none",
    evaluate: int | None = None,
) -> Iterator[Part]:
    """The part, if it has any run; evaluated after every epoch where curves are drawn."""
    if not (recipes and tasks and seeds):
        return
    curves = "epoch" if name.startswith(("default", "proposed")) else "end"
    study = Study(
        recipes=tuple(recipes),
        tasks=tuple(tasks),
        encoders=(cast.encoder,),
        seeds=tuple(seeds),
        name=name,
        evaluate=evaluate or curves,
        keep=keep,
        diagnostics="economy" if keep == "none" else "full",
    )
    yield Part(study, frozenset(shown_in.split()))


def slug(name: str) -> str:
    """A name as a folder may be called."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "encoder"
