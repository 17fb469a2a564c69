"""The one transformer, a pure function of weights and packed tokens.

T tokens, D width, B sentences, K outputs. It is post-LayerNorm as in Devlin et al. (2019). The same
lines compute one run or a stack of runs: what differs is in ``weights`` and ``dropping``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from steadytune.encoders._encoder import Batch, Dropout
from steadytune.encoders.architecture import Architecture
from steadytune.encoders.attention import attention, attention_of_first, attention_probabilities
from steadytune.encoders.dropping import Drop, DropOfOne, DropOfStack
from steadytune.encoders.packing import Layout, layout
from steadytune.encoders.stacking import Stack
from steadytune.encoders.weights import OfOne, Ragged, Uniform, Weights
from steadytune.procedure import Activations, Params, Perturb

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "gelu_new": partial(F.gelu, approximate="tanh"),
    "relu": F.relu,
    "tanh": torch.tanh,
}


def outputs(
    params: Params,
    arch: Architecture,
    batch: Batch,
    dropout: Dropout | None,
    perturb: Perturb | None = None,
) -> Tensor:
    """Logits (B, K) of a packed batch, in the dtype of ``params``."""
    return _outputs(OfOne(params), arch, batch, DropOfOne(arch, dropout), perturb or _as_it_is)


def stacked_outputs(
    params: Params | Sequence[Params], arch: Architecture, stack: Stack, dropouts: Sequence[Dropout]
) -> tuple[Tensor, ...]:
    """Logits (B, K) of each run of a stack.

    Args:
        params: of a uniform stack tensors with a leading run axis; else those of each run.
        arch: of all runs.
        stack: their batches.
        dropouts: one a run.
    """
    weights = Uniform(params) if isinstance(params, Mapping) else Ragged(params, stack)
    logits = _outputs(weights, arch, stack.batch, DropOfStack(arch, dropouts, stack))
    parts = zip(logits.split(stack.sentences), stack.own_sentences, strict=True)
    return tuple(part[:own] for part, own in parts)


def hidden(params: Params, arch: Architecture, batch: Batch, dropout: Dropout | None) -> Tensor:
    """States (T, D) after the last layer."""
    weights, drop = OfOne(params), DropOfOne(arch, dropout)
    where = _layout(weights, arch, batch)
    x_TD = _embed(weights, arch, batch, where, drop)
    for step in range(len(arch.order)):
        x_TD = _layer(weights, arch, x_TD, where, drop, step)
    return x_TD


def layer_states(params: Params, arch: Architecture, batch: Batch) -> Iterator[Tensor]:
    """States (T, D) after each layer, from the bottom, without dropout."""
    weights, drop = OfOne(params), DropOfOne(arch, None)
    where = _layout(weights, arch, batch)
    x_TD = _embed(weights, arch, batch, where, drop)
    for step in range(len(arch.order)):
        x_TD = _layer(weights, arch, x_TD, where, drop, step)
        yield x_TD


def activations(params: Params, arch: Architecture, batch: Batch) -> Activations:
    """What a pass without dropout leaves behind; its outputs are those of ``outputs``."""
    weights, drop = OfOne(params), DropOfOne(arch, None)
    where = _layout(weights, arch, batch)
    x_TD = _embed(weights, arch, batch, where, drop)
    states, probabilities = list[Tensor](), list[tuple[Tensor, ...]]()
    for step, layer in enumerate(arch.order):
        name = f"layers.{layer}.attention"
        query, key = (weights.linear(f"{name}.{role}", x_TD) for role in ("query", "key"))
        probabilities.append(attention_probabilities(query, key, where, arch.heads))
        x_TD = _layer(weights, arch, x_TD, where, drop, step)
        states.append(x_TD)
    pooled = _pooled(weights, arch, x_TD.index_select(0, where.first))
    return Activations(
        states=tuple(states),
        attention=tuple(probabilities),
        pooled=pooled,
        bounded=arch.head.activation == "tanh",
        outputs=weights.linear("head.output", pooled),
    )


def _layout(weights: Weights, arch: Architecture, batch: Batch) -> Layout:
    return layout(batch.lengths, arch.heads, weights.example.dtype, weights.example.device)


def _as_it_is(site: str, rows: Tensor) -> Tensor:
    return rows


def _outputs(
    weights: Weights,
    arch: Architecture,
    batch: Batch,
    drop: Drop,
    perturb: Perturb = _as_it_is,
) -> Tensor:
    """Logits; the last layer is computed for first tokens alone, as the head reads no others."""
    where = _layout(weights, arch, batch)
    x_TD = _embed(weights, arch, batch, where, drop, perturb)
    last = len(arch.order) - 1
    for step in range(last):
        x_TD = _layer(weights, arch, perturb(f"layers.{step}", x_TD), where, drop, step)
    x_TD = perturb(f"layers.{last}", x_TD)
    x_BD = perturb("head", _layer(weights, arch, x_TD, where, drop, last, first=True))
    return _head(weights, arch, x_BD, drop)


def _embed(
    weights: Weights,
    arch: Architecture,
    batch: Batch,
    where: Layout,
    drop: Drop,
    perturb: Perturb = _as_it_is,
) -> Tensor:
    x = perturb("embeddings.word", weights.lookup("embeddings.word", batch.tokens_T))
    x = x + weights.lookup("embeddings.position", where.positions + arch.position_offset)
    if arch.segments:
        x = x + weights.lookup("embeddings.segment", batch.segments_T)
    x = drop.hidden(weights.norm("embeddings.norm", x, arch.norm_eps), "embeddings")
    return weights.linear("embeddings.projection", x) if arch.projection else x


def _layer(
    weights: Weights,
    arch: Architecture,
    x_TD: Tensor,
    where: Layout,
    drop: Drop,
    step: int,
    first: bool = False,
) -> Tensor:
    """The layer at a step from the bottom: (T, D), or (B, D) for first tokens alone.

    A layer that is shared has the same weights at several steps, and other masks at each.
    """
    name, site = f"layers.{arch.order[step]}", f"layers.{step}"
    x = x_TD.index_select(0, where.first) if first else x_TD
    query = weights.linear(f"{name}.attention.query", x)
    key = weights.linear(f"{name}.attention.key", x_TD)
    value = weights.linear(f"{name}.attention.value", x_TD)
    keep = drop.probabilities(where, arch.heads, f"{site}.attention.probabilities", first)
    attend = attention_of_first if first else attention
    mixed = drop.make_up(attend(query, key, value, where, arch.heads, keep))
    mixed = weights.linear(f"{name}.attention.output", mixed)
    if arch.drop_attention_output:
        mixed = drop.hidden(mixed, f"{site}.attention.output")
    x = weights.norm(f"{name}.attention.norm", x + mixed, arch.norm_eps)
    inner = weights.activate(ACTIVATIONS[arch.activation], weights.linear(f"{name}.mlp.up", x))
    inner = drop.hidden(weights.linear(f"{name}.mlp.down", inner), f"{site}.mlp.output")
    return weights.norm(f"{name}.mlp.norm", x + inner, arch.norm_eps)


def _head(weights: Weights, arch: Architecture, x_BD: Tensor, drop: Drop) -> Tensor:
    head = arch.head
    if head.dropout_first:
        x_BD = drop.classifier(x_BD, "head.input")
    x_BD = _pooled(weights, arch, x_BD)
    return weights.linear("head.output", drop.classifier(x_BD, "head.output"))


def _pooled(weights: Weights, arch: Architecture, x_BD: Tensor) -> Tensor:
    activation = ACTIVATIONS[arch.head.activation]
    return weights.activate(activation, weights.linear(arch.head.dense, x_BD))
