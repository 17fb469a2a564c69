"""Leaves: the parameters of a stack of runs as what the backward pass differentiates by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from steadytune.procedure import Params
from steadytune.training.passes import leaf
from steadytune.training.ready import RunState


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
        """Gradients by ``tensors`` as those of each run's trainable parameters that have one."""
        ...


class RaggedLeaves:
    """Each run's parameters by themselves."""

    uniform = False

    def __init__(self, states: Sequence[RunState]) -> None:
        groups = [state.groups() for state in states]
        self._runs = [
            {name: leaf(tensor, how[name].trainable) for name, tensor in state.params.items()}
            for state, how in zip(states, groups, strict=True)
        ]
        self._trained = [
            {name: tensor for name, tensor in run.items() if tensor.requires_grad}
            for run in self._runs
        ]
        self.tensors = [tensor for run in self._trained for tensor in run.values()]

    def of_run(self, i: int) -> Params:
        """See Leaves."""
        return self._runs[i]

    def joined(self, views: Sequence[Params], dtype: torch.dtype) -> list[Params]:
        """See Leaves."""
        return [{name: tensor.to(dtype) for name, tensor in view.items()} for view in views]

    def by_run(self, grads: Sequence[Tensor | None]) -> list[dict[str, Tensor]]:
        """See Leaves."""
        left = iter(grads)
        found = [dict(zip(run, left, strict=False)) for run in self._trained]
        return [{name: g for name, g in run.items() if g is not None} for run in found]


class UniformLeaves:
    """Tensors with a leading run axis."""

    uniform = True

    def __init__(self, stacked: Params, states: Sequence[RunState]) -> None:
        groups = [state.groups() for state in states]
        self._trained = [{name for name in stacked if each[name].trainable} for each in groups]
        anywhere = set[str]().union(*self._trained)
        self._leaves = {name: leaf(x, name in anywhere) for name, x in stacked.items()}
        self._slices = {name: leaf.unbind(0) for name, leaf in self._leaves.items()}
        self.tensors = [self._leaves[name] for name in self._leaves if name in anywhere]

    def of_run(self, i: int) -> Params:
        """See Leaves."""
        return {name: slices[i] for name, slices in self._slices.items()}

    def joined(self, views: Sequence[Params], dtype: torch.dtype) -> Params:
        """See Leaves; only what a run's view replaced is copied."""
        joined = dict[str, Tensor]()
        for name in views[0]:
            seen = [view[name] for view in views]
            same = all(x is y for x, y in zip(seen, self._slices[name], strict=True))
            joined[name] = (self._leaves[name] if same else torch.stack(seen)).to(dtype)
        return joined

    def by_run(self, grads: Sequence[Tensor | None]) -> list[dict[str, Tensor]]:
        """See Leaves."""
        names = [name for name, leaf in self._leaves.items() if leaf.requires_grad]
        there = {n: g for n, g in zip(names, grads, strict=True) if g is not None}
        return [
            {name: grad[i] for name, grad in there.items() if name in trained}
            for i, trained in enumerate(self._trained)
        ]


class Slots:
    """Parameters of the runs of a uniform stack, in tensors with a leading run axis.

    The first slots are taken, without gaps; the parameters of a RunState are views into its slot.

    Args:
        places: how many slots.
        like: a run of the shapes that all have.
    """

    def __init__(self, places: int, like: RunState) -> None:
        self.states: list[RunState] = []
        self._params = {n: x.new_empty((places, *x.shape)) for n, x in like.params.items()}

    def take_in(self, state: RunState) -> None:
        """Move a run's parameters into a free slot."""
        self._move(state, len(self.states))
        self.states.append(state)

    def let_go(self, state: RunState) -> None:
        """Free the slot of a run, if it has one; the last one moves there.

        The run's parameters are void then.
        """
        slot = next((i for i, each in enumerate(self.states) if each is state), None)
        if slot is None:
            return
        last = self.states.pop()
        if last is not state:
            self._move(last, slot)
            self.states[slot] = last

    def leaves(self) -> UniformLeaves:
        """The parameters of all runs that are in."""
        number = len(self.states)
        return UniformLeaves({n: x[:number] for n, x in self._params.items()}, self.states)

    def _move(self, state: RunState, slot: int) -> None:
        for name, stacked in self._params.items():
            stacked[slot].copy_(state.params[name])
            state.params[name] = stacked[slot]
