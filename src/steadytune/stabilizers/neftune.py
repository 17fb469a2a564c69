"""NEFTune (Jain et al., ICLR 2024): noise on the word vectors while training.

To the word vectors of a sentence of n tokens, E numbers each, in every pass

    x <- x + U(-1, 1) alpha / sqrt(n E)

The paper tries alpha 5, 10 and 15, for language models. n is the number of real tokens; the hook of
transformers (``neftune_noise_alpha``) counts padding, so that its noise depends on the neighbours
in the batch.
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


@dataclass(frozen=True, config=STRICT)
class Neftune:
    """Uniform noise on word vectors.

    Attributes:
        alpha: size of the noise of a sentence; 0 changes nothing.
    """

    name: ClassVar[str] = "neftune"
    summary: ClassVar[str] = "noise on the word vectors while training (Jain et al. 2024)"
    cost: ClassVar[Cost] = Cost()

    alpha: Annotated[float, Field(ge=0)] = 5.0

    def apply(self, procedure: Procedure) -> Procedure:
        """Refill the slot ``loss``."""
        if self.alpha == 0:
            return procedure
        inner = procedure.loss

        def loss(forward: Forward, labels: Tensor) -> Tensor:
            def perturb(site: str, rows: Tensor) -> Tensor:
                return rows + self._noise(forward, rows) if site == "embeddings.word" else rows

            return inner(Through(forward, perturb=perturb), labels)

        return replace(
            procedure,
            loss=loss,
            needs=procedure.needs | {"word_vectors"},
            filled_by=(*procedure.filled_by, f"loss: NEFTune, alpha {self.alpha}"),
        )

    def _noise(self, forward: Forward, rows: Tensor) -> Tensor:
        shape = tuple(rows.shape)
        lengths = torch.tensor(forward.lengths, device=rows.device)
        size = self.alpha / (lengths * shape[1]).sqrt().repeat_interleave(lengths)[:, None]
        return ((2 * forward.draws.uniform("neftune", shape) - 1) * size).to(rows.dtype)
