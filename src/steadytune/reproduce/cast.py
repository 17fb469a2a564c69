"""Cast: one encoder at one scale, and every recipe that the experiments train it with.

A recipe's name says what it is ("lr 3e-04, 3 epochs, correction off"), so that the same recipe is
found by the same name in whichever study it was run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from steadytune.figures.correction_factor import correction_factor
from steadytune.named_recipes import RECIPES, lee2020
from steadytune.recipe import Recipe, Seeds
from steadytune.reproduce.scale import Scale
from steadytune.study import TaskChoice

SHORT, MEDIUM, LONG = 0, 1, 2


@dataclass(frozen=True)
class Cast:
    """An encoder at a scale.

    Attributes:
        encoder: its name. family: such as ``bert``; decides betas, decay, dropout and clipping.
        scale: how large everything is.
        train_examples: by title, of every task of the scale, subsets aside.
        pairs: titles of the tasks on pairs of texts.
    """

    encoder: str
    family: str
    scale: Scale
    train_examples: Mapping[str, int]
    pairs: frozenset[str]

    @property
    def seeds(self) -> tuple[Seeds, ...]:
        """All seeds, tied as in the paper."""
        return tuple(Seeds.tied(seed) for seed in range(self.scale.seeds))

    @property
    def default(self) -> Recipe:
        """BERT's default: few epochs, no bias correction."""
        return self.ablated(self.scale.lr, SHORT, correction=False)

    @property
    def corrected(self) -> Recipe:
        """The default with bias correction, and nothing else."""
        return self.ablated(self.scale.lr, SHORT, correction=True)

    @property
    def proposed(self) -> Recipe:
        """What the paper proposes: many epochs, bias correction."""
        return self.ablated(self.scale.lr, LONG, correction=True)

    @property
    def mixout(self) -> Recipe:
        """Lee et al. (2020), at this scale's learning rate."""
        return replace(lee2020(), name="Mixout", lr=self.scale.lr, epochs=self.scale.epochs[SHORT])

    def ablated(self, lr: float, length: int, correction: bool) -> Recipe:
        """A recipe of the ablation (figures 5 and 9)."""
        epochs = self.scale.epochs[length]
        named = "devlin2019_" + self.family
        base = RECIPES[named if named in RECIPES else "devlin2019"]()
        state = "on" if correction else "off"
        return replace(
            base,
            name=f"lr {lr:.0e}, {epochs:g} epochs, correction {state}",
            lr=lr,
            epochs=epochs,
            bias_correction=correction,
        )

    def with_steps(self, steps: int) -> Recipe:
        """The default recipe for so many steps, whatever the number of examples."""
        name = f"{self.default.name}, {steps} steps"
        return replace(self.default, name=name, epochs=None, steps=steps)

    @property
    def folded(self) -> Recipe:
        """Correction off, its factor folded into the schedule: the same training up to eps."""
        return replace(self.default, name=f"{self.default.name}, folded", fold_bias_correction=True)

    @property
    def same_mean_lr(self) -> Recipe:
        """Correction off, the rate lowered to the mean that correction brings about."""
        steps = self.steps(self.default, self.scale.main)
        lr = self.scale.lr * mean_factor(self.default, steps)
        return replace(self.default, name=f"{self.default.name}, same mean lr", lr=lr)

    def other_warmup(self, length: int) -> Recipe:
        """Correction on; warm-up as many steps as that of the other length, short or long."""
        own = self.ablated(self.scale.lr, length, correction=True)
        other = self.ablated(self.scale.lr, LONG + SHORT - length, correction=True)
        steps = int(0.1 * self.steps(other, self.scale.main))
        return replace(own, name=f"{own.name}, warm-up {steps} steps", warmup=steps)

    def without_segments(self, recipe: Recipe) -> Recipe:
        """As the original code has it: every token in the first segment."""
        return replace(recipe, name=f"{recipe.name}, no segment ids", segment_ids=False)

    def steps(self, recipe: Recipe, task: TaskChoice) -> int:
        """Optimizer steps of a recipe on all of a task."""
        return recipe.total_steps(self.train_examples[task.title])


def mean_factor(recipe: Recipe, steps: int) -> float:
    """Mean learning rate with bias correction over that without, warm-up and decay included."""
    warmup = int(0.1 * steps)
    k = np.arange(steps)
    schedule = np.where(k < warmup, k / max(1, warmup), 1 - (k - warmup) / (steps - warmup))
    corrected = schedule * correction_factor(k + 1, recipe.betas)
    return float(corrected.sum() / schedule.sum())
