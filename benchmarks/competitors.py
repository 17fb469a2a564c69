"""Who competes: ways to train the runs of a study, on the machine at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch

from steadytune.executors.processes import devices
from steadytune.training.precision import default_device, default_precision

Precision = Literal["fp32", "bf16"]
GPU_PROCESSES = 4
_OFTEN = 8  # runs of a stack on a CPU above which a step takes so long that few must do


@dataclass(frozen=True)
class Competitor:
    """One way to train.

    Attributes:
        name: in tables.
        kind: a key of ``benchmarks.measure.KINDS``.
        precision: of the computation.
        threads: of each process.
        copies: processes that do the same at the same time, each with runs of its own.
        places: runs of a stack, or workers of the executor ``processes``.
        uniform: how a stack is computed.
        mps: whether the copies share an accelerator through MPS.
        once: measured in the first round only, as few steps as possible.
    """

    name: str
    kind: str
    precision: Precision
    threads: int = 1
    copies: int = 1
    places: int = 1
    uniform: bool | None = None
    mps: bool = False
    once: bool = False


def competitors(sizes: Sequence[int]) -> list[Competitor]:
    """All of them, with stacks of the given sizes."""
    return _on_gpu(sizes) if default_device().type == "cuda" else _on_cpu(sizes)


def _on_cpu(sizes: Sequence[int]) -> list[Competitor]:
    """The Trainer has all cores, or one a process; our stacks have one thread, as in a study.

    bf16 of the Trainer is tried everywhere, but hardly where the processor only emulates it.
    """
    cores, native = devices(), default_precision(torch.device("cpu")) == "bf16"
    emulated = "" if native else " (emulated)"
    found = [
        Competitor("Trainer fp32", "trainer", "fp32", threads=cores),
        Competitor(f"Trainer fp32, {cores} x 1 thread", "trainer", "fp32", copies=cores),
        Competitor(f"Trainer bf16{emulated}", "trainer", "bf16", threads=cores, once=not native),
    ]
    for precision in _precisions(native):
        found += [
            Competitor(f"plain {precision}", "plain", precision),
            Competitor(f"processes {precision}", "processes", precision, places=cores),
            *_stacks(sizes, precision, "ragged", False),
            *_stacks(sizes, precision, "uniform", True),
        ]
    return found


def _on_gpu(sizes: Sequence[int]) -> list[Competitor]:
    """Processes share the one device. A CUDA-graphed run is not measured: there is none yet."""
    native = default_precision(default_device()) == "bf16"
    found = [Competitor(f"Trainer {p}", "trainer", p, threads=devices()) for p in _precisions(True)]
    for precision in _precisions(native):
        together = f"plain {precision}, {GPU_PROCESSES} processes"
        found += [
            Competitor(f"plain {precision}", "plain", precision),
            Competitor(together, "plain", precision, copies=GPU_PROCESSES),
            Competitor(f"{together}, MPS", "plain", precision, copies=GPU_PROCESSES, mps=True),
            *(replace(c, once=False) for c in _stacks(sizes, precision, "uniform", True)),
        ]
    return found


def _precisions(native: bool) -> tuple[Precision, ...]:
    return ("fp32", "bf16") if native else ("fp32",)


def _stacks(
    sizes: Sequence[int], precision: Precision, how: str, uniform: bool
) -> list[Competitor]:
    return [
        Competitor(
            f"stack of {n} {how} {precision}",
            "stack",
            precision,
            places=n,
            uniform=uniform,
            once=n > _OFTEN,
        )
        for n in sizes
    ]
