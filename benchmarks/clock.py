"""When a measurement has warmed up, and when it has seen enough."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from itertools import pairwise

LEAST = 2  # steps that are measured even when the time is up
_SLOW = 5.0  # seconds of a first step after which one step of warm-up must do


@dataclass
class Clock:
    """Takes down when each step ends.

    Attributes:
        steps: how many are measured at most. limit: seconds after which no other one is begun.
        ends: when each step ended, warm-up included; of a clock that all processes share.
    """

    steps: int
    limit: float
    begun: float = field(default_factory=time.perf_counter)
    ends: list[float] = field(default_factory=list)

    def start(self) -> None:
        """The first step begins now."""
        self.begun = time.perf_counter()

    def tick(self) -> bool:
        """A step has ended; True if it was the last one that is needed."""
        self.ends.append(time.perf_counter())
        measured = len(self.ends) - self.warm_up
        late = self.ends[-1] - self.ends[0] > self.limit
        return measured >= self.steps or (measured >= LEAST and late)

    @property
    def warm_up(self) -> int:
        """Steps that do not count."""
        return 2 if self.ends[0] - self.begun < _SLOW else 1

    @property
    def seconds(self) -> list[float]:
        """From the end of a step to the end of the next, after the warm-up."""
        ends = self.ends[self.warm_up - 1 :]
        return [after - before for before, after in pairwise(ends)]
