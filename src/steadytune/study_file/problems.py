"""Problems: everything that is wrong with what a user gave, told at once and in plain words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from steadytune.errors import BadInput, shortened
from steadytune.escape import visible
from steadytune.study_file.given import Given
from steadytune.validation import UNIONS, in_words, near


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
        if name in UNIONS:
            self.refuse(given, path, UNIONS[name])
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


def _line(found: tuple[float, str]) -> float:
    return found[0]
