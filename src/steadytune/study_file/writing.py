"""A Study as the text of a study file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, cast

import yaml

from steadytune.bounds import plain_value
from steadytune.recipe import RECIPE, Recipe, Seeds
from steadytune.study import Study, TaskChoice
from steadytune.study_file.given import scalar


def dump(study: Study) -> str:
    """YAML that reads back to an equal Study; every field of every recipe is written out."""
    return yaml.dump(
        {
            "name": study.name,
            "question": study.question,
            "evaluate": study.evaluate,
            "keep": study.keep,
            "diagnostics": study.diagnostics,
            "stop_hopeless": study.stop_hopeless,
            "keep_texts": study.keep_texts,
            "encoders": list(study.encoders),
            "seeds": _seeds(study.seeds),
            "tasks": [_task(task) for task in study.tasks],
            "recipes": [recipe_fields(recipe) for recipe in study.recipes],
        },
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )


def recipe_fields(recipe: Recipe) -> dict[str, Any]:
    """The fields of a recipe as a study file writes them."""
    plain: dict[str, Any] = RECIPE.dump_python(recipe, mode="json")
    plain["stabilizers"] = [
        {choice.name: dict(choice.settings)} if choice.settings else choice.name
        for choice in recipe.stabilizers
    ]
    return plain


def writable(value: object) -> object:
    """A value of a study as a study file writes it, whichever of Python's forms it has."""
    match value:
        case Recipe():
            return {
                name: field for name, field in recipe_fields(value).items() if field is not None
            }
        case TaskChoice():
            return _task(value)
        case Seeds():
            return {"init": value.init, "order": value.order, "dropout": value.dropout}
        case Mapping():
            entries = cast(Mapping[object, object], value)
            return {str(key): writable(entry) for key, entry in entries.items()}
        case list() | tuple() | range():
            return [writable(item) for item in cast(Iterable[object], value)]
        case _:
            return plain_value(value)


def _task(task: TaskChoice) -> str | dict[str, Any]:
    chosen = {
        field.name: getattr(task, field.name)
        for field in fields(TaskChoice)  # pyright: ignore[reportArgumentType]
        if getattr(task, field.name) != field.default
    }
    return task.name if list(chosen) == ["name"] else chosen


def _seeds(seeds: tuple[Seeds, ...]) -> int | list[Any]:
    """The shortest form."""
    if any(not one.init == one.order == one.dropout for one in seeds):
        return [{"init": s.init, "order": s.order, "dropout": s.dropout} for s in seeds]
    tied = [one.init for one in seeds]
    return len(tied) if tied == list(range(len(tied))) else tied


class _Dumper(yaml.SafeDumper):
    """Quotes all text that would read back as something else."""

    def ignore_aliases(self, data: object) -> bool:
        """Write equal values out each time."""
        return True


def _text(_: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = None if isinstance(scalar(value), str) else '"'
    return yaml.ScalarNode("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
