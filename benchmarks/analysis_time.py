"""Seconds and memory of the analysis of a study of 450 runs, from its ledger on disk.

Prints one JSON object: the summary, every estimate of every cell, a comparison of the first recipe
with every other on every task in all questions, which recipe leads, the noise of the dev set, and
what opening the ledger took.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ledger_of import make_ledger

from steadytune.analysis.cells import cells
from steadytune.analysis.compare import compare_page
from steadytune.analysis.dev_noise import noise_split
from steadytune.analysis.estimators import estimates
from steadytune.analysis.evidence import Question
from steadytune.analysis.leaderboard import leaderboards
from steadytune.analysis.page import Comparison
from steadytune.analysis.predictions import cell_predictions
from steadytune.analysis.runs import runs_of
from steadytune.analysis.summary import summarize
from steadytune.analysis.variance import outcome_share
from steadytune.ledger import Ledger

Found = TypeVar("Found")


def measured(folder: Path) -> dict[str, float]:
    """Seconds of each part, and their sum."""
    seconds: dict[str, float] = {}

    def timed(what: str, call: Callable[[], Found]) -> Found:
        begun = time.perf_counter()
        found = call()
        seconds[what] = round(time.perf_counter() - begun, 3)
        return found

    ledger = Ledger.open(folder)
    found = timed("records", lambda: cells(ledger))
    timed("summary", lambda: summarize(found))
    runs = [runs_of(cell) for cell in found]
    timed("estimates", lambda: [estimates(one.values, one.failed) for one in runs])
    timed("outcome share", lambda: [outcome_share(one.values, one.failed) for one in runs])
    predicted = timed("predictions", lambda: [cell_predictions(ledger, cell) for cell in found])
    known = [one for one in predicted if one is not None]
    timed("dev noise", lambda: [noise_split(one.correct) for one in known])
    timed("which recipe leads", lambda: leaderboards(found))
    first = {one.task: place for place, one in reversed([*enumerate(runs)])}
    places = [(first[one.task], place) for place, one in enumerate(runs)]
    places = [(a, b) for a, b in places if a != b]
    pairs = [(runs[a], runs[b]) for a, b in places]
    both = [(known[a], known[b]) for a, b in places]
    for question in Question:
        asked = [Comparison(question, *pair, of) for pair, of in zip(pairs, both, strict=True)]
        timed(f"compare {question.value}", lambda asked=asked: compare_page(asked))
    return seconds | {"total": round(sum(seconds.values()), 3)}


def main() -> None:
    """Make the ledger, then read it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ledger", type=Path, help="keep the simulated study here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.ledger or Path(temporary) / "study"
        if not folder.exists():
            make_ledger(folder)
        seconds = measured(folder)
    mib = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps({"runs": 450, "seconds": seconds, "peak_memory_MiB": mib}, indent=2))


if __name__ == "__main__":
    main()
