"""Exact vocabulary trimming: only the word embeddings that a task uses take part in training.

A row that no training example uses has a zero gradient at every step, so Adam never moves it; only
weight decay does, by a factor that optimizer and schedule decide. Leaving such rows out changes no
number of the training (gradient norms included) and saves most of the optimizer's work on small
data; ``restored`` puts them back, decayed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from steadytune.encoders import Encoder, Tokenized
from steadytune.parameters import Parameter, Params
from steadytune.procedure import Procedure, Update
from steadytune.training import views


@dataclass(frozen=True)
class Vocabulary:
    """The rows of the word embedding that take part.

    Attributes:
        parameter: the word embedding, or None if nothing is trimmed.
        kept: sorted token ids of the rows that take part.
        pretrained: (V, D) the whole table at step 0.
        depth: layers of the encoder, which the parameter's group may depend on.
    """

    parameter: Parameter | None
    kept: NDArray[np.int64]
    pretrained: torch.Tensor
    depth: int

    @classmethod
    def of(
        cls,
        encoder: Encoder,
        table: tuple[Parameter, ...],
        start: Params,
        used: list[Tokenized] | None,
    ) -> Vocabulary:
        """The rows that the given splits use; all for None."""
        named = {p.name: p for p in table}
        if encoder.word_embedding is None or used is None:
            return cls(None, np.empty(0, np.int64), torch.empty(0), encoder.depth)
        kept = np.unique(np.concatenate([split.tokens for split in used]))
        whole = start[encoder.word_embedding]
        return cls(named[encoder.word_embedding], kept, whole, encoder.depth)

    def trimmed(self, params: Params) -> dict[str, torch.Tensor]:
        """Parameters with only the kept rows."""
        if self.parameter is None:
            return dict(params)
        name = self.parameter.name
        return {**params, name: params[name][torch.from_numpy(self.kept)]}

    def renumbered(self, tokenized: Tokenized) -> Tokenized:
        """The same examples with token ids counted among the kept rows."""
        if self.parameter is None:
            return tokenized
        return replace(tokenized, tokens=np.searchsorted(self.kept, tokenized.tokens))

    def restored(self, params: Params, procedure: Procedure, steps: int) -> dict[str, torch.Tensor]:
        """Parameters with the whole table, as if all rows had been trained for ``steps`` steps."""
        if self.parameter is None:
            return dict(params)
        name = self.parameter.name
        whole = self.pretrained.clone()
        whole *= self._shrinkage(procedure, steps)
        whole[torch.from_numpy(self.kept)] = params[name].to(whole.device)
        return {**params, name: whole}

    def _shrinkage(self, procedure: Procedure, steps: int) -> float:
        """What the slots make of a row without gradient: they are run on one number, 1."""
        assert self.parameter is not None
        if self.parameter.frozen:
            return 1.0
        name, one = self.parameter.name, torch.ones(1, dtype=torch.float64)
        start, params = {name: one}, {name: one.clone()}
        kept = procedure.optimizer.init(params)
        views.init(procedure.evaluated, params, start, kept)
        counts, lr = {name: 0}, procedure.optimizer.settings.lr
        for step in range(steps):
            groups = {name: procedure.groups(self.parameter, self.depth, step)}
            if groups[name].trainable:
                counts[name] += 1
                rate = procedure.schedule(step) * lr
                update = Update(step, rate, groups, counts, {name: 1.0}, start)
                zero = {name: torch.zeros_like(one)}
                procedure.optimizer.step(params, zero, kept, update)
            views.observe(procedure.evaluated, params, kept, step + 1)
        return float(views.view(procedure.evaluated, params, kept, steps)[name])
