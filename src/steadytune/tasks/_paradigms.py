"""The paradigms of ``builtin/acceptability``: functions that draw one minimal pair each.

In the manner of BLiMP (Warstadt et al. 2020), from our own grammar. Each returns an acceptable and
an unacceptable sentence that differ in one property. Every paradigm is balanced against itself:
whatever word, word form or length is found in its acceptable sentences is as frequent in its
unacceptable ones, so no single word gives the label away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from steadytune.tasks._lexicon import Gender, Number
from steadytune.tasks._phrases import Phrases, other

Pair = tuple[str, str]

_BE: dict[Number, str] = {"singular": "is", "plural": "are"}
_WERE: dict[Number, str] = {"singular": "was", "plural": "were"}
_HAVE: dict[Number, str] = {"singular": "has", "plural": "have"}
_REFLEXIVE: dict[Gender, str] = {"masculine": "himself", "feminine": "herself"}
_PRONOUNS = (("I", "me"), ("he", "him"), ("she", "her"), ("we", "us"), ("they", "them"))
_DETERMINERS: tuple[dict[Number, str], ...] = (
    {"singular": "this", "plural": "these"},
    {"singular": "that", "plural": "those"},
)
_BESIDE = ("near", "behind", "beside")


def _pair(good: str, bad: str, mark: str = ".") -> Pair:
    """Both sentences with a capital and a final mark."""
    return f"{good[0].upper()}{good[1:]}{mark}", f"{bad[0].upper()}{bad[1:]}{mark}"


def _chosen(first: bool, one: str, two: str) -> Pair:
    """(acceptable, unacceptable): ``one`` is acceptable where ``first``, else ``two``."""
    return (one, two) if first else (two, one)


def agreement(p: Phrases) -> Pair:
    """The doctor often thanks/*thank the pilots."""
    number = p.number()
    subject = f"the {p.person(number)} {p.pick(p.words.frequency)}"
    if p.flip():
        verb, rest = p.pick(p.words.alone), p.place()
    else:
        verb, rest = p.transitive(person=True), p.object_of(person=True)
    good, bad = verb.present(number), verb.present(other(number))
    return _pair(f"{subject} {good} {rest}", f"{subject} {bad} {rest}")


def agreement_across_phrase(p: Phrases) -> Pair:
    """The lamp near the ladders is/*are rusty."""
    number, nearer = p.number(), p.number()
    between = f"{p.pick(_BESIDE)} the"
    if p.flip():
        subject = f"the {p.thing(number)} {between} {p.thing(nearer)}"
        rest = p.quality()
        return _pair(f"{subject} {_BE[number]} {rest}", f"{subject} {_BE[other(number)]} {rest}")
    subject = f"the {p.person(number)} {between} {p.person(nearer)}"
    verb = p.pick(p.words.alone)
    adverb = p.pick(p.words.frequency)
    return _pair(
        f"{subject} {adverb} {verb.present(number)}",
        f"{subject} {adverb} {verb.present(other(number))}",
    )


def agreement_across_clause(p: Phrases) -> Pair:
    """The doctor that the pilots thank laughs/*laugh near the church."""
    number, nearer = p.number(), p.number()
    inner, verb = p.transitive(person=True), p.pick(p.words.alone)
    head, within = p.person(number), p.person(nearer)
    if p.flip():
        subject = f"the {head} that {inner.present(number)} the {within}"
    else:
        subject = f"the {head} that the {within} {inner.present(nearer)}"
    place = p.place()
    return _pair(
        f"{subject} {verb.present(number)} {place}",
        f"{subject} {verb.present(other(number))} {place}",
    )


def reflexive_gender(p: Phrases) -> Pair:
    """The queen that thanked the monk blamed herself/*himself; the poet knew that Mary did."""
    gender, nearer = p.gender(), p.gender()
    verb = p.transitive(person=True)
    if p.flip():
        matrix = f"the {p.person(p.number())} {p.pick(p.words.reported)}"
        subject = f"{matrix} that {p.pick(p.words.names[gender])}"
    else:
        subject = f"the {p.gendered('singular', gender)}"
        if p.flip():
            inner = p.transitive(person=True).past
            subject += f" that {inner} the {p.gendered(p.number(), nearer)}"
    wrong: Gender = "feminine" if gender == "masculine" else "masculine"
    clause, place = f"{subject} {verb.past}", p.place()
    return _pair(f"{clause} {_REFLEXIVE[gender]} {place}", f"{clause} {_REFLEXIVE[wrong]} {place}")


def reflexive_number(p: Phrases) -> Pair:
    """The queens near the monk blamed themselves/*herself."""
    gender, number = p.gender(), p.number()
    subject = f"the {p.gendered(number, gender)}"
    if p.flip():
        subject += f" {p.pick(_BESIDE)} the {p.gendered(p.number(), gender)}"
    clause, place = f"{subject} {p.transitive(person=True).past}", p.place()
    good, bad = _chosen(number == "singular", _REFLEXIVE[gender], "themselves")
    return _pair(f"{clause} {good} {place}", f"{clause} {bad} {place}")


def determiner_noun(p: Phrases) -> Pair:
    """The doctor repaired this/*these rusty lamp."""
    number, determiner = p.number(), p.pick(_DETERMINERS)
    clause = f"the {p.person(p.number())} {p.transitive(person=False).past}"
    rest = f"{p.thing(number)} {p.place()}"
    good, bad = determiner[number], determiner[other(number)]
    return _pair(f"{clause} {good} {rest}", f"{clause} {bad} {rest}")


def transitivity(p: Phrases) -> Pair:
    """The doctor thanked/*laughed the pilot. The doctor laughed/*thanked near the church."""
    person = p.flip()
    subject = f"the {p.person(p.number())}"
    needs, takes_none = p.transitive(person).past, p.pick(p.words.alone).past
    has_object = p.flip()
    rest = f"{p.object_of(person)} {p.place()}" if has_object else p.place()
    good, bad = _chosen(has_object, needs, takes_none)
    return _pair(f"{subject} {good} {rest}", f"{subject} {bad} {rest}")


def voice(p: Phrases) -> Pair:
    """The doctor was thanked/*laughed near the church; the doctor laughed/*thanked there."""
    number, passive_fits = p.number(), p.flip()
    verb = p.transitive(person=True) if passive_fits else p.pick(p.words.alone)
    subject, place = f"the {p.person(number)}", p.place()
    passive = f"{subject} {_WERE[number]} {verb.participle} {place}"
    good, bad = _chosen(passive_fits, passive, f"{subject} {verb.past} {place}")
    return _pair(good, bad)


def polarity(p: Phrases) -> Pair:
    """No doctor that the pilot thanked / *The doctor that no pilot thanked has ever laughed."""
    licensor = p.pick(("no", "few", "only the"))
    number, inner = (p.number(), p.number()) if licensor != "few" else ("plural", "plural")
    head, within = p.person(number), p.person(inner)
    verb = p.transitive(person=True).past
    alone = p.pick(p.words.alone)
    predicates = [
        f"{_HAVE[number]} ever {alone.participle}",
        f"{p.transitive(person=False).past} any {p.thing('plural')}",
    ]
    if licensor != "only the":  # judgements on "at all" under "only" vary
        predicates.append(f"{alone.past} at all")
    rest = f"{verb} {p.pick(predicates)} {p.place()}"
    return _pair(
        f"{licensor} {head} that the {within} {rest}", f"the {head} that {licensor} {within} {rest}"
    )


def filler_gap(p: Phrases) -> Pair:
    """The doctor knew what/*that the pilot repaired; ... that/*what he repaired the lamp."""
    person, has_gap = p.flip(), p.flip()
    matrix = f"the {p.person(p.number())} {p.pick(p.words.reported)}"
    clause = f"the {p.person(p.number())} {p.transitive(person).past}"
    rest = f"{clause} {p.place()}" if has_gap else f"{clause} {p.object_of(person)} {p.place()}"
    good, bad = _chosen(has_gap, "who" if person else "what", "that")
    return _pair(f"{matrix} {good} {rest}", f"{matrix} {bad} {rest}")


def pronoun_case(p: Phrases) -> Pair:
    """He/*Him thanked the doctor; the doctor thanked him/*he."""
    nominative, accusative = p.pick(_PRONOUNS)
    verb, someone, place = p.transitive(person=True).past, p.object_of(person=True), p.place()
    if p.flip():
        rest = f"{verb} {someone} {place}"
        return _pair(f"{nominative} {rest}", f"{accusative} {rest}")
    clause = f"{someone} {verb}"
    return _pair(f"{clause} {accusative} {place}", f"{clause} {nominative} {place}")


def irregular_form(p: Phrases) -> Pair:
    """The doctor chose/*chosen the lamp; the doctor has chosen/*chose the lamp."""
    verb, number, of_things = p.pick(p.words.irregular), p.number(), p.number()
    subject, thing = f"the {p.person(number)}", f"the {p.thing(of_things)}"
    simple = p.flip()
    good, bad = _chosen(simple, verb.past, verb.participle)
    if simple:
        before, after = subject, f"{thing} {p.place()}"
    elif p.flip():
        before, after = f"{subject} {_HAVE[number]}", f"{thing} {p.place()}"
    else:
        before, after = f"{thing} {_WERE[of_things]}", f"by {subject}"
    return _pair(f"{before} {good} {after}", f"{before} {bad} {after}")


def verb_form(p: Phrases) -> Pair:
    """The doctor will laugh/*laughing near the church."""
    number, verb = p.number(), p.pick(p.words.alone)
    forms = {"will": verb.base, _HAVE[number]: verb.participle, _BE[number]: verb.gerund}
    auxiliary = p.pick(tuple(forms))
    wrong = p.pick([form for needed_by, form in forms.items() if needed_by != auxiliary])
    clause, place = f"the {p.person(number)} {auxiliary}", p.place()
    return _pair(f"{clause} {forms[auxiliary]} {place}", f"{clause} {wrong} {place}")


def question_order(p: Phrases) -> Pair:
    """What has the pilot repaired?/*What the pilot has repaired? And the reverse embedded."""
    person, number = p.flip(), p.number()
    verb, subject, place = p.transitive(person), f"the {p.person(number)}", p.place()
    word = "who" if person else "what"
    direct = p.flip()
    if not direct:  # no "had", whose causative reading allows both orders
        auxiliary, form = p.pick(("would", "could", "might")), verb.base
    elif p.flip():
        auxiliary, form = _HAVE[number], verb.participle
    else:
        auxiliary, form = p.pick(("will", "can")), verb.base
    inverted = f"{word} {auxiliary} {subject} {form} {place}"
    straight = f"{word} {subject} {auxiliary} {form} {place}"
    if direct:
        return _pair(inverted, straight, "?")
    matrix = f"the {p.person(p.number())} {p.pick(p.words.reported)}"
    return _pair(f"{matrix} {straight}", f"{matrix} {inverted}")


def adjunct_island(p: Phrases) -> Pair:
    """What did the doctor repair until the pilot could laugh / *laugh until he could repair?"""
    person = p.flip()
    needs, takes_none = p.transitive(person).base, p.pick(p.words.alone).base
    question = f"{'who' if person else 'what'} did the {p.person(p.number())}"
    then = f"{p.pick(('before', 'until', 'because'))} the {p.person(p.number())} could"
    return _pair(
        f"{question} {needs} {then} {takes_none}", f"{question} {takes_none} {then} {needs}", "?"
    )


PARADIGMS: Mapping[str, Callable[[Phrases], Pair]] = MappingProxyType(
    {
        paradigm.__name__: paradigm
        for paradigm in (
            agreement,
            agreement_across_phrase,
            agreement_across_clause,
            reflexive_gender,
            reflexive_number,
            determiner_noun,
            transitivity,
            voice,
            polarity,
            filler_gap,
            pronoun_case,
            irregular_form,
            verb_form,
            question_order,
            adjunct_island,
        )
    }
)
"""Every paradigm by its name."""
