"""How often early warning is right: precision and recall on the ended runs of ledgers.

Thresholds are chosen on all tasks but one, by F1 over a small grid, and tried on the one that was
left out; then the same for the next task. Runs that are too short to be judged count as not warned
of. Runs of several recipes and seeds on a task are not independent, so the intervals are narrow.
"""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path
from typing import NamedTuple

from steadytune.analysis.outcomes import Outcome, outcome
from steadytune.analysis.summary import wilson
from steadytune.analysis.verdicts import Case, read_case
from steadytune.early_warning import Thresholds, early_warning
from steadytune.ledger import Ledger

NEVER = float("inf")
GRID = [
    Thresholds(flat, fallen, blown)
    for flat, fallen, blown in product(
        (0.97, 0.9, 0.95, 1.0), (1.0, 0.5, 0.75, NEVER), (1.05, 1.02, 1.1, NEVER)
    )
]  # the default first: it wins ties


class Counts(NamedTuple):
    """Warned of and failed, warned of and successful, failed without warning, and the rest."""

    hits: int
    false_alarms: int
    misses: int
    quiet: int

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.hits / max(1, 2 * self.hits + self.false_alarms + self.misses)


def count(cases: list[Case], thresholds: Thresholds) -> Counts:
    """What the rule says of runs whose end is known."""
    found = [0, 0, 0, 0]
    for case in cases:
        total = case.record.total_steps
        warned = early_warning(case.losses, case.grad_norms, total, case.chance_loss, thresholds)
        failed = outcome(case.record) is not Outcome.SUCCESS
        found[2 * (warned is None) + (not failed)] += 1
    return Counts(*found)


def say(name: str, counts: Counts) -> None:
    """One line."""
    warned, failed = counts.hits + counts.false_alarms, counts.hits + counts.misses
    print(
        f"{name:34} precision {counts.hits}/{warned} {_interval(counts.hits, warned)}  "
        f"recall {counts.hits}/{failed} {_interval(counts.hits, failed)}  n = {sum(counts)}"
    )


def _interval(part: int, whole: int) -> str:
    interval = wilson(part, whole)
    return "" if interval is None else f"({interval[0]:.2f} to {interval[1]:.2f})"


def main() -> None:
    """Read the ledgers, leave out one task after the other, print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ledgers", nargs="+", type=Path)
    tasks: dict[str, list[Case]] = {}
    for folder in parser.parse_args().ledgers:
        ledger = Ledger.open(folder)
        for row in ledger.records():
            case = read_case(ledger, row)
            if case is not None and outcome(case.record) is not None:
                tasks.setdefault(case.record.task.name, []).append(case)
    held_out = Counts(0, 0, 0, 0)
    for left_out, cases in tasks.items():
        others = [case for name, many in tasks.items() if name != left_out for case in many]
        best = max(GRID, key=lambda thresholds: count(others, thresholds).f1)
        counts = count(cases, best)
        held_out = Counts(*(a + b for a, b in zip(held_out, counts, strict=True)))
        say(left_out, counts)
        print(f"    chosen on the others: {best}")
    say("each task left out in turn", held_out)
    say(
        "default thresholds, all tasks",
        count([c for many in tasks.values() for c in many], GRID[0]),
    )


if __name__ == "__main__":
    main()
