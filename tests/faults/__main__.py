"""Let faults happen to a tiny study and count what was lost: ``python -m tests.faults --help``."""

import argparse
import errno
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the tests' own modules
os.environ["CUDA_VISIBLE_DEVICES"] = ""  # processes are forked, which CUDA does not survive

import torch
from tests.faults.damage import damaged
from tests.faults.study import TinyStudy
from tests.faults.trials import Tally, errors, kills, power_cuts, two_writers

ALL: dict[str, Callable[[TinyStudy, int | None], Iterator[Tally]]] = {
    "kill-sequential": lambda study, sample: kills(study, "sequential", sample),
    "kill-stacked": lambda study, sample: kills(study, "stacked", sample),
    "kill-processes": lambda study, sample: kills(study, "processes", sample),
    "full-disk": lambda study, sample: errors(study, errno.ENOSPC, sample),
    "bad-sector": lambda study, sample: errors(study, errno.EIO, sample),
    "power-cut": lambda study, sample: power_cuts(study, "sequential", sample),
    "power-cut-processes": lambda study, sample: power_cuts(study, "processes", sample),
    "two-writers": two_writers,
    "damage": damaged,
}


def main() -> int:
    """Run the trials; status 1 if anything was lost, changed or ended in another way."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(ALL)}; or all")
    parser.add_argument("--sample", type=int, help="trials of each kind (default: every operation)")
    given = parser.parse_args()
    if unknown := set(given.kinds) - ALL.keys():
        parser.error(f"{', '.join(sorted(unknown))}: not known; there are {', '.join(ALL)}")
    torch.set_num_threads(1)
    problems = 0
    with tempfile.TemporaryDirectory(prefix="faults-") as place:
        study = TinyStudy(Path(place).resolve())
        for kind in given.kinds or ALL:
            begun, tally = time.monotonic(), None
            for tally in ALL[kind](study, given.sample):  # noqa: B007 - the last one is printed
                pass
            print(f"{kind}: {tally} ({time.monotonic() - begun:.0f} s)", flush=True)
            for problem in tally.problems if tally else ():
                print(f"  {problem}", flush=True)
            problems += len(tally.problems) if tally else 0
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
