"""Points: a quantity measured at many coordinates, each once, in a file that survives a kill.

::

    {"schema": 1, "about": {...}}               the first line: what is measured, on what, and how
    {"a": -1.5, "b": 0.0, "loss": 0.71, ...}    one line for each point, coordinates and values

Lines are appended and forced to disk one by one; numbers that are not finite are null. A file is
continued only by a measurement whose ``about`` is the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from steadytune.errors import BadInput, Damaged
from steadytune.ledger.claims import Claims
from steadytune.ledger.durable import Lines, cut_file, make_folder
from steadytune.ledger.json_lines import damaged, json_line, read_lines
from steadytune.ledger.schema import check_schema
from steadytune.records import SCHEMA

Point = Mapping[str, Any]
Watch = Callable[[int, int], None]
"""Called with the number of points done and the number wanted."""


class Points(NamedTuple):
    """A file of points.

    Attributes:
        about: what was measured, on what, and how.
        columns: one array for each coordinate and value, in the order of measuring; NaN where a
            value was not finite.
    """

    about: dict[str, Any]
    columns: dict[str, NDArray[Any]]


def measure(
    path: Path,
    about: Mapping[str, Any],
    points: Sequence[Point],
    value: Callable[[Point], Mapping[str, float]],
    watch: Watch = lambda done, wanted: None,
) -> Points:
    """Measure the points that the file does not hold yet, and give back all that are wanted.

    Args:
        path: of the file; its folder is made if it is not there.
        about: what decides the values besides the coordinates.
        points: the coordinates.
        value: the values at one point.
        watch: told of the progress, first of what was there already.

    Raises:
        BadInput: the file holds something else.
        Damaged: a line of it is damaged.
        Claimed: another process measures into it.
        OSError: the disk is full or not writable; the points before stay.
    """
    make_folder(path.parent)
    with Claims(path.parent) as claims:
        claims.take(path.name)
        return _measure(path, about, points, value, watch)


def _measure(
    path: Path,
    about: Mapping[str, Any],
    points: Sequence[Point],
    value: Callable[[Point], Mapping[str, float]],
    watch: Watch,
) -> Points:
    done = _begin(path, about, points)
    lines = Lines(path)
    try:
        watch(len(done), len(points))
        for point in points:
            if _key(point) in done:
                continue
            done[_key(point)] = line = {**point, **value(point)}
            lines.append(line)
            lines.sync()
            watch(len(done), len(points))
    finally:
        lines.close()
    wanted = [json.loads(json_line(done[_key(point)])) for point in points]
    return Points(dict(about), _columns(wanted))


def read_points(path: Path) -> Points:
    """All points in a file, also one that is still being measured.

    Raises:
        BadInput: there is no such file.
        Damaged: it is none of points.
    """
    if not path.exists():
        raise BadInput(f"{path}: no such file; give one that a measurement on checkpoints wrote")
    about, rows = _read(path)
    if about is None:
        raise Damaged(f"{path}: holds no measurement; remove it to begin one anew")
    try:
        return Points(about, _columns(rows))
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(path, error) from None


def grid(points: Points, x: str, y: str, value: str) -> tuple[NDArray[Any], ...]:
    """The axes (X,) and (Y,), and ``value`` as (X, Y); NaN where a point is missing."""
    columns = points.columns
    x_X, where_x = np.unique(columns[x], return_inverse=True)
    y_Y, where_y = np.unique(columns[y], return_inverse=True)
    value_XY = np.full((len(x_X), len(y_Y)), np.nan)
    value_XY[where_x, where_y] = columns[value]
    return x_X, y_Y, value_XY


def _begin(path: Path, about: Mapping[str, Any], points: Sequence[Point]) -> dict[str, Any]:
    """The wanted points that are there by their key; a new file gets its first line."""
    there, rows = _read(path)
    here = json.loads(json_line(about))
    if there is None:
        cut_file(path, 0)
        lines = Lines(path)
        lines.append({"schema": SCHEMA, "about": here})
        lines.close()
        return {}
    different = sorted(k for k in {*there, *here} if there.get(k) != here.get(k))
    if different:
        raise BadInput(
            f"{path} holds another measurement: "
            + "; ".join(f"{k} {there.get(k)!r} there, {here.get(k)!r} here" for k in different)
            + ". Give another file, or remove this one"
        )
    cut_file(path, read_lines(path)[-1].end)
    wanted = {_key(point) for point in points}
    names = list(points[0]) if points else []
    found = {_key({name: row.get(name) for name in names}): row for row in rows}
    return {key: row for key, row in found.items() if key in wanted}


def _read(path: Path) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """The first line's ``about``, or None where not even that was written, and the points."""
    lines = [line.value for line in read_lines(path)]
    if not lines:
        if path.exists() and path.read_bytes()[:1] not in (b"", b"{"):
            raise Damaged(f"{path}: is no file of points; give another name")
        return None, []
    check_schema(lines[0], path)
    if not isinstance(lines[0].get("about"), dict):
        raise Damaged(f"{path}: is no file of points; give another name")
    return lines[0]["about"], lines[1:]


def _key(point: Point) -> str:
    return json.dumps(dict(point), sort_keys=True)


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, NDArray[Any]]:
    names = list(rows[0]) if rows else []
    return {name: np.array([_number(row[name]) for row in rows]) for name in names}


def _number(value: object) -> object:
    return np.nan if value is None else value
