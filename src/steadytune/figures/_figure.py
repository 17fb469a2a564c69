"""Figure: an entry of the table: data for each panel, how one is drawn, what the caption says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

from steadytune.analysis.cells import Cell
from steadytune.ledger import Curve, EvaluationRow, Ledger

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class RunReader(Protocol):
    """What figures of curves read: a Ledger, or several of them seen as one."""

    def steps(self, run: str) -> dict[str, NDArray[Any]]:
        """Every step of a run, as columns."""
        ...

    def evaluations(self, run: str) -> list[EvaluationRow]:
        """Every evaluation of a run, in order."""
        ...

    def diagnostics(self, run: str) -> Mapping[str, Curve]:
        """What diagnostics measured in a run, by ``<diagnostic>/<what>``."""
        ...


@dataclass(frozen=True)
class Figure:
    """What is known of a figure without drawing it.

    Attributes:
        name: the key in TABLE and the stem of its files.
        summary: one line that says what it shows.
        panels: the data of each panel, from a ledger and its cells.
        draw: draws the data of one panel on given axes and returns them.
        caption: of all panels together; always with n, estimator, interval and checkpoint.
        inches: width and height of a panel.
        scale: what the colours of all panels say, where one scale of them stands beside all.
        needs: what a study must hold for a panel, and how it comes to hold it.
    """

    name: str
    summary: str
    panels: Callable[[Ledger, Sequence[Cell]], Sequence[Any]]
    draw: Callable[[Any, Axes], Axes]
    caption: Callable[[Sequence[Any]], str]
    inches: tuple[float, float] = (4.6, 3.4)
    scale: str | None = None
    needs: str = "runs that have ended: run the study to its end"
