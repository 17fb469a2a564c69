"""Measure competitors in turns, round after round, so that drift of the machine hits all alike."""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from benchmarks.accelerator import mps
from benchmarks.competitors import Competitor
from benchmarks.measurement import MEASURED, SPEC, Measured, Spec, proc_bytes

ROOT = Path(__file__).parent.parent
_SHARE = 0.9  # of the free memory that a stack may take
_LEAST_STEPS = 4  # warm-up included


class Skipped(Exception):
    """A measurement that is not made, and why."""


@dataclass
class Result:
    """All rounds of one competitor."""

    competitor: Competitor
    rounds: list[Measured] = field(default_factory=list)
    skipped: str = ""

    @property
    def seconds(self) -> list[float]:
        """Of every measured run-step."""
        return [each for found in self.rounds for each in found.seconds]

    @property
    def peak_bytes(self) -> int:
        """Most memory of a process in any round."""
        return max(found.peak_bytes for found in self.rounds)

    @property
    def rate(self) -> float:
        """Run-steps a second, those of all processes together."""
        return self.rounds[0].parallel / statistics.median(self.seconds)


@dataclass(frozen=True)
class Patience:
    """How long measurements may take.

    Attributes:
        steps: measured at most, each round. limit: seconds after which no other step is begun.
        process: seconds that a process may live, its start included.
        deadline: on the monotonic clock, after which no other measurement is begun.
    """

    steps: int
    limit: float
    process: float
    deadline: float = math.inf


def in_turns(
    base: Spec, competitors: Sequence[Competitor], rounds: int, patience: Patience
) -> list[Result]:
    """Every competitor in every round; one that was skipped once is not tried again."""
    results = [Result(competitor) for competitor in competitors]
    for number in range(rounds):
        for result in results:
            if result.skipped or (number and result.competitor.once):
                continue
            spec = _spec(base, result.competitor, patience)
            try:
                _foresee(result.competitor, results, patience)
                result.rounds.append(
                    measured(replace(spec, seed=number), result.competitor, patience.process)
                )
            except Skipped as reason:
                result.skipped = str(reason)
            _say(result, number)
    return results


def _spec(base: Spec, competitor: Competitor, patience: Patience) -> Spec:
    return replace(
        base,
        kind=competitor.kind,
        precision=competitor.precision,
        threads=competitor.threads,
        places=competitor.places,
        uniform=competitor.uniform,
        steps=patience.steps,
        limit=0.0 if competitor.once else patience.limit,
    )


def _foresee(competitor: Competitor, results: Sequence[Result], patience: Patience) -> None:
    """Skip what comes too late, and a stack that, by smaller ones, is too slow or does not fit."""
    if time.monotonic() > patience.deadline:
        raise Skipped("the time for all was up")
    smaller = [
        r
        for r in results
        if r.rounds
        and r.competitor.kind in ("plain", "stack")
        and r.competitor.precision == competitor.precision
        and r.competitor.copies == 1
        and r.competitor.places < competitor.places
    ]
    if competitor.kind != "stack" or not smaller:
        return
    largest = max(smaller, key=lambda r: r.competitor.places)
    seconds = statistics.median(largest.seconds) * competitor.places * _LEAST_STEPS
    if seconds > patience.process:
        raise Skipped(f"{_LEAST_STEPS} steps take about {seconds:.0f} s")
    if largest.competitor.places == 1:
        return
    one = min(smaller, key=lambda r: r.competitor.places)
    runs = largest.competitor.places - one.competitor.places
    slope = (largest.peak_bytes - one.peak_bytes) / runs
    need = largest.peak_bytes + slope * (competitor.places - largest.competitor.places)
    free = proc_bytes("meminfo", "MemAvailable")
    if free is not None and need > _SHARE * free:
        raise Skipped(f"needs about {need / 2**30:.1f} GiB of {free / 2**30:.1f} GiB free")


def measured(spec: Spec, competitor: Competitor, patience: float) -> Measured:
    """What the processes of a competitor find, as far as all of them were busy."""
    with ExitStack() as opened:
        try:
            settings = opened.enter_context(mps(competitor.mps))
        except RuntimeError as problem:
            raise Skipped(str(problem)) from None
        copies = [replace(spec, seed=spec.seed + 1000 * i) for i in range(competitor.copies)]
        return common([*_outcomes(copies, settings, patience)])


def _outcomes(
    specs: Sequence[Spec], settings: dict[str, str], patience: float
) -> Iterator[Measured]:
    """Start all, then wait for each."""
    with tempfile.TemporaryFile() as errors, ExitStack() as opened:
        started = [opened.enter_context(_start(spec, settings, errors)) for spec in specs]
        deadline = time.monotonic() + patience
        for process in started:
            try:
                said, _ = process.communicate(timeout=max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                for each in started:
                    each.kill()
                raise Skipped(f"not done after {patience:.0f} s") from None
            if process.returncode:
                errors.seek(0)
                lines = errors.read().decode(errors="replace").strip().splitlines() or [""]
                raise Skipped(f"ended with status {process.returncode}: {lines[-1]}")
            yield MEASURED.validate_json(said.splitlines()[-1])


def _start(spec: Spec, settings: dict[str, str], errors: IO[bytes]) -> subprocess.Popen[bytes]:
    threads = str(spec.threads)
    environment = {
        **os.environ,
        **settings,
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
    }
    command = [sys.executable, "-m", "benchmarks.measure", SPEC.dump_json(spec).decode()]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=errors,
    )


def common(found: Sequence[Measured]) -> Measured:
    """Several processes as one measurement: the steps that ended while all were measuring."""
    if len(found) == 1:
        return found[0]
    begin = max(each.ends[0] - each.seconds[0] for each in found)
    end = min(each.ends[-1] for each in found)
    seconds = [
        s
        for each in found
        for s, at in zip(each.seconds, each.ends, strict=True)
        if at - s >= begin and at <= end
    ]
    if not seconds:
        raise Skipped("the processes did not measure at the same time; give more steps")
    return replace(
        found[0],
        seconds=seconds,
        ends=[],
        tokens=statistics.mean(each.tokens for each in found),
        peak_bytes=max(each.peak_bytes for each in found),
        parallel=len(found),
        joules=None,
    )


def _say(result: Result, number: int) -> None:
    """Progress, on standard error."""
    said = result.skipped or f"{statistics.median(result.rounds[-1].seconds):.3f} s a run-step"
    print(json.dumps([number + 1, result.competitor.name, said]), file=sys.stderr, flush=True)
