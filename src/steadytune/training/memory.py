"""Keep the memory that a step frees for the next one (Linux with glibc)."""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # from glibc's malloc.h


def keep_freed_memory() -> bool:
    """Tell the allocator not to give large buffers back to the system; True if it could be told.

    Each step allocates the same large buffers anew. By default glibc returns them when they are
    freed, and the system hands out zeroed pages for the next step, one page fault each: a sixth
    or more of a step's time on small machines. The setting holds for the whole process, whose
    memory then stays at its peak.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_M_MMAP_MAX, 0)) and bool(mallopt(_M_TRIM_THRESHOLD, -1))
