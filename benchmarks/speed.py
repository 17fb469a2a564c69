"""Seconds, memory and share of the machine's rate: steadytune against the Hugging Face Trainer.

All sides train the same encoder on the same examples with the same batch size, learning rate and
dropout. Each measurement runs in a process of its own, competitors in turns round after round.
What is measured is wall time from the end of one step to the end of the next, data loading
included, after a warm-up; of the executor ``processes`` it is the seconds in the workers while all
are busy. A run-step is one optimizer step of one run. Results of one call may be compared with each
other, not with those of another call. Standard output has tables, standard error the progress.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shlex
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from benchmarks import table
from benchmarks.competitors import Competitor, Precision, competitors
from benchmarks.measurement import Measured, Spec
from benchmarks.shapes import GLUE, LENGTHS, PACKAGED, SHAPES, encoder_folder, task_choice
from benchmarks.turns import Patience, in_turns, measured

from steadytune import runner, tasks
from steadytune.executors.processes import devices
from steadytune.named_recipes import mosbach2021
from steadytune.training.precision import default_device

SIZES, FULL_SIZES = (2, 4), (1, 2, 4, 8, 16, 25)
BUDGET = 360.0  # seconds; what was begun before may take a measurement longer
CASES = (f"{PACKAGED}:rte",)
FULL_CASES = (
    *(f"{PACKAGED}:{task}" for task in GLUE),
    *(f"{shape}:rte" for shape in SHAPES if shape != PACKAGED),
    *(f"{PACKAGED}:{task}" for task in LENGTHS),
)
_PRODUCT_SECONDS = 8.0  # that products are timed for


def case(name: str, options: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Everything about one shape and task."""
    shape, _, task = name.partition(":")
    choice = task_choice(task, options.data_dir, scratch)
    base = Spec("", str(encoder_folder(shape, scratch)), choice, 0, 0, 0.0, "fp32", 1)
    deadline = time.monotonic() + options.budget / len(options.cases)
    patience = Patience(options.steps, options.seconds, options.patience, deadline)
    chosen = [c for c in competitors(options.sizes) if _wanted(c.name, options.only)]

    counted = measured(replace(base, kind="count"), Competitor("", "", "fp32"), patience.process)
    rates = _product_rates(replace(base, products=counted.products), chosen, patience)
    results = in_turns(base, chosen, options.rounds, patience)

    needed = {
        "flops_per_token": counted.flops / counted.tokens,
        "steps_per_epoch": mosbach2021().steps_per_epoch(len(tasks.load(choice).train)),
        **{f"{precision} product_rate": rate for precision, rate in rates.items()},
    }
    return {
        "shape": shape,
        "task": task,
        **needed,
        "product_rates": {f"torch.mm {precision}": rate for precision, rate in rates.items()},
        "products": [list(each) for each in counted.products],
        "rows": [table.row(result, needed) for result in results],
        "bytes_a_run": table.memory_a_run(results),
        "ratios": table.ratios(results),
    }


def _wanted(name: str, only: Sequence[str] | None) -> bool:
    return not only or any(fnmatchcase(name, each) for each in only)


def _product_rates(
    base: Spec, chosen: Sequence[Competitor], patience: Patience
) -> dict[Precision, float]:
    """FLOP/s of ``torch.mm`` on the step's own shapes, in each precision that ours compute in.

    On the CPU that of one-threaded processes, one a core, together; on an accelerator of one.
    """
    copies = devices() if default_device().type == "cpu" else 1
    rates = dict[Precision, float]()
    for ours in {c.precision: c for c in chosen if c.kind != "trainer"}.values():
        precision = ours.precision
        spec = replace(
            base, kind="multiply", precision=precision, steps=1000, limit=_PRODUCT_SECONDS
        )
        alike = Competitor("products", "multiply", precision, copies=copies)
        found: Measured = measured(spec, alike, patience.process)
        rates[precision] = found.parallel * found.flops / statistics.median(found.seconds)
    return rates


def main() -> None:
    """Measure, print tables, and write every number as JSON."""
    options = _options()
    with tempfile.TemporaryDirectory() as scratch:
        cases = list[dict[str, Any]]()
        for name in options.cases:
            cases.append(case(name, options, Path(scratch)))
            print(table.text(cases[-1]), end="\n\n", flush=True)
            if options.json:  # after each, so that what was measured is kept
                options.json.write_text(json.dumps(_record(cases, options), indent=1) + "\n")


def _record(cases: Sequence[dict[str, Any]], options: argparse.Namespace) -> dict[str, Any]:
    given = ["DATA" if each == options.data_dir else each for each in sys.argv[1:]]
    return {
        "command": shlex.join(["python", "-m", "benchmarks.speed", *_without_json(given)]),
        "threads": {"Trainer": devices(), "steadytune": "1 a process"},
        "environment": runner.environment(default_device()),
        "cases": list(cases),
    }


def _without_json(given: Sequence[str]) -> list[str]:
    """The arguments without the path that the results go to."""
    kept = list(given)
    if "--json" in kept:
        at = kept.index("--json")
        del kept[at : at + 2]
    return kept


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--data-dir", default=os.environ.get("STEADYTUNE_DATA"), help="folder in the GLUE layout")
    add("--cases", nargs="+", metavar="SHAPE:TASK", help=f"default {' '.join(CASES)}")
    add("--only", nargs="+", metavar="NAME", help="competitors; * stands for anything")
    add("--sizes", nargs="+", type=int, help=f"of stacks; default {SIZES}")
    add("--full", action="store_true", help=f"all cases, stacks of {FULL_SIZES}")
    add("--rounds", type=int, default=2)
    add("--steps", type=int, default=10, help="steps measured in a round at most")
    add("--seconds", type=float, default=10.0, help="after which no other step is begun")
    add("--patience", type=float, default=120.0, help="seconds that a process may live")
    add("--budget", type=float, help=f"seconds for all; default {BUDGET:.0f}, with --full no limit")
    add("--json", type=Path, help="where to write every number")
    options = parser.parse_args()
    options.cases = options.cases or (FULL_CASES if options.full else CASES)
    options.sizes = options.sizes or (FULL_SIZES if options.full else SIZES)
    options.budget = options.budget or (math.inf if options.full else BUDGET)
    for each in options.cases:
        shape, _, task = each.partition(":")
        if shape not in SHAPES or task not in (*GLUE, *LENGTHS):
            parser.error(
                f"{each!r} is no SHAPE:TASK of {', '.join(SHAPES)} and "
                f"{', '.join((*GLUE, *LENGTHS))}"
            )
        if task in GLUE and options.data_dir is None:
            parser.error("give --data-dir, or set STEADYTUNE_DATA: a folder in the GLUE layout")
    return options


if __name__ == "__main__":
    main()
