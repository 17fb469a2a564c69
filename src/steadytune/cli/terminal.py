"""The terminal: where messages go, what errors look like, and what the exit status means."""

from __future__ import annotations

import logging
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import typer

from steadytune.errors import BadInput
from steadytune.escape import visible
from steadytune.escape.terminal import SafeConsole

errors = SafeConsole(stderr=True, highlight=False)
CRASHED, BAD_INPUT, CANNOT_WRITE, STOPPED = 1, 2, 3, 130


@contextmanager
def plain_errors() -> Iterator[None]:
    """Bad input costs the user a sentence, never a traceback."""
    try:
        yield
    except BadInput as problem:
        errors.print(f"steadytune: {problem}", markup=False, soft_wrap=True, style="red")
        raise typer.Exit(BAD_INPUT) from None
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None
    except OSError as problem:
        what = f": {problem.filename}" if problem.filename else ""
        told = [f"cannot read or write{what}: {problem.strerror or problem}", *_notes(problem)]
        errors.print(f"steadytune: {'; '.join(told)}", soft_wrap=True, style="red")
        raise typer.Exit(CANNOT_WRITE) from None
    except KeyboardInterrupt as problem:
        errors.print("; ".join(["\nstopped", *_notes(problem)]))
        raise typer.Exit(STOPPED) from None


def _notes(problem: BaseException) -> list[str]:
    return list(getattr(problem, "__notes__", ()))


def show(text: object) -> None:
    """Print a result on stdout; whatever a name holds, the terminal only shows it."""
    print(visible(str(text), lines=True))


def width() -> int | None:
    """Columns of the terminal, or None where the output goes to a file or a program."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


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
