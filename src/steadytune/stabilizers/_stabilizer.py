"""Stabilizer: a published intervention, as a frozen value that refills slots of a Procedure."""

from __future__ import annotations

from typing import ClassVar, Protocol

from pydantic import ConfigDict

from steadytune.procedure import Procedure

STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Stabilizer(Protocol):
    """A frozen dataclass whose fields are its settings.

    Attributes:
        name: as a recipe names it.
        summary: one line for ``steadytune list stabilizers``.
    """

    name: ClassVar[str]
    summary: ClassVar[str]

    def apply(self, procedure: Procedure) -> Procedure:
        """The procedure with this stabilizer in it; the given one is left as it was."""
        ...
