"""Bounds: which numbers and names a recipe, a task and a study may hold, and what callers may pass.

A bound is there where a value beyond it could only be a slip: a training that never ends, memory
that no machine has, a name that no file system takes. Each is declared on the type of a field, so
that the study file, the command line and Python refuse the same values with the same words.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any, cast

import numpy as np
from pydantic import AfterValidator, Field, StrictInt
from pydantic_core import ArgsKwargs, PydanticCustomError

MOST_RUNS = 100_000  # of one study
MOST_RATE = 1000.0  # a learning rate
MOST_STEPS = 100_000_000  # of one run
MOST_SEED = 2**63 - 1  # what tables of the ledger hold
_FOLDER_BYTES = 200  # a file name has at most 255, and some are made from the study's name


def _positive_zero(value: float) -> float:
    """0.0 for -0.0, which is another text in JSON and would be another run."""
    return value + 0.0


def _fits_a_folder(name: str) -> str:
    if len(name.encode()) > _FOLDER_BYTES:
        allowed = {"most": _FOLDER_BYTES}
        raise PydanticCustomError("name_too_long", "must have at most {most} bytes", allowed)
    return name


Zero = AfterValidator(_positive_zero)
Epochs = Annotated[float, Field(gt=0, le=100_000)]
Steps = Annotated[int, Field(ge=1, le=MOST_STEPS)]
BatchSize = Annotated[int, Field(ge=1, le=65_536)]
Tokens = Annotated[int, Field(ge=4, le=65_536)]
Examples = Annotated[int, Field(ge=2, le=1_000_000_000)]
Seed = Annotated[int, Field(ge=0, le=MOST_SEED)]
LearningRate = Annotated[float, Field(gt=0, le=MOST_RATE)]
Epsilon = Annotated[float, Field(gt=0, le=1)]
Decay = Annotated[float, Field(ge=0, le=1000), Zero]
Norm = Annotated[float, Field(gt=0, le=1e12)]
Rate = Annotated[float, Field(ge=0, lt=1), Zero]
DropRate = Annotated[float, Field(ge=0, le=0.999), Zero]
WarmupSteps = Annotated[StrictInt, Field(ge=0, le=MOST_STEPS)]
Label = Annotated[str, Field(min_length=1, max_length=200)]
Column = Annotated[str, Field(max_length=1000)]  # one without a name is the empty text
Text = Annotated[str, Field(max_length=10_000)]
PathText = Annotated[str, Field(min_length=1, max_length=4096)]
FolderName = Annotated[str, Field(pattern=r"^\w[\w. -]*$"), AfterValidator(_fits_a_folder)]


def plain_arguments(given: Any) -> Any:  # noqa: ANN401  (whatever a caller passed)
    """Arguments with numbers of numpy as numbers of Python, and paths as text."""
    if isinstance(given, ArgsKwargs):
        kwargs = {name: _plain(value) for name, value in (given.kwargs or {}).items()}
        return ArgsKwargs(tuple(map(_plain, given.args)), kwargs)
    return _plain(given)


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, os.PathLike):
        return os.fspath(cast("os.PathLike[str]", value))
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in cast(Mapping[Any, Any], value).items()}
    if isinstance(value, list | tuple):
        return tuple(map(_plain, cast(tuple[Any, ...], value)))
    return value
