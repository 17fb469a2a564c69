"""The one transformer, a pure function of parameters and packed tokens.

T tokens, D width, B sentences, K outputs. It is post-LayerNorm as in Devlin et al. (2019).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from steadytune.encoders._encoder import Batch, Dropout
from steadytune.encoders.architecture import Architecture
from steadytune.encoders.attention import attention
from steadytune.encoders.packing import Layout, layout
from steadytune.procedure import Params
from steadytune.seeds import keep_rate

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "gelu_new": partial(F.gelu, approximate="tanh"),
    "relu": F.relu,
    "tanh": torch.tanh,
}


def outputs(params: Params, arch: Architecture, batch: Batch, dropout: Dropout | None) -> Tensor:
    """Logits (B, K) of a packed batch, in the dtype of ``params``."""
    word = params["embeddings.word"]
    where = layout(batch.lengths, arch.heads, word.dtype, word.device)
    drop = _Drop(arch, dropout)
    states_TD = _hidden(params, arch, batch, where, drop)
    return _head(params, arch, states_TD.index_select(0, where.first), drop)


def hidden(params: Params, arch: Architecture, batch: Batch, dropout: Dropout | None) -> Tensor:
    """States (T, D) after the last layer."""
    word = params["embeddings.word"]
    where = layout(batch.lengths, arch.heads, word.dtype, word.device)
    return _hidden(params, arch, batch, where, _Drop(arch, dropout))


def layer_states(params: Params, arch: Architecture, batch: Batch) -> Iterator[Tensor]:
    """States (T, D) after each layer, from the bottom, without dropout."""
    word = params["embeddings.word"]
    where = layout(batch.lengths, arch.heads, word.dtype, word.device)
    drop = _Drop(arch, None)
    x = _embed(params, arch, batch, where, drop)
    for step, i in enumerate(arch.order):
        x = _layer(params, arch, x, where, drop, f"layers.{i}", f"layers.{step}")
        yield x


class _Drop:
    """The dropout of one pass with the rates that hold: the asked ones or the checkpoint's."""

    def __init__(self, arch: Architecture, dropout: Dropout | None) -> None:
        self._dropout = dropout
        self._attention = self._rate(dropout and dropout.attention, arch.attention_dropout)
        self._hidden = self._rate(dropout and dropout.hidden, arch.hidden_dropout)
        self._classifier = self._rate(dropout and dropout.classifier, arch.classifier_dropout)

    def _rate(self, asked: float | None, own: float) -> float:
        if self._dropout is None:
            return 0.0
        return own if asked is None else asked

    def _apply(self, x: Tensor, rate: float, site: str) -> Tensor:
        return x if self._dropout is None else self._dropout(x, rate, site)

    def hidden(self, x: Tensor, site: str) -> Tensor:
        return self._apply(x, self._hidden, site)

    def classifier(self, x: Tensor, site: str) -> Tensor:
        return self._apply(x, self._classifier, site)

    def attention(
        self, site: str, device: torch.device
    ) -> tuple[Callable[[int], Tensor] | None, float]:
        """What draws the keep mask, and the factor that makes up for what is dropped."""
        dropout, rate = self._dropout, self._attention
        if dropout is None or rate == 0:
            return None, 1.0
        return lambda n: dropout.keep(site, (n,), rate, device), 1 / keep_rate(rate)


def _hidden(params: Params, arch: Architecture, batch: Batch, where: Layout, drop: _Drop) -> Tensor:
    x = _embed(params, arch, batch, where, drop)
    for step, i in enumerate(arch.order):
        x = _layer(params, arch, x, where, drop, f"layers.{i}", f"layers.{step}")
    return x


def _embed(params: Params, arch: Architecture, batch: Batch, where: Layout, drop: _Drop) -> Tensor:
    x = F.embedding(batch.tokens_T, params["embeddings.word"])
    x = x + F.embedding(where.positions + arch.position_offset, params["embeddings.position"])
    if arch.segments:
        x = x + F.embedding(batch.segments_T, params["embeddings.segment"])
    x = drop.hidden(_norm(params, arch, "embeddings.norm", x), "embeddings")
    return _linear(params, "embeddings.projection", x) if arch.projection else x


def _layer(
    params: Params,
    arch: Architecture,
    x_TD: Tensor,
    where: Layout,
    drop: _Drop,
    name: str,
    site: str,
) -> Tensor:
    """One layer with the weights ``name``; a shared layer has other masks at each ``site``."""
    query, key, value = (
        _linear(params, f"{name}.attention.{role}", x_TD) for role in ("query", "key", "value")
    )
    keep, factor = drop.attention(f"{site}.attention.probabilities", x_TD.device)
    mixed = attention(query, key, value, where, arch.heads, keep)
    if keep is not None:
        mixed = mixed * factor
    mixed = _linear(params, f"{name}.attention.output", mixed)
    if arch.drop_attention_output:
        mixed = drop.hidden(mixed, f"{site}.attention.output")
    x_TD = _norm(params, arch, f"{name}.attention.norm", x_TD + mixed)
    inner = ACTIVATIONS[arch.activation](_linear(params, f"{name}.mlp.up", x_TD))
    inner = drop.hidden(_linear(params, f"{name}.mlp.down", inner), f"{site}.mlp.output")
    return _norm(params, arch, f"{name}.mlp.norm", x_TD + inner)


def _head(params: Params, arch: Architecture, x_BD: Tensor, drop: _Drop) -> Tensor:
    head = arch.head
    if head.dropout_first:
        x_BD = drop.classifier(x_BD, "head.input")
    x_BD = ACTIVATIONS[head.activation](_linear(params, head.dense, x_BD))
    return _linear(params, "head.output", drop.classifier(x_BD, "head.output"))


def _linear(params: Params, name: str, x: Tensor) -> Tensor:
    return F.linear(x, params[f"{name}.weight"], params[f"{name}.bias"])


def _norm(params: Params, arch: Architecture, name: str, x: Tensor) -> Tensor:
    weight = params[f"{name}.weight"]
    return F.layer_norm(x, weight.shape, weight, params[f"{name}.bias"], arch.norm_eps)
