"""What diagnostics cost: seconds of each, and their share of the steps of a whole run.

Each diagnostic is timed by itself on the state of a real run, as it is called in a step: the copy
of the parameters before the update and the probe pass count to the one that reads them. What a
run pays is that times the number of steps at which the schedule asks for it, over the seconds of
all its steps without diagnostics. Times are processor time of this process, with one thread, so
that what else the machine does counts less. Diagnostics that share a copy or a probe pass pay for
it once in a run, and here each of them, so the sums are upper bounds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from steadytune import diagnostics, runner
from steadytune.named_recipes import mosbach2021
from steadytune.recipe import Seeds
from steadytune.study import Study, TaskChoice
from steadytune.training.measuring import Measuring
from steadytune.training.memory import keep_freed_memory
from steadytune.training.precision import default_device
from steadytune.training.ready import ReadyRun
from steadytune.training.step import PlainStepper

WARM_UP = 2


class Always:
    """A diagnostic that is due in every step."""

    def __init__(self, inner: diagnostics.Diagnostic) -> None:
        self.name, self.reads, self.measure = inner.name, inner.reads, inner.measure

    def schedule(self, step: int, total: int) -> bool:
        """True."""
        return True


def ready_run(task: str, data_dir: str | None, epochs: float) -> ReadyRun:
    """MiniLM on a task, without diagnostics."""
    study = Study(
        recipes=(replace(mosbach2021(), epochs=epochs),),
        tasks=(TaskChoice(task, data_dir=data_dir),),
        encoders=("minilm",),
        seeds=(Seeds.tied(0),),
        diagnostics="off",
    )
    loaded = runner.prepare(study)
    return loaded.prepare(loaded.runs[0])


def seconds_of(function: Callable[[], Any]) -> float:
    """Processor time of one call."""
    begun = time.process_time()
    function()
    return time.process_time() - begun


def measure(run: ReadyRun, steps: int) -> tuple[float, dict[str, float]]:
    """Median seconds of a step, and of each diagnostic at one step."""
    stepper = PlainStepper()
    state = stepper.admit(run)
    stepped: list[float] = []
    found: dict[str, list[float]] = {name: [] for name in diagnostics.TABLE}
    norms = dict.fromkeys(state.params, 1.0)
    labels = run.batch(0)[1]
    outputs = torch.zeros(len(labels), 2)
    for number in range(WARM_UP + steps):
        stepped.append(seconds_of(lambda: stepper.step([state])))
        state.step = number + 1
        for name, member in diagnostics.TABLE.items():
            alone = replace(state, run=replace(run, diagnostics=(Always(member),)))  # pyright: ignore[reportArgumentType]

            def once(alone: Any = alone) -> None:  # noqa: ANN401
                Measuring(alone).values(1e-5, norms, 0.7, outputs, labels)

            found[name].append(seconds_of(once))
    return statistics.median(stepped[WARM_UP:]), {
        name: statistics.median(values[WARM_UP:]) for name, values in found.items()
    }


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", default=os.environ.get("STEADYTUNE_DATA"))
    parser.add_argument("--task", default="glue/rte")
    parser.add_argument("--epochs", type=float, default=3)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--json", type=Path, help="where to write every number")
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    run = ready_run(options.task, options.data_dir, options.epochs)
    step, seconds = measure(run, options.steps)
    total = run.total_steps
    print(f"{options.task}: {step:.4f} s a step, {total} steps")
    shares = {"economy": 0.0, "full": 0.0}
    for name, member in diagnostics.TABLE.items():
        due = sum(member.schedule(number, total) for number in range(1, total + 1))
        share = seconds[name] * due / (step * total)
        shares["full"] += share
        shares["economy"] += share if member.cost == "economy" else 0.0
        print(
            f"{name:22} {member.cost:8} {1000 * seconds[name]:8.2f} ms x {due:4} = "
            f"{100 * share:5.2f} % of the run"
        )
    for choice, share in shares.items():
        print(f"{choice}: {100 * share:.2f} %")
    if options.json:
        environment = runner.environment(default_device())
        result = {"environment": environment, "step": step, "seconds": seconds, "shares": shares}
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
