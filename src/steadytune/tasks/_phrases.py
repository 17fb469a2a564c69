"""Phrases of ``builtin/acceptability`` with words drawn from one half of the lexicon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from steadytune.tasks._lexicon import Gender, Lexicon, Noun, Number, Verb

T = TypeVar("T")
_PREPOSITIONS = ("in", "near", "outside")


def other(number: Number) -> Number:
    """The other number."""
    return "plural" if number == "singular" else "singular"


class Phrases:
    """Draws the words of one pair of sentences; no noun and no adjective comes twice in it."""

    def __init__(self, lexicon: Lexicon, random: np.random.Generator) -> None:
        self.words = lexicon
        self._random = random
        self._used: set[object] = set()

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, each equally likely."""
        return options[int(self._random.integers(len(options)))]

    def flip(self) -> bool:
        """Heads or tails."""
        return bool(self._random.integers(2))

    def number(self) -> Number:
        """Singular or plural."""
        return "singular" if self.flip() else "plural"

    def gender(self) -> Gender:
        """Masculine or feminine."""
        return "masculine" if self.flip() else "feminine"

    def person(self, number: Number) -> str:
        """A noun for people, often with an adjective, without a determiner: ``tired pilots``."""
        return self._noun_phrase(self.words.people, self.words.traits, number)

    def gendered(self, number: Number, gender: Gender) -> str:
        """The same with a noun of one gender: ``proud queen``."""
        return self._noun_phrase(self.words.gendered[gender], self.words.traits, number)

    def thing(self, number: Number) -> str:
        """The same with a noun for objects: ``rusty lamp``."""
        return self._noun_phrase(self.words.things, self.words.qualities, number)

    def object_of(self, person: bool) -> str:
        """An object for a verb that needs a person or a thing: ``the rusty lamps``."""
        number = self.number()
        return f"the {self.person(number) if person else self.thing(number)}"

    def transitive(self, person: bool) -> Verb:
        """A verb that needs a person or a thing as its object."""
        return self.pick(self.words.with_person if person else self.words.with_thing)

    def place(self) -> str:
        """Where it happens: ``near the church``."""
        return f"{self.pick(_PREPOSITIONS)} the {self.pick(self.words.places)}"

    def quality(self) -> str:
        """An adjective for things that the pair does not have yet."""
        return self._new(self.words.qualities)

    def _noun_phrase(self, nouns: Sequence[Noun], adjectives: Sequence[str], number: Number) -> str:
        noun = self._new(nouns).form(number)
        return f"{self._new(adjectives)} {noun}" if self.flip() else noun

    def _new(self, options: Sequence[T]) -> T:
        fresh = [option for option in options if option not in self._used]
        chosen = self.pick(fresh)
        self._used.add(chosen)
        return chosen
