"""Architecture: the flags and sizes that tell one encoder of the families from another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from steadytune.procedure import Parameter


@dataclass(frozen=True)
class Head:
    """How sentence outputs are made of the first token's state.

    Every family computes ``output(drop(activation(dense(x))))``; they differ in the rest.

    Attributes:
        dense: name of the first linear map: ``pooler`` where pretraining has one, else
            ``head.dense``. activation: applied to its result.
        dropout_first: drop the first token's state before the dense map, too.
    """

    dense: str
    activation: str
    dropout_first: bool


@dataclass(frozen=True)
class Architecture:
    """What the one transformer must know of an encoder.

    Attributes:
        vocabulary: rows of the word embedding V. positions: rows of the position embedding.
        position_offset: row of the first token's position.
        segments: rows of the segment embedding, 0 for none.
        embedding_width: E. width: D. heads: H. mlp_width: width of the hidden layer of the MLP.
        projection: a linear map leads from E to D (ALBERT always, ELECTRA where they differ).
        order: which layer's weights are used at each of the steps from bottom to top; a layer that
            comes more than once is shared.
        activation: of the MLP.
        norm_eps: epsilon of every LayerNorm.
        initializer_range: standard deviation of fresh weights.
        hidden_dropout, attention_dropout, classifier_dropout: the checkpoint's drop rates.
        drop_attention_output: attention's result is dropped before the residual sum.
        head: how outputs are made.
    """

    vocabulary: int
    positions: int
    position_offset: int
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
    drop_attention_output: bool
    head: Head

    @property
    def depth(self) -> int:
        """Number of layers with weights of their own, L."""
        return max(self.order) + 1

    @property
    def longest(self) -> int:
        """Most tokens a sentence may have."""
        return self.positions - self.position_offset


Part = Literal["embeddings", "layer", "pooler", "head"]
Kind = Literal["linear", "embedding", "bias", "norm"]


def table(arch: Architecture, num_outputs: int, fresh: frozenset[str]) -> tuple[Parameter, ...]:
    """All parameters from the bottom up; ``fresh`` names those that the checkpoint lacks."""
    found: list[Parameter] = []

    def add(name: str, shape: tuple[int, ...], part: Part, depth: int, kind: Kind) -> None:
        drawn = name in fresh
        found.append(Parameter(name, shape, part, depth, kind, drawn, arch.initializer_range))

    def linear(name: str, outputs: int, inputs: int, part: Part, depth: int) -> None:
        add(f"{name}.weight", (outputs, inputs), part, depth, "linear")
        add(f"{name}.bias", (outputs,), part, depth, "bias")

    def norm(name: str, width: int, part: Part, depth: int) -> None:
        add(f"{name}.weight", (width,), part, depth, "norm")
        add(f"{name}.bias", (width,), part, depth, "norm")

    width = arch.width
    add("embeddings.word", (arch.vocabulary, arch.embedding_width), "embeddings", 0, "embedding")
    add("embeddings.position", (arch.positions, arch.embedding_width), "embeddings", 0, "embedding")
    if arch.segments:
        segments = (arch.segments, arch.embedding_width)
        add("embeddings.segment", segments, "embeddings", 0, "embedding")
    norm("embeddings.norm", arch.embedding_width, "embeddings", 0)
    if arch.projection:
        linear("embeddings.projection", width, arch.embedding_width, "embeddings", 0)
    for i in range(arch.depth):
        for role in ("query", "key", "value", "output"):
            linear(f"layers.{i}.attention.{role}", width, width, "layer", i + 1)
        norm(f"layers.{i}.attention.norm", width, "layer", i + 1)
        linear(f"layers.{i}.mlp.up", arch.mlp_width, width, "layer", i + 1)
        linear(f"layers.{i}.mlp.down", width, arch.mlp_width, "layer", i + 1)
        norm(f"layers.{i}.mlp.norm", width, "layer", i + 1)
    top = arch.depth + 1
    part = "pooler" if arch.head.dense == "pooler" else "head"
    linear(arch.head.dense, width, width, part, top)
    linear("head.output", num_outputs, width, "head", top)
    return tuple(found)
