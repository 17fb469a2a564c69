"""Cautions on data: what makes results on it look better, or worse, than they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from steadytune.tasks._task import Split

MANY_REPEATS = 0.01  # a share of the training examples; a few repeats are in every corpus
_SHOWN = 60  # characters of an example


def cautions(
    name: str, label_names: tuple[str, ...] | None, train: Split, dev: Mapping[str, Split]
) -> Iterator[str]:
    """What should be known of the data before anything is trained on it, one sentence each.

    Args:
        name: what the task is called.
        label_names: names of the K classes, or None for scores.
        train: the training split.
        dev: dev splits by name.
    """
    keys = list(train.keys())
    known = set(keys)
    for split_name, split in dev.items():
        yield from (f"{name}: {line}" for line in _leaks(known, split_name, split))
    if len(known) < len(keys):
        yield from (f"{name}: {line}" for line in _repeats(keys, len(known), label_names, train))
    for split_name, split in (("training", train), *dev.items()):
        yield from (f"{name}: {line}" for line in _without_words(split_name, split))
        if label_names is not None:
            yield from (f"{name}: {line}" for line in _absent(split_name, split, label_names))


def _leaks(known: set[object], name: str, split: Split) -> Iterator[str]:
    both = [row for row, key in enumerate(split.keys()) if key in known]
    if both:
        one = len(both) == 1
        yield (
            f"{len(both)} of {len(split)} examples of {name} also occur{'s' * one} in training"
            f" (such as {_quoted(split.texts[both[0]])}), so results on {name} are too good; remove"
            f" {'it' if one else 'them'} from one of the two"
        )


def _repeats(
    keys: Sequence[object], different: int, label_names: tuple[str, ...] | None, train: Split
) -> Iterator[str]:
    repeats = len(keys) - different
    if repeats >= MANY_REPEATS * len(keys):
        yield (
            f"{repeats} of {len(keys)} training examples repeat an earlier one; there is less to"
            " learn from than their number says"
        )
    if label_names is None:
        return
    first: dict[object, int] = {}
    clashes: dict[object, tuple[int, int]] = {}
    for row, key in enumerate(keys):
        before = first.setdefault(key, row)
        if train.labels[before] != train.labels[row]:
            clashes.setdefault(key, (before, row))
    if clashes:
        before, row = next(iter(clashes.values()))
        one, other = (label_names[int(train.labels[which])] for which in (before, row))
        yield (
            f"{_texts(len(clashes))} of the training split {_stand(len(clashes))} there with"
            f" different labels (such as {_quoted(train.texts[row])} as {one!r} and as {other!r});"
            " no model can learn both: correct or remove them"
        )


def _without_words(name: str, split: Split) -> Iterator[str]:
    for texts in filter(None, (split.texts, split.pairs)):
        empty = [text for text in texts if not any(map(str.isalnum, text))]
        if empty:
            yield (
                f"{_texts(len(empty))} of {len(texts)} in {name} {'hold' + 's' * (len(empty) == 1)}"
                f" no letter and no digit (such as {_quoted(empty[0])}); there is nothing in"
                f" {'it' if len(empty) == 1 else 'them'} to read"
            )


def _absent(name: str, split: Split, label_names: Sequence[str]) -> Iterator[str]:
    counts = np.bincount(split.labels.astype(np.int64), minlength=len(label_names))
    absent = [repr(label_names[which]) for which in range(len(label_names)) if counts[which] == 0]
    if absent:
        shown = ", ".join(absent[:5]) + (f" and {len(absent) - 5} more" if absent[5:] else "")
        what = "cannot be learned" if name == "training" else "do not show in its results"
        yield (
            f"{len(absent)} of {len(label_names)} classes have no example in {name} ({shown}) and"
            f" {what}"
        )


def _texts(number: int) -> str:
    return f"{number} text{'s' * (number != 1)}"


def _stand(number: int) -> str:
    return "stands" if number == 1 else "stand"


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
