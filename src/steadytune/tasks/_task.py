"""Task: splits, metric and majority-class baseline, loaded and checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steadytune.records import TaskFacts


@dataclass(frozen=True)
class Split:
    """Examples in their order on disk.

    Attributes:
        texts: N texts. pairs: N second texts, or None for a task on single texts.
        labels: (N,) int64 class indices, or (N,) float64 scores.
    """

    texts: tuple[str, ...]
    pairs: tuple[str, ...] | None
    labels: NDArray[np.int64] | NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.texts)

    def keys(self) -> Iterable[object]:
        """What makes each example the same as another: its text, or its two texts."""
        return self.texts if self.pairs is None else zip(self.texts, self.pairs, strict=True)


@dataclass(frozen=True)
class Task:
    """A loaded task.

    Attributes:
        name: the title of the choice it was loaded from.
        label_names: names of the K classes, or None where labels are scores.
        train: the training split.
        dev: dev splits by name; one of them selects, one reports (often the same one).
        metric: the headline metric. metrics: all that are reported, accuracy always among them
            for classes.
        select: dev split whose headline metric picks the best checkpoint.
        report: dev split that results are reported on.
    """

    name: str
    label_names: tuple[str, ...] | None
    train: Split
    dev: Mapping[str, Split]
    metric: str
    metrics: tuple[str, ...]
    select: str
    report: str
    facts: TaskFacts

    @property
    def num_outputs(self) -> int:
        """K logits, or one score."""
        return len(self.label_names) if self.label_names else 1
