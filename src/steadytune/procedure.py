"""Procedure: a training as seven slots, in the order in which the loop uses them.

A recipe is built into a Procedure; a stabilizer is a function from Procedure to Procedure that
refills some of the slots. A Procedure knows nothing of tasks, files or devices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from torch import Tensor

Params = Mapping[str, Tensor]
"""Parameters by name. Names are steadytune's own, the same for every family of encoders."""


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
    """

    name: str
    shape: tuple[int, ...]
    part: Literal["embeddings", "layer", "pooler", "head"]
    depth: int
    kind: Literal["linear", "embedding", "bias", "norm"]
    fresh: bool
    initializer_range: float = 0.02


@dataclass(frozen=True)
class Group:
    """How the optimizer treats one parameter.

    Attributes:
        lr_factor: multiplies the learning rate.
        weight_decay: decoupled decay; the step shrinks by lr * lr_factor * weight_decay.
        toward: what the parameter decays to: ``zero``, or its value at step 0.
    """

    lr_factor: float = 1.0
    weight_decay: float = 0.0
    toward: Literal["zero", "start"] = "zero"


@dataclass(frozen=True)
class Update:
    """Clipping and AdamW; the fields are those of Recipe."""

    lr: float
    clip: Literal["global", "tensor", "none"]
    max_grad_norm: float
    betas: tuple[float, float]
    eps: float
    eps_mode: Literal["torch", "hf"]
    bias_correction: bool


class Masks(Protocol):
    """Keep masks of the current step: True with probability 1 - drop, keyed by ``site``."""

    def __call__(self, site: str, shape: tuple[int, ...], drop: float) -> Tensor:
        """A bool tensor of ``shape``; another site is independent, the same site the same."""
        ...


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


Forward = Callable[[int], Tensor]
"""forward(i) -> outputs (B, K) of the i-th pass over the batch, each with its own dropout."""


@dataclass(frozen=True)
class Procedure:
    """The seven slots, in the order of their use, and the list of what filled them.

    Attributes:
        initial: (params, table, init seed) -> params at step 0.
        groups: (parameter, number of layers L) -> Group.
        parameters: (params, params at step 0, table, masks) -> the view used in the forward pass.
        loss: (forward, labels) -> scalar.
        update: clipping and optimizer.
        schedule: step (0, 1, ...) -> factor on the learning rate.
        evaluated: params -> params used for evaluation.
        filled_by: one line for each stabilizer that was applied, in order.
    """

    initial: Callable[[Params, Sequence[Parameter], int], Params]
    groups: Callable[[Parameter, int], Group]
    parameters: Callable[[Params, Params, Sequence[Parameter], Masks], Params]
    loss: Callable[[Forward, Tensor], Tensor]
    update: Update
    schedule: Callable[[int], float]
    evaluated: Callable[[Params], Params]
    filled_by: tuple[str, ...] = ()
