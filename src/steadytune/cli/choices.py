"""What options may be, where several commands share them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a study.")]


class Checkpoint(StrEnum):
    """Which checkpoint the numbers are of."""

    last = "last"
    best = "best"


Which = Annotated[
    Checkpoint, typer.Option("--checkpoint", help="last, or best on the selecting dev split.")
]


class FailedBy(StrEnum):
    """What decides whether a run failed, where labels are classes."""

    auto = "auto"
    accuracy = "accuracy"
    mcc = "mcc"


Rule = Annotated[
    FailedBy,
    typer.Option(
        "--failed-by",
        help="Accuracy above the majority class's, MCC above 0, or auto: MCC where one class "
        "holds more than 80 % of dev.",
    ),
]
