"""``steadytune run``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steadytune.analysis.cautions import fragile, suspicious
from steadytune.analysis.cells import cells
from steadytune.analysis.summary import summarize
from steadytune.cli.terminal import (
    CRASHED,
    caution,
    errors,
    plain_errors,
    show,
    show_log,
    width,
)
from steadytune.ledger import Ledger
from steadytune.progress import Progress
from steadytune.reports.summary_table import as_table
from steadytune.study import Study
from steadytune.study_file import Options, assemble, read

if TYPE_CHECKING:
    from steadytune.conduct import Loaded


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

    with plain_errors():
        wanted = _study(study, task, encoder, recipe, seeds, set_, data_dir)
        conduct.check_executor(executor)
        loaded = conduct.load(wanted)
        ledger = conduct.open_ledger(loaded, out or Path("runs") / loaded.study.name)
        cells_to_run = {(run.recipe.name, run.task.title): run for run in loaded.runs}
        caution(
            sentence
            for run in cells_to_run.values()
            for sentence in fragile(run.recipe, loaded.total_steps(run), run.task.title)
        )
        caution(sentence for task in loaded.tasks.values() for sentence in task.facts.cautions)
        caution(loaded.cut_texts())
        show_log()
        caution(encoder.head_note for encoder in loaded.encoders.values() if encoder.head_note)
        errors.print(_kept_in(ledger), markup=False, soft_wrap=True)
        progress = _progress(loaded, ledger)
        with progress.shown():
            conduct.run_study(loaded, ledger, executor, progress)
        found = cells(ledger)
        show(as_table(summarize(found), width()))
        caution(suspicious(found))
        raise typer.Exit(_say_crashed(ledger))


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


def _kept_in(ledger: Ledger) -> str:
    ended = {row.planned.id: row.state.ended for row in ledger.records()}
    before = f", {sum(ended.values())} of them ended before" if any(ended.values()) else ""
    return f"{len(ended)} runs{before}, kept in {ledger.folder}"


def _say_crashed(ledger: Ledger) -> int:
    crashed = [row for row in ledger.records() if row.record and row.record.error]
    for row in crashed:
        assert row.record is not None
        assert row.record.error is not None
        last_line = row.record.error.strip().splitlines()[-1]
        errors.print(
            f"crashed: {row.planned.recipe} on {row.planned.task}, seed {row.planned.seeds}: "
            f"{last_line} (whole story in {ledger.folder}/runs/{row.planned.id}/run.json; "
            "run the same command again to try it again)",
            style="red",
            markup=False,
            soft_wrap=True,
        )
    return CRASHED if crashed else 0
