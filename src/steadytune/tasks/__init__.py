"""Tasks by name, from the user's own files, and generated offline.

``load`` gives the Task that a TaskChoice names; ``TABLE`` holds every name. To add a task, write
its file in this folder and its line in ``_LOADERS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from types import MappingProxyType

from steadytune.errors import BadInput
from steadytune.paths import as_path
from steadytune.study import TaskChoice
from steadytune.tasks import acceptability
from steadytune.tasks._finish import Contents, finish
from steadytune.tasks._glue_table import GLUE
from steadytune.tasks._task import Split, Task
from steadytune.tasks.file import load_file
from steadytune.tasks.glue import load_folder
from steadytune.tasks.hub import load_hub
from steadytune.tasks.tables import FORMATS

__all__ = ["TABLE", "NamedTask", "Split", "Task", "load"]

_FOR_FILES = (
    "dev",
    "dev_share",
    "text",
    "pair",
    "label",
    "labels",
    "separator",
    "quoting",
    "encoding",
    "columns",
)


@dataclass(frozen=True)
class NamedTask:
    """A task that has a name: what it is, and its headline metric."""

    name: str
    what: str
    metric: str


def load(choice: TaskChoice) -> Task:
    """The task that ``choice`` names, loaded and checked.

    Names of TABLE come first; anything else is the path of a user's file.

    Raises:
        BadInput: an unknown name, or data that cannot be used; the message says which and why.
    """
    loader = _LOADERS.get(choice.name)
    if loader is not None:
        _refuse_file_choices(choice)
        return finish(choice, loader(choice))
    path = as_path(choice.name)
    if path.exists() or path.suffix.lower() in FORMATS:
        return finish(choice, load_file(choice))
    raise BadInput(_unknown(choice.name))


def _glue(choice: TaskChoice) -> Contents:
    return load_hub(choice) if choice.data_dir is None else load_folder(choice)


_LOADERS: Mapping[str, Callable[[TaskChoice], Contents]] = {
    **dict.fromkeys(GLUE, _glue),
    **dict.fromkeys(acceptability.TASKS, acceptability.load_generated),
}

TABLE: Mapping[str, NamedTask] = MappingProxyType(
    {
        **{name: NamedTask(name, task.what, task.metrics[0]) for name, task in GLUE.items()},
        **{
            name: NamedTask(name, what, acceptability.METRICS[0])
            for name, what in acceptability.TASKS.items()
        },
    }
)
"""Every task that has a name."""


def _refuse_file_choices(choice: TaskChoice) -> None:
    given = [
        f"{one.name}={getattr(choice, one.name)!r}"
        for one in fields(TaskChoice)  # pyright: ignore[reportArgumentType]
        if one.name in _FOR_FILES and getattr(choice, one.name) != one.default
    ]
    if given:
        raise BadInput(
            f"{', '.join(given)} cannot be chosen for {choice.name}, whose columns and dev split"
            " are fixed; these choices are for files of your own"
        )


def _unknown(name: str) -> str:
    tails = {known.rpartition("/")[2]: known for known in TABLE}
    wanted = name.lower()
    close = [tails[tail] for tail in get_close_matches(wanted.rpartition("/")[2], tails, n=3)]
    close = list(dict.fromkeys(get_close_matches(wanted, TABLE, n=3, cutoff=0.75) + close))
    hint = f"; did you mean {' or '.join(close[:3])}?" if close else ""
    return (
        f"no task is called {name!r}, and no such file exists{hint}\n"
        f"tasks: {', '.join(TABLE)}\n"
        f"or the path of a file of your own with suffix {', '.join(FORMATS)}"
    )
