"""Leaves: the parameters of a stack of runs as what the backward pass differentiates by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from steadytune.procedure import Params
from steadytune.training.ready import MOVING, RunState


class Leaves(Protocol):
    """The parameters of S runs in a step.

    Attributes:
        uniform: whether they have a leading run axis.
        tensors: what gradients are asked for.
    """

    uniform: bool
    tensors: list[Tensor]

    def of_run(self, i: int) -> Params:
        """The parameters of the i-th run."""
        ...

    def joined(self, views: Sequence[Params], dtype: torch.dtype) -> Params | list[Params]:
        """What the encoder takes, for views of the parameters of each run."""
        ...

    def by_run(self, grads: Sequence[Tensor | None]) -> list[dict[str, Tensor]]:
        """Gradients by ``tensors`` as gradients of each run; those that are not there left out."""
        ...


class RaggedLeaves:
    """Each run's parameters by themselves."""

    uniform = False

    def __init__(self, states: Sequence[RunState]) -> None:
        self._runs = [
            {name: tensor.detach().requires_grad_() for name, tensor in state.params.items()}
            for state in states
        ]
        self.tensors = [tensor for run in self._runs for tensor in run.values()]

    def of_run(self, i: int) -> Params:
        """See Leaves."""
        return self._runs[i]

    def joined(self, views: Sequence[Params], dtype: torch.dtype) -> list[Params]:
        """See Leaves."""
        return [{name: tensor.to(dtype) for name, tensor in view.items()} for view in views]

    def by_run(self, grads: Sequence[Tensor | None]) -> list[dict[str, Tensor]]:
        """See Leaves."""
        left = iter(grads)
        found = [dict(zip(run, left, strict=False)) for run in self._runs]
        return [{name: g for name, g in run.items() if g is not None} for run in found]


class UniformLeaves:
    """Tensors with a leading run axis."""

    uniform = True

    def __init__(self, stacked: Params) -> None:
        self._leaves = {name: x.detach().requires_grad_() for name, x in stacked.items()}
        self._slices = {name: leaf.unbind(0) for name, leaf in self._leaves.items()}
        self.tensors = list(self._leaves.values())

    def of_run(self, i: int) -> Params:
        """See Leaves."""
        return {name: slices[i] for name, slices in self._slices.items()}

    def joined(self, views: Sequence[Params], dtype: torch.dtype) -> Params:
        """See Leaves; only what a run's view replaced is copied."""
        joined = dict[str, Tensor]()
        for name, leaf in self._leaves.items():
            seen = [view[name] for view in views]
            same = all(x is y for x, y in zip(seen, self._slices[name], strict=True))
            joined[name] = (leaf if same else torch.stack(seen)).to(dtype)
        return joined

    def by_run(self, grads: Sequence[Tensor | None]) -> list[dict[str, Tensor]]:
        """See Leaves."""
        there = {n: g for n, g in zip(self._leaves, grads, strict=True) if g is not None}
        number = self.tensors[0].shape[0]
        return [{name: grad[i] for name, grad in there.items()} for i in range(number)]


class Slots:
    """Parameters and moments of the runs of a uniform stack, in tensors with a leading run axis.

    The first slots are taken, without gaps; the tensors of a RunState are views into its slot.

    Args:
        places: how many slots.
        like: a run of the shapes that all have.
    """

    def __init__(self, places: int, like: RunState) -> None:
        self.states: list[RunState] = []
        self._tensors = {
            part: {
                name: tensor.new_empty((places, *tensor.shape))
                for name, tensor in getattr(like, part).items()
            }
            for part in MOVING
        }

    def take_in(self, state: RunState) -> None:
        """Move a run's tensors into a free slot."""
        self._move(state, len(self.states))
        self.states.append(state)

    def let_go(self, state: RunState) -> None:
        """Free the slot of a run; the last one moves there. The run's tensors are void then."""
        slot = next(i for i, each in enumerate(self.states) if each is state)
        last = self.states.pop()
        if last is not state:
            self._move(last, slot)
            self.states[slot] = last

    def leaves(self) -> UniformLeaves:
        """The parameters of all runs that are in."""
        number = len(self.states)
        return UniformLeaves({name: x[:number] for name, x in self._tensors["params"].items()})

    def _move(self, state: RunState, slot: int) -> None:
        for part, tensors in self._tensors.items():
            mine = getattr(state, part)
            for name, stacked in tensors.items():
                stacked[slot].copy_(mine[name])
                mine[name] = stacked[slot]
