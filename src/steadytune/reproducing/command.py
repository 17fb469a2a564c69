"""``steadytune reproduce``: parse, run, judge, write up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steadytune.escape.terminal import SafeConsole

if TYPE_CHECKING:
    from steadytune.reproduce.cast import Cast
    from steadytune.reproduce.evidence import Evidence
    from steadytune.reproduce.mosbach2021 import Experiment

GPU_ENCODER = "bert-large-uncased"
CRASHED = 1
errors = SafeConsole(stderr=True, highlight=False)


def reproduce(
    what: Annotated[str, typer.Argument(metavar="PAPER", help="mosbach2021 or headroom.")],
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[EXPERIMENT]...", help="See --plan.", show_default="all"),
    ] = None,
    encoder: Annotated[
        list[str] | None,
        typer.Option("--encoder", help="May be repeated.", show_default="minilm"),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option("--seeds", help="Runs of each recipe.", show_default="the scale's")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Where it is kept.", show_default="runs/mosbach2021-<scale>"),
    ] = None,
    scale: Annotated[
        str | None,
        typer.Option("--scale", help="small or paper.", show_default="small for minilm"),
    ] = None,
    task: Annotated[
        list[str] | None,
        typer.Option("--task", help="In place of the scale's; the first is shown most."),
    ] = None,
    train_size: Annotated[
        int | None, typer.Option("--train-size", help="Training examples of every task.")
    ] = None,
    lr: Annotated[
        list[float] | None,
        typer.Option("--lr", help="Three times: learning rates, the middle one is the default."),
    ] = None,
    text: Annotated[
        Path | None, typer.Option("--text", help="Held-out text for the experiment 'forgetting'.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", help="Folder in the official GLUE layout.")
    ] = None,
    executor: Annotated[str, typer.Option("--executor", help="How runs are computed.")] = "auto",
    plan: Annotated[bool, typer.Option("--plan", help="Only say what would be run.")] = False,
    no_run: Annotated[
        bool, typer.Option("--no-run", help="Judge and draw the runs that there are.")
    ] = False,
) -> None:
    """Every table and figure of a paper, and what its claims come to; again, to continue.

    Exit status: 0 done, 1 some runs crashed, 2 bad input, 3 cannot read or write, 130 stopped.
    """
    from steadytune.reproducing import options, runs, writing  # torch takes seconds to import

    wanted = options.experiments(what, names or [])
    names_of_encoders = list(dict.fromkeys(encoder or ["minilm"]))
    given = options.Options(
        scale, seeds, task or (), train_size, lr or (), None if data_dir is None else str(data_dir)
    )
    chosen = options.scale_of(given, names_of_encoders)
    errors.print(f"scale {chosen.name}: {chosen.what}", markup=False, soft_wrap=True)
    casts = [runs.cast_of(name, chosen, wanted) for name in names_of_encoders]
    if plan:
        _print_plan(casts, wanted)
        return
    folder = out or Path("runs") / f"mosbach2021-{chosen.name}"
    notes = [] if no_run else _run(casts, wanted, folder, executor)
    every = [runs.evidence_of(cast, folder, _deciding_command(cast)) for cast in casts]
    if not no_run:
        notes += _measure(every, wanted, text)
    folder.mkdir(parents=True, exist_ok=True)
    path, found = writing.write_up(wanted, every, folder, notes)
    for note in notes:
        errors.print(f"note: {note}", style="yellow", markup=False, soft_wrap=True)
    for evidence, findings in found:
        for claim, finding in findings:
            typer.echo(f"{evidence.cast.encoder}  {claim.name:4} {finding.verdict:12} ", nl=False)
            typer.echo(f"n = {finding.n:<4} {finding.measured}")
    typer.echo(path)
    if any(runs.crashed(evidence) for evidence in every):
        raise typer.Exit(CRASHED)


def _run(casts: list[Cast], wanted: list[Experiment], folder: Path, executor: str) -> list[str]:
    """Run everything that is left; what went wrong, in words."""
    from steadytune.conduct import check_executor
    from steadytune.reproducing import runs, searching

    check_executor(executor)
    notes = list[str]()
    for cast in casts:
        runs.run_parts(cast, wanted, folder, executor, errors)
        if any(experiment.name == "headroom" for experiment in wanted):
            notes += searching.search_headroom(cast, folder, executor, errors)
    return notes


def _measure(every: list[Evidence], wanted: list[Experiment], text: Path | None) -> list[str]:
    """Measure on kept weights what the experiments show; what could not be, in words."""
    from steadytune.reproducing import weights

    measured = {experiment.measures for experiment in wanted}
    notes = list[str]()
    for evidence in every:
        if "forgetting" in measured:
            notes += weights.measure_forgetting(evidence, text, errors)
        if "surfaces" in measured:
            notes += weights.measure_surfaces(evidence, errors)
    return notes


def _deciding_command(cast: Cast) -> str:
    """What decides more: the paper's scale on its own encoder, or more seeds."""
    scale = cast.scale
    if scale.name != "paper":
        return f"steadytune reproduce mosbach2021 --scale paper --encoder {GPU_ENCODER}"
    seeds = 25 if scale.seeds < 25 else 2 * scale.seeds
    return f"steadytune reproduce mosbach2021 --encoder {cast.encoder} --seeds {seeds}"


def _print_plan(casts: list[Cast], wanted: list[Experiment]) -> None:
    from steadytune.reproducing import runs

    for cast in casts:
        typer.echo(f"{cast.encoder}, scale {cast.scale.name}")
        typer.echo(f"  {'experiment':20} {'shows':24} claims")
        for one in wanted:
            claims = ", ".join(claim.name for claim in one.claims)
            typer.echo(f"  {one.name:20} {one.shows:24} {claims}")
        parts = runs.planned(cast, wanted)
        typer.echo(f"  {'part':34} {'runs':>6} {'steps':>9}")
        for part in parts:
            typer.echo(f"  {part.name:34} {part.runs:6} {part.steps:9}")
        total = sum(part.runs for part in parts), sum(part.steps for part in parts)
        typer.echo(f"  {'together':34} {total[0]:6} {total[1]:9}")
        if any(one.name == "headroom" for one in wanted):
            most = 3 * cast.scale.most_runs
            typer.echo(f"  headroom: at most {most} runs more, as its search asks for them")
