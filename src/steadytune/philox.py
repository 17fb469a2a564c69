"""Philox-4x64 (Salmon et al. 2011) in tensor operations: numpy's bit stream on any device.

numpy's own generator is faster on a CPU; here the same words are made where they are needed, as
copying masks to an accelerator would take longer than a step.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

logger = logging.getLogger(__name__)

_MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
_KEY_STEPS = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
_ROUNDS = 10
_LOW = 0xFFFFFFFF


def words(key: tuple[int, int], count: int, device: torch.device) -> Tensor:
    """The first ``count`` words of ``numpy.random.Philox(key=key)``, (count,), as int64 bits."""
    blocks = -(-count // 4)
    keys = torch.tensor([_signed(half) for half in key], device=device)
    make = _blocks if device.type == "cpu" else compiled(device)
    return make(keys[0], keys[1], blocks).view(-1)[:count]


@cache
def compiled(device: torch.device) -> Callable[[Tensor, Tensor, int], Tensor]:
    """One kernel in place of some three hundred passes over memory, where it can be built."""
    one = torch.zeros((), dtype=torch.int64, device=device)
    try:
        make = torch.compile(_blocks, dynamic=True)
        make(one, one, 2)
    except Exception as problem:  # no compiler, or none for this device
        logger.warning("dropout masks are drawn slowly, as they cannot be compiled: %s", problem)
        return _blocks
    return make


def _blocks(key_0: Tensor, key_1: Tensor, blocks: int) -> Tensor:
    """(blocks, 4) words; 64-bit arithmetic wraps around, signed or not."""
    zero = torch.zeros(blocks, dtype=torch.int64, device=key_0.device)
    # numpy counts before it draws, so the first block has counter 1.
    c0 = torch.arange(1, blocks + 1, dtype=torch.int64, device=key_0.device)
    c1 = c2 = c3 = zero
    for _ in range(_ROUNDS):
        high_0, low_0 = _product(_MULTIPLIERS[0], c0)
        high_1, low_1 = _product(_MULTIPLIERS[1], c2)
        c0, c1, c2, c3 = high_1 ^ c1 ^ key_0, low_1, high_0 ^ c3 ^ key_1, low_0
        key_0, key_1 = key_0 + _signed(_KEY_STEPS[0]), key_1 + _signed(_KEY_STEPS[1])
    return torch.stack([c0, c1, c2, c3], dim=1)


def _product(a: int, b: Tensor) -> tuple[Tensor, Tensor]:
    """The upper and lower 64 bits of the unsigned product, by halves of 32 bits."""
    a_high, a_low = a >> 32, a & _LOW
    b_high, b_low = (b >> 32) & _LOW, b & _LOW
    middle = a_high * b_low + _upper(a_low * b_low)
    other = a_low * b_high + (middle & _LOW)
    return a_high * b_high + _upper(middle) + _upper(other), _signed(a) * b


def _upper(x: Tensor) -> Tensor:
    return (x >> 32) & _LOW


def _signed(word: int) -> int:
    """The same 64 bits read as a signed number, as tensors have no other."""
    return word - (1 << 64) if word >= 1 << 63 else word
