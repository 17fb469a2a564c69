"""Validation: what pydantic refuses, in the words that study files, options and Python share."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Sequence
from dataclasses import fields
from typing import Any, TypeVar, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from steadytune.bounds import MOST_STEPS
from steadytune.errors import BadInput, nearest, shortened
from steadytune.escape import visible

Checked = TypeVar("Checked", bound=type[Any])

UNIONS = {
    "warmup": (
        "must be a share of all steps (at least 0, less than 1) or a whole number of steps (at "
        f"most {MOST_STEPS})"
    ),
    "settings": "settings must be finite numbers, words, true or false",
    "evaluate": f"must be epoch, end, or a whole number of steps (1 to {MOST_STEPS})",
}
_WORDS = {
    "dataclass_type": "must be a {class_name}",
    "dataclass_exact_type": "must be a {class_name}",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "finite_number": "must be a finite number",
    "float_type": "must be a number",
    "int_parsing_size": "must be a whole number of fewer digits",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "string_type": "must be text (in quotes, where it looks like something else)",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "string_unicode": "must be text without halves of surrogate pairs",
    "string_pattern_mismatch": (
        "must begin with a letter or digit and hold only letters, digits, spaces, _ . and -"
    ),
    "tuple_type": "must be a list",
    "literal_error": "must be {expected}",
    "missing": "must hold more values",
    "too_short": "must hold at least {min_length}",
    "too_long": "must hold {max_length} values",
}
_OTHER_NAMES = {
    "learning_rate": "lr",
    "num_train_epochs": "epochs",
    "num_epochs": "epochs",
    "max_steps": "steps",
    "train_batch_size": "batch_size",
    "per_device_train_batch_size": "batch_size",
    "lr_scheduler_type": "schedule",
    "warmup_ratio": "warmup",
    "warmup_steps": "warmup",
    "adam_epsilon": "eps",
    "epsilon": "eps",
    "correct_bias": "bias_correction",
    "wd": "weight_decay",
    "max_seq_length": "max_length",
    "hidden_dropout_prob": "dropout",
    "attention_probs_dropout_prob": "attention_dropout",
    "model": "encoders",
    "models": "encoders",
    "datasets": "tasks",
}


class Invalid(BadInput):
    """Values of a recipe, a task, seeds or a study that cannot be; ``error`` is pydantic's."""

    error: ValidationError


def in_plain_words(checked: Checked) -> Checked:
    """Let a dataclass of pydantic's refuse what a caller of Python passes with Invalid."""
    validate = checked.__init__
    names = [field.name for field in fields(checked)]

    @functools.wraps(validate)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        try:
            validate(self, *args, **kwargs)
        except ValidationError as error:
            problem = Invalid(_sentences(error, names))
            problem.error = error
            raise problem from None

    checked.__init__ = __init__
    return checked


def _sentences(error: ValidationError, names: Sequence[str]) -> str:
    details = error.errors()
    within = {detail["loc"][:1] for detail in details if len(detail["loc"]) > 1}
    sentences = [
        _sentence(detail, names)
        for detail in details
        if detail["type"] != "too_short" or detail["loc"] not in within  # all of its items are bad
    ]
    return "\n".join(dict.fromkeys(sentences))


def _sentence(detail: ErrorDetails, names: Sequence[str]) -> str:
    place, union = _place(detail["loc"], names)
    if detail["type"] == "unexpected_keyword_argument":
        words = f"unknown key; {near(place, names)}allowed: {', '.join(names)}"
    elif detail["type"] == "missing" and _is_whole(detail["input"]):
        words = "missing"
    elif detail["type"] == "value_error":
        words = in_words(detail)
    else:
        shown = shortened(visible(repr(detail["input"])))
        words = f"{shown} given; {UNIONS.get(union, in_words(detail))}"
    return f"{visible(place)}: {words}" if place else words


def _is_whole(given: object) -> bool:
    """Whether pydantic shows all arguments, one of which is missing, and not a list's items."""
    return not isinstance(given, list | tuple)


def _place(loc: tuple[int | str, ...], names: Sequence[str]) -> tuple[str, str]:
    """``recipes[0].lr``, and its last name where one of several types is allowed there."""
    place = ""
    if loc and isinstance(loc[0], int) and loc[0] < len(names):  # given without its name
        loc = (names[loc[0]], *loc[1:])
    for part in loc:
        place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else part
        if part in UNIONS:
            return place, cast(str, part)
    return place, ""


def in_words(detail: ErrorDetails) -> str:
    """What is allowed, from what pydantic says."""
    if detail["type"] == "value_error":
        return detail["msg"].removeprefix("Value error, ")
    context: dict[str, Any] = detail.get("ctx", {})
    template = _WORDS.get(detail["type"])
    if template is None:
        return detail["msg"][0].lower() + detail["msg"][1:]
    plain = {name: f"{x:g}" if isinstance(x, float) else x for name, x in context.items()}
    return re.sub("'([^']*)'", r"\1", template.format(**plain))


def near(name: str, allowed: Collection[str]) -> str:
    """``did you mean lr? `` where there is something like ``name``, or nothing."""
    other = _OTHER_NAMES.get(name)
    return f"did you mean {other}? " if other in allowed else nearest(name, allowed)
