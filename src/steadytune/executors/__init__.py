"""How runs are computed, one file each, listed in TABLE."""

from steadytune.executors._executor import Executor, Prepare, Work
from steadytune.executors.auto import Auto
from steadytune.executors.processes import Processes
from steadytune.executors.sequential import Sequential
from steadytune.executors.stacked import Stacked

TABLE: dict[str, type[Executor]] = {
    "auto": Auto,
    "sequential": Sequential,
    "stacked": Stacked,
    "processes": Processes,
}

__all__ = ["TABLE", "Auto", "Executor", "Prepare", "Processes", "Sequential", "Stacked", "Work"]
