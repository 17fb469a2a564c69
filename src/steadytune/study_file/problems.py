"""Problems: everything that is wrong with what a user gave, told at once and in plain words."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from steadytune.bounds import MOST_STEPS
from steadytune.errors import BadInput, nearest
from steadytune.escape import visible
from steadytune.study_file.given import Given, shortened

_UNIONS = {
    "warmup": (
        "must be a share of all steps (at least 0, less than 1) or a whole number of steps (at "
        f"most {MOST_STEPS})"
    ),
    "evaluate": f"must be epoch, end, or a whole number of steps (1 to {MOST_STEPS})",
}
_WORDS = {
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


class Problems:
    """A list of problems in the order of the file; each place is told of a problem once."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, str], tuple[float, str]] = {}
        self._kept: list[Given] = []  # keeps the ids in ``_found`` from being used again

    def add(self, given: Given, path: str, words: str) -> None:
        """Tell what is wrong at ``path``, a dotted place in the study."""
        parts = [given.place] if given.line is None and given.source else [given.place, path]
        line = float("inf") if given.line is None else given.line
        text = ": ".join(visible(part, lines=part is words) for part in [*parts, words] if part)
        self._found.setdefault((id(given), words), (line, text))
        self._kept.append(given)

    def refuse(self, given: Given, path: str, allowed: str) -> None:
        """Tell that a value cannot be used, and what could."""
        # An option shows its value already.
        shown = "" if given.line is None and given.source else f"{given.shown} given; "
        self.add(given, path, f"{shown}{allowed}")

    def unknown(self, given: Given, path: str, what: str, allowed: Collection[str]) -> None:
        """Tell that ``what`` is not among ``allowed``."""
        value = given.value if isinstance(given.value, str) else given.shown
        key = path.rpartition(".")[2] if what == "key" else value
        shown = shortened(visible(key))
        name = f"unknown {what}" if what == "key" else f"unknown {what} {shown!r}"
        self.add(given, path, f"{name}; {near(key, allowed)}allowed: {', '.join(allowed)}")

    def of_fields(
        self, error: ValidationError, fields: Mapping[str, Given], whole: Given, path: str
    ) -> None:
        """Tell what pydantic found wrong with ``fields`` of the value ``whole`` at ``path``."""
        grouped: dict[str, list[ErrorDetails]] = {}
        for detail in error.errors():
            grouped.setdefault(str(detail["loc"][0]) if detail["loc"] else "", []).append(detail)
        for name, details in grouped.items():
            if not name:
                for detail in details:
                    self.add(whole, path, detail["msg"].removeprefix("Value error, "))
            elif name not in fields:
                self.add(whole, f"{path}.{name}", "missing")
            else:
                self._of_field(details, fields[name], f"{path}.{name}")

    def of_setting(self, error: ValidationError, given: Given, name: str) -> None:
        """Tell what pydantic found wrong with one value alone."""
        self._of_field(error.errors()[:1], given, name)

    def _of_field(self, details: Iterable[ErrorDetails], given: Given, path: str) -> None:
        name = path.rpartition(".")[2]
        if name in _UNIONS:
            self.refuse(given, path, _UNIONS[name])
            return
        for detail in details:
            part, place = given, path
            for step in detail["loc"][1:]:
                if isinstance(step, int) and isinstance(part.value, list):
                    if step >= len(part.value):
                        break
                    part, place = part.value[step], f"{place}[{step}]"
            self.refuse(part, place, in_words(detail))

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._found)

    def tell(self) -> None:
        """Raise all of them, if there are any.

        Raises:
            BadInput: a line for each.
        """
        if self._found:
            raise BadInput("\n".join(text for _, text in sorted(self._found.values(), key=_line)))


def in_words(detail: ErrorDetails) -> str:
    """What is allowed, from what pydantic says."""
    context: dict[str, Any] = detail.get("ctx", {})
    template = _WORDS.get(detail["type"])
    if template is None:
        return detail["msg"][0].lower() + detail["msg"][1:]
    plain = {name: f"{x:g}" if isinstance(x, float) else x for name, x in context.items()}
    return re.sub("'([^']*)'", r"\1", template.format(**plain))


def told(error: ValidationError) -> BadInput:
    """What pydantic refused, in plain words: a line for each field."""
    return BadInput(
        "\n".join(
            f"{'.'.join(map(str, detail['loc']))}: {shortened(visible(repr(detail['input'])))} "
            f"given; {in_words(detail)}"
            for detail in error.errors()
        )
    )


def near(name: str, allowed: Collection[str]) -> str:
    """``did you mean lr? `` where there is something like ``name``, or nothing."""
    other = _OTHER_NAMES.get(name)
    return f"did you mean {other}? " if other in allowed else nearest(name, allowed)


def _line(found: tuple[float, str]) -> float:
    return found[0]
