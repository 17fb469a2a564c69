"""FreeLB (Zhu et al., ICLR 2020): train on word vectors moved against the loss.

A step makes K passes over its batch with noise d added to the word vectors, and averages the K
gradients of the parameters. From each pass to the next the noise of a sentence goes up its loss,

    d <- project(d + step_size g / |g|)     g the loss's gradient by d, norms over the sentence

where the projection scales |d| down to ``max_norm``. All K passes have the same dropout masks, as
the paper asks for.

Defaults are those of the official script (github.com/zhuchen03/FreeLB, ALBERT) for RTE: K 3, step
0.1, no noise at first, no projection; for MRPC it has K 4, step 0.03. Where noise is there at first
it is U(-1, 1) init / sqrt(n) with n the numbers of the sentence's vectors. Padding has no part in
any of this, as in the official code. In bf16 small noise is rounded away in part (word vectors of
0.05 have a spacing of 2.4e-4): fp32 is closer to the paper.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from steadytune.procedure import Forward, Procedure, Through
from steadytune.stabilizers._stabilizer import STRICT, Cost

_LEAST = 1e-8  # a norm is taken to be this at least, as in the official code


@dataclass(frozen=True, config=STRICT)
class FreeLb:
    """Adversarial word vectors.

    Attributes:
        steps: K, passes a step; with 1 and no noise at first nothing changes.
        step_size: how far the noise of a sentence moves from pass to pass.
        init: size of the noise in the first pass.
        max_norm: the noise of a sentence is scaled down to it; 0 for no bound.
    """

    name: ClassVar[str] = "free_lb"
    summary: ClassVar[str] = "train on word vectors moved against the loss (Zhu et al. 2020)"

    steps: Annotated[int, Field(ge=1, le=100)] = 3
    step_size: Annotated[float, Field(gt=0)] = 0.1
    init: Annotated[float, Field(ge=0)] = 0.0
    max_norm: Annotated[float, Field(ge=0)] = 0.0

    @property
    def cost(self) -> Cost:
        """K passes of each kind."""
        return Cost(forward=self.steps, backward=self.steps)

    def apply(self, procedure: Procedure) -> Procedure:
        """Refill the slot ``loss``."""
        inner = procedure.loss

        def loss(forward: Forward, labels: Tensor) -> Tensor:
            noise, before = Noise(self.init, forward), torch.zeros((), device=labels.device)
            for _ in range(self.steps - 1):
                value = inner(Through(forward, perturb=noise), labels) / self.steps
                gradient = forward.gradient(value, noise.value)
                before = before + value.detach()
                moved = self._moved(noise.value.detach(), gradient, forward.lengths)
                noise = Noise(self.init, forward, moved)
            return before + inner(Through(forward, perturb=noise), labels) / self.steps

        line = f"loss: FreeLB, {self.steps} passes, step {self.step_size}"
        return replace(
            procedure,
            loss=loss,
            needs=procedure.needs | {"word_vectors", "backward"},
            filled_by=(*procedure.filled_by, line),
        )

    def _moved(self, noise: Tensor, gradient: Tensor, lengths: tuple[int, ...]) -> Tensor:
        moved = noise + self.step_size * gradient / by_sentence(gradient, lengths).clamp(min=_LEAST)
        if self.max_norm == 0:
            return moved
        return moved * (self.max_norm / by_sentence(moved, lengths)).clamp(max=1.0)


class Noise:
    """A Perturb that adds noise to word vectors.

    Attributes:
        value: (T, E) the noise, by which gradients can be taken.
    """

    value: Tensor

    def __init__(self, init: float, forward: Forward, value: Tensor | None = None) -> None:
        self._init, self._forward = init, forward
        if value is not None:
            self.value = value.requires_grad_()

    def __call__(self, site: str, rows: Tensor) -> Tensor:
        """See Perturb."""
        if site != "embeddings.word":
            return rows
        if not hasattr(self, "value"):
            self.value = self._first(rows).requires_grad_()
        return rows + self.value.to(rows.dtype)

    def _first(self, rows: Tensor) -> Tensor:
        shape = tuple(rows.shape)
        if self._init == 0:
            return torch.zeros(shape, device=rows.device)
        lengths = torch.tensor(self._forward.lengths, device=rows.device)
        size = (lengths * shape[1]).sqrt().repeat_interleave(lengths)[:, None]
        return (2 * self._forward.draws.uniform("free_lb", shape) - 1) * self._init / size


def by_sentence(rows: Tensor, lengths: tuple[int, ...]) -> Tensor:
    """(T, 1) for each token the L2 norm of all rows (T, E) of its sentence."""
    norms = torch.stack([part.norm() for part in rows.split(lengths)])
    return norms.repeat_interleave(torch.tensor(lengths, device=rows.device))[:, None]
