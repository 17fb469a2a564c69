"""How many runs fit into memory at once: measured by a trial step of one, on its longest batch."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import torch

from steadytune.errors import BadInput
from steadytune.executors._executor import Work
from steadytune.study import Run
from steadytune.training.memory import give_back_freed_memory
from steadytune.training.ready import ReadyRun, RunState, epoch_order
from steadytune.training.step import plain_step

_MOST_ON_CPU, _MOST = 8, 64  # beyond this a larger stack is no faster
_SHARE = 0.9  # of what is free; the rest is for what varies from step to step
_GIB = 1 << 30


class NoRoom(BadInput):
    """Not even one run fits; the message has the numbers."""


def places_for(run: ReadyRun) -> int:
    """How many runs like this one fit at once.

    Raises:
        NoRoom: none.
    """
    free = free_bytes(run.device)
    if free is None:
        return _MOST_ON_CPU  # few, as nobody knows
    need = bytes_of(run)
    if need > free:
        raise _no_room(run, need, free)
    most = _MOST_ON_CPU if run.device.type == "cpu" else _MOST
    return max(1, min(most, int(_SHARE * free / need)))


def workers_for(work: Work, run: Run, most: int) -> int:
    """How many worker processes that compute runs like this one on the CPU fit, up to ``most``.

    Raises:
        NoRoom: not one.
    """
    try:
        ready = work.prepare(run)
    except Exception:  # it tells its story when it is computed
        return most
    free = free_bytes(ready.device)
    if ready.device.type != "cpu" or free is None:
        return most
    need = bytes_of(ready) + (_from_proc("self/status", "VmRSS") or 0)  # a worker begins as we are
    return max(1, min(most, int(_SHARE * free / need)))


def bytes_of(run: ReadyRun) -> int:
    """Bytes that a run adds: weights, gradients, moments, and the longest batch's activations.

    What was freed before is given back first; else the step would be measured as taking nothing.

    Raises:
        NoRoom: the trial step found too little.
    """
    start = sum(tensor.numel() * tensor.element_size() for tensor in run.start.values())
    least = 4 * start
    free = free_bytes(run.device)
    if free is not None and least > free:
        raise _no_room(run, least, free)
    before = _peak_from_here(run.device)
    try:
        state = RunState.begin(run)
        state.step = _longest_step(run)
        plain_step(state)
    except torch.OutOfMemoryError:
        raise _no_room(run, least, free or 0) from None
    except Exception:  # it tells its story when it is computed
        return least
    # On the CPU all runs share the values at step 0; elsewhere each brings a copy along.
    own = 0 if run.device.type == "cpu" else start
    return max(least, _peak(run.device) - before) + own


def free_bytes(device: torch.device) -> int | None:
    """Memory that can still be had on a device; None where the system does not tell."""
    give_back_freed_memory()
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return _from_proc("meminfo", "MemAvailable") if device.type == "cpu" else None


def _longest_step(run: ReadyRun) -> int:
    """The step of the first epoch with the most tokens."""
    lengths = run.train.tokenized.lengths[epoch_order(run.seeds.order, 0, len(run.train.labels))]
    starts = np.arange(0, len(lengths), run.batch_size)
    return int(np.add.reduceat(lengths, starts).argmax()) % run.total_steps


def _peak_from_here(device: torch.device) -> int:
    """Forget earlier peaks; the bytes in use now."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device)
    with suppress(OSError):  # the peak is then that of the whole process: a careful answer
        Path("/proc/self/clear_refs").write_text("5")
    return _from_proc("self/status", "VmRSS") or 0


def _peak(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return _from_proc("self/status", "VmHWM") or 0


def _from_proc(file: str, field: str) -> int | None:
    """A field in kB of a file under /proc, in bytes."""
    try:
        lines = Path("/proc", file).read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith(f"{field}:")]
    return int(found[0]) * 1024 if found else None


def _no_room(run: ReadyRun, need: int, free: int) -> NoRoom:
    return NoRoom(
        f"one run with {run.encoder.name} needs {need / _GIB:.2f} GiB or more on {run.device}, and "
        f"{free / _GIB:.2f} GiB are free; use a smaller encoder, batch_size or max_length, or a "
        "machine with more memory"
    )
