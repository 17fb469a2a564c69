"""The digest of a task's content, in little memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence

from steadytune.tasks._task import Split

_CHUNK = 1 << 14


def content_digest(
    label_names: tuple[str, ...] | None,
    train: Split,
    dev: Mapping[str, Split],
    reported: tuple[str, ...],
    roles: tuple[str, str],
) -> str:
    """Digest of all that a run sees of its task; the task's name and where it lies do not count.

    It is ``recipe.digest`` of the five under the keys ``label_names``, ``train``, ``dev`` (pairs of
    name and split), ``metrics`` and ``roles``, each split as (texts, pairs, labels), and for scores
    how they are trained.
    """
    sha = hashlib.sha256()
    for piece in _pieces(label_names, train, dev, reported, roles):
        sha.update(piece.encode())
    return sha.hexdigest()[:16]


def _pieces(
    label_names: tuple[str, ...] | None,
    train: Split,
    dev: Mapping[str, Split],
    reported: tuple[str, ...],
    roles: tuple[str, str],
) -> Iterator[str]:
    """Canonical JSON; keys are in alphabetical order."""
    yield '{"dev":['
    for which, (name, split) in enumerate(dev.items()):
        yield f"{',' * (which > 0)}[{_json(name)},"
        yield from _split(split)
        yield "]"
    yield f'],"label_names":{_json(label_names)},"metrics":{_json(reported)}'
    yield f',"roles":{_json(roles)}'
    if label_names is None:  # runs of versions that trained scores as they are are other runs
        yield ',"scores":"standardized"'
    yield ',"train":'
    yield from _split(train)
    yield "}"


def _split(split: Split) -> Iterator[str]:
    yield "["
    yield from _list(split.texts)
    yield ","
    if split.pairs is None:
        yield "null"
    else:
        yield from _list(split.pairs)
    yield ","
    yield from _list(split.labels.tolist())
    yield "]"


def _list(values: Sequence[object]) -> Iterator[str]:
    yield "["
    for start in range(0, len(values), _CHUNK):
        yield "," * (start > 0) + _json(values[start : start + _CHUNK])[1:-1]
    yield "]"


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
