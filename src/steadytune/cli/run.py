"""``steadytune run``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import steadytune
from steadytune.cli.terminal import CRASHED, caution, errors, plain_errors, show, show_log, width


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
    """Fine-tune every recipe on every task with every seed. Run it again to resume.

    Exit status: 0 done, 1 some runs crashed, 2 bad input, 3 cannot read or write, 130 stopped.
    """
    with plain_errors():
        wanted = steadytune.read_study(
            study,
            set_ or (),
            tasks=task or (),
            encoders=encoder or (),
            recipes=recipe or (),
            seeds=seeds,
            data_dir=data_dir,
        )
        prepared = steadytune.prepare(wanted, executor)
        ledger = prepared.open_ledger(out)
        caution(prepared.cautions())
        show_log()
        errors.print(_kept_in(ledger), markup=False, soft_wrap=True)
        from steadytune.cli.progress import shown

        with shown(prepared, ledger) as progress:
            prepared.run(ledger, executor, progress)
        summary = steadytune.summarize(ledger)
        show(summary.render(width=width()))
        caution(summary.cautions)
        raise typer.Exit(_say_crashed(ledger))


def _kept_in(ledger: steadytune.Ledger) -> str:
    ended = {row.planned.id: row.state.ended for row in ledger.records()}
    before = f", {sum(ended.values())} of them ended before" if any(ended.values()) else ""
    return f"{len(ended)} runs{before}, kept in {ledger.folder}"


def _say_crashed(ledger: steadytune.Ledger) -> int:
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
