"""The maps of a transformer that have weights: with those of one run, or of a stack of runs.

R rows of all runs, S runs, D width, I and O widths of a linear map. Rows are tokens or sentences,
run after run.

``OfOne`` is the plain form and the reference. A stack is computed in one of two ways: ``Ragged``
applies the same maps run by run to the run's own rows, so that every bit is that of the plain form;
``Uniform`` has as many rows in each run and one batched product for all, which is what accelerators
are fast at, equal up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import FunctionCtx

from steadytune.encoders.architecture import Architecture
from steadytune.encoders.stacking import Stack
from steadytune.procedure import Params


class Weights(Protocol):
    """Maps from rows to rows; ``name`` is the part of the parameters' names before the last dot.

    Attributes:
        example: any one parameter, for its dtype and device.
    """

    example: Tensor

    def linear(self, name: str, x: Tensor) -> Tensor:
        """(R, I) -> (R, O)."""
        ...

    def norm(self, name: str, x: Tensor, arch: Architecture) -> Tensor:
        """LayerNorm, or RMSNorm where the architecture has it; (R, D) -> (R, D)."""
        ...

    def lookup(self, name: str, ids: Tensor) -> Tensor:
        """Rows (R, D) of the table ``name`` for ids (R,)."""
        ...

    def activate(self, function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        """An element-wise function of (R, D)."""
        ...

    def of_each(self) -> Sequence[OfOne]:
        """The weights of each run, for what is not a map of rows."""
        ...


class OfOne:
    """The weights of one run."""

    def __init__(self, params: Params) -> None:
        self._params = params
        self.example = params["embeddings.word"]

    def linear(self, name: str, x: Tensor) -> Tensor:
        """See Weights."""
        return F.linear(x, self._params[f"{name}.weight"], self._params.get(f"{name}.bias"))

    def norm(self, name: str, x: Tensor, arch: Architecture) -> Tensor:
        """See Weights."""
        weight, bias = self._params[f"{name}.weight"], self._params.get(f"{name}.bias")
        if arch.rms:
            return F.rms_norm(x, weight.shape, weight, arch.norm_eps)
        return F.layer_norm(x, weight.shape, weight, bias, arch.norm_eps)

    def lookup(self, name: str, ids: Tensor) -> Tensor:
        """See Weights."""
        return F.embedding(ids, self._params[name])

    def activate(self, function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        """See Weights."""
        return function(x)

    def of_each(self) -> Sequence[OfOne]:
        """See Weights."""
        return (self,)

    def table(self, name: str) -> Tensor:
        """A whole parameter."""
        return self._params[name]


class Ragged:
    """The weights of several runs, each applied to its own rows, however many they are."""

    def __init__(self, params: Sequence[Params], stack: Stack) -> None:
        self._runs = [OfOne(each) for each in params]
        self._stack = stack
        self.example = self._runs[0].example

    def linear(self, name: str, x: Tensor) -> Tensor:
        """See Weights."""
        return self._each(lambda run, rows: run.linear(name, rows), x)

    def norm(self, name: str, x: Tensor, arch: Architecture) -> Tensor:
        """See Weights."""
        return self._each(lambda run, rows: run.norm(name, rows, arch), x)

    def lookup(self, name: str, ids: Tensor) -> Tensor:
        """See Weights."""
        return self._each(lambda run, rows: run.lookup(name, rows), ids)

    def activate(self, function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        """See Weights; run by run, as the last few elements are often rounded in another way."""
        return self._each(lambda run, rows: run.activate(function, rows), x)

    def of_each(self) -> Sequence[OfOne]:
        """See Weights."""
        return self._runs

    def _each(self, apply: Callable[[OfOne, Tensor], Tensor], x: Tensor) -> Tensor:
        parts = x.split(self._stack.rows(x.shape[0]))
        return torch.cat([apply(run, rows) for run, rows in zip(self._runs, parts, strict=True)])


class Uniform:
    """The weights of S runs as tensors with a leading run axis; each run has R / S rows."""

    def __init__(self, params: Params) -> None:
        self._params = params
        self.example = params["embeddings.word"]
        self._runs = self.example.shape[0]

    def linear(self, name: str, x: Tensor) -> Tensor:
        """See Weights."""
        weight_SOI, bias_SO = self._params[f"{name}.weight"], self._params.get(f"{name}.bias")
        result: Any = _BatchedLinear.apply(self._by_run(x), weight_SOI, bias_SO)
        return result.flatten(0, 1)

    def norm(self, name: str, x: Tensor, arch: Architecture) -> Tensor:
        """See Weights."""
        weight_SD, bias_SD = self._params[f"{name}.weight"], self._params.get(f"{name}.bias")
        eps = arch.norm_eps
        if arch.rms:
            normal = self._by_run(F.rms_norm(x, x.shape[1:], None, eps))
        else:
            normal = self._by_run(F.layer_norm(x, x.shape[1:], None, None, eps))
        if bias_SD is None:
            return (normal * weight_SD[:, None]).flatten(0, 1)
        return torch.addcmul(bias_SD[:, None], normal, weight_SD[:, None]).flatten(0, 1)

    def lookup(self, name: str, ids: Tensor) -> Tensor:
        """See Weights."""
        table_SVD = self._params[name]
        first_row_S = torch.arange(self._runs, device=ids.device) * table_SVD.shape[1]
        rows = (self._by_run(ids) + first_row_S[:, None]).flatten()
        return F.embedding(rows, table_SVD.flatten(0, 1))

    def activate(self, function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        """See Weights."""
        return function(x)

    def of_each(self) -> Sequence[OfOne]:
        """See Weights."""
        return [
            OfOne({name: value[run] for name, value in self._params.items()})
            for run in range(self._runs)
        ]

    def _by_run(self, x: Tensor) -> Tensor:
        return x.unflatten(0, (self._runs, -1))


class _Saved(FunctionCtx):
    saved_tensors: tuple[Tensor, ...]
    biased: bool


class _BatchedLinear(torch.autograd.Function):
    """x (S, R, I) with weight (S, O, I) and bias (S, O), or none.

    Autograd's own gradient of the weight would be a transposed view, which the optimizer would
    have to copy.
    """

    @staticmethod
    def forward(ctx: _Saved, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.biased = bias is not None
        return x.bmm(weight.mT) if bias is None else torch.baddbmm(bias[:, None], x, weight.mT)

    @staticmethod
    def backward(ctx: _Saved, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        x, weight = ctx.saved_tensors
        of_bias = grads[0].sum(1) if ctx.biased else None
        return grads[0].bmm(weight), grads[0].mT.bmm(x), of_bias
