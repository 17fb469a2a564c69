"""What a study file is read with: what may be named, and the options that win over it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from steadytune.recipe import StabilizerChoice


@dataclass(frozen=True)
class Catalogue:
    """What a study may name, given by a caller that knows the torch half.

    Attributes:
        resolve_stabilizer: writes out default settings; its BadInput says which one is wrong.
        known_tasks, known_encoders: names; files, folders and Hub ids are fine as well.
    """

    resolve_stabilizer: Callable[[StabilizerChoice], StabilizerChoice]
    known_tasks: Collection[str]
    known_encoders: Collection[str]


@dataclass(frozen=True)
class Options:
    """Options of the command line; each that is given wins over the study file.

    ``seeds`` is how many; ``data_dir`` serves every task.
    """

    tasks: Sequence[str] = ()
    encoders: Sequence[str] = ()
    recipes: Sequence[str] = ()
    seeds: int | None = None
    data_dir: str | None = None
