"""The last linear layer of a model of scores, in the unit of training and in the user's.

With h what the layer reads, training sees W h + b in standardized scores. The layer

    W' = std W,   b' = std b + mean

gives the same scores in the user's unit: it is what is saved, so plain transformers gives the
predictions on record. Decay, clipping and stabilizers act on W and b, which know no unit.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from steadytune.encoders import Encoder
from steadytune.procedure import Params
from steadytune.score_scale import ScoreScale


@dataclass(frozen=True)
class ScoreHead:
    """The output layer of one encoder for one task of scores.

    Attributes:
        scale: of training; about zero where the layer has no bias to hold a mean.
        weight: name of its matrix. bias: name of its bias, if it has one.
    """

    scale: ScoreScale
    weight: str
    bias: str | None

    @classmethod
    def of(cls, encoder: Encoder, scale: ScoreScale) -> ScoreHead:
        """The layer whose shape depends on the number of outputs."""
        one, two = encoder.parameters(1), encoder.parameters(2)
        layer = {p.kind: p.name for p, q in zip(one, two, strict=True) if p.shape != q.shape}
        bias = layer.get("bias")
        return cls(scale if bias else scale.about_zero(), layer["linear"], bias)

    def restored(self, params: Params) -> dict[str, Tensor]:
        """Parameters whose outputs are scores in the user's unit."""
        changed = {self.weight: params[self.weight] * self.scale.std}
        if self.bias is not None:
            changed[self.bias] = params[self.bias] * self.scale.std + self.scale.mean
        return {**params, **changed}

    def standardized(self, params: Params) -> dict[str, Tensor]:
        """The reverse: saved parameters as training had them."""
        changed = {self.weight: params[self.weight] / self.scale.std}
        if self.bias is not None:
            changed[self.bias] = (params[self.bias] - self.scale.mean) / self.scale.std
        return {**params, **changed}
