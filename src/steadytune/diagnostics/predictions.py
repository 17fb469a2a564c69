"""What the run predicts for its training batches: the detector of constant predictions.

How to read it: ``spread`` is how much predictions differ between the examples of a batch. In a
collapsed run it falls to nearly nothing: every example gets the same probabilities, near the
shares of the classes. ``entropy`` near ln K and a ``largest_share`` near 1 go with it. Dropout is
on and a batch is small, so look at means over some tens of steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from steadytune.diagnostics._diagnostic import Cost, Evenly, Moment, Reads
from steadytune.targets import TargetName


@dataclass(frozen=True)
class Predictions:
    """Entropy, spread and shares of the predictions on the training batch."""

    name: ClassVar[str] = "prediction"
    summary: ClassVar[str] = "entropy, spread and mean of the predictions on the training batch"
    cost: ClassVar[Cost] = "economy"
    reads: ClassVar[frozenset[Reads]] = frozenset()
    schedule: ClassVar[Evenly] = Evenly(points=500)

    def measure(self, moment: Moment) -> dict[str, float]:
        """Values of the batch.

        ``entropy``: mean of the examples' softmax entropies, in nats. ``spread``: mean over
        classes of the standard deviation over examples (ddof 0) of the class's probability.
        ``largest_share``: share of examples that are predicted as the batch's most frequent
        prediction. ``mean``: mean predicted class. For scores: ``spread`` and ``mean`` of the
        scores in units of training (0 is the mean of the training scores, 1 their standard
        deviation). ``label_mean``: mean label, in the same unit. For several labels at once:
        entropies of the single yes or no, the most frequent label set, and ``mean`` and
        ``label_mean`` are how many labels an example has.
        """
        found = _OF[moment.target.name](moment.outputs.float())
        labels = moment.labels.float()
        found["label_mean"] = (labels if labels.ndim == 1 else labels.sum(1)).mean()
        return dict(zip(found, torch.stack(list(found.values())).tolist(), strict=True))


def _of_classes(outputs_BK: Tensor) -> dict[str, Tensor]:
    probabilities_BK = outputs_BK.softmax(1)
    predicted_B = outputs_BK.argmax(1)
    counts_K = torch.bincount(predicted_B, minlength=outputs_BK.shape[1])
    return {
        "entropy": torch.special.entr(probabilities_BK).sum(1).mean(),
        "spread": probabilities_BK.std(0, correction=0).mean(),
        "largest_share": counts_K.max() / len(predicted_B),
        "mean": predicted_B.float().mean(),
    }


def _of_labels(outputs_BK: Tensor) -> dict[str, Tensor]:
    yes_BK = outputs_BK.sigmoid()
    predicted_BK = outputs_BK > 0
    _, counts = predicted_BK.unique(dim=0, return_counts=True)
    return {
        "entropy": (torch.special.entr(yes_BK) + torch.special.entr(1 - yes_BK)).mean(),
        "spread": yes_BK.std(0, correction=0).mean(),
        "largest_share": counts.max() / len(predicted_BK),
        "mean": predicted_BK.float().sum(1).mean(),
    }


def _of_scores(outputs_BK: Tensor) -> dict[str, Tensor]:
    return {"spread": outputs_BK.std(correction=0), "mean": outputs_BK.mean()}


_OF: Mapping[TargetName, Callable[[Tensor], dict[str, Tensor]]] = {
    "classification": _of_classes,
    "regression": _of_scores,
    "multilabel": _of_labels,
}
