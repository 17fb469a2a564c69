"""Content words of ``builtin/acceptability``, in two halves that share no word form.

Verbs are chosen so that judgements are sharp. The transitive ones cannot drop their object, the
intransitive ones take none and have no passive, and none of their participles is an adjective. The
irregular ones have a past tense that standard English never uses as a participle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Number = Literal["singular", "plural"]
Gender = Literal["masculine", "feminine"]


@dataclass(frozen=True)
class Noun:
    """A noun's two forms."""

    singular: str
    plural: str

    def form(self, number: Number) -> str:
        """The form of that number."""
        return self.singular if number == "singular" else self.plural


@dataclass(frozen=True)
class Verb:
    """A verb's five forms."""

    base: str
    third: str
    past: str
    participle: str
    gerund: str

    def present(self, number: Number) -> str:
        """The present tense in the third person."""
        return self.third if number == "singular" else self.base


@dataclass(frozen=True)
class Lexicon:
    """One half of the words.

    Attributes:
        people: nouns for people of either gender.
        gendered: nouns, and names: proper names, by gender.
        things: nouns for objects one can carry. places: nouns after in, near, outside.
        traits: adjectives for people. qualities: adjectives for things.
        with_person, with_thing: verbs that need an object of that kind.
        alone: verbs that take no object.
        irregular: verbs with an object of the thing kind whose past and participle differ.
        frequency: adverbs before the verb. reported: past forms that take that- and wh-clauses.
    """

    people: tuple[Noun, ...]
    gendered: dict[Gender, tuple[Noun, ...]]
    names: dict[Gender, tuple[str, ...]]
    things: tuple[Noun, ...]
    places: tuple[str, ...]
    traits: tuple[str, ...]
    qualities: tuple[str, ...]
    with_person: tuple[Verb, ...]
    with_thing: tuple[Verb, ...]
    alone: tuple[Verb, ...]
    irregular: tuple[Verb, ...]
    frequency: tuple[str, ...]
    reported: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _suffixed(word: str, suffix: str) -> str:
    """``word`` with -s, -ed or -ing in regular spelling."""
    if suffix == "s":
        if word.endswith(("s", "x", "ch", "sh")):
            return word + "es"
        return word[:-1] + "ies" if _consonant_y(word) else word + "s"
    if word.endswith("e") and not word.endswith("ee"):
        return word[:-1] + suffix
    if suffix == "ed" and _consonant_y(word):
        return word[:-1] + "ied"
    return word + suffix


def _consonant_y(word: str) -> bool:
    return word.endswith("y") and word[-2] not in "aeiou"


def _nouns(text: str) -> tuple[Noun, ...]:
    """Nouns as ``king``, or ``wife/wives`` where the plural is irregular."""
    pairs = (word.partition("/") for word in text.split())
    return tuple(Noun(one, many or _suffixed(one, "s")) for one, _, many in pairs)


def _verbs(text: str) -> tuple[Verb, ...]:
    """Verbs as ``thank``, or ``take/took/taken``; ``sob+`` doubles its last letter."""
    return tuple(_verb(word) for word in text.split())


def _verb(word: str) -> Verb:
    base, *parts = word.split("/")
    doubled = base.endswith("+")
    base = base.removesuffix("+")
    stem = base + base[-1] if doubled else base
    past = parts[0] if parts else _suffixed(stem, "ed")
    return Verb(
        base=base,
        third=_suffixed(base, "s"),
        past=past,
        participle=parts[-1] if parts else past,
        gerund=_suffixed(stem, "ing"),
    )


TRAIN = Lexicon(
    people=_nouns(
        "doctor pilot farmer student painter banker dentist baker plumber soldier poet tailor"
        " singer surgeon gardener chemist architect carpenter senator librarian detective"
        " politician tourist engineer"
    ),
    gendered={
        "masculine": _nouns("waiter king uncle father nephew prince boy monk"),
        "feminine": _nouns("waitress queen aunt mother niece princess girl nun"),
    },
    names={
        "masculine": _words("John Robert Peter Kevin George Frank Daniel Paul"),
        "feminine": _words("Mary Susan Linda Karen Helen Nancy Alice Emma"),
    },
    things=_nouns(
        "lamp ladder basket bottle guitar radio camera chair bicycle umbrella mirror candle"
        " blanket wallet hammer kettle vase carpet statue clock"
    ),
    places=_words("garden kitchen office library museum station harbor church castle theater"),
    traits=_words("tired famous young polite clever nervous wealthy friendly quiet proud"),
    qualities=_words("rusty dusty heavy cheap wooden huge yellow fragile"),
    with_person=_verbs(
        "admire praise thank blame despise insult rescue congratulate console describe envy"
    ),
    with_thing=_verbs("repair damage inspect discard obtain conceal remove"),
    alone=_verbs("laugh sneeze yawn snore frown giggle hesitate tremble sob+ blink chuckle"),
    irregular=_verbs("break/broke/broken choose/chose/chosen throw/threw/thrown see/saw/seen"),
    frequency=_words("often usually clearly"),
    reported=_words("knew remembered revealed discovered"),
)

DEV = Lexicon(
    people=_nouns(
        "teacher lawyer driver writer nurse dancer butcher judge sailor reporter musician"
        " scientist cashier mechanic photographer secretary neighbor violinist governor manager"
        " swimmer barber editor historian"
    ),
    gendered={
        "masculine": _nouns(
            "actor duke brother grandfather husband grandson man/men gentleman/gentlemen"
        ),
        "feminine": _nouns(
            "actress duchess sister grandmother wife/wives granddaughter woman/women lady"
        ),
    },
    names={
        "masculine": _words("James William Thomas Steven Brian Henry Edward Jack"),
        "feminine": _words("Patricia Jennifer Elizabeth Margaret Sarah Laura Rachel Anna"),
    },
    things=_nouns(
        "table bucket box flute telephone computer desk wagon suitcase curtain lantern pillow"
        " purse shovel teapot bowl rug portrait cup toy"
    ),
    places=_words("park hotel school market airport hospital village bakery cottage stadium"),
    traits=_words("hungry lonely honest brave angry gentle careful shy cheerful elderly"),
    qualities=_words("dirty wet expensive tiny blue ancient shiny plastic"),
    with_person=_verbs(
        "adore respect flatter ridicule humiliate betray comfort ignore pity mention belittle"
    ),
    with_thing=_verbs("fix destroy examine retrieve acquire abandon replace"),
    alone=_verbs("smile cough sleep/slept grin+ sigh shiver weep/wept wink stumble gasp shudder"),
    irregular=_verbs("steal/stole/stolen take/took/taken shake/shook/shaken draw/drew/drawn"),
    frequency=_words("always frequently obviously"),
    reported=_words("noticed learned guessed explained"),
)
