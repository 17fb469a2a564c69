"""The command line: parse, call, print."""

from __future__ import annotations

import json
import logging
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

import steadytune
from steadytune.analysis.cautions import fragile, suspicious
from steadytune.analysis.cells import cells
from steadytune.analysis.summary import summarize
from steadytune.errors import BadInput
from steadytune.ledger import Ledger
from steadytune.listing import Listed, names
from steadytune.progress import Progress
from steadytune.reading import figures, report
from steadytune.reports.summary_table import FORMATS, as_table
from steadytune.reproducing.command import reproduce
from steadytune.study import Study
from steadytune.study_file import Options, assemble, read

if TYPE_CHECKING:
    from steadytune.conduct import Loaded

app = typer.Typer(
    name="steadytune",
    help="Fine-tune encoders on small data so that the result does not depend on luck.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
errors = Console(stderr=True, highlight=False)
CRASHED, BAD_INPUT, CANNOT_WRITE, STOPPED = 1, 2, 3, 130


class Format(StrEnum):
    """Output formats of ``summary``."""

    table = "table"
    json = "json"
    csv = "csv"
    markdown = "markdown"
    latex = "latex"


class ListFormat(StrEnum):
    """Output formats of ``list``."""

    table = "table"
    json = "json"


class Which(StrEnum):
    """Which checkpoint ``summary`` is of."""

    last = "last"
    best = "best"


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Bad input costs the user a sentence, never a traceback."""
    try:
        yield
    except BadInput as problem:
        errors.print(f"steadytune: {problem}", markup=False, soft_wrap=True, style="red")
        raise typer.Exit(BAD_INPUT) from None
    except OSError as problem:
        errors.print(
            f"steadytune: cannot read or write: {problem}; what finished is kept, and the same "
            "command again continues",
            markup=False,
            soft_wrap=True,
            style="red",
        )
        raise typer.Exit(CANNOT_WRITE) from None
    except KeyboardInterrupt:
        errors.print("\nstopped; the same command again continues where this left off")
        raise typer.Exit(STOPPED) from None


def _version(wanted: bool) -> None:
    if wanted:
        print(steadytune.__version__)
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def run(
    study: Annotated[
        Path | None, typer.Argument(help="A study file. Options given beside it win over it.")
    ] = None,
    task: Annotated[
        list[str] | None,
        typer.Option(
            "--task",
            help="A name (see 'list tasks'), or a CSV, TSV, JSONL or Parquet file.",
        ),
    ] = None,
    encoder: Annotated[
        list[str] | None,
        typer.Option("--encoder", help="A name (see 'list encoders'), folder or Hub id."),
    ] = None,
    recipe: Annotated[
        list[str] | None,
        typer.Option(
            "--recipe",
            help="A name (see 'list recipes'); may be repeated.",
            show_default="mosbach2021",
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option("--seeds", help="Runs of each recipe on each task.", show_default="5"),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Such as recipe.lr=5e-5."),
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", help="Folder in the official GLUE layout.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The study's folder.", show_default="runs/<study name>"),
    ] = None,
    executor: Annotated[str, typer.Option("--executor", help="How runs are computed.")] = ("auto"),
) -> None:
    """Fine-tune every recipe on every task with every seed; again, to continue.

    Exit status: 0 done, 1 some runs crashed, 2 bad input, 3 cannot read or write, 130 stopped.
    """
    from steadytune import conduct  # torch takes seconds to import; other commands do without

    with _plain_errors():
        wanted = _study(study, task, encoder, recipe, seeds, set_, data_dir)
        conduct.check_executor(executor)
        loaded = conduct.load(wanted)
        ledger = conduct.open_ledger(loaded, out or Path("runs") / loaded.study.name)
        cells_to_run = {(run.recipe.name, run.task.title): run for run in loaded.runs}
        _caution(
            sentence
            for run in cells_to_run.values()
            for sentence in fragile(run.recipe, loaded.total_steps(run), run.task.title)
        )
        _show_log()
        _caution(encoder.head_note for encoder in loaded.encoders.values() if encoder.head_note)
        errors.print(_kept_in(ledger), markup=False, soft_wrap=True)
        progress = _progress(loaded, ledger)
        with progress.shown():
            conduct.run_study(loaded, ledger, executor, progress)
        found = cells(ledger)
        print(as_table(summarize(found), _width()))
        _caution(suspicious(found))
        raise typer.Exit(_say_crashed(ledger))


class _Shown(logging.Handler):
    """Shows what the package logs, such as which executor was chosen and why."""

    def emit(self, record: logging.LogRecord) -> None:
        errors.print(self.format(record), markup=False, soft_wrap=True)


def _show_log() -> None:
    logger = logging.getLogger("steadytune")
    logger.handlers[:] = [_Shown()]
    logger.setLevel(logging.INFO)


def _study(
    file: Path | None,
    tasks: list[str] | None,
    encoders: list[str] | None,
    recipes: list[str] | None,
    seeds: int | None,
    overrides: list[str] | None,
    data_dir: Path | None,
) -> Study:
    from steadytune.conduct import CATALOGUE

    options = Options(
        tasks=tasks or (),
        encoders=encoders or (),
        recipes=recipes or (),
        seeds=seeds,
        data_dir=None if data_dir is None else str(data_dir),
    )
    if file is None:
        return assemble(options, overrides or (), CATALOGUE)
    return read(file, overrides or (), CATALOGUE, options)


def _progress(loaded: Loaded, ledger: Ledger) -> Progress:
    return Progress(
        titles={
            run.id: f"{run.recipe.name} {run.task.title} {run.encoder} seed {run.seeds}"
            for run in loaded.runs
        },
        metrics={
            run.id: (loaded.tasks[run.task.title].metric, loaded.tasks[run.task.title].report)
            for run in loaded.runs
        },
        ended=[row.planned.id for row in ledger.records() if row.state.ended],
        console=errors,
    )


def _width() -> int | None:
    """Columns of the terminal, or None where the output goes to a file or a program."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _kept_in(ledger: Ledger) -> str:
    ended = {row.planned.id: row.state.ended for row in ledger.records()}
    before = f", {sum(ended.values())} of them ended before" if any(ended.values()) else ""
    return f"{len(ended)} runs{before}, kept in {ledger.folder}"


def _caution(sentences: Iterable[str]) -> None:
    for sentence in dict.fromkeys(sentences):
        errors.print(f"caution: {sentence}", style="yellow", markup=False, soft_wrap=True)


def _say_crashed(ledger: Ledger) -> int:
    crashed = [row for row in ledger.records() if row.record and row.record.error]
    for row in crashed:
        assert row.record is not None
        assert row.record.error is not None
        last_line = row.record.error.strip().splitlines()[-1]
        errors.print(
            f"crashed: {row.planned.recipe} on {row.planned.task}, seed {row.planned.seeds}: "
            f"{last_line} (whole story in {ledger.folder}/runs/{row.planned.id}/run.json; "
            "the same command again tries it again)",
            style="red",
            markup=False,
            soft_wrap=True,
        )
    return CRASHED if crashed else 0


@app.command()
def summary(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a study.")],
    format_: Annotated[Format, typer.Option("--format", help="Output format.")] = Format.table,
    checkpoint: Annotated[
        Which, typer.Option("--checkpoint", help="last, or best on the selecting dev split.")
    ] = Which.last,
) -> None:
    """How well and how steadily each recipe does: one row a task, encoder and recipe."""
    with _plain_errors():
        rows = summarize(cells(Ledger.open(folder)), checkpoint.value)
        print(as_table(rows, _width()) if format_ is Format.table else FORMATS[format_](rows))


app.command()(_plain_errors()(figures))
app.command()(_plain_errors()(report))
app.command()(_plain_errors()(reproduce))


@app.command("list")
def list_(
    what: Annotated[Listed, typer.Argument(help="What to list.")],
    format_: Annotated[
        ListFormat, typer.Option("--format", help="Output format.")
    ] = ListFormat.table,
) -> None:
    """The names that study files and options may use, one line each."""
    known = names(what)
    if format_ is ListFormat.json:
        print(json.dumps(known, indent=2))
        return
    width = max(map(len, known))
    for name, text in known.items():
        print(f"{name:{width}}  {text}")


def main() -> None:
    """The ``steadytune`` command."""
    app()
