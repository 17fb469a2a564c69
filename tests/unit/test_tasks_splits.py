"""Subsets, held-out parts, halves, headline metric and digest, on splits made by hand."""

import time
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steadytune.errors import BadInput
from steadytune.recipe import digest
from steadytune.study import TaskChoice
from steadytune.tasks import _splits
from steadytune.tasks._finish import Contents, finish
from steadytune.tasks._task import Split

unhurried = settings(deadline=None, max_examples=50)


def split_of(labels, pairs=False):
    given = np.asarray(labels)
    whole = given.dtype.kind != "f"
    return Split(
        texts=tuple(f"text {i}" for i in range(len(given))),
        pairs=tuple(f"pair {i}" for i in range(len(given))) if pairs else None,
        labels=given.astype(np.int64) if whole else given.astype(np.float64),
    )


def contents_of(train=(0, 1) * 20, dev=(0, 1, 1) * 5, names=("no", "yes"), metrics=("accuracy",)):
    return Contents(names, split_of(train), {"dev": split_of(dev)}, "dev", metrics)


@st.composite
def labelled(draw, fewest=2):
    sizes = draw(st.lists(st.integers(fewest, 60), min_size=2, max_size=6))
    labels = np.repeat(np.arange(len(sizes)), sizes)
    return split_of(draw(st.permutations(labels.tolist())))


@unhurried
@given(labelled(), st.integers(0, 99), st.data())
def test_subsets_nest_keep_shares_and_order(split, seed, data):
    small = data.draw(st.integers(1, len(split)))
    large = data.draw(st.integers(small, len(split)))
    inner, outer = (_splits.subset(split, size, seed) for size in (small, large))
    assert (len(inner), len(outer)) == (small, large)
    assert set(inner.texts) <= set(outer.texts)
    places = [split.texts.index(text) for text in outer.texts]
    assert places == sorted(places)
    assert np.array_equal(outer.labels, split.labels[places])
    shares = np.bincount(split.labels) / len(split)
    counts = np.bincount(outer.labels, minlength=len(shares))
    assert np.abs(counts - large * shares).max() < 1


def test_another_seed_draws_another_subset_of_the_same_shares():
    split = split_of([0, 1, 1, 1] * 50)
    one, two = _splits.subset(split, 40, 1), _splits.subset(split, 40, 2)
    assert one.texts == _splits.subset(split, 40, 1).texts
    assert set(one.texts) != set(two.texts)
    assert np.bincount(one.labels).tolist() == np.bincount(two.labels).tolist() == [10, 30]


def test_every_example_is_as_likely_to_be_drawn():
    split = split_of([0, 1] * 10)
    drawn = [text for seed in range(300) for text in _splits.subset(split, 5, seed).texts]
    counts = [drawn.count(text) for text in split.texts]
    # 300 draws at 1/4: standard deviation 7.5; five of them allow for the 20 comparisons
    assert max(abs(count - 75) for count in counts) < 38


@unhurried
@given(labelled(fewest=1), st.floats(0.05, 0.95), st.integers(0, 99))
def test_held_out_part_is_disjoint_and_holds_no_class_of_its_own(split, share, seed):
    train, dev = _splits.hold_out(split, share, seed)
    assert sorted(train.texts + dev.texts) == sorted(split.texts)
    assert set(dev.labels.tolist()) <= set(train.labels.tolist())
    assert abs(len(dev) - share * len(split)) <= 0.5 + len(np.unique(split.labels))


@unhurried
@given(labelled(), st.integers(0, 99))
def test_halves_share_every_class(split, seed):
    first, second = _splits.halves(split, seed)
    assert sorted(first.texts + second.texts) == sorted(split.texts)
    assert len(second) - len(first) == len(split) % 2
    counts = [np.bincount(half.labels, minlength=6) for half in (first, second)]
    assert np.abs(counts[0] - counts[1]).max() <= 1


def turns_by_definition(sizes):
    """Tijdeman's rule as it is written, with every class looked at each turn."""
    total, slack = sum(sizes), 2 * len(sizes) - 2
    counts = [0] * len(sizes)
    for turn in range(1, total + 1):
        owed = [Fraction(turn * s, total) - n for s, n in zip(sizes, counts, strict=True)]
        due = [which for which, debt in enumerate(owed) if debt >= Fraction(1, slack)]
        bound = 1 - Fraction(1, slack)
        chosen = min(due, key=lambda which: (bound - owed[which]) * total / sizes[which])
        counts[chosen] += 1
        yield chosen


@unhurried
@given(st.lists(st.integers(1, 40), min_size=2, max_size=9))
def test_turns_are_those_of_the_definition(sizes):
    assert list(_splits._turns(sizes)) == list(turns_by_definition(sizes))


def test_thousands_of_classes_are_drawn_from_in_seconds():
    """Looking at every class each turn takes 2.5e8 steps here, which is minutes."""
    split = split_of(np.tile(np.arange(5000), 10))
    begun = time.process_time()
    train, dev = _splits.hold_out(split, 0.2, 0)
    assert time.process_time() - begun < 10
    assert (len(train), len(dev)) == (40_000, 10_000)
    assert np.bincount(dev.labels).max() <= 3


def test_scores_are_drawn_without_strata_and_pairs_go_along():
    split = split_of(np.linspace(0, 5, 30), pairs=True)
    part = _splits.subset(split, 10, 0)
    assert part.labels.dtype == np.float64
    assert [pair.split()[1] for pair in part.pairs or ()] == [t.split()[1] for t in part.texts]


def test_full_protocol_selects_and_reports_on_dev():
    task = finish(TaskChoice("t"), contents_of())
    assert (task.select, task.report, list(task.dev)) == ("dev", "dev", ["dev"])
    assert task.facts.dev_examples == {"dev": 15}
    assert task.facts.baseline == {"dev": {"accuracy": pytest.approx(2 / 3)}}
    assert task.num_outputs == 2


def test_halves_protocol_reports_on_what_did_not_select():
    contents = contents_of()
    other = split_of([0, 1])
    contents = replace(contents, dev={**contents.dev, "dev_mismatched": other})
    task = finish(TaskChoice("t", dev_protocol="halves"), contents)
    assert list(task.dev) == ["dev_select", "dev_report", "dev_mismatched"]
    assert (task.select, task.report) == ("dev_select", "dev_report")
    assert task.facts.dev_examples == {"dev_select": 7, "dev_report": 8, "dev_mismatched": 2}
    assert not set(task.dev["dev_select"].texts) & set(task.dev["dev_report"].texts)
    for name, split in task.dev.items():
        majority = np.bincount(split.labels).max() / len(split)
        assert task.facts.baseline[name]["accuracy"] == pytest.approx(majority)
    moved = finish(TaskChoice("t", dev_protocol="halves", dev_seed=1), contents)
    assert moved.dev["dev_select"].texts != task.dev["dev_select"].texts


def test_a_tiny_dev_cannot_be_halved():
    with pytest.raises(BadInput, match="at least 4 dev examples; t has 3"):
        finish(TaskChoice("t", dev_protocol="halves"), contents_of(dev=(0, 1, 1)))


def test_train_size_keeps_as_many_and_refuses_more():
    task = finish(TaskChoice("t", train_size=10), contents_of())
    assert len(task.train) == task.facts.train_examples == 10
    with pytest.raises(BadInput, match=r"train_size is 41.*only 40"):
        finish(TaskChoice("t", train_size=41), contents_of())


def test_a_subset_of_one_class_is_refused():
    rare = contents_of(train=(0,) * 39 + (1,))
    with pytest.raises(BadInput, match="all of the subset is of class 'no'"):
        finish(TaskChoice("t", train_size=4), rare)


def test_chosen_metric_leads_and_the_others_stay():
    contents = contents_of(metrics=("f1", "accuracy"))
    task = finish(TaskChoice("t", metric="matthews"), contents)
    assert task.metric == task.facts.metric == "matthews"
    assert task.metrics == ("matthews", "f1", "accuracy")
    assert finish(TaskChoice("t", metric="accuracy"), contents).metrics == ("accuracy", "f1")


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("acuracy", "is not a metric for .* did you mean accuracy"),
        ("pearson", "does not fit the labels of t \\(3 classes\\)"),
        ("f1", "does not fit the labels of t \\(3 classes\\)"),
    ],
)
def test_a_metric_that_does_not_fit_is_refused(metric, message):
    three = contents_of(train=(0, 1, 2) * 9, dev=(0, 1, 2) * 3, names=("a", "b", "c"))
    with pytest.raises(BadInput, match=message):
        finish(TaskChoice("t", metric=metric), three)


def test_scores_refuse_metrics_of_classes():
    scores = contents_of(np.linspace(0, 5, 30), np.linspace(0, 5, 9), None, ("pearson",))
    assert finish(TaskChoice("t"), scores).num_outputs == 1
    with pytest.raises(BadInput, match="scores"):
        finish(TaskChoice("t", metric="accuracy"), scores)


def test_digest_covers_content_and_nothing_else():
    base = contents_of()
    digest = finish(TaskChoice("t"), base).facts.digest
    assert finish(TaskChoice("another name"), contents_of()).facts.digest == digest

    def with_dev(**fields):
        return replace(base, dev={"dev": replace(base.dev["dev"], **fields)})

    dev = base.dev["dev"]
    changed = [
        with_dev(texts=("other", *dev.texts[1:])),
        with_dev(pairs=dev.texts),
        with_dev(labels=1 - dev.labels),
        with_dev(texts=dev.texts[::-1]),
        replace(base, train=_splits.take(base.train, np.arange(39))),
        replace(base, label_names=("yes", "no")),
        replace(base, dev={"devil": dev}, select="devil"),
        replace(base, metrics=("matthews", "accuracy")),
    ]
    digests = [finish(TaskChoice("t"), contents).facts.digest for contents in changed]
    assert len({digest, *digests}) == len(changed) + 1


def test_the_digest_is_that_of_the_whole_content(monkeypatch):
    monkeypatch.setattr("steadytune.tasks._digest._CHUNK", 7)
    contents = contents_of()
    for split in (contents.train, replace(contents.train, pairs=contents.train.texts)):
        whole = {
            "label_names": contents.label_names,
            "train": [split.texts, split.pairs, split.labels.tolist()],
            "dev": [
                [name, [one.texts, one.pairs, one.labels.tolist()]]
                for name, one in contents.dev.items()
            ],
            "metrics": contents.metrics,
            "roles": ("dev", "dev"),
        }
        assert finish(TaskChoice("t"), replace(contents, train=split)).facts.digest == digest(whole)
