"""Series: what a run says step by step, as lines while it goes on and as a table after its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from steadytune.errors import Damaged
from steadytune.ledger.arrays import read_table, write_table
from steadytune.ledger.durable import Lines
from steadytune.ledger.json_lines import damaged, read_lines
from steadytune.ledger.sums import misfit
from steadytune.records import FileSum

Columns = dict[str, NDArray[Any]]
Tabulate = Callable[[Sequence[Mapping[str, Any]]], Columns]


class Series:
    """One series of one run; every line has a ``step``, and steps never decrease.

    Args:
        lines_file: JSON lines, while the run goes on.
        sealed_file: Parquet, after it has ended.
        tabulate: lines to columns of one length.
    """

    def __init__(self, lines_file: Path, sealed_file: Path, tabulate: Tabulate) -> None:
        self._lines_file = lines_file
        self._sealed_file = sealed_file
        self._tabulate = tabulate
        self._lines = Lines(lines_file)

    def append(self, line: Mapping[str, object]) -> None:
        """Write one line.

        Raises:
            OSError: it could not be written; the lines before it are untouched.
        """
        self._lines.append(line)

    def sync(self) -> None:
        """Force the lines to disk."""
        self._lines.sync()

    def close(self) -> None:
        """Force the lines to disk and let go of the file."""
        self._lines.close()

    @property
    def sum(self) -> FileSum:
        """Of the lines, as they were written."""
        return self._lines.sum

    def lines(self) -> list[dict[str, Any]]:
        """The whole lines so far.

        Raises:
            Damaged: one before others is not whole.
        """
        return [line.value for line in read_lines(self._lines_file)]

    def cut(self, size: int) -> list[dict[str, Any]]:
        """Keep the first ``size`` bytes of lines and give them back; nothing is sealed then."""
        self._sealed_file.unlink(missing_ok=True)
        self._lines.go_on_after(size)
        return self.lines()

    def seal(self) -> None:
        """Write the lines as a table, if there are any.

        Raises:
            Damaged: the file does not hold what was written.
        """
        found = misfit(self._lines_file, self.sum, whole=True, prefix=True)
        if found is None and self._lines_file.exists():
            found = misfit(self._lines_file, self.sum, whole=False)
        if found is not None:
            raise Damaged(f"{self._lines_file}: {found}")
        if lines := self.lines():
            write_table(self._sealed_file, self._tabulate(lines))

    def sweep(self) -> None:
        """Remove the lines of a sealed series."""
        self._lines_file.unlink(missing_ok=True)

    def columns(self) -> Columns:
        """All of it so far.

        Raises:
            Damaged: it is not what was written there.
        """
        if self._sealed_file.exists():
            return self._sealed()
        lines = self.lines()
        if not lines and self._sealed_file.exists():  # sealed between the two looks
            return self._sealed()
        try:
            return self._tabulate(lines)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise damaged(self._lines_file, error) from None

    def _sealed(self) -> Columns:
        columns = read_table(self._sealed_file)
        for name, like in self._tabulate([]).items():
            if name not in columns:
                raise Damaged(f"{self._sealed_file}: damaged (it has no column {name})")
            if columns[name].dtype.kind != like.dtype.kind:
                raise Damaged(
                    f"{self._sealed_file}: damaged (column {name} is {columns[name].dtype})"
                )
        return columns


class Curve(NamedTuple):
    """One diagnostic value along a run.

    Attributes:
        steps: (n,) int64, increasing. values: (n,) float64, NaN where it was not finite.
    """

    steps: NDArray[np.int64]
    values: NDArray[np.float64]


def measured_columns(lines: Sequence[Mapping[str, Any]]) -> Columns:
    """Lines ``{"step": 7, "values": {name: value}}`` as one row a value; null becomes NaN."""
    rows = [(line["step"], name, v) for line in lines for name, v in line["values"].items()]
    return {
        "step": np.array([step for step, _, _ in rows], dtype=np.int64),
        "name": np.array([name for _, name, _ in rows], dtype=object),
        "value": np.array([value for _, _, value in rows], dtype=np.float64),
    }


def curves(columns: Columns) -> dict[str, Curve]:
    """The rows of ``measured_columns`` by name, in the order of first appearance."""
    if not len(columns["name"]):
        return {}
    names, first, which = np.unique(
        columns["name"].astype(str), return_index=True, return_inverse=True
    )
    return {
        str(names[k]): Curve(columns["step"][which == k], columns["value"][which == k])
        for k in np.argsort(first)
    }
