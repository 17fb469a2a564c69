"""Architecture: the flags and sizes that tell one encoder of the families from another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from steadytune.procedure import Parameter


@dataclass(frozen=True)
class Head:
    """How outputs are made of the states after the last layer.

    Every family computes ``output(drop(norm(activation(dense(x)))))``; they differ in the rest.

    Attributes:
        dense: name of the first linear map: ``pooler`` where pretraining has one, else
            ``head.dense``. activation: applied to its result.
        dropout_first: drop what enters the dense map, too.
        pooling: what the head reads: the ``first`` token, the ``mean`` of all tokens, or every
            token, whose outputs are averaged (``late``).
        dense_bias: the dense map has a bias. norm: its activated result is normalized.
    """

    dense: str
    activation: str
    dropout_first: bool = False
    pooling: Literal["first", "mean", "late"] = "first"
    dense_bias: bool = True
    norm: bool = False


@dataclass(frozen=True)
class Buckets:
    """Relative positions with a learned bias a head, shared by all layers (Raffel et al. 2020).

    Attributes:
        number: of buckets, half of them for either direction. distance: from which on all
            positions share the last bucket.
    """

    number: int
    distance: int


@dataclass(frozen=True)
class Disentangled:
    """Relative positions as embeddings that attend and are attended to (He et al. 2021, DeBERTa).

    Attributes:
        span: rows of the embedding for either direction.
        buckets: positions further apart than half of it share rows, on a logarithmic scale; None
            for a row each. distance: the longest that is told apart.
        content_to_position, position_to_content: the two terms, either may be missing.
        shared: keys and queries of positions come from the maps of the tokens.
        norm: the embedding is normalized.
    """

    span: int
    buckets: int | None
    distance: int
    content_to_position: bool
    position_to_content: bool
    shared: bool
    norm: bool


@dataclass(frozen=True)
class Architecture:
    """What the one transformer must know of an encoder.

    Attributes:
        vocabulary: rows of the word embedding V.
        positions: rows of the position embedding, 0 for none. position_offset: row of the first
            token's position. longest: most tokens a sentence may have.
        segments: rows of the segment embedding, 0 for none.
        embedding_width: E. width: D. heads: H. head_width: W.
        key_heads: heads of keys and values, each shared by H / key_heads heads of queries.
        mlp_width: width of the hidden layer of the MLP.
        projection: a linear map leads from E to D (ALBERT always, ELECTRA where they differ).
        order: which layer's weights are used at each of the steps from bottom to top; a layer that
            comes more than once is shared.
        activation: of the MLP.
        norm_eps: epsilon of every norm. rms: norms divide by the root mean square alone.
        initializer_range: standard deviation of fresh weights; output_range: of the last map's.
        hidden_dropout, attention_dropout, classifier_dropout: the checkpoint's drop rates.
        embedding_dropout: where it is not the hidden rate. input_dropout: of what enters the head,
            where it is not the classifier's.
        drop_attention_output: the rate at which attention's result is dropped before the residual
            sum. drop_mlp: whether the MLP's hidden layer (``inner``) or its ``output`` is dropped.
        head: how outputs are made.
        score_terms: products that add up to an attention score, which is divided by the root of
            their number.
        pre_norm: layers normalize what enters them, not the residual sum.
        embedding_norm, first_norm, final_norm: the embedding is normalized; the first layer
            normalizes what enters its attention; the last layer's result is normalized.
        norm_bias, attention_bias, mlp_bias: norms and maps have biases.
        fused: query, key and value are one map, and so are the halves of a gated MLP.
        gated: the MLP multiplies its activated hidden layer by another.
        rotary: the base of rotary positions at each step; empty for none.
        window: at each step how far a token may look to either side, None for everywhere.
        relative: relative positions that are added to attention scores, if any.
    """

    vocabulary: int
    positions: int
    longest: int
    segments: int
    embedding_width: int
    width: int
    heads: int
    mlp_width: int
    projection: bool
    order: tuple[int, ...]
    activation: str
    norm_eps: float
    initializer_range: float
    hidden_dropout: float
    attention_dropout: float
    classifier_dropout: float
    head: Head
    position_offset: int = 0
    head_width: int = 0
    key_heads: int = 0
    output_range: float | None = None
    score_terms: int = 1
    rms: bool = False
    embedding_dropout: float | None = None
    input_dropout: float | None = None
    drop_attention_output: Literal["hidden", "attention"] | None = "hidden"
    drop_mlp: Literal["inner", "output"] | None = "output"
    pre_norm: bool = False
    embedding_norm: bool = True
    first_norm: bool = True
    final_norm: bool = False
    norm_bias: bool = True
    attention_bias: bool = True
    mlp_bias: bool = True
    fused: bool = False
    gated: bool = False
    rotary: tuple[float, ...] = ()
    window: tuple[int | None, ...] = ()
    relative: Buckets | Disentangled | None = None

    @property
    def depth(self) -> int:
        """Number of layers with weights of their own, L."""
        return max(self.order) + 1


Part = Literal["embeddings", "layer", "pooler", "head"]
Kind = Literal["linear", "embedding", "bias", "norm"]


def table(arch: Architecture, num_outputs: int, fresh: frozenset[str]) -> tuple[Parameter, ...]:
    """All parameters from the bottom up; ``fresh`` names those that the checkpoint lacks."""
    of = _Table(arch, fresh)
    of.embeddings()
    for i in range(arch.depth):
        of.layer(i)
    of.top(num_outputs)
    return tuple(of.found)


class _Table:
    """Parameters as they are found from the bottom up."""

    def __init__(self, arch: Architecture, fresh: frozenset[str]) -> None:
        self.found: list[Parameter] = []
        self._arch = arch
        self._fresh = fresh
        self._at: tuple[Part, int] = ("embeddings", 0)

    def embeddings(self) -> None:
        """What is below the first layer."""
        arch = self._arch
        rows = {"word": arch.vocabulary, "position": arch.positions, "segment": arch.segments}
        for name, number in rows.items():
            if number:
                self._add(f"embeddings.{name}", (number, arch.embedding_width), "embedding")
        if arch.embedding_norm:
            self._norm("embeddings.norm", arch.embedding_width)
        if arch.projection:
            self._linear("embeddings.projection", arch.width, arch.embedding_width)
        if isinstance(arch.relative, Buckets):
            self._add("embeddings.relative", (arch.relative.number, arch.heads), "bias")
        elif arch.relative is not None:
            self._add("embeddings.relative", (2 * arch.relative.span, arch.width), "embedding")
            if arch.relative.norm:
                self._norm("embeddings.relative_norm", arch.width)

    def layer(self, i: int) -> None:
        """One layer."""
        arch, name = self._arch, f"layers.{i}"
        self._at = ("layer", i + 1)
        self._attention(f"{name}.attention")
        if i or arch.first_norm:
            self._norm(f"{name}.attention.norm", arch.width)
        up = ("gate", "up") if arch.gated and not arch.fused else ("up",)
        inner = arch.mlp_width * (1 + (arch.gated and arch.fused))
        for role in up:
            self._linear(f"{name}.mlp.{role}", inner, arch.width, arch.mlp_bias)
        self._linear(f"{name}.mlp.down", arch.width, arch.mlp_width, arch.mlp_bias)
        self._norm(f"{name}.mlp.norm", arch.width)

    def _attention(self, name: str) -> None:
        arch, bias = self._arch, self._arch.attention_bias
        queries, keys = arch.heads * arch.head_width, arch.key_heads * arch.head_width
        if arch.fused:
            self._linear(f"{name}.qkv", queries + 2 * keys, arch.width, bias)
        else:
            for role, outputs in (("query", queries), ("key", keys), ("value", keys)):
                self._linear(f"{name}.{role}", outputs, arch.width, bias)
        relative = arch.relative
        if isinstance(relative, Disentangled) and not relative.shared:
            if relative.content_to_position:
                self._linear(f"{name}.position_key", keys, arch.width, bias)
            if relative.position_to_content:
                self._linear(f"{name}.position_query", queries, arch.width, bias)
        self._linear(f"{name}.output", arch.width, queries, bias)

    def top(self, num_outputs: int) -> None:
        """What is above the last layer."""
        arch, head = self._arch, self._arch.head
        if arch.final_norm:
            self._norm("final_norm", arch.width)
        self._at = ("pooler" if head.dense == "pooler" else "head", arch.depth + 1)
        self._linear(head.dense, arch.width, arch.width, head.dense_bias)
        if head.norm:
            self._norm(f"{head.dense}_norm", arch.width)
        self._at = ("head", arch.depth + 1)
        self._linear("head.output", num_outputs, arch.width)

    def _linear(self, name: str, outputs: int, inputs: int, bias: bool = True) -> None:
        self._add(f"{name}.weight", (outputs, inputs), "linear")
        if bias:
            self._add(f"{name}.bias", (outputs,), "bias")

    def _norm(self, name: str, width: int) -> None:
        self._add(f"{name}.weight", (width,), "norm")
        if self._arch.norm_bias:
            self._add(f"{name}.bias", (width,), "norm")

    def _add(self, name: str, shape: tuple[int, ...], kind: Kind) -> None:
        part, depth = self._at
        arch, drawn = self._arch, name in self._fresh
        deviation = arch.initializer_range
        if name == "head.output.weight" and arch.output_range is not None:
            deviation = arch.output_range
        self.found.append(Parameter(name, shape, part, depth, kind, drawn, deviation))
