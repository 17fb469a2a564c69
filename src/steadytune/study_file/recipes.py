"""Recipes of a study file: named ones, own ones, and own ones that start from another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast, get_type_hints

from pydantic import ValidationError

from steadytune.errors import BadInput
from steadytune.named_recipes import RECIPES
from steadytune.recipe import RECIPE_FIELDS, Recipe, StabilizerChoice
from steadytune.study_file.given import Given
from steadytune.study_file.problems import Problems
from steadytune.study_file.writing import recipe_fields

Resolve = Callable[[StabilizerChoice], StabilizerChoice]
Fields = Mapping[str, Given]

_ALLOWED = ("base", *RECIPE_FIELDS)
_SWITCHES = frozenset(name for name, hint in get_type_hints(Recipe).items() if hint is bool)
_SWITCH_WORDS = {"on": True, "yes": True, "off": False, "no": False}
_CHANGED = " Changed: "
_LENGTHS = ("epochs", "steps")


def read_recipes(
    entries: list[Given], for_all: Fields, resolve: Resolve, problems: Problems
) -> list[tuple[Recipe, Given] | None]:
    """The recipes of a list; None where ``problems`` were found.

    Args:
        entries: names and mappings.
        for_all: fields that are set in every recipe, such as by ``--set recipe.lr=3e-5``.
        resolve: writes out the settings of a stabilizer.
        problems: takes what is wrong.
    """
    reader = _Reader(entries, resolve, problems)
    return [reader.recipe(entry, f"recipes[{i}]", for_all) for i, entry in enumerate(entries)]


class _Reader:
    def __init__(self, entries: list[Given], resolve: Resolve, problems: Problems) -> None:
        self._resolve = resolve
        self._problems = problems
        self._own = {
            str(entry.value["name"].value): (entry, f"recipes[{index}]")
            for index, entry in enumerate(entries)
            if isinstance(entry.value, dict) and "name" in entry.value
        }

    def recipe(self, entry: Given, path: str, for_all: Fields) -> tuple[Recipe, Given] | None:
        before = self._problems.count
        inherited = self._fields(entry, path, ())
        if inherited is None:
            return None
        fields = _changed(inherited, for_all)
        values = {name: _value(name, given) for name, given in fields.items()}
        if "stabilizers" in fields:
            values["stabilizers"] = self._stabilizers(fields["stabilizers"], f"{path}.stabilizers")
        try:
            recipe = Recipe(**values)
        except ValidationError as error:
            self._problems.of_fields(error, fields, entry, path)
            return None
        return (recipe, fields["name"]) if self._problems.count == before else None

    def _fields(self, entry: Given, path: str, chain: tuple[str, ...]) -> Fields | None:
        """What an entry gives and inherits; None if it cannot be made out."""
        if isinstance(entry.value, str):
            return self._named(entry, path)
        if not isinstance(entry.value, dict):
            self._problems.refuse(entry, path, "must be the name of a recipe, or name: and fields")
            return None
        for key, value in entry.value.items():
            if key not in _ALLOWED:
                self._problems.unknown(value, f"{path}.{key}", "key", _ALLOWED)
        own = {key: value for key, value in entry.value.items() if key in RECIPE_FIELDS}
        if "base" not in entry.value:
            return own
        name = str(own["name"].value) if "name" in own else ""
        base = self._base(entry.value["base"], f"{path}.base", (*chain, name))
        if base is None:
            return None
        return _changed({key: base[key] for key in base if key != "name"}, own)

    def _named(self, given: Given, path: str) -> Fields | None:
        name = str(given.value)
        if name not in RECIPES:
            self._problems.unknown(given, path, "recipe", list(RECIPES))
            return None
        fields = recipe_fields(RECIPES[name]())
        return {key: given.at_same_place(value) for key, value in fields.items()}

    def _base(self, given: Given, path: str, chain: tuple[str, ...]) -> Fields | None:
        name = given.value
        if isinstance(name, str) and name in self._own and name != chain[-1]:
            if name in chain:
                circle = " -> ".join((*chain, name))
                self._problems.add(given, path, f"recipes start from one another: {circle}")
                return None
            return self._fields(*self._own[name], chain)
        if isinstance(name, str) and name in RECIPES:
            return self._named(given, path)
        others = [own for own in self._own if own != chain[-1]]
        self._problems.unknown(given, path, "recipe", [*others, *RECIPES])
        return None

    def _stabilizers(self, given: Given, path: str) -> tuple[StabilizerChoice, ...]:
        if not isinstance(given.value, list):
            self._problems.refuse(given, path, "must be a list, such as [mixout]")
            return ()
        choices = [
            self._stabilizer(item, f"{path}[{index}]") for index, item in enumerate(given.value)
        ]
        return tuple(choice for choice in choices if choice is not None)

    def _stabilizer(self, given: Given, path: str) -> StabilizerChoice | None:
        name, settings = _name_and_settings(given)
        if name is None:
            self._problems.refuse(
                given, path, "must be a name, or one name with settings such as {mixout: {p: 0.7}}"
            )
            return None
        try:
            plain = {key: _switch(value.plain) for key, value in settings.items()}
            return self._resolve(StabilizerChoice(name, plain))
        except ValidationError:
            self._problems.refuse(
                given, path, "settings must be finite numbers, words, true or false"
            )
        except BadInput as problem:
            self._problems.add(given, path, str(problem))
        return None


def _name_and_settings(given: Given) -> tuple[str | None, Fields]:
    if isinstance(given.value, str) and given.value:
        return given.value, {}
    if isinstance(given.value, dict) and len(given.value) == 1:
        name, settings = next(iter(given.value.items()))
        if isinstance(settings.value, dict):
            return name, settings.value
        if settings.value is None:
            return name, {}
    return None, {}


def _changed(base: Fields, own: Fields) -> Fields:
    """``base`` with ``own`` fields on top; epochs replace steps and the other way round."""
    fields = dict(base)
    given_lengths = [name for name in _LENGTHS if name in own and own[name].value is not None]
    if given_lengths:
        for name in _LENGTHS:
            fields.pop(name, None)
    fields.update(own)
    changed = [name for name in own if name in RECIPE_FIELDS and name not in ("name", "source")]
    source = base.get("source")
    if changed and source is not None and source.value and "source" not in own:
        fields["source"] = source.at_same_place(_says_changed(str(source.value), changed))
    return fields


def _says_changed(source: str, names: list[str]) -> str:
    """The source of a recipe with what was put in since, as ``... Changed: lr, epochs.`` does."""
    origin, _, earlier = source.partition(_CHANGED)
    before = earlier.rstrip(".").split(", ") if earlier else []
    return f"{origin}{_CHANGED}{', '.join(dict.fromkeys([*before, *names]))}."


def _value(name: str, given: Given) -> Any:  # noqa: ANN401  (Recipe checks it)
    return _switch(given.plain) if name in _SWITCHES else given.plain


def _switch(value: object) -> Any:  # noqa: ANN401  (whatever was given)
    """``on`` and ``off`` mean what they say where a switch is."""
    return _SWITCH_WORDS.get(value.lower(), value) if isinstance(value, str) else cast(Any, value)
