"""Tasks, encoders and seeds of a study file."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from itertools import product
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from steadytune.bounds import MOST_RUNS, MOST_SEED
from steadytune.errors import BadInput
from steadytune.paths import as_path
from steadytune.recipe import Seeds
from steadytune.study import TaskChoice
from steadytune.study_file.given import Given
from steadytune.study_file.problems import Problems, near

TASK_FIELDS = tuple(field.name for field in fields(TaskChoice))  # pyright: ignore[reportArgumentType]
SEED_FIELDS = ("init", "order", "dropout")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


def list_of(given: Given, path: str, example: str, problems: Problems) -> list[Given]:
    """The items of a list that must not be empty; what is wrong with it goes to ``problems``."""
    if isinstance(given.value, list) and given.value:
        return given.value
    problems.refuse(given, path, f"must be a list of one or more, such as {example}")
    return []


def read_task(
    given: Given,
    path: str,
    choices: tuple[Mapping[str, Given], Mapping[str, Given]],
    known: Collection[str],
    problems: Problems,
) -> TaskChoice | None:
    """A task by name, or with choices of its own.

    ``choices`` holds, for every task, what is weaker and what is stronger than its own choices.
    """
    if not isinstance(given.value, dict | str):
        problems.refuse(given, path, "must be the name of a task, or name: and its choices")
        return None
    own = given.value if isinstance(given.value, dict) else {"name": given}
    weaker, stronger = choices
    before = problems.count
    for key, value in own.items():
        if key not in TASK_FIELDS:
            problems.unknown(value, f"{path}.{key}", "key", TASK_FIELDS)
    values = {
        key: value for key, value in {**weaker, **own, **stronger}.items() if key in TASK_FIELDS
    }
    task = None
    try:
        task = TaskChoice(**cast(Any, {key: value.plain for key, value in values.items()}))
    except ValidationError as error:
        problems.of_fields(error, values, given, path)
    name = values.get("name")
    if name is not None and isinstance(name.value, str):
        _check_task(name, path if name is given else f"{path}.name", known, problems)
    return task if problems.count == before else None


def _check_task(given: Given, path: str, known: Collection[str], problems: Problems) -> None:
    name = str(given.value)
    if name and name not in known and not _there(name, Path.is_file, given, path, problems):
        problems.refuse(
            given,
            path,
            f"no task and no file of this name; {near(name, known)}tasks: {', '.join(known)}; or "
            "the path of a file",
        )


def _there(
    name: str, kind: Callable[[Path], bool], given: Given, path: str, problems: Problems
) -> bool:
    """Whether the file system has something of that kind; a path that is none is a problem."""
    try:
        return kind(as_path(name))
    except BadInput as problem:
        problems.add(given, path, str(problem))
        return True
    except OSError as error:
        problems.refuse(given, path, f"cannot be read ({error.strerror})")
        return True


def read_encoder(given: Given, path: str, known: Collection[str], problems: Problems) -> str | None:
    """A packaged encoder, a folder, or something that looks like a Hub id."""
    name = given.value
    if not isinstance(name, str) or not name:
        problems.refuse(given, path, "must be a name, a folder or a Hub id")
        return None
    before = problems.count
    if name in known or _there(name, Path.is_dir, given, path, problems) or _HUB_ID.fullmatch(name):
        return name if problems.count == before else None
    problems.refuse(
        given,
        path,
        f"no encoder and no folder of this name; {near(name, known)}encoders: {', '.join(known)}; "
        "or a folder; or a Hub id such as google-bert/bert-large-uncased",
    )
    return None


def read_seeds(given: Given, problems: Problems) -> list[tuple[Seeds, Given]]:
    """``5`` or ``[1, 2]``: tied; ``{init: 3, order: [0, 1], dropout: 1}``: all combinations."""
    path = "seeds"
    if isinstance(given.value, dict):
        axes = [
            [value for value, _ in _numbers(axis, f"{path}.{name}", problems)]
            for name, axis in _three(given, path, problems).items()
        ]
        if len(axes) < 3 or not _few_enough(math.prod(map(len, axes)), given, path, problems):
            return []
        return [(Seeds(*three), given) for three in product(*axes)]
    if isinstance(given.value, list) and any(isinstance(i.value, dict) for i in given.value):
        return _one_by_one(given.value, path, problems)
    return [(Seeds.tied(value), item) for value, item in _numbers(given, path, problems)]


def _one_by_one(items: list[Given], path: str, problems: Problems) -> list[tuple[Seeds, Given]]:
    found: list[tuple[Seeds, Given]] = []
    for index, item in enumerate(items):
        place = f"{path}[{index}]"
        three = _three(item, place, problems) if isinstance(item.value, dict) else {"": item}
        values = [
            number
            for name, part in three.items()
            if (number := _number(part, f"{place}.{name}".rstrip("."), problems)) is not None
        ]
        if len(values) == 3:
            found.append((Seeds(*values), item))
        elif len(values) == 1 and "" in three:
            found.append((Seeds.tied(values[0]), item))
    return found


def _three(given: Given, path: str, problems: Problems) -> dict[str, Given]:
    """The three named seeds in their order; empty if not all are there."""
    value = cast(dict[str, Given], given.value)
    for key, entry in value.items():
        if key not in SEED_FIELDS:
            problems.unknown(entry, f"{path}.{key}", "key", SEED_FIELDS)
    missing = [name for name in SEED_FIELDS if name not in value]
    for name in missing:
        problems.add(given, f"{path}.{name}", "missing; give init, order and dropout")
    return {} if missing else {name: value[name] for name in SEED_FIELDS}


def _numbers(given: Given, path: str, problems: Problems) -> list[tuple[int, Given]]:
    """A number n stands for 0 to n - 1."""
    if isinstance(given.value, list):
        items = list_of(given, path, "[1, 2, 3]", problems)
        numbers = [
            (_number(item, f"{path}[{index}]", problems), item) for index, item in enumerate(items)
        ]
        return [(number, item) for number, item in numbers if number is not None]
    if _is_whole(given.value) and cast(int, given.value) >= 1:
        if not _few_enough(cast(int, given.value), given, path, problems):
            return []
        return [(number, given) for number in range(cast(int, given.value))]
    problems.refuse(
        given, path, "must be how many seeds (at least 1), or a list of seeds such as [1, 2, 3]"
    )
    return []


def _few_enough(seeds: int, given: Given, path: str, problems: Problems) -> bool:
    if seeds > MOST_RUNS:
        problems.refuse(given, path, f"must be at most {MOST_RUNS} seeds in all")
    return seeds <= MOST_RUNS


def _number(given: Given, path: str, problems: Problems) -> int | None:
    if _is_whole(given.value) and 0 <= cast(int, given.value) <= MOST_SEED:
        return cast(int, given.value)
    problems.refuse(given, path, f"a seed must be a whole number, at least 0, at most {MOST_SEED}")
    return None


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
