"""Whether two readers give the same, run by run, before one takes the place of the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadytune.ledger._ledger import Ledger
from steadytune.ledger.readers import RunReader, StudyReader


def difference(ledger: Ledger, other: StudyReader) -> str | None:
    """The first thing that reads otherwise, in a few words; None where nothing does.

    Raises:
        Damaged: something cannot be read.
    """
    for run in dict.fromkeys(row.id for row in ledger.planned):
        if ledger.record(run) is not None:
            for what in _differences(ledger.reader.run(run), other.run(run)):
                return f"{what} of run {run}"
        elif other.run(run).record() is not None:
            return f"the record of run {run}"
    if ledger.reader.texts() != other.texts():
        return "the list of examples"
    for split in other.texts():
        if ledger.reader.examples(split) != other.examples(split):
            return f"the examples of {split}"
    return None


def _differences(one: RunReader, other: RunReader) -> Iterator[str]:
    if one.record_text() != other.record_text() or other.record() is None:
        yield "the record"
    if one.events() != other.events():
        yield "the events"
    if not _same_columns(one.steps(), other.steps()):
        yield "the steps"
    here, there = one.diagnostics(), other.diagnostics()
    if list(here) != list(there) or not all(
        _same(of.steps, there[name].steps) and _same(of.values, there[name].values)
        for name, of in here.items()
    ):
        yield "the diagnostics"
    if one.predicted() != other.predicted():
        yield "the list of predictions"
    for key in one.predicted():
        if not _same_columns(vars(one.predictions(*key)), vars(other.predictions(*key))):
            yield "the predictions"


def _same_columns(one: dict[str, NDArray[Any]], other: dict[str, NDArray[Any]]) -> bool:
    return list(one) == list(other) and all(_same(one[name], other[name]) for name in one)


def _same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return one.dtype.kind == other.dtype.kind and np.array_equal(
        one, other, equal_nan=one.dtype.kind == "f"
    )
