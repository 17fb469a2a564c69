"""``steadytune power``: how many seeds a study needs, before it is run."""

from __future__ import annotations

from typing import Annotated

import typer

from steadytune.cli.terminal import plain_errors, show
from steadytune.errors import BadInput
from steadytune.reports import planning
from steadytune.reports.planning import Difference, Format

_DIGITS, _SHOWN = 5, 100  # of a number of seeds, of a text in a message


@plain_errors()
def power(
    means: Annotated[
        float | None, typer.Option("--means", help="Difference of means, in the unit of --std.")
    ] = None,
    std: Annotated[
        tuple[float, float], typer.Option("--std", metavar="A B", help="Of the runs of each.")
    ] = (1.0, 1.0),
    ratio: Annotated[
        float | None, typer.Option("--ratio", help="Larger standard deviation over the smaller.")
    ] = None,
    failed: Annotated[
        tuple[float, float] | None,
        typer.Option("--failed", metavar="A B", help="Failed shares, such as 0.1 0.4."),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option("--seeds", help="What so many seeds of each recipe can show.")
    ] = None,
    looks: Annotated[
        str, typer.Option("--looks", help="Look at a growing study after 5,10,15,... seeds.")
    ] = "",
    chance: Annotated[float, typer.Option("--power", help="Of finding what is there.")] = 0.8,
    comparisons: Annotated[
        int,
        typer.Option(
            "--comparisons", help="Verdicts on the page: pairs of recipes x tasks x questions."
        ),
    ] = 1,
    format_: Annotated[Format, typer.Option("--format", help="Output format.")] = Format.text,
) -> None:
    """How many seeds a difference takes, what so many can show, when to look and stop."""
    asked = Difference(means, std, ratio, failed)
    if asked == Difference(stds=std) and seeds is None and not looks:
        raise BadInput("nothing is asked: give --means, --ratio, --failed, --seeds or --looks")
    needs = planning.seeds_needed(asked, power=chance, comparisons=comparisons, seeds=seeds)
    shown = list[str]()
    if seeds is not None and not needs:
        shown = planning.found_by(seeds, power=chance, comparisons=comparisons)
    plan, remark = (
        planning.looks(_numbers(looks), asked, comparisons=comparisons) if looks else ([], "")
    )
    form = planning.as_text if format_ is Format.text else planning.as_json
    show(form(needs, shown, plan, [remark] if remark else []))


def _numbers(text: str) -> list[int]:
    parts = text.split(",")
    if not all(part.strip().isdecimal() and 0 < len(part) <= _DIGITS for part in parts):
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ..."
        raise BadInput(f"--looks {shown}: give whole numbers with commas, such as 5,10,15")
    return [int(part) for part in parts]
