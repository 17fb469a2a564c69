"""What only NVIDIA devices have: an energy meter and MPS. Without them, nothing happens here."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec

import torch
from benchmarks.measurement import Measured, Spec


def with_energy(measure: Callable[[Spec], Measured], spec: Spec) -> Measured:
    """What is measured, with the device's joules a run-step where NVML tells them.

    The meter runs for the whole process, so start and warm-up are in it: an upper bound.
    """
    before = _joules()
    found = measure(spec)
    after = _joules()
    if before is None or after is None or not found.seconds:
        return found
    return replace(found, joules=(after - before) / (len(found.seconds) * spec.places))


def _joules() -> float | None:
    if not torch.cuda.is_available() or find_spec("pynvml") is None:
        return None
    nvml = import_module("pynvml")
    with suppress(nvml.NVMLError):
        nvml.nvmlInit()
        handle = nvml.nvmlDeviceGetHandleByIndex(0)
        return nvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000
    return None


@contextmanager
def mps(wanted: bool) -> Iterator[dict[str, str]]:
    """Settings under which processes share the device through MPS, if wanted.

    Raises:
        RuntimeError: the daemon cannot be started.
    """
    if not wanted:
        yield {}
        return
    control = shutil.which("nvidia-cuda-mps-control")
    if control is None:
        raise RuntimeError("there is no nvidia-cuda-mps-control")
    with tempfile.TemporaryDirectory() as folder:
        settings = {"CUDA_MPS_PIPE_DIRECTORY": folder, "CUDA_MPS_LOG_DIRECTORY": folder}
        environment = {**os.environ, **settings}
        if subprocess.run([control, "-d"], env=environment, check=False).returncode:
            raise RuntimeError("nvidia-cuda-mps-control does not start")
        try:
            yield settings
        finally:
            subprocess.run([control], env=environment, input=b"quit\n", check=False)
