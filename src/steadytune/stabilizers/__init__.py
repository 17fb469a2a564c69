"""Published interventions that fill slots of a Procedure, one file each, listed in TABLE."""

from __future__ import annotations

from dataclasses import fields
from difflib import get_close_matches
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from steadytune.errors import BadInput
from steadytune.recipe import StabilizerChoice
from steadytune.stabilizers._stabilizer import Cost, Stabilizer
from steadytune.stabilizers.child_tuning import ChildTuning
from steadytune.stabilizers.ema import Ema
from steadytune.stabilizers.free_lb import FreeLb
from steadytune.stabilizers.frozen_layers import FrozenLayers
from steadytune.stabilizers.gradual_unfreezing import GradualUnfreezing
from steadytune.stabilizers.layerwise_lr_decay import LayerwiseLrDecay
from steadytune.stabilizers.lora import Lora
from steadytune.stabilizers.lp_ft import LpFt
from steadytune.stabilizers.mixout import Mixout
from steadytune.stabilizers.neftune import Neftune
from steadytune.stabilizers.noisy_tune import NoisyTune
from steadytune.stabilizers.pretrained_decay import PretrainedDecay
from steadytune.stabilizers.r_drop import RDrop
from steadytune.stabilizers.reinit_layers import ReinitLayers
from steadytune.stabilizers.schedule_free import ScheduleFree

_ALL: tuple[type[Any], ...] = (
    ChildTuning,
    Ema,
    FreeLb,
    FrozenLayers,
    GradualUnfreezing,
    LayerwiseLrDecay,
    Lora,
    LpFt,
    Mixout,
    Neftune,
    NoisyTune,
    PretrainedDecay,
    RDrop,
    ReinitLayers,
    ScheduleFree,
)
TABLE: dict[str, type[Any]] = {member.name: member for member in _ALL}


def make(choice: StabilizerChoice) -> Stabilizer:
    """The stabilizer that a recipe names.

    Raises:
        BadInput: no such stabilizer, or a setting is unknown, of the wrong type or out of range.
    """
    member = TABLE.get(choice.name)
    if member is None:
        near = get_close_matches(choice.name, TABLE, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise BadInput(
            f"stabilizer {choice.name!r} is not known; {hint}there are {', '.join(TABLE)}"
        )
    try:
        return member(**choice.settings)
    except ValidationError as error:
        known = ", ".join(field.name for field in fields(member))
        problems = [_in_words(problem, known) for problem in error.errors()]
        raise BadInput(f"stabilizer {choice.name}: " + "; ".join(problems)) from None


def resolve(choice: StabilizerChoice) -> StabilizerChoice:
    """The same choice with every setting written out, so that its digest says what it does."""
    made = make(choice)
    settings = TypeAdapter(type(made)).dump_python(made, mode="json")
    return StabilizerChoice(choice.name, settings)


def _in_words(problem: ErrorDetails, known: str) -> str:
    setting = ".".join(map(str, problem["loc"]))
    if problem["type"] == "unexpected_keyword_argument":
        return f"no setting {setting!r}; there are {known}"
    return f"{setting}={problem['input']!r} given; {problem['msg'][0].lower()}{problem['msg'][1:]}"


__all__ = [
    "TABLE",
    "ChildTuning",
    "Cost",
    "Ema",
    "FreeLb",
    "FrozenLayers",
    "GradualUnfreezing",
    "LayerwiseLrDecay",
    "Lora",
    "LpFt",
    "Mixout",
    "Neftune",
    "NoisyTune",
    "PretrainedDecay",
    "RDrop",
    "ReinitLayers",
    "ScheduleFree",
    "Stabilizer",
    "make",
    "resolve",
]
