"""One thread a run on the CPU, so that its bits do not depend on how many cores there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread inside.

    Matrix products are split over threads, and another split rounds in another way; near the edge
    of stability that decides whether a run fails. Many runs keep all cores busy all the same: one
    process a core is faster than one process with all cores, whose threads wait for each other.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
