"""The study file of a ledger: what was asked, which runs were planned, what may change later."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from steadytune.errors import BadInput, Damaged
from steadytune.ledger.json_lines import read_json
from steadytune.ledger.schema import check_schema
from steadytune.ledger.sums import checked, with_digest
from steadytune.recipe import Recipe, Seeds, digest
from steadytune.records import SCHEMA
from steadytune.study import STUDY, Run, Study


@dataclass(frozen=True)
class Planned:
    """One run of the plan, with the labels that tables and figures use.

    Recipes that differ in nothing but their name have rows of their own that share an ``id``.
    """

    id: str
    recipe: str
    task: str
    encoder: str
    seeds: Seeds

    @classmethod
    def of(cls, run: Run) -> Planned:
        """The row of a run."""
        return cls(run.id, run.recipe.name, run.task.title, run.encoder, run.seeds)


_ID = re.compile("[0-9a-f]{16}")  # what ``digest`` makes; nothing else may name a folder
_ROWS = TypeAdapter(tuple[Planned, ...])


@dataclass(frozen=True)
class Plan:
    """A resolved study and its planned runs: the content of ``study.json``."""

    study: Study
    rows: tuple[Planned, ...]

    @classmethod
    def of(cls, study: Study, runs: Sequence[Run]) -> Plan:
        """The plan of a study."""
        return cls(study, tuple(Planned.of(run) for run in runs))

    def as_json(self) -> dict[str, Any]:
        """What is written to ``study.json``."""
        return with_digest(
            {
                "schema": SCHEMA,
                "study": STUDY.dump_python(self.study, mode="json"),
                "runs": _ROWS.dump_python(self.rows, mode="json"),
            }
        )


def read_plan(path: Path) -> Plan:
    """The plan in a ``study.json``.

    Raises:
        Damaged: it is not what was written there.
        BadInput: a newer steadytune wrote it.
    """
    try:
        value = read_json(path)
    except (OSError, ValueError, RecursionError) as error:
        raise Damaged(f"{path}: cannot be read as a study ({error})") from error
    check_schema(value, path)
    try:
        fields = checked(cast(dict[str, object], value))
        study = STUDY.validate_json(json.dumps(fields["study"]))
        rows = _ROWS.validate_json(json.dumps(fields["runs"]))
        if odd := [row.id for row in rows if not _ID.fullmatch(row.id)]:
            raise ValueError(f"{odd[0]!r} cannot be the id of a run")
    except (ValidationError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = str(error) if type(error) is ValueError else "was it edited by hand?"
        raise Damaged(
            f"{path}: not what steadytune writes there ({reason}); restore it, or give another "
            "output folder"
        ) from error
    return Plan(study, rows)


def check_grows(folder: Path, there: Plan, here: Plan) -> None:
    """Refuse a new plan that does not contain the one in the folder.

    Raises:
        BadInput: it says what differs.
    """
    differences = [*_settings(there.study, here.study)]
    if not {row.id for row in there.rows} <= {row.id for row in here.rows}:
        differences += [*_axes(there.study, here.study)] or [*_contents(there, here)]
    if differences:
        raise BadInput(
            f"{folder} holds another study ('there'), to which runs may be added but from which "
            "none may be changed or left out:\n"
            + "\n".join(f"  {difference}" for difference in differences)
            + "\nGive another output folder, or the study as it is there."
        )


def _settings(there: Study, here: Study) -> Iterator[str]:
    for name in ("evaluate", "keep", "stop_hopeless"):
        if getattr(there, name) != getattr(here, name):
            yield f"{name}: {getattr(there, name)} there, {getattr(here, name)} here"


def _axes(there: Study, here: Study) -> Iterator[str]:
    yield from _recipes(there.recipes, here.recipes)
    yield from _missing("task", (t.title for t in there.tasks), (t.title for t in here.tasks))
    yield from _missing("encoder", there.encoders, here.encoders)
    yield from _missing("seeds", map(str, there.seeds), map(str, here.seeds))


def _recipes(there: Sequence[Recipe], here: Sequence[Recipe]) -> Iterator[str]:
    known = {digest(recipe.decisive()) for recipe in here}
    named = {recipe.name: recipe.decisive() for recipe in here}
    for recipe in there:
        old = recipe.decisive()
        if digest(old) in known:
            continue  # at most its name is another
        if recipe.name not in named:
            yield f"recipe {recipe.name}: there, not here"
            continue
        new = named[recipe.name]
        changes = [f"{k} {old[k]} there, {new[k]} here" for k in old if old[k] != new[k]]
        yield f"recipe {recipe.name}: {'; '.join(changes)}"


def _missing(axis: str, there: Iterable[str], here: Iterable[str]) -> Iterator[str]:
    given = list(here)
    for name in there:
        if name not in given:
            yield f"{axis} {name}: there, not here"


def _contents(there: Plan, here: Plan) -> Iterator[str]:
    """Cells whose runs have other ids though the study says the same."""
    ids = {row.id for row in here.rows}
    cells = dict.fromkeys((row.task, row.encoder) for row in there.rows if row.id not in ids)
    for task, encoder in cells:
        yield f"task {task} with encoder {encoder}: its data or weights are not those of then"
