"""The terminal: where messages go, what errors look like, and what the exit status means.

Exit status: 0 done, 1 some runs crashed, 2 bad input, 3 cannot read or write, 130 stopped, 141 the
reader of the output has gone.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

import typer

from steadytune.errors import BadInput
from steadytune.escape import visible
from steadytune.escape.terminal import SafeConsole
from steadytune.ledger import Depth, Ledger

errors = SafeConsole(stderr=True, highlight=False)
CRASHED, CANNOT_READ_OR_WRITE, STOPPED, NO_READER = 1, 3, 130, 141  # BadInput says its own


@contextmanager
def plain_errors() -> Iterator[None]:
    """Bad input costs the user a sentence, never a traceback."""
    try:
        yield
    except BadInput as problem:
        errors.print(f"steadytune: {problem}", markup=False, soft_wrap=True, style="red")
        raise typer.Exit(problem.exit_status) from None
    except BrokenPipeError:  # the reader, such as head, has seen enough
        _discard_output()
        raise typer.Exit(NO_READER) from None
    except OSError as problem:
        what = f": {problem.filename}" if problem.filename else ""
        told = [f"cannot read or write{what}: {problem.strerror or problem}", *_notes(problem)]
        errors.print(f"steadytune: {'; '.join(told)}", soft_wrap=True, style="red")
        raise typer.Exit(CANNOT_READ_OR_WRITE) from None
    except KeyboardInterrupt as problem:
        errors.print("; ".join(["\nstopped", *_notes(problem)]))
        raise typer.Exit(STOPPED) from None


def _notes(problem: BaseException) -> list[str]:
    return list(getattr(problem, "__notes__", ()))


def show(text: object) -> None:
    """Print a result on stdout; whatever a name holds, the terminal only shows it."""
    print(visible(str(text), lines=True))


@contextmanager
def standard_streams() -> Iterator[None]:
    """Print whatever the streams are: closed, full, of a small alphabet, or with no reader left.

    What is printed inside has been written at the end; Python itself would write the last of it
    when nothing can catch an error any more.
    """
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        with plain_errors():
            try:
                yield
            finally:
                sys.stdout.flush()
    except typer.Exit as end:  # of plain_errors; nobody else would turn it into a status here
        _discard_output()
        sys.exit(end.exit_code)


def _open_closed_streams() -> None:
    """Put the null device in the place of closed streams, which Python gives as None.

    Else the next file that is opened would get their number, and other programs' output.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    null = Path(os.devnull)
    sys.stdout = sys.stdout or null.open("w", encoding="utf-8")
    sys.stderr = sys.stderr or null.open("w", encoding="utf-8")


def _discard_output() -> None:
    """What could not be written is not tried again when Python ends."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def width() -> int | None:
    """Columns of the terminal, or None where the output goes to a file or a program."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


@contextmanager
def opened(folder: Path, depth: Depth = Depth.CONTENTS) -> Iterator[Ledger]:
    """A study to read. Damaged files are told, then the rest is shown, and the status is 3."""
    with plain_errors():
        ledger = Ledger.open(folder)
        problems = ledger.check(depth)
        for problem in problems:
            say_damaged(problem)
        yield ledger
        if problems:
            raise typer.Exit(CANNOT_READ_OR_WRITE)


def say_damaged(problem: object) -> None:
    """Tell of a file that is not as it was written."""
    errors.print(f"steadytune: {problem}", markup=False, soft_wrap=True, style="red")


class _Shown(logging.Handler):
    """Prints what is logged."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        errors.print(self.format(record), markup=False, soft_wrap=True)


def show_log() -> None:
    """Show what the package logs, such as which executor was chosen and why."""
    logger = logging.getLogger("steadytune")
    logger.handlers[:] = [_Shown()]
    logger.setLevel(logging.INFO)


def caution(sentences: Iterable[str]) -> None:
    """Print each sentence once."""
    for sentence in dict.fromkeys(sentences):
        errors.print(f"caution: {sentence}", style="yellow", markup=False, soft_wrap=True)
