"""Parameters of an encoder: their names, what is known of each, and what a pass leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

Params = Mapping[str, Tensor]
"""Parameters by name. Names are steadytune's own, the same for every family of encoders."""

Kept = dict[str, dict[str, Tensor]]
"""What slots keep, such as ``exp_avg``: tensors by parameter (or by any name), changed in place."""


@dataclass(frozen=True)
class Parameter:
    """What a Procedure may know of one tensor.

    Attributes:
        name: its key in Params, such as ``layers.3.attention.query.weight``.
        shape: of the whole tensor.
        part: where it belongs: ``embeddings``, ``layer``, ``pooler`` or ``head``.
        depth: 0 for embeddings, 1..L for layers from the bottom, L + 1 for pooler and head. Where
            all layers share their weights, L is 1.
        kind: ``linear`` for the matrix of a linear map, (out, in); ``embedding``; ``bias`` (of a
            linear map); ``norm`` (weight or bias of a LayerNorm).
        fresh: the checkpoint has no value for it; it is drawn by the init seed.
        initializer_range: standard deviation of fresh matrices, by the checkpoint's config.
        frozen: it stays at its value of step 0 and takes no memory of its own.
    """

    name: str
    shape: tuple[int, ...]
    part: Literal["embeddings", "layer", "pooler", "head"]
    depth: int
    kind: Literal["linear", "embedding", "bias", "norm"]
    fresh: bool
    initializer_range: float = 0.02
    frozen: bool = False


@dataclass(frozen=True)
class Group:
    """How the optimizer treats one parameter in one step.

    Attributes:
        lr_factor: multiplies the learning rate.
        weight_decay: decoupled decay; the step shrinks by lr * lr_factor * weight_decay.
        toward: what the parameter decays to: ``zero``, or its value at step 0.
        trainable: False leaves it as it is in this step: it has no gradient (none in the norm
            that is clipped either), does not decay, and its moments stand still.
    """

    lr_factor: float = 1.0
    weight_decay: float = 0.0
    toward: Literal["zero", "start"] = "zero"
    trainable: bool = True


@dataclass(frozen=True)
class Activations:
    """What one pass without dropout leaves in an encoder, for diagnostics.

    B sentences, T tokens, D width, K outputs, P keys of a group of sentences.

    Attributes:
        states: (T, D) after each layer, from the bottom.
        attention: for each layer the probabilities of each token's and head's query, as tensors
            (queries, P) that together hold all queries; every row adds up to 1.
        pooled: (B, D) what the output map reads, before dropout.
        bounded: ``pooled`` comes out of a tanh.
        outputs: (B, K).
    """

    states: tuple[Tensor, ...]
    attention: tuple[tuple[Tensor, ...], ...]
    pooled: Tensor
    bounded: bool
    outputs: Tensor
