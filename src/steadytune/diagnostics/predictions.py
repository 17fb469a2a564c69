"""What the run predicts for its training batches: the detector of constant predictions.

How to read it: ``spread`` is how much predictions differ between the examples of a batch. In a
collapsed run it falls to nearly nothing: every example gets the same probabilities, near the
shares of the classes. ``entropy`` near ln K and a ``largest_share`` near 1 go with it. Dropout is
on and a batch is small, so look at means over some tens of steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from steadytune.diagnostics._diagnostic import Cost, Evenly, Moment, Reads


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
        deviation). ``label_mean``: mean label, in the same unit.
        """
        outputs_BK = moment.outputs.float()
        label_mean = moment.labels.float().mean()
        if outputs_BK.shape[1] == 1:
            found = {"spread": outputs_BK.std(correction=0), "mean": outputs_BK.mean()}
        else:
            probabilities_BK = outputs_BK.softmax(1)
            predicted_B = outputs_BK.argmax(1)
            counts_K = torch.bincount(predicted_B, minlength=outputs_BK.shape[1])
            found = {
                "entropy": torch.special.entr(probabilities_BK).sum(1).mean(),
                "spread": probabilities_BK.std(0, correction=0).mean(),
                "largest_share": counts_K.max() / len(predicted_B),
                "mean": predicted_B.float().mean(),
            }
        found["label_mean"] = label_mean
        return dict(zip(found, torch.stack(list(found.values())).tolist(), strict=True))
