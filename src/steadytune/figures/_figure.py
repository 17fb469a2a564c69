"""Figure: an entry of the table: data for each panel, how one is drawn, what the caption says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steadytune.results.conditions import Condition

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Figure:
    """What is known of a figure without drawing it.

    Attributes:
        name: the key in TABLE and the stem of its files.
        summary: one line that says what it shows.
        panels: the data of each panel, from the conditions of a study.
        draw: draws the data of one panel on given axes and returns them.
        caption: of all panels together; always with n, estimator, interval and checkpoint.
        inches: width and height of a panel.
        scale: what the colours of all panels say, where one scale of them stands beside all.
        needs: what a study must hold for a panel, and how it comes to hold it.
    """

    name: str
    summary: str
    panels: Callable[[Sequence[Condition]], Sequence[Any]]
    draw: Callable[[Any, Axes], Axes]
    caption: Callable[[Sequence[Any]], str]
    inches: tuple[float, float] = (4.6, 3.4)
    scale: str | None = None
    needs: str = "runs that have ended: run the study to its end"
