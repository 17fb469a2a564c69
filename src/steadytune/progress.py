"""Progress: a live table of the runs on a terminal, plain lines elsewhere. Always on stderr."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from steadytune.escape import visible
from steadytune.records import (
    Crashed,
    Diverged,
    End,
    Evaluation,
    Event,
    Finished,
    Measured,
    Snapshot,
    Started,
    Step,
    Stopped,
    Weights,
)

ROWS = 12  # runs shown at once: those under way and the last that ended
REFRESH_SECONDS = 0.5
PLAIN_SECONDS = 30.0  # between two plain lines of the same run


@dataclass
class Line:
    """What is shown of one run."""

    title: str
    state: str = "planned"
    step: int = 0
    total: int = 0
    loss: float | None = None
    metric: float | None = None
    seconds_a_step: float | None = None
    touched: float = 0.0

    def take(self, event: Event, metric: str, report: str) -> None:
        """Bring the line up to date with an event of its run."""
        self.touched = time.monotonic()
        match event:
            case Started():
                self.state, self.step, self.total = "running", event.step, event.total_steps
            case Step():
                self.step = event.step
                self.loss = _smooth(self.loss, event.loss)
                self.seconds_a_step = _smooth(self.seconds_a_step, event.seconds)
            case Evaluation() if event.split == report:
                self.metric = event.metrics[metric]
            case Diverged():
                self.state = f"diverged at step {event.step}: {event.tensor}"
            case Stopped():
                self.state = f"stopped at step {event.step}: {event.reason}"
            case Finished():
                self.state = "finished"
            case Crashed():
                self.state = "crashed: " + event.error.strip().splitlines()[-1]
            case Measured() | Evaluation() | Weights() | Snapshot():
                pass

    def cells(self) -> list[str]:
        """The line as the columns of the table."""
        left = None
        if self.state == "running" and self.seconds_a_step is not None:
            left = (self.total - self.step) * self.seconds_a_step
        speed = 1 / self.seconds_a_step if self.seconds_a_step else None
        return [
            visible(self.title),
            f"{self.step}/{self.total}" if self.total else "",
            "" if self.loss is None else f"{self.loss:.4f}",
            "" if self.metric is None else f"{self.metric:.4f}",
            "" if speed is None else f"{speed:.1f}/s",
            "" if left is None else duration(left),
            visible(self.state),
        ]


HEADINGS = ("run", "step", "loss", "metric", "speed", "left", "state")


def _smooth(old: float | None, new: float) -> float:
    """A running mean over about twenty steps."""
    return new if old is None else old + 0.05 * (new - old)


def duration(seconds: float) -> str:
    """Seconds as a person says them: 45s, 3m20s, 2h05m."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


class Progress:
    """Shows the events of a study as they come.

    Args:
        titles: what each run is called, by id, in plan order.
        metrics: headline metric and report split of each run, by id.
        ended: ids of runs that had ended before.
        console: where to draw; a live table if it is a terminal.
    """

    def __init__(
        self,
        titles: Mapping[str, str],
        metrics: Mapping[str, tuple[str, str]],
        ended: Iterable[str],
        console: Console,
    ) -> None:
        self._lines = {run: Line(title) for run, title in titles.items()}
        self._metrics = metrics
        self._before = set(ended)
        self._done = set(self._before)
        self._console = console
        self._live: Live | None = None
        self._drawn = 0.0
        self._printed: dict[str, float] = {}

    @contextmanager
    def shown(self) -> Iterator[Progress]:
        """Draw for as long as the block lasts."""
        if not self._console.is_terminal:
            yield self
            return
        with Live(self._table(), console=self._console, auto_refresh=False) as live:
            self._live = live
            yield self
            live.update(self._table(), refresh=True)

    def __call__(self, event: Event) -> None:
        """Take note of an event and draw if it is time."""
        line = self._lines[event.run]
        line.take(event, *self._metrics[event.run])
        if isinstance(event, End | Crashed):
            self._done.add(event.run)
        if self._live is not None:
            if line.touched - self._drawn >= REFRESH_SECONDS:
                self._drawn = line.touched
                self._live.update(self._table(), refresh=True)
        else:
            self._print(event, line)

    def _print(self, event: Event, line: Line) -> None:
        ended = isinstance(event, End | Crashed)
        recent = line.touched - self._printed.get(event.run, 0.0) < PLAIN_SECONDS
        if not ended and (not isinstance(event, Step | Started) or recent):
            return
        self._printed[event.run] = line.touched
        named = [
            f"{heading} {cell}" if heading not in ("run", "state") else cell
            for heading, cell in zip(HEADINGS, line.cells(), strict=True)
            if cell
        ]
        text = f"[{len(self._done)}/{len(self._lines)}] " + "  ".join(named)
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _table(self) -> Table:
        table = Table(*HEADINGS, box=None, header_style="bold", padding=(0, 1))
        table.title = f"{len(self._done)} of {len(self._lines)} runs ended"
        if self._before:
            table.title += f", {len(self._before)} of them before"
        begun = [line for line in self._lines.values() if line.touched]
        running = [line for line in begun if line.state == "running"]
        recent = sorted((line for line in begun if line.state != "running"), key=_when)
        for line in [*recent[-(ROWS - len(running)) :], *running][-ROWS:]:
            table.add_row(*map(Text, line.cells()))  # as text: a title may hold [brackets]
        return table


def _when(line: Line) -> float:
    return line.touched
