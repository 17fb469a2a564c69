"""Trials: one kind of fault each, at chosen file operations; what was lost is counted."""

import errno
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.disk import Fault, Operation
from tests.faults.power import Durable
from tests.faults.study import Outcome, TinyStudy, contents

KILLED = 137
CANNOT_WRITE = 3
GROWS = ("create", "write", "half", "mkdir", "fsync")
FAILS = (*GROWS, "ftruncate", "truncate", "rename", "replace")


@dataclass
class Tally:
    """What became of the trials of one kind.

    Attributes:
        kind: of fault. tried: trials in which it happened.
        problems: a sentence for each trial that lost or changed something, or ended in another way.
    """

    kind: str
    tried: int = 0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lost = sum("lost" in p for p in self.problems)
        changed = sum("changed" in p for p in self.problems)
        other = len(self.problems) - lost - changed
        return f"{self.kind}: {self.tried}, lost: {lost}, changed: {changed}, other: {other}"


class Kill(Fault):
    """The process is gone at one operation."""

    def __init__(self, number: int) -> None:
        self.number = number

    def hits(self, operation: Operation) -> bool:
        return operation.number == self.number

    def before(self, operation: Operation) -> None:
        os._exit(KILLED)


class Fails(Fault):
    """Operations fail: one (a bad sector), or all that need room from one on (a full disk)."""

    def __init__(self, number: int, code: int) -> None:
        self.number, self.code = number, code

    def hits(self, operation: Operation) -> bool:
        if self.code == errno.ENOSPC and operation.number > self.number:
            return operation.name in GROWS
        return operation.number == self.number

    def before(self, operation: Operation) -> None:
        raise OSError(self.code, os.strerror(self.code), operation.path)


class PowerCut(Kill):
    """The power fails at one operation: what is left on disk is written to another folder."""

    def __init__(self, number: int, folder: Path, target: Path) -> None:
        super().__init__(number)
        self._durable, self._target = Durable(folder), target

    def before(self, operation: Operation) -> None:
        left = self._durable.strict if self.number % 2 else self._durable.zeroed
        left(self._target)
        super().before(operation)

    def after(self, operation: Operation) -> None:
        self._durable.after(operation)


def sampled(operations: Sequence[str], kinds: Iterable[str], sample: int | None) -> list[int]:
    """Numbers of operations of some kinds: all, or so many evenly spread."""
    chosen = set(kinds)
    numbers = [k for k, name in enumerate(operations, 1) if name in chosen]
    if sample is None or sample >= len(numbers):
        return numbers
    return [numbers[(2 * k + 1) * len(numbers) // (2 * sample)] for k in range(sample)]


def kills(study: TinyStudy, executor: str, sample: int | None) -> Iterator[Tally]:
    """Kill at operations, continue, compare."""
    tally = Tally(f"kills ({executor})")
    operations = study.operations(executor)
    for number in sampled(operations, set(operations), sample):
        folder = study.new_folder()
        outcome = study.run(folder, executor, Kill(number))
        _check(study, tally, number, folder, outcome, KILLED, executor)
        yield tally


def errors(study: TinyStudy, code: int, sample: int | None) -> Iterator[Tally]:
    """Operations fail with an error: words and exit status 3; continue, compare."""
    tally = Tally(errno.errorcode[code])
    operations = study.operations("sequential")
    for number in sampled(operations, FAILS, sample):
        folder = study.new_folder()
        outcome = study.run(folder, fault=Fails(number, code))
        if "Traceback" in outcome.words or os.strerror(code) not in outcome.words:
            tally.problems.append(f"{code} at {number}: no plain words: {outcome.words[-300:]}")
        _check(study, tally, number, folder, outcome, CANNOT_WRITE, "sequential")
        yield tally


def power_cuts(study: TinyStudy, executor: str, sample: int | None) -> Iterator[Tally]:
    """Cut the power at operations, continue on what is left, compare."""
    tally = Tally(f"power cuts ({executor})")
    operations = study.operations(executor)
    for number in sampled(operations, set(operations), sample):
        folder, left = study.new_folder(), study.new_folder()
        outcome = study.run(folder, executor, PowerCut(number, folder, left))
        _check(study, tally, number, left, outcome, KILLED, executor)
        yield tally


def two_writers(study: TinyStudy, sample: int | None) -> Iterator[Tally]:
    """Two commands in one folder at once: one is refused in words, and nothing is different."""
    tally = Tally("two writers")
    for number in range(sample or 20):
        folder = study.new_folder()
        arguments = ["run", str(study.place / "study.yaml"), "--out", str(folder / "out")]
        arguments += ["--executor", "sequential"]
        ends = [wait() for wait in [study.started(arguments, folder) for _ in range(2)]]
        tally.tried += 1
        if sorted(end.status for end in ends) not in ([0, CANNOT_WRITE], [0, 0]):
            tally.problems.append(
                f"pair {number} ended {[(e.status, e.words[-300:]) for e in ends]}"
            )
        tally.problems += compared(study, folder, f"pair {number}")
        yield tally


def _check(
    study: TinyStudy,
    tally: Tally,
    number: int,
    folder: Path,
    outcome: Outcome,
    expected: int,
    executor: str,
) -> None:
    """After a fault: how the command ended, what it had reported is there, continuing is equal."""
    where = f"{tally.kind} at {number}"
    if outcome.status == 0 and len(outcome.operations) < number:
        return  # workers are not equally fast each time: it did not come so far
    tally.tried += 1
    if outcome.status != expected:
        tally.problems.append(f"{where}: ended with {outcome.status}: {outcome.words[-300:]}")
    tally.problems += _lost(study, folder, outcome, where)
    again = study.run(folder, executor)
    if again.status != 0:
        tally.problems.append(f"{where}: not continued: {again.status} {again.words[-600:]}")
    else:
        tally.problems += compared(study, folder, where)
    shutil.rmtree(folder)


def _lost(study: TinyStudy, folder: Path, outcome: Outcome, where: str) -> list[str]:
    """Runs whose end had been reported and that are not there as a whole."""
    there = contents(folder / "out")
    needed = ("run.json", "events.jsonl", "steps.parquet")
    return [
        f"{where}: lost {run}/{name}"
        for run in outcome.ended
        for name in needed
        if there.get(f"runs/{run}/{name}") != study.reference[f"runs/{run}/{name}"]
    ]


def compared(study: TinyStudy, folder: Path, where: str) -> list[str]:
    """What differs from a study that nothing happened to."""
    there = contents(folder / "out")
    names = sorted(study.reference.keys() | there.keys())
    wrong = [name for name in names if study.reference.get(name) != there.get(name)]
    return [f"{where}: changed {', '.join(wrong[:4])}"] if wrong else []
