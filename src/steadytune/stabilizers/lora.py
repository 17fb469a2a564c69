"""LoRA (Hu et al., ICLR 2022): train a low-rank difference, leave the pretrained matrix alone.

A matrix W (out, in) is used, evaluated and saved as

    W + alpha / rank B A     with A (rank, in), B (out, rank)

A is U(-1/sqrt(in), 1/sqrt(in)), drawn by the init seed, and B is 0, so that step 0 is the
pretrained encoder. Embeddings, layers and a pretrained pooler are frozen; the head and what else is
fresh is trained with A and B. Both decay as matrices do. What is saved is the merged matrix: the
kept folder is a plain one.

Defaults: rank 8, alpha 16 on query and value, as in peft's example for MRPC, whose learning rate
is 3e-4, over 20 epochs: LoRA takes rates ten times and more those of full fine-tuning. The official
script for RTE has 5e-4 over 80 epochs, and starts from a LoRA of MNLI.

Deviations: peft can drop the input of A at random (``lora_dropout``); here there is no such
dropout. peft leaves a pooler that the checkpoint lacks random and frozen; here it is trained. The
product is added to the matrix, not to its output: the same up to rounding, for every encoder, but
the gradient of the whole matrix is computed on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from pydantic.dataclasses import dataclass

from steadytune.errors import BadInput
from steadytune.procedure import Draws, Kept, Parameter, Params, Procedure
from steadytune.seeds import generator
from steadytune.stabilizers._stabilizer import STRICT, Cost

DOWN, UP = "lora_down", "lora_up"  # A and B
_QUERY_VALUE = frozenset(
    f"{role}{ending}"
    for role, endings in (("query", ("", "_proj")), ("q", ("_proj", "_lin")))
    for ending in endings
) | {"value", "value_proj", "v_proj", "v_lin"}
_ATTENTION = frozenset({"attention", "attn", "self_attn", "self_attention"})


@dataclass(frozen=True, config=STRICT)
class Lora:
    """Low-rank adaptation of matrices in the layers.

    Attributes:
        rank: of the difference. alpha: alpha / rank multiplies it.
        targets: matrices of the layers that get one: ``query_value``, all of ``attention``, or
            ``all``.
    """

    name: ClassVar[str] = "lora"
    summary: ClassVar[str] = "train low-rank differences, freeze the encoder (Hu et al. 2022)"
    cost: ClassVar[Cost] = Cost(memory="keeps no moments of frozen weights", parameters=True)

    rank: Annotated[int, Field(ge=1)] = 8
    alpha: Annotated[float, Field(gt=0)] = 16.0
    targets: Literal["query_value", "attention", "all"] = "query_value"

    def apply(self, procedure: Procedure) -> Procedure:
        """Refill ``table``, ``initial`` and ``parameters``, and merge in ``evaluated``.

        Raises:
            BadInput: (when a run is made ready) the encoder has no such matrices.
        """
        inner, scale = procedure, self.alpha / self.rank

        def table(encoders: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
            given = inner.table(encoders)
            adapted = [p for p in given if self._adapts(p)]
            if not adapted:
                raise BadInput(self._nothing_to_adapt(given))
            added = [each for p in adapted for each in self._pair(p)]
            return (*(replace(p, frozen=p.frozen or _freezes(p)) for p in given), *added)

        def initial(params: Params, table: Sequence[Parameter], init_seed: int) -> Params:
            added = [p for p in table if p.name.endswith((DOWN, UP))]
            before = inner.initial(params, [p for p in table if p not in added], init_seed)
            return {**before, **{p.name: _start(p, init_seed) for p in added}}

        def parameters(
            params: Params, start: Params, table: Sequence[Parameter], draws: Draws
        ) -> Params:
            return merged(inner.parameters(params, start, table, draws), scale)

        line = f"table: LoRA of rank {self.rank} on {self.targets}, alpha {self.alpha}"
        return replace(
            procedure,
            table=table,
            initial=initial,
            parameters=parameters,
            evaluated=(*procedure.evaluated, Merged(scale)),
            filled_by=(*procedure.filled_by, line),
        )

    def _adapts(self, parameter: Parameter) -> bool:
        if parameter.part != "layer" or parameter.kind != "linear" or len(parameter.shape) != 2:
            return False
        words = set(parameter.name.split("."))
        if self.targets == "query_value":
            return bool(words & _QUERY_VALUE)
        return self.targets == "all" or bool(words & _ATTENTION)

    def _pair(self, parameter: Parameter) -> tuple[Parameter, Parameter]:
        out, into = parameter.shape
        stem = parameter.name.removesuffix("weight")
        down = replace(parameter, name=f"{stem}{DOWN}", shape=(self.rank, into), fresh=True)
        return down, replace(down, name=f"{stem}{UP}", shape=(out, self.rank))

    def _nothing_to_adapt(self, table: Sequence[Parameter]) -> str:
        there = {p.name.split(".")[-2] for p in table if p.part == "layer" and p.kind == "linear"}
        return (
            f"stabilizer lora: targets={self.targets!r} given, but no matrix of the encoder has "
            f"such a name; its layers have {', '.join(sorted(there))}; give targets: all"
        )


@dataclass(frozen=True)
class Merged:
    """An EvaluatedView with every difference in its matrix."""

    scale: float

    def init(self, params: Params, start: Params) -> Kept:
        """Nothing is kept."""
        return {}

    def observe(self, params: Params, kept: Kept, step: int) -> None:
        """Nothing is kept."""

    def view(self, params: Params, kept: Kept, step: int) -> Params:
        """See EvaluatedView."""
        return merged(params, self.scale)


def merged(params: Params, scale: float) -> Params:
    """The encoder's own parameters, differences added."""
    found = {name: x for name, x in params.items() if not name.endswith((DOWN, UP))}
    for name in params:
        if name.endswith(DOWN):
            stem = name.removesuffix(DOWN)
            difference = params[f"{stem}{UP}"] @ params[name]
            found[f"{stem}weight"] = params[f"{stem}weight"] + scale * difference
    return found


def _freezes(parameter: Parameter) -> bool:
    return parameter.part in ("embeddings", "layer") or (
        parameter.part == "pooler" and not parameter.fresh
    )


def _start(parameter: Parameter, init_seed: int) -> torch.Tensor:
    if parameter.name.endswith(UP):
        return torch.zeros(parameter.shape)
    bound = parameter.shape[1] ** -0.5
    draw = generator("init", init_seed, parameter.name)
    return torch.from_numpy(draw.uniform(-bound, bound, parameter.shape).astype(np.float32))
