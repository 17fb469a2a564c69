"""How runs are computed, one file each, listed in TABLE."""

from steadytune.executors._executor import Executor, Prepare
from steadytune.executors.sequential import Sequential

TABLE: dict[str, type[Executor]] = {"sequential": Sequential}

__all__ = ["TABLE", "Executor", "Prepare", "Sequential"]
