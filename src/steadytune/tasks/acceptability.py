"""``builtin/acceptability``: is an English sentence grammatical? Generated, so it needs no data.

Minimal pairs of 15 paradigms, both sentences of a pair in the same split, so the classes are of
equal size. The nouns, names, adjectives, verbs and adverbs of dev occur nowhere in training: what
is learned must be the grammar. ``builtin/acceptability/<paradigm>`` is one paradigm alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle

import numpy as np

from steadytune.errors import BadInput
from steadytune.seeds import generator
from steadytune.study import TaskChoice
from steadytune.targets import Classification
from steadytune.tasks._finish import Contents
from steadytune.tasks._lexicon import DEV, TRAIN, Lexicon
from steadytune.tasks._paradigms import PARADIGMS, Pair
from steadytune.tasks._phrases import Phrases
from steadytune.tasks._task import Split

NAME = "builtin/acceptability"
WHAT = "single, 2 classes: is the sentence acceptable English? generated, any size, no download"
TASKS = {NAME: WHAT} | {f"{NAME}/{name}": f"the same, {name} alone" for name in PARADIGMS}
"""What each generated task is, by name."""
METRICS = ("accuracy", "matthews")
TRAIN_SIZE = 1000
DEV_SIZE = 400
CAPACITY = 400_000
"""Most training sentences: far below the number of distinct ones that each paradigm has."""


Paradigms = Mapping[str, Callable[[Phrases], Pair]]


@dataclass(frozen=True)
class Sentence:
    """A generated sentence with its label and the paradigm it belongs to."""

    text: str
    acceptable: bool
    paradigm: str


def load_generated(choice: TaskChoice) -> Contents:
    """The task in the size that is asked for.

    The training split is a function of ``train_size`` and ``subset_seed``, and a longer one begins
    with a shorter one of the same seed; dev is a function of ``dev_seed``.

    Raises:
        BadInput: ``train_size`` is above CAPACITY.
    """
    size = TRAIN_SIZE if choice.train_size is None else choice.train_size
    wanted = choice.name.removeprefix(NAME).removeprefix("/")
    paradigms = {wanted: PARADIGMS[wanted]} if wanted else PARADIGMS
    most = CAPACITY * len(paradigms) // len(PARADIGMS)
    if size > most:
        raise BadInput(f"{choice.name} has at most {most} training sentences; train_size is {size}")
    return Contents(
        target=Classification(("unacceptable", "acceptable")),
        train=_split(paradigms, TRAIN, choice.subset_seed, "train", size),
        dev={"dev": _split(paradigms, DEV, choice.dev_seed, "dev", DEV_SIZE)},
        select="dev",
        metrics=METRICS,
    )


def sentences(
    lexicon: Lexicon, random: np.random.Generator, paradigms: Paradigms = PARADIGMS
) -> Iterator[Sentence]:
    """Distinct sentences without end: pair after pair, paradigm after paradigm."""
    seen: set[str] = set()
    for paradigm, draw in cycle(paradigms.items()):
        good, bad = draw(Phrases(lexicon, random))
        while good in seen or bad in seen:
            good, bad = draw(Phrases(lexicon, random))
        seen.update((good, bad))
        pair = [Sentence(good, True, paradigm), Sentence(bad, False, paradigm)]
        # in random order within the pair, so that the place in the split says nothing
        yield from pair if random.integers(2) else reversed(pair)


def _split(paradigms: Paradigms, lexicon: Lexicon, seed: int, name: str, size: int) -> Split:
    source = sentences(lexicon, generator("text", seed, NAME, name), paradigms)
    drawn = [next(source) for _ in range(size)]
    return Split(
        texts=tuple(sentence.text for sentence in drawn),
        pairs=None,
        labels=np.array([sentence.acceptable for sentence in drawn], dtype=np.int64),
    )
