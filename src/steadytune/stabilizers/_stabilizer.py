"""Stabilizer: a published intervention, as a frozen value that refills slots of a Procedure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from pydantic import ConfigDict

from steadytune.procedure import Procedure

STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Cost:
    """What a step takes with a stabilizer; a plain one has one pass of each kind.

    Attributes:
        forward, backward: passes a step.
        memory: what is held besides, in words; empty for nothing.
        parameters: whether it adds parameters.
    """

    forward: int = 1
    backward: int = 1
    memory: str = ""
    parameters: bool = False

    def __str__(self) -> str:
        passes = [
            f"{number} {kind} {'pass' if number == 1 else 'passes'}"
            for number, kind in ((self.forward, "forward"), (self.backward, "backward"))
        ]
        return f"{' and '.join(passes)} per step" + (f"; {self.memory}" if self.memory else "")


class Stabilizer(Protocol):
    """A frozen dataclass whose fields are its settings.

    Attributes:
        name: as a recipe names it.
        summary: one line for ``steadytune list stabilizers``.
        cost: of a step with its settings.
    """

    name: ClassVar[str]
    summary: ClassVar[str]

    @property
    def cost(self) -> Cost:
        """See Cost."""
        ...

    def apply(self, procedure: Procedure) -> Procedure:
        """The procedure with this stabilizer in it; the given one is left as it was."""
        ...
