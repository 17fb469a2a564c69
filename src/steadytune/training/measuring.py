"""Measure the diagnostics that are due in a step, without touching what the step computes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor

from steadytune.diagnostics import Moment
from steadytune.encoders import Observable
from steadytune.procedure import Activations, Params
from steadytune.training.ready import RunState
from steadytune.training.schedules import correction


class Measuring:
    """The diagnostics of one step: made before the update, asked after it."""

    def __init__(self, state: RunState) -> None:
        """Find out which are due, and copy what they read of the state before the update."""
        self._state = state
        self._step = state.step + 1
        run = state.run
        self._due = [d for d in run.diagnostics if d.schedule(self._step, run.total_steps)]
        copied = any("before" in diagnostic.reads for diagnostic in self._due)
        self._before: Params = (
            {name: tensor.clone() for name, tensor in state.params.items()} if copied else {}
        )

    @torch.no_grad()
    def values(
        self,
        lr: float,
        norms: Mapping[str, float],
        loss: float,
        outputs: Tensor,
        labels: Tensor,
    ) -> dict[str, float]:
        """What they find, as ``<diagnostic>/<what>``; empty where none is due.

        Args:
            lr: of the step.
            norms: of each gradient before clipping.
            loss: of the batch.
            outputs: (B, K) of it.
            labels: (B,) of it.
        """
        if not self._due:
            return {}
        run, optimizer = self._state.run, self._state.run.procedure.optimizer.settings
        moment = Moment(
            step=self._step,
            table=run.table,
            optimizer=optimizer,
            lr=lr,
            correction=correction(self._step - 1, optimizer.betas),
            norms=norms,
            loss=loss,
            chance=run.chance.level,
            outputs=outputs,
            labels=labels,
            start=run.start,
            before=self._before,
            after=self._state.params,
            activations=cache(self._activations),
        )
        return {
            f"{diagnostic.name}/{what}": value
            for diagnostic in self._due
            for what, value in diagnostic.measure(moment).items()
        }

    def _activations(self) -> Activations | None:
        run = self._state.run
        if not isinstance(run.encoder, Observable):
            return None
        return run.encoder.activations(run.compute(self._state.evaluated()), run.probe)
