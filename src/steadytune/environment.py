"""The environment that a study is computed in, which its ledger keeps."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import torch


def environment(device: torch.device) -> dict[str, Any]:
    """What the numbers may depend on besides the study: versions, processor, device.

    ``cores`` tells how long it took, not what came out: every run has one thread on the CPU.
    """
    packages = ("steadytune", "torch", "transformers", "tokenizers", "numpy", "safetensors")
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "device": gpu or str(device),
        "packages": {name: metadata.version(name) for name in packages},
    }


def _processor() -> str:
    """The processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
