"""Seconds and memory for the analysis and the report of a study of 450 runs, and its page's size.

Makes the synthetic ledger first (about a minute, not counted) unless a folder with one is given.

    python benchmarks/report_time.py [--ledger FOLDER] [--out FILE.json]
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from ledger_of import make_ledger

from steadytune.ledger import Ledger
from steadytune.reports.instability_data import instability_data
from steadytune.reports.study_data import study_data
from steadytune.reports.study_report import report
from steadytune.results.conditions import conditions
from steadytune.results.summary import summarize

Result = TypeVar("Result")


def timed(name: str, found: dict[str, dict[str, float]], work: Callable[[], Result]) -> Result:
    """Do ``work`` and note its seconds by the clock and of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    found[name] = {
        "wall": round(time.perf_counter() - wall, 3),
        "cpu": round(time.process_time() - cpu, 3),
    }
    return result


def measure(folder: Path) -> dict[str, object]:
    """The parts one by one, then the whole report, which does them all again."""
    seconds = dict[str, dict[str, float]]()
    ledger = Ledger.open(folder)
    read = timed("records", seconds, lambda: conditions(ledger))
    timed("summary", seconds, lambda: summarize(read))
    timed("runs and curves", seconds, lambda: study_data(read))
    timed("instability", seconds, lambda: instability_data(read))
    page = timed("report", seconds, lambda: report(Ledger.open(folder)))
    return {
        "runs": len(ledger.planned),
        "seconds": seconds,
        "page_megabytes": round(len(page.encode()) / 1e6, 2),
        "peak_memory_megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def main() -> None:
    """Print the result, and write it where asked."""
    parser = argparse.ArgumentParser(description="Time the report of a study of 450 runs.")
    parser.add_argument("--ledger", type=Path)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.ledger or make_ledger(Path(temporary) / "study").folder
        found = measure(folder)
    text = json.dumps(found, indent=2)
    print(text)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
