"""Which panels each figure of the paper has, made of the evidence of all encoders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from steadytune.figures.bands import bands_data
from steadytune.figures.boxes import boxes_data
from steadytune.figures.correction_factor import correction_factor_data
from steadytune.figures.dev_curves import dev_curves_data
from steadytune.figures.forgetting import forgetting_data, points_in
from steadytune.figures.forgetting_along import WHAT, forgetting_along_data
from steadytune.figures.generalization import generalization_data
from steadytune.figures.gradient_norms import gradient_norms_data
from steadytune.figures.headroom import headroom_data
from steadytune.figures.lr_boxes import lr_boxes_data
from steadytune.figures.matrix_norms import matrix_norms_data
from steadytune.figures.surface import surfaces_in
from steadytune.recipe import Recipe
from steadytune.reproduce.cast import LONG, SHORT
from steadytune.reproduce.claims.controls import crossed_cell, subset_cells
from steadytune.reproduce.evidence import SEARCHED, Evidence
from steadytune.results.conditions import Condition
from steadytune.results.outcomes import Outcome
from steadytune.study import TaskChoice

Panels = Callable[[Evidence], list[Any]]


def labelled(
    evidence: Evidence, recipes: Sequence[tuple[str, Recipe]], tasks: Sequence[TaskChoice]
) -> list[Condition]:
    """Cells of these recipes under other names; those without runs are kept, empty."""
    return [
        replace(evidence.cell(recipe, task), recipe=label)
        for task in tasks
        for label, recipe in recipes
    ]


def table(evidence: Evidence) -> list[Condition]:
    """Default, Mixout and proposed recipe on every task (table 1)."""
    cast = evidence.cast
    recipes = [("default", cast.default), ("Mixout", cast.mixout), ("proposed", cast.proposed)]
    return labelled(evidence, recipes, cast.scale.tasks)


def table_boxes(evidence: Evidence) -> list[Any]:
    """Figure 1."""
    return boxes_data(table(evidence))


def data_size_cells(evidence: Evidence) -> list[Condition]:
    """All examples; few, same epochs; few, same steps; on each task."""
    scale = evidence.cast.scale
    labels = ("all", f"{scale.subset}, same epochs", f"{scale.subset}, same steps")
    return [
        replace(cell, recipe=label, task=task.title)
        for task in scale.subset_tasks
        for label, cell in zip(labels, subset_cells(evidence, task), strict=True)
    ]


def data_size_boxes(evidence: Evidence) -> list[Any]:
    """Figure 3."""
    return boxes_data(data_size_cells(evidence))


def failed_bands(evidence: Evidence) -> list[Any]:
    """Figure 2 c: failed runs of the default recipe on the first task."""
    cells = labelled(evidence, [("default", evidence.cast.default)], [evidence.cast.scale.main])
    return [panel for panel in bands_data(cells) if panel.kind is Outcome.FAILED]


def curves_bands(evidence: Evidence) -> list[Any]:
    """Figure 14: failed runs of the default, successful ones of the proposed recipe."""
    cast = evidence.cast
    recipes = [("default", cast.default), ("proposed", cast.proposed)]
    return bands_data(labelled(evidence, recipes, [cast.scale.main]))


def norms(evidence: Evidence) -> list[Any]:
    """Figure 4."""
    cast = evidence.cast
    recipes = [("default", cast.default), ("proposed", cast.proposed)]
    return gradient_norms_data(labelled(evidence, recipes, [cast.scale.main]))


def matrices(evidence: Evidence) -> list[Any]:
    """Figures 10 to 12, by encoder: a failed and a successful run, of the default if it has one."""
    found, cast = list[Any](), evidence.cast
    for recipe in (("default", cast.default), ("proposed", cast.proposed)):
        seen = {panel.found for panel in found}
        cells = labelled(evidence, [recipe], [cast.scale.main])
        found += [p for p in matrix_norms_data(cells) if p.found not in seen]
    return found


def correction_boxes(evidence: Evidence) -> list[Any]:
    """Figure 5: short trainings."""
    return lr_boxes_data(evidence.ablation(SHORT))


def ablation_boxes(evidence: Evidence) -> list[Any]:
    """Figure 9: all lengths."""
    return lr_boxes_data(evidence.ablation())


def factor(evidence: Evidence) -> list[Any]:
    """Figure 6."""
    return correction_factor_data(evidence.ablation())


def late_curves(evidence: Evidence) -> list[Any]:
    """Figure 8 a: the proposed recipe on the first task."""
    cells = labelled(evidence, [("proposed", evidence.cast.proposed)], [evidence.cast.scale.main])
    return dev_curves_data(cells)


def scatter(evidence: Evidence) -> list[Any]:
    """Figure 8 b: the whole ablation."""
    return generalization_data(evidence.ablation())


def forgetting(evidence: Evidence) -> list[Any]:
    """Figure 2 a and b."""
    return forgetting_data(points_in(evidence.checkpoints, "forgetting"), evidence.cells)


def forgetting_along(evidence: Evidence) -> list[Any]:
    """What comes first, forgetting or vanished gradients."""
    return forgetting_along_data(
        points_in(evidence.checkpoints, WHAT), evidence.cells, evidence.vanished_at
    )


def surface(column: str) -> Panels:
    """Figure 7 (loss) and 13 (gradient norm)."""
    return lambda evidence: surfaces_in(evidence.checkpoints, evidence.cells, column)


def schedule_cells(evidence: Evidence) -> list[Condition]:
    """Correction off, on, folded into the schedule, and off at the same mean rate."""
    cast = evidence.cast
    recipes = [
        ("off", cast.default),
        ("on", cast.corrected),
        ("off, folded into schedule", cast.folded),
        ("off, same mean lr", cast.same_mean_lr),
    ]
    return labelled(evidence, recipes, [cast.scale.main])


def length_cells(evidence: Evidence) -> list[Condition]:
    """Length of training x length of warm-up, correction on."""
    cast = evidence.cast
    recipes = [
        ("short", cast.corrected),
        ("short, long warm-up", cast.other_warmup(SHORT)),
        ("long, short warm-up", cast.other_warmup(LONG)),
        ("long", cast.proposed),
    ]
    return labelled(evidence, recipes, [cast.scale.main])


def segment_cells(evidence: Evidence) -> list[Condition]:
    """Default and proposed with and without segment ids, on pairs."""
    cast = evidence.cast
    recipes = [
        (f"{name}{', no segment ids' if bare else ''}", cast.without_segments(r) if bare else r)
        for name, r in (("default", cast.default), ("proposed", cast.proposed))
        for bare in (False, True)
    ]
    return labelled(evidence, recipes, [t for t in cast.scale.tasks if t.title in cast.pairs])


def seed_cells(evidence: Evidence) -> list[Condition]:
    """The crossed runs three times: by initialization, by order and by dropout seed."""
    whole = crossed_cell(evidence)
    cells = list[Condition]()
    for name in ("init", "order", "dropout"):
        for level in range(evidence.cast.scale.levels):
            mine = tuple(record for record in whole.records if record.seeds[name] == level)
            planned = evidence.cast.scale.levels**2
            label = f"{name} {level}"
            cells.append(replace(whole, recipe=label, records=mine, planned=planned))
    return cells


def checkpoint_boxes(evidence: Evidence) -> list[Any]:
    """The same runs at their last and at their best checkpoint."""
    cast = evidence.cast
    recipes = [("default", cast.default), ("proposed", cast.proposed)]
    cells = labelled(evidence, recipes, [cast.scale.main])
    found = list[Any]()
    for which in ("last", "best"):
        for panel in boxes_data(cells, which):
            title = f"{panel.group.title}\n{which} checkpoint"
            found.append(panel._replace(group=panel.group._replace(title=title)))
    return found


def boxes_of(cells: Callable[[Evidence], list[Condition]]) -> Panels:
    """Box plots of these cells."""
    return lambda evidence: boxes_data(cells(evidence))


def headroom(evidence: Evidence) -> list[Any]:
    """Share of failed runs by learning rate: the runs of the search."""
    return headroom_data(evidence.of_part(SEARCHED))
