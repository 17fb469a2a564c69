"""The one transformer, a pure function of weights and packed tokens.

T tokens, D width, B sentences, K outputs. Norms come after the residual sums as in Devlin et al.
(2019) or before the maps as in later encoders, positions are added to the embedding or enter
attention: an Architecture says which. The same lines compute one run or a stack of runs: what
differs is in ``weights`` and ``dropping``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from steadytune.encoders._encoder import Batch, Dropout
from steadytune.encoders.architecture import Architecture
from steadytune.encoders.attention import attention, attention_probabilities
from steadytune.encoders.dropping import Drop, DropOfOne, DropOfStack
from steadytune.encoders.packing import layout
from steadytune.encoders.scoring import Scores
from steadytune.encoders.stacking import Stack
from steadytune.encoders.weights import OfOne, Ragged, Uniform, Weights
from steadytune.procedure import Activations, Params, Perturb

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "gelu_new": partial(F.gelu, approximate="tanh"),
    "relu": F.relu,
    "silu": F.silu,
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
    drop = DropOfOne(arch, dropout)
    return _Pass(OfOne(params), arch, batch, drop, perturb=perturb or _as_it_is).outputs()


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
    drop = DropOfStack(arch, dropouts, stack)
    logits = _Pass(weights, arch, stack.batch, drop, stack.sentences).outputs()
    parts = zip(logits.split(stack.sentences), stack.own_sentences, strict=True)
    return tuple(part[:own] for part, own in parts)


def hidden(params: Params, arch: Architecture, batch: Batch, dropout: Dropout | None) -> Tensor:
    """States (T, D) after the last layer and what follows it."""
    of = _Pass(OfOne(params), arch, batch, DropOfOne(arch, dropout))
    x_TD = of.embedded()
    for step in range(len(arch.order)):
        x_TD = of.layer(x_TD, step)
    return of.finished(x_TD)


def layer_states(params: Params, arch: Architecture, batch: Batch) -> Iterator[Tensor]:
    """States (T, D) after each layer, from the bottom, without dropout."""
    of = _Pass(OfOne(params), arch, batch, DropOfOne(arch, None))
    x_TD = of.embedded()
    for step in range(len(arch.order)):
        x_TD = of.layer(x_TD, step)
        yield x_TD


def activations(params: Params, arch: Architecture, batch: Batch) -> Activations:
    """What a pass without dropout leaves behind; its outputs are those of ``outputs``."""
    of = _Pass(OfOne(params), arch, batch, DropOfOne(arch, None))
    x_TD = of.embedded()
    states, probabilities = list[Tensor](), list[tuple[Tensor, ...]]()
    for step in range(len(arch.order)):
        probabilities.append(of.attention_probabilities(x_TD, step))
        x_TD = of.layer(x_TD, step)
        states.append(x_TD)
    pooled = of.pooled(of.read_by_head(of.finished(x_TD)))
    return Activations(
        states=tuple(states),
        attention=tuple(probabilities),
        pooled=pooled,
        bounded=arch.head.activation == "tanh",
        outputs=of.averaged(of.weights.linear("head.output", pooled)),
    )


def _as_it_is(site: str, rows: Tensor) -> Tensor:
    return rows


class _Pass:
    """One forward pass of one batch."""

    def __init__(
        self,
        weights: Weights,
        arch: Architecture,
        batch: Batch,
        drop: Drop,
        runs: Sequence[int] = (),
        perturb: Perturb = _as_it_is,
    ) -> None:
        example = weights.example
        self.weights = weights
        self._arch = arch
        self._batch = batch
        self._drop = drop
        self._perturb = perturb
        self._where = layout(batch.lengths, arch.heads, example.dtype, example.device, runs)
        self._scores = Scores(weights, arch, self._where, drop)

    def outputs(self) -> Tensor:
        """Logits; where the head reads first tokens alone, so does the last layer."""
        arch, x = self._arch, self.embedded()
        last = len(arch.order) - 1
        for step in range(last):
            x = self.layer(self._perturb(f"layers.{step}", x), step)
        first = arch.head.pooling == "first"
        x = self.finished(self.layer(self._perturb(f"layers.{last}", x), last, first))
        x = self._perturb("head", x if first else self.read_by_head(x))
        if arch.head.dropout_first:
            x = self._drop.rows(x, "input", "head.input")
        x = self._drop.rows(self.pooled(x), "classifier", "head.output")
        return self.averaged(self.weights.linear("head.output", x))

    def embedded(self) -> Tensor:
        """States (T, D) below the first layer."""
        arch, weights = self._arch, self.weights
        x = self._perturb(
            "embeddings.word", weights.lookup("embeddings.word", self._batch.tokens_T)
        )
        if arch.positions:
            rows = self._where.positions + arch.position_offset
            x = x + weights.lookup("embeddings.position", rows)
        if arch.segments:
            x = x + weights.lookup("embeddings.segment", self._batch.segments_T)
        if arch.embedding_norm:
            x = weights.norm("embeddings.norm", x, arch)
        x = self._drop.rows(x, "embedding", "embeddings")
        return weights.linear("embeddings.projection", x) if arch.projection else x

    def layer(self, x_TD: Tensor, step: int, first: bool = False) -> Tensor:
        """The layer at a step from the bottom: (T, D), or (B, D) for first tokens alone.

        A layer that is shared has the same weights at several steps, and other masks at each.
        """
        arch, weights = self._arch, self.weights
        name, site = f"layers.{arch.order[step]}", f"layers.{step}"
        x = x_TD.index_select(0, self._where.first) if first else x_TD
        x = x + self._attended(x_TD, name, site, step, first)
        if not arch.pre_norm:
            x = weights.norm(f"{name}.attention.norm", x, arch)
            return weights.norm(f"{name}.mlp.norm", x + self._mlp(x, name, site), arch)
        return x + self._mlp(weights.norm(f"{name}.mlp.norm", x, arch), name, site)

    def finished(self, x: Tensor) -> Tensor:
        """States after the last layer as the head reads them."""
        return self.weights.norm("final_norm", x, self._arch) if self._arch.final_norm else x

    def read_by_head(self, x_TD: Tensor) -> Tensor:
        """Of the states of all tokens those that the head reads, (B, D) or (T, D)."""
        pooling = self._arch.head.pooling
        if pooling == "first":
            return x_TD.index_select(0, self._where.first)
        return self._means(x_TD) if pooling == "mean" else x_TD

    def pooled(self, x: Tensor) -> Tensor:
        """What the last linear map reads."""
        head = self._arch.head
        x = self.weights.activate(ACTIVATIONS[head.activation], self.weights.linear(head.dense, x))
        return self.weights.norm(f"{head.dense}_norm", x, self._arch) if head.norm else x

    def averaged(self, logits: Tensor) -> Tensor:
        """(B, K), where there are outputs of every token their means."""
        return self._means(logits) if self._arch.head.pooling == "late" else logits

    def attention_probabilities(self, x_TD: Tensor, step: int) -> tuple[Tensor, ...]:
        """Of the layer that ``x_TD`` enters, for each group (queries, P)."""
        name = f"layers.{self._arch.order[step]}.attention"
        query, key, _ = self._projected(self._entering(x_TD, name, step), None, name, step)
        scoring = self._scores.of_layer(step, name, first=False)
        return attention_probabilities(query, key, self._where, self._arch.heads, scoring)

    def _means(self, x: Tensor) -> Tensor:
        """Means over the tokens of each sentence, one by one: none depends on its neighbours."""
        return torch.stack([rows.mean(0) for rows in x.split(self._batch.lengths)])

    def _entering(self, x_TD: Tensor, name: str, step: int) -> Tensor:
        """What the maps of attention read."""
        arch = self._arch
        if not arch.pre_norm or (step == 0 and not arch.first_norm):
            return x_TD
        return self.weights.norm(f"{name}.norm", x_TD, arch)

    def _attended(self, x_TD: Tensor, name: str, site: str, step: int, first: bool) -> Tensor:
        """What attention adds to the residual sum."""
        arch, drop, name = self._arch, self._drop, f"{name}.attention"
        x_TD = self._entering(x_TD, name, step)
        x = x_TD.index_select(0, self._where.first) if first else None
        query, key, value = self._projected(x_TD, x, name, step)
        mixed = attention(
            query,
            key,
            value,
            self._where,
            arch.heads,
            self._scores.of_layer(step, name, first),
            drop.probabilities(self._where, arch.heads, f"{site}.attention.probabilities", first),
            first,
        )
        mixed = self.weights.linear(f"{name}.output", drop.make_up(mixed))
        if arch.drop_attention_output is None:
            return mixed
        return drop.rows(mixed, arch.drop_attention_output, f"{site}.attention.output")

    def _projected(
        self, x_TD: Tensor, x_BD: Tensor | None, name: str, step: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values; queries of first tokens alone where their states are given."""
        arch, weights = self._arch, self.weights
        keys = arch.key_heads * arch.head_width
        if arch.fused:
            sizes = [arch.heads * arch.head_width, keys, keys]
            query, key, value = weights.linear(f"{name}.qkv", x_TD).split(sizes, dim=1)
            query = query if x_BD is None else query.index_select(0, self._where.first)
        else:
            query = weights.linear(f"{name}.query", x_TD if x_BD is None else x_BD)
            key, value = (weights.linear(f"{name}.{role}", x_TD) for role in ("key", "value"))
        if x_BD is None:  # a first token's position is 0, which turns nothing
            query = self._scores.rotated(query, step, arch.heads)
        key = self._scores.rotated(key, step, arch.key_heads)
        return query, self._for_all_heads(key), self._for_all_heads(value)

    def _for_all_heads(self, x_TD: Tensor) -> Tensor:
        """Keys or values (T, H * W), each repeated for the heads of queries that share it."""
        arch = self._arch
        if arch.key_heads == arch.heads:
            return x_TD
        split = x_TD.view(len(x_TD), arch.key_heads, 1, arch.head_width)
        return split.expand(-1, -1, arch.heads // arch.key_heads, -1).reshape(len(x_TD), -1)

    def _mlp(self, x: Tensor, name: str, site: str) -> Tensor:
        """What the MLP adds to the residual sum."""
        arch, weights, drop = self._arch, self.weights, self._drop
        up, gated = weights.linear(f"{name}.mlp.up", x), None
        if arch.gated and arch.fused:
            up, gated = up.chunk(2, dim=1)
        elif arch.gated:
            up, gated = weights.linear(f"{name}.mlp.gate", x), up
        inner = weights.activate(ACTIVATIONS[arch.activation], up)
        if gated is not None:
            inner = inner * gated
        if arch.drop_mlp == "inner":
            inner = drop.rows(inner, "hidden", f"{site}.mlp.inner")
        outer = weights.linear(f"{name}.mlp.down", inner)
        return (
            drop.rows(outer, "hidden", f"{site}.mlp.output") if arch.drop_mlp == "output" else outer
        )
