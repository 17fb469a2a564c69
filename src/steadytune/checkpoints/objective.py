"""Objective: the exact training loss of given weights, and its gradient's norm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from steadytune.encoders import Encoder
from steadytune.errors import BadInput
from steadytune.procedure import Parameter, Params
from steadytune.seeds import generator
from steadytune.targets import Target
from steadytune.training.evaluate import batches
from steadytune.training.losses import LOSSES
from steadytune.training.ready import Examples, ReadyRun


class LossAt(NamedTuple):
    """The training loss at one point, and the L2 norm of its gradient there.

    Attributes:
        loss: mean over the examples.
        gradient_norm: over all parameters. encoder_gradient_norm: over embeddings and layers
            alone, without pooler and head. Both NaN where no gradient was asked for.
    """

    loss: float
    gradient_norm: float
    encoder_gradient_norm: float


@dataclass(frozen=True)
class Objective:
    """The mean loss over examples, without dropout and in fp32: nothing in it is random.

    It is the plain loss of the task (see ``training.losses``), whatever a stabilizer adds
    to it during training.

    Attributes:
        encoder: computes outputs. table: all its parameters.
        examples: a training set. chosen: (n,) which of its examples the loss is of.
        target: what labels are. device: where to compute.
        about: what of this a file of results states.
    """

    encoder: Encoder
    table: Sequence[Parameter]
    examples: Examples
    chosen: NDArray[np.int64]
    target: Target
    device: torch.device
    about: dict[str, Any]

    @classmethod
    def of(cls, run: ReadyRun, examples: int | None = None, subset_seed: int = 0) -> Objective:
        """The objective of a run, on all its training examples or on so many of them.

        Its parameters are those with the run's trimmed vocabulary.

        Raises:
            BadInput: there are not so many examples.
        """
        size = len(run.train.labels)
        number = size if examples is None else examples
        if not 1 <= number <= size:
            raise BadInput(
                f"{examples} examples are asked for; the training set has {size}: give 1 to "
                f"{size}, or none for all"
            )
        about = {"task": run.task.digest, "examples": number, "precision": "fp32"}
        chosen = np.arange(size)
        if number < size:
            chosen = np.sort(generator("subset", subset_seed, "loss").permutation(size)[:number])
            about["subset_seed"] = subset_seed
        target = run.task.target
        return cls(run.encoder, run.table, run.train, chosen, target, run.device, about)

    def __call__(self, params: Params, gradient: bool = True) -> LossAt:
        """Loss and gradient norms at ``params``."""
        leaves = {
            name: tensor.detach().to(self.device, torch.float32).requires_grad_(gradient)
            for name, tensor in params.items()
        }
        total = 0.0
        with torch.set_grad_enabled(gradient):
            for members in batches(self.examples.tokenized.lengths[self.chosen]):
                share = self._loss(leaves, self.chosen[members]) * (len(members) / len(self.chosen))
                if gradient:
                    share.backward()
                total += float(share.detach())
        if not gradient:
            return LossAt(total, float("nan"), float("nan"))
        of_encoder = {p.name for p in self.table if p.part in ("embeddings", "layer")}
        squares = {name: _square(leaf) for name, leaf in leaves.items()}
        return LossAt(
            loss=total,
            gradient_norm=sum(squares.values()) ** 0.5,
            encoder_gradient_norm=sum(squares[name] for name in of_encoder) ** 0.5,
        )

    def _loss(self, params: Params, chosen: NDArray[np.int64]) -> Tensor:
        batch = self.examples.tokenized.batch(chosen, self.device)
        labels = torch.from_numpy(self.examples.labels[chosen]).to(self.device)
        return LOSSES[self.target.name](self.encoder.outputs(params, batch, None), labels)


def _square(leaf: Tensor) -> float:
    """The sum of squares of a gradient; a parameter that plays no part has none."""
    return 0.0 if leaf.grad is None else float(leaf.grad.norm().double() ** 2)
