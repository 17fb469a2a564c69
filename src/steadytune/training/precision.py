"""Which precision and device a machine computes in by default.

How far the two precisions may lie apart is said in ``steadytune.tolerance``.
"""

from __future__ import annotations

import os

import torch

from steadytune.errors import BadInput

SWITCH = "STEADYTUNE_PRECISION"  # environment: what ``auto`` stands for, whatever the hardware
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def default_device() -> torch.device:
    """The first CUDA device where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def default_precision(device: torch.device) -> str:
    """``bf16`` where the hardware multiplies bfloat16 matrices natively, else ``fp32``.

    On a CPU that is AMX or AVX-512 BF16; without them bf16 is emulated, many times slower. The
    environment variable STEADYTUNE_PRECISION overrules the hardware.

    Raises:
        BadInput: the variable holds something else than ``fp32`` or ``bf16``.
    """
    chosen = os.environ.get(SWITCH)
    if chosen:
        if chosen not in DTYPES:
            raise BadInput(
                f"environment variable {SWITCH}: {chosen!r} is not known; set it to "
                f"{' or '.join(DTYPES)}, or unset it to let the hardware decide"
            )
        return chosen
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if torch.ops.mkldnn._is_mkldnn_bf16_supported() and _has_bf16_units() else "fp32"


def _has_bf16_units() -> bool:
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
