"""The generated task: distinct, deterministic, balanced, with held-out words and no giveaways."""

import math
import re
from collections import Counter, defaultdict
from itertools import islice

import numpy as np
import pytest

from steadytune.errors import BadInput
from steadytune.seeds import generator
from steadytune.study import TaskChoice
from steadytune.tasks import load
from steadytune.tasks._lexicon import DEV, TRAIN
from steadytune.tasks._paradigms import PARADIGMS
from steadytune.tasks._phrases import Phrases
from steadytune.tasks.acceptability import CAPACITY, NAME, sentences

FUNCTION_WORDS = """
    the this that these those no few only any at all ever by in near outside behind beside is are
    was were has have will can would could might did what who before until because i me he him she
    her we us they them himself herself themselves
"""


def words(text):
    return re.findall(r"[a-z]+", text.lower())


def generated(lexicon, size, seed=0):
    return list(islice(sentences(lexicon, generator("text", seed, "test")), size))


@pytest.fixture(scope="module")
def default():
    return load(TaskChoice(NAME))


def test_default_sizes_balance_and_metrics(default):
    assert (len(default.train), len(default.dev["dev"])) == (1000, 400)
    assert default.label_names == ("unacceptable", "acceptable")
    assert (default.metric, default.metrics) == ("accuracy", ("accuracy", "matthews"))
    assert default.facts.baseline["dev"] == {"accuracy": 0.5, "matthews": 0}
    assert np.bincount(default.train.labels).tolist() == [500, 500]
    texts = default.train.texts + default.dev["dev"].texts
    assert len(set(texts)) == len(texts)


def test_dev_words_are_held_out():
    train, dev = (
        {word for one in generated(lexicon, 6000) for word in words(one.text)}
        for lexicon in (TRAIN, DEV)
    )
    assert train & dev == set(FUNCTION_WORDS.split())
    assert len(train - dev) > 150
    assert len(dev - train) > 150


def test_it_is_a_function_of_size_and_seeds():
    def texts(**choices):
        task = load(TaskChoice(NAME, **choices))
        return task.train.texts, task.dev["dev"].texts

    train, dev = texts(train_size=200)
    assert texts(train_size=200) == (train, dev)
    longer, same_dev = texts(train_size=301)
    assert (longer[:200], same_dev) == (train, dev)
    other, same_dev = texts(train_size=200, subset_seed=1)
    assert same_dev == dev
    assert other != train
    same_train, other_dev = texts(train_size=200, dev_seed=1)
    assert same_train == train
    assert other_dev != dev


def test_first_sentences_stay_as_they_are():
    """Ledgers refer to the digest: a change of the grammar must be seen here and be meant."""
    task = load(TaskChoice(NAME, train_size=4))
    assert task.train.texts == FIRST


FIRST = (
    "The pilots usually describe the young plumber.",
    "The pilots usually describes the young plumber.",
    "The heavy mirrors beside the fragile kettle is wooden.",
    "The heavy mirrors beside the fragile kettle are wooden.",
)


def test_there_are_enough_distinct_sentences():
    size = 100_020
    drawn = generated(TRAIN, size)
    assert len({one.text for one in drawn}) == size
    per_paradigm = Counter(one.paradigm for one in drawn)
    assert set(per_paradigm.values()) == {size // len(PARADIGMS)}


@pytest.mark.parametrize("paradigm", PARADIGMS)
def test_each_paradigm_has_room(paradigm):
    """New pairs stay frequent up to the capacity: few of 2000 draws repeat each other."""
    random = generator("text", 1, "room")
    pairs = [PARADIGMS[paradigm](Phrases(TRAIN, random)) for _ in range(2000)]
    repeats = len(pairs) - len(set(pairs))
    needed = CAPACITY / 2 / len(PARADIGMS)
    # n draws from m equally likely pairs repeat about n^2 / 2m times; ask for twice the room
    assert repeats <= 2000**2 / 2 / (2 * needed)


def test_too_large_a_size_is_refused():
    with pytest.raises(BadInput, match=rf"at most {CAPACITY}.*train_size is {CAPACITY + 1}"):
        load(TaskChoice(NAME, train_size=CAPACITY + 1))


def test_sentences_begin_and_end_as_sentences():
    for lexicon in (TRAIN, DEV):
        for one in generated(lexicon, 3000):
            assert re.fullmatch(r"[A-Z][A-Za-z]*( [A-Za-z]+)+[.?]", one.text)


def test_a_pair_differs_in_one_place_and_in_its_label():
    drawn = generated(TRAIN, 3000)
    for one, two in zip(drawn[::2], drawn[1::2], strict=True):
        assert one.paradigm == two.paradigm
        assert one.acceptable != two.acceptable
        assert abs(len(words(one.text)) - len(words(two.text))) <= (one.paradigm == "voice")
        common = Counter(words(one.text)) & Counter(words(two.text))
        longer = max(len(words(one.text)), len(words(two.text)))
        assert common.total() >= longer - 1
    assert 0.45 < np.mean([one.acceptable for one in drawn[::2]]) < 0.55


def test_no_word_and_no_length_gives_the_label_away():
    """A bag of words and a length, both fitted on 20 000 sentences, stay near chance on dev."""
    drawn, unseen = generated(TRAIN, 20_000), generated(DEV, 4000)
    counts = defaultdict(lambda: [1, 1])
    for one in drawn:
        for word in {*words(one.text), one.text[-1], f"length {len(words(one.text))}"}:
            counts[word][one.acceptable] += 1

    def score(text, features):
        return sum(math.log(counts[f][1] / counts[f][0]) for f in features if f in counts)

    for held in (drawn[:4000], unseen):
        by_words = [(score(one.text, set(words(one.text))) > 0) == one.acceptable for one in held]
        by_length = [
            (score(one.text, {f"length {len(words(one.text))}"}) > 0) == one.acceptable
            for one in held
        ]
        assert np.mean(by_words) < 0.6
        assert np.mean(by_length) < 0.55
    frequent = {word: n for word, n in counts.items() if sum(n) > 300}
    assert len(frequent) > 100
    lean = {word: abs(n[0] - n[1]) / math.sqrt(sum(n)) for word, n in frequent.items()}
    assert max(lean.values()) < 5, max(lean, key=lambda word: lean[word])  # in standard deviations


def test_acceptable_sentences_obey_the_rule_of_their_paradigm():
    """Rules restated on the surface, independent of the code that draws."""
    plural = {n.plural for n in (*DEV.people, *DEV.things)} | {
        n.plural for nouns in DEV.gendered.values() for n in nouns
    }
    masculine = {n.singular for n in DEV.gendered["masculine"]} | {
        name.lower() for name in DEV.names["masculine"]
    }
    feminine = {n.singular for n in DEV.gendered["feminine"]} | {
        name.lower() for name in DEV.names["feminine"]
    }
    third = {verb.third for verb in (*DEV.alone, *DEV.with_person)}
    base = {verb.base for verb in (*DEV.alone, *DEV.with_person)}
    nouns = plural | masculine | {n.singular for n in (*DEV.people, *DEV.things)}
    needs = {verb.past for verb in (*DEV.with_person, *DEV.with_thing)}
    rules = {
        "agreement": lambda w: (
            (next(x for x in w if x in third | base) in base)
            == (next(x for x in w if x in nouns) in plural)
        ),
        "determiner_noun": lambda w: all(
            (w[i] in ("these", "those")) == (next(x for x in w[i:] if x in nouns) in plural)
            for i, x in enumerate(w)
            if x in ("this", "that", "these", "those")
        ),
        "reflexive_gender": lambda w: (
            ("himself" in w) == (next(x for x in w if x in masculine | feminine) in masculine)
        ),
        "voice": lambda w: bool({"was", "were"} & set(w)) == bool(needs & set(w)),
        "filler_gap": lambda w: (
            ("that" in w) == any(x in needs and w[i + 1] == "the" for i, x in enumerate(w))
        ),
        "pronoun_case": lambda w: (
            w[0] in ("i", "he", "she", "we", "they")
            or (w[0] == "the" and bool({"me", "him", "her", "us", "them"} & set(w)))
        ),
    }
    checked = Counter()
    for one in generated(DEV, 6000):
        if one.paradigm in rules:
            assert rules[one.paradigm](words(one.text)) == one.acceptable, one
            checked[one.paradigm] += 1
    assert set(checked) == set(rules)


@pytest.mark.parametrize("paradigm", PARADIGMS)
def test_each_paradigm_is_a_task_of_its_own(paradigm):
    task = load(TaskChoice(f"{NAME}/{paradigm}", train_size=60))
    assert len(task.train) == 60
    assert task.train.labels.mean() == 0.5
    every = load(TaskChoice(NAME, train_size=60))
    assert task.facts.digest != every.facts.digest
    most = CAPACITY // len(PARADIGMS)
    with pytest.raises(BadInput, match=f"at most {most}"):
        load(TaskChoice(f"{NAME}/{paradigm}", train_size=most + 1))
