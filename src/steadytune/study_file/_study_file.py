"""Study files: YAML, or command-line options alone, to a Study; every problem told at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from steadytune.errors import BadInput
from steadytune.named_recipes import RECIPES
from steadytune.paths import as_path
from steadytune.recipe import RECIPE_FIELDS, StabilizerChoice
from steadytune.study import Study, check_size
from steadytune.study_file.axes import TASK_FIELDS, list_of, read_encoder, read_seeds, read_task
from steadytune.study_file.given import Given, Unreadable, parse
from steadytune.study_file.problems import Problems, near
from steadytune.study_file.recipes import read_recipes

_AXES = {
    "recipes": "[mosbach2021]",
    "tasks": "[glue/rte]",
    "encoders": "[minilm]",
    "seeds": "5",
}
_OPTIONS = {"recipes": "recipe", "tasks": "task", "encoders": "encoder", "seeds": "seeds"}
_HINTS = get_type_hints(Study, include_extras=True)
_SETTINGS: dict[str, TypeAdapter[Any]] = {
    name: TypeAdapter(_HINTS[name], config=ConfigDict(strict=True))
    for name in (
        "name",
        "question",
        "evaluate",
        "keep",
        "keep_texts",
        "diagnostics",
        "stop_hopeless",
    )
}
_MOST_BYTES = 2**18
_KEYS = (*_AXES, *_SETTINGS, "data_dir")
_SCOPES: dict[str, Collection[str]] = {"": _KEYS, "recipe": RECIPE_FIELDS, "task": TASK_FIELDS}


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


def read(
    path: Path, overrides: Sequence[str], catalogue: Catalogue, options: Options | None = None
) -> Study:
    """The Study in a file.

    Args:
        path: a YAML file. Paths in it start from the current folder.
        overrides: ``key=value`` each: ``recipe.<field>`` for every recipe, ``task.<field>`` for
            every task, or a key of the file; the value is YAML.
        catalogue: what may be named.
        options: what else the command line gave.

    Raises:
        BadInput: all that is wrong, a line each with its place.
    """
    try:
        root = parse(_text(path), str(path))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path}: is not UTF-8 text; give a study file in YAML") from None
    except Unreadable as error:
        raise BadInput(f"{path}:{error.line}: {error.words}") from None
    if not isinstance(root.value, dict):
        raise BadInput(
            f"{path}: holds no study; a study file has the keys {', '.join(_AXES)}, such as\n"
            + "\n".join(f"  {axis}: {example}" for axis, example in _AXES.items())
        )
    return _study(root, root.value, overrides, catalogue, options or Options())


def _text(path: Path) -> str:
    """All of a file, or of a pipe or a device, which may have no end."""
    with as_path(path).open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise BadInput(
            f"{path}: is larger than {_MOST_BYTES // 2**10} KiB, the most that a study file may "
            "hold; is it a study file?"
        )
    return content.decode("utf-8-sig")


def assemble(options: Options, overrides: Sequence[str], catalogue: Catalogue) -> Study:
    """The Study that options alone describe: recipe mosbach2021 and 5 seeds, unless given.

    Raises:
        BadInput: all that is wrong.
    """
    options = replace(
        options,
        recipes=options.recipes or ("mosbach2021",),
        seeds=5 if options.seeds is None else options.seeds,
    )
    return _study(Given({}, ""), {}, overrides, catalogue, options)


def _study(
    root: Given,
    file: Mapping[str, Given],
    overrides: Sequence[str],
    catalogue: Catalogue,
    options: Options,
) -> Study:
    problems = Problems()
    for key, value in file.items():
        if key not in _KEYS:
            problems.unknown(value, key, "key", _KEYS)
    top, for_recipes, for_tasks = _overrides(overrides, problems)
    typed = {**_from_options(options), **top}
    given = {**file, **typed}
    choices = (_data_dir(file), {**_data_dir(typed), **for_tasks})
    for axis, example in _AXES.items():
        if axis not in given:
            problems.add(root, axis, f"missing; give {axis}: {example}, or --{_OPTIONS[axis]}")
    axes = {
        "recipes": _recipes(given, for_recipes, catalogue, problems),
        "tasks": _tasks(given, choices, catalogue, problems),
        "encoders": _encoders(given, catalogue, problems),
        "seeds": read_seeds(given["seeds"], problems) if "seeds" in given else [],
    }
    try:
        check_size(*map(len, axes.values()))
    except BadInput as problem:
        problems.add(given.get("seeds", root), "seeds", str(problem))
    labels: dict[str, Callable[[Any], str]] = {
        "recipes": lambda recipe: recipe.name,
        "tasks": lambda task: task.title,
    }
    for axis, found in axes.items():
        _check_distinct(axis, ((labels.get(axis, str)(v), place) for v, place in found), problems)
    settings = _settings(given, problems)
    problems.tell()
    return Study(**{axis: tuple(v for v, _ in found) for axis, found in axes.items()}, **settings)


def _data_dir(given: Mapping[str, Given]) -> dict[str, Given]:
    """The key that is not the study's but every task's."""
    return {key: value for key, value in given.items() if key == "data_dir"}


def _from_options(options: Options) -> dict[str, Given]:
    found = {
        axis: Given([Given(name, f"--{_OPTIONS[axis]} {name}") for name in names], "")
        for axis, names in (
            ("recipes", options.recipes),
            ("tasks", options.tasks),
            ("encoders", options.encoders),
        )
        if names
    }
    if options.seeds is not None:
        found["seeds"] = Given(options.seeds, f"--seeds {options.seeds}")
    if options.data_dir is not None:
        found["data_dir"] = Given(options.data_dir, f"--data-dir {options.data_dir}")
    return found


def _overrides(
    overrides: Sequence[str], problems: Problems
) -> tuple[dict[str, Given], dict[str, Given], dict[str, Given]]:
    """What ``--set`` gave for the whole study, for every recipe and for every task."""
    found: dict[str, dict[str, Given]] = {"": {}, "recipe": {}, "task": {}}
    for override in overrides:
        key, equals, text = override.partition("=")
        source = f"--set {override}"
        scope, _, field = key.rpartition(".")
        if not equals:
            problems.add(Given(None, source), "", "give key=value, such as recipe.lr=5e-5")
        elif field not in _SCOPES.get(scope, ()):
            problems.add(Given(None, source), "", _unknown_key(scope, field))
        else:
            try:
                found[scope][field] = parse(text, source, lines=False)
            except Unreadable as error:
                problems.add(Given(None, source), "", error.words)
    return found[""], found["recipe"], found["task"]


def _unknown_key(scope: str, field: str) -> str:
    """Also finds what was meant by ``lr``, ``recipes.lr`` or ``recipe.learning_rate``."""
    if scope in _SCOPES and scope:
        hint = near(field, _SCOPES[scope]).replace("mean ", f"mean {scope}.")
        return f"no such field of a {scope}; {hint}allowed: {', '.join(_SCOPES[scope])}"
    meant = [f"{name}.{field}" for name in ("recipe", "task") if field in _SCOPES[name]]
    hint = f"did you mean {meant[0]}? " if meant else near(field, _KEYS)
    return f"unknown key; {hint}allowed: {', '.join(_KEYS)}, recipe.<field>, task.<field>"


def _recipes(
    given: Mapping[str, Given],
    for_all: Mapping[str, Given],
    catalogue: Catalogue,
    problems: Problems,
) -> list[tuple[Any, Given]]:
    if "recipes" not in given:
        return []
    entries = list_of(given["recipes"], "recipes", f"[{next(iter(RECIPES))}]", problems)
    found = read_recipes(entries, for_all, catalogue.resolve_stabilizer, problems)
    return [one for one in found if one is not None]


def _tasks(
    given: Mapping[str, Given],
    choices: tuple[Mapping[str, Given], Mapping[str, Given]],
    catalogue: Catalogue,
    problems: Problems,
) -> list[tuple[Any, Given]]:
    if "tasks" not in given:
        return []
    entries = list_of(given["tasks"], "tasks", _AXES["tasks"], problems)
    found = [
        (read_task(entry, f"tasks[{index}]", choices, catalogue.known_tasks, problems), entry)
        for index, entry in enumerate(entries)
    ]
    return [(task, entry) for task, entry in found if task is not None]


def _encoders(
    given: Mapping[str, Given], catalogue: Catalogue, problems: Problems
) -> list[tuple[Any, Given]]:
    if "encoders" not in given:
        return []
    entries = list_of(given["encoders"], "encoders", _AXES["encoders"], problems)
    found = [
        (read_encoder(entry, f"encoders[{index}]", catalogue.known_encoders, problems), entry)
        for index, entry in enumerate(entries)
    ]
    return [(encoder, entry) for encoder, entry in found if encoder is not None]


def _check_distinct(axis: str, labels: Iterable[tuple[str, Given]], problems: Problems) -> None:
    first: dict[str, Given] = {}
    for label, place in labels:
        if label in first:
            problems.add(
                place,
                axis,
                f"{label!r} is given twice (first: {first[label].place}); each must be different",
            )
        first.setdefault(label, place)


def _settings(given: Mapping[str, Given], problems: Problems) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, adapter in _SETTINGS.items():
        if name in given:
            try:
                found[name] = adapter.validate_python(given[name].plain)
            except ValidationError as error:
                problems.of_setting(error, given[name], name)
    return found
