"""Many runs as one program, with a leading run axis."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable, Iterator, Sequence, Sized
from dataclasses import replace
from itertools import chain, groupby

from steadytune import stabilizers
from steadytune.encoders import Stackable
from steadytune.executors._executor import Work
from steadytune.executors._room import NoRoom, places_for
from steadytune.executors.sequential import Sequential
from steadytune.recipe import StabilizerChoice
from steadytune.records import Crashed, End, Event
from steadytune.study import Run
from steadytune.training.loop import train
from steadytune.training.ready import ReadyRun
from steadytune.training.stacked_step import StackedStepper

logger = logging.getLogger(__name__)


class Stacked:
    """Computes runs of the same encoder, task and batch shape together, in this process.

    Runs that end leave the stack at once and others take their places. Should the program of a
    stack fail, the runs that were in it are computed one by one, so that one run's fault does not
    cost the others.

    Args:
        places: how many runs at once; None: as many of each group as fit into memory.
    """

    name = "stacked"
    summary = "many runs at once as one program, in this process"

    def __init__(self, places: int | None = None) -> None:
        self._places = places

    def compute(self, work: Work) -> Iterator[Event]:
        """The events of all runs, those of a stack interleaved."""
        for runs in groups(work.runs):
            yield from _Group(runs, work, self._places).compute()


def stack_key(run: Run) -> tuple[object, ...]:
    """Runs of one key have tensors of the same shapes and may share a stack."""
    recipe = run.recipe
    shape = (recipe.precision, recipe.batch_size, recipe.max_length, recipe.segment_ids)
    apart = [repr(choice) for choice in recipe.stabilizers if _apart(choice)]
    return (run.encoder, run.task.title, *shape, *apart)


def _apart(choice: StabilizerChoice) -> bool:
    """Whether its runs have other passes or parameters than those without it."""
    cost = stabilizers.make(choice).cost
    return cost.forward > 1 or cost.parameters


def groups(runs: Iterable[Run]) -> Iterable[Iterable[Run]]:
    """The runs of each key; where they are not known beforehand, those that follow each other."""
    if not isinstance(runs, Sequence):
        return (group for _, group in groupby(runs, key=stack_key))
    found: dict[tuple[object, ...], list[Run]] = {}
    for run in runs:
        found.setdefault(stack_key(run), []).append(run)
    return found.values()


class _Group:
    """Runs that may share a stack."""

    def __init__(self, runs: Iterable[Run], work: Work, places: int | None) -> None:
        self._number = len(runs) if isinstance(runs, Sized) else None  # None: not known yet
        self._runs = iter(runs)
        self._work = work
        self._places = places
        self._begun: dict[str, Run] = {}  # and not ended
        self._crashed: list[Event] = []  # while they were made ready, and not told yet

    def compute(self) -> Iterator[Event]:
        ready = self._ready()
        first = next(ready, None)
        yield from self._new_crashed()
        if first is not None and not isinstance(first.encoder, Stackable):
            yield from self._one_by_one(chain(self._begun.values(), self._runs))
        elif first is not None:
            try:
                places = self._places or places_for(first)
            except NoRoom as problem:
                for run in chain(self._begun.values(), self._runs):
                    yield Crashed(run.id, str(problem))
            else:
                yield from self._stacks(first, ready, min(places, self._number or places))

    def _stacks(
        self, first: ReadyRun | None, ready: Iterator[ReadyRun], places: int
    ) -> Iterator[Event]:
        while first is not None:
            try:
                runs = chain([first], ready)
                for event in train(runs, StackedStepper(places), self._work.snapshot_due):
                    if isinstance(event, End):
                        del self._begun[event.run]
                    yield event
                    yield from self._new_crashed()
            except Exception:
                logger.warning("a stack failed; its runs are computed one by one", exc_info=True)
            # Here, as the exception has held the memory of the stack until now.
            yield from self._one_by_one(list(self._begun.values()))
            self._begun.clear()
            first = next(ready, None)
            yield from self._new_crashed()

    def _one_by_one(self, runs: Iterable[Run]) -> Iterator[Event]:
        return Sequential().compute(replace(self._work, runs=runs))

    def _ready(self) -> Iterator[ReadyRun]:
        for run in self._runs:
            try:
                ready = self._work.ready(run)
            except Exception:
                self._crashed.append(Crashed(run.id, traceback.format_exc()))
            else:
                self._begun[run.id] = run
                yield ready

    def _new_crashed(self) -> Iterator[Event]:
        """Runs that could not be made ready since the last call."""
        found, self._crashed = self._crashed, []
        return iter(found)
