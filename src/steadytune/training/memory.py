"""Keep the memory that a step frees for the next one, and give it back where it is counted."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

import torch

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # from glibc's malloc.h


def keep_freed_memory() -> bool:
    """Tell glibc not to give large buffers back to the system; True if it could be told.

    Each step allocates the same large buffers anew. By default glibc returns them when they are
    freed, and the system hands out zeroed pages for the next step, one page fault each: a sixth
    or more of a step's time on small machines. The setting holds for the whole process, whose
    memory then stays at its peak.
    """
    mallopt = _from_libc("mallopt")
    if mallopt is None:
        return False
    return bool(mallopt(_M_MMAP_MAX, 0)) and bool(mallopt(_M_TRIM_THRESHOLD, -1))


def give_back_freed_memory() -> None:
    """Give back what was freed and kept, so that it counts as free, for others too.

    glibc keeps it after ``keep_freed_memory``, torch on CUDA devices always.
    """
    trim = _from_libc("malloc_trim")
    if trim is not None:
        trim(0)
    torch.cuda.empty_cache()  # does nothing where CUDA is not in use


def _from_libc(name: str) -> Callable[..., int] | None:
    """A function of the C library, where there is one of that name."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        return getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError):
        return None
