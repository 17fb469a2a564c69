"""What one process is asked to measure, and what it answers: both travel as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
from pydantic import TypeAdapter

from steadytune.study import TaskChoice


@dataclass(frozen=True)
class Spec:
    """One measurement.

    Attributes:
        kind: a key of ``benchmarks.measure.KINDS``.
        encoder: folder. task: what is learned. seed: of the first run.
        steps: at most so many steps are measured. limit: seconds after which no other is begun.
        precision: fp32 or bf16. threads: of the process.
        places: runs of a stack, or worker processes. uniform: how a stack is computed.
        products: (how many, m, k, n) of the matrix products to time.
    """

    kind: str
    encoder: str
    task: TaskChoice
    seed: int
    steps: int
    limit: float
    precision: Literal["fp32", "bf16"]
    threads: int
    places: int = 1
    uniform: bool | None = None
    products: tuple[tuple[int, int, int, int], ...] = ()


@dataclass(frozen=True)
class Measured:
    """What one process found.

    Attributes:
        seconds: of each run-step: of a step, divided by the runs that made it together.
        ends: when each measured step ended, on a clock that all processes share.
        tokens: real tokens of a run-step, on average.
        peak_bytes: most memory that was ever in use, of the process (of a worker) or the device.
        parallel: run-steps that are computed at the same time.
        joules: energy of the device for each run-step, where it tells.
        products, flops: of one step, where they were counted.
    """

    seconds: list[float]
    ends: list[float]
    tokens: float
    peak_bytes: int
    parallel: int = 1
    joules: float | None = None
    products: tuple[tuple[int, int, int, int], ...] = field(default=())
    flops: float = 0.0


SPEC = TypeAdapter(Spec)
MEASURED = TypeAdapter(Measured)


def peak_bytes(device: torch.device, process: str = "self") -> int:
    """Most memory ever in use: on an accelerator by this process, else by a process's id."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return proc_bytes(f"{process}/status", "VmHWM") or 0


def proc_bytes(file: str, name: str) -> int | None:
    """A field in kB of a file under /proc, in bytes; None where there is none."""
    try:
        lines = Path("/proc", file).read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(found[0]) * 1024 if found else None
