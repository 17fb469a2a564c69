"""Questions about two recipes: the answer, its sentence, what is refused and what is warned of."""

# pyright: reportOptionalSubscript=false, reportOptionalOperand=false, reportOptionalIterable=false
# pyright: reportOptionalMemberAccess=false, reportOperatorIssue=false, reportArgumentType=false
# pyright: reportCallIssue=false, reportGeneralTypeIssues=false
# (an estimate that is None fails the test, as it should)

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from simulated_cells import simulated_runs, two_groups
from simulated_run import LABELS, conduct, ledger_in, study
from typer.testing import CliRunner

from steadytune import cli
from steadytune.analysis.answers import open_sentence
from steadytune.analysis.comparability import duplicates, two_modes
from steadytune.analysis.compare import compare, compare_page
from steadytune.analysis.evidence import Question, gather, turned
from steadytune.analysis.families import holm
from steadytune.analysis.more_seeds import advised, seeds_to_decide
from steadytune.analysis.page import Comparison, adjusted_tests
from steadytune.analysis.power import detectable_difference
from steadytune.analysis.predictions import CellPredictions
from steadytune.recipe import Recipe
from steadytune.reports.comparison import FORMATS, as_text

RNG = np.random.default_rng(20_210_109)
GOOD = simulated_runs(RNG.normal(0.72, 0.01, 12), recipe="good", seeds=range(12))
WIDE = simulated_runs(RNG.normal(0.62, 0.05, 12), recipe="wide", seeds=range(50, 62))
COLLAPSED = simulated_runs(np.full(12, 0.527), np.ones(12, bool), recipe="collapsed")
SIMPLE = [question for question in Question if question is not Question.EXAMPLES]
DECIDED = [question for question in Question if question.decided]


def level_of(pairs, unasked=()):
    asked, others = ([Comparison(Question.LEVEL, *pair) for pair in x] for x in (pairs, unasked))
    return compare_page(asked, others)


@pytest.mark.parametrize("question", SIMPLE)
def test_the_answer_does_not_depend_on_who_is_named_first(question):
    one, other = compare(question, GOOD, WIDE), compare(question, WIDE, GOOD)
    assert {one.verdict, other.verdict} in ({"a", "b"}, {"undecided"}, {"described"})
    assert question not in (Question.LEVEL, Question.SPREAD) or one.verdict == "a"
    assert one.sentence == other.sentence
    assert other.effect == turned(question, one.effect)
    assert (other.a, other.b) == ("wide", "good")


@pytest.mark.parametrize("question", SIMPLE)
def test_every_sentence_has_its_n_and_ends(question):
    for pair in ((GOOD, WIDE), (GOOD, GOOD_AGAIN)):
        sentence = compare(question, *pair).sentence
        assert "n = 12 and 12 runs" in sentence
        assert sentence.endswith(".")
        assert "nan" not in sentence


GOOD_AGAIN = simulated_runs(RNG.normal(0.72, 0.01, 12), recipe="again", seeds=range(70, 82))


@pytest.mark.parametrize("question", SIMPLE)
def test_recipes_that_do_not_differ_are_not_separated(question):
    expected = "undecided" if question.decided else "described"
    assert compare(question, GOOD, GOOD_AGAIN).verdict == expected


def test_an_open_question_says_what_could_have_been_found():
    found = compare(Question.LEVEL, GOOD, GOOD_AGAIN)
    stds = [float(runs.values.std(ddof=1)) for runs in (GOOD, GOOD_AGAIN)]
    least = 100 * detectable_difference(*stds, 12)
    assert f"a difference of {least:.1f} points would be found in 4 of 5 studies" in found.sentence


def test_level_never_depends_on_which_seeds_are_shared():
    """Pairs of seeds would decide more with 7 of them than with 8; see ``permutation_test``."""
    base = RNG.normal(0.7, 0.03, 10)
    a = simulated_runs(base + RNG.normal(0.005, 0.001, 10), recipe="a", seeds=range(10))
    b = simulated_runs(base, recipe="b", seeds=range(10))
    found = compare(Question.LEVEL, a, b)
    other = replace(b, seeds=tuple((s, s, s) for s in range(20, 30)))
    assert found.paired is False
    assert compare(Question.LEVEL, a, other).tests == found.tests


def test_the_chance_to_win_is_of_pairs_where_seeds_are_shared():
    base = RNG.normal(0.7, 0.03, 10)
    a, b = (simulated_runs(base + gap, recipe=r) for gap, r in ((0.001, "a"), (0, "b")))
    found = compare(Question.IMPROVEMENT, a, b)
    assert (found.paired, found.effect.value) == (True, 1)
    assert "seed by seed" in found.sentence


def test_too_few_runs_are_refused():
    few = simulated_runs([0.7, 0.71, 0.69], recipe="few")
    for question in Question:
        found = compare(question, few, GOOD)
        assert found.verdict == "refused"
        assert "few has 3 ended runs and good 12; comparing takes at least 5" in found.sentence
        assert found.tests == ()


def test_collapsed_runs_have_no_spread_but_they_have_failed():
    assert "none of them learned" in compare(Question.SPREAD, GOOD, COLLAPSED).sentence
    assert compare(Question.SPREAD, GOOD, COLLAPSED).verdict == "refused"
    assert compare(Question.FAILURES, GOOD, COLLAPSED).verdict == "a"
    level = compare(Question.LEVEL, GOOD, COLLAPSED)
    assert level.verdict == "a"
    assert "every run of collapsed collapsed (n = 12)" in level.warnings
    both = compare(Question.LEVEL, replace(COLLAPSED, ids=("x",)), COLLAPSED)
    assert both.verdict == "refused"


def test_one_run_repeated_is_refused_and_some_are_warned_of():
    same = simulated_runs(np.full(6, 0.7), recipe="same", losses=np.full(6, 0.3))
    assert "one run repeated" in compare(Question.LEVEL, GOOD, same).sentence
    values, losses = np.array(GOOD.values), np.arange(12) / 100
    values[3], losses[3] = values[4], losses[4]
    some = replace(GOOD, values=values, losses=losses)
    assert duplicates(some) == 1
    assert any(
        "repeat another one" in said for said in compare(Question.LEVEL, some, WIDE).warnings
    )


def test_two_names_of_one_recipe_are_refused():
    assert "in their name only" in compare(Question.LEVEL, GOOD, replace(GOOD, recipe="x")).sentence


def test_two_groups_are_pointed_out():
    failed = np.arange(12) < 4
    split = simulated_runs(
        np.where(failed, 0.527, 0.7 + RNG.normal(0, 0.01, 12)), failed, "split", range(80, 92)
    )
    said = " ".join(compare(Question.LEVEL, GOOD, split).warnings)
    assert "4 of 12 runs of split failed" in said
    unjudged = replace(split, failed=np.zeros(12, bool))
    assert "two groups although none failed" in " ".join(
        compare(Question.LEVEL, GOOD, unjudged).warnings
    )


def test_two_modes_are_found_and_one_is_not_taken_for_two():
    rng = np.random.default_rng(20_210_110)
    for n in (10, 12, 25):
        one = np.mean([two_modes(rng.normal(0, 1, n)) for _ in range(500)])
        assert one <= 0.02
    two = np.mean([two_modes(two_groups(rng, 25, std=0.01)) for _ in range(200)])
    assert two >= 0.95
    assert not two_modes(np.full(9, 0.5))


def test_missing_runs_selection_and_few_runs_are_warned_of():
    a = replace(GOOD, missing=2, which="best")
    b = simulated_runs(RNG.normal(0.6, 0.02, 6), recipe="six", seeds=range(30, 36))
    said = " ".join(compare(Question.LEVEL, a, b).warnings)
    assert "2 planned runs of good have not ended" in said
    assert "best checkpoint was selected" in said
    assert "with 6 runs a failure that is rare may not have been seen" in said


def test_errors_are_better_when_lower():
    low, high = (
        simulated_runs(
            RNG.normal(m, 0.02, 8), recipe=name, seeds=seeds, metric="mean_squared_error"
        )
        for m, name, seeds in ((0.4, "low", range(8)), (0.9, "high", range(10, 18)))
    )
    found = compare(Question.LEVEL, high, low)
    assert found.verdict == "b"
    assert "its mean mean squared error is lower by 0." in found.sentence
    assert "points" not in found.sentence
    for question in (Question.IMPROVEMENT, Question.ORDER):
        sentence = compare(question, high, low).sentence
        assert sentence.index("low") < sentence.index("high")


def test_a_family_is_corrected():
    rng = np.random.default_rng(14)
    pairs = [
        (
            simulated_runs(rng.normal(0.7 + gap, 0.02, 8), recipe="a", seeds=range(8), task=task),
            simulated_runs(rng.normal(0.7, 0.02, 8), recipe="b", seeds=range(9, 17), task=task),
        )
        for task, gap in (("x", 0.2), ("y", 0.0), ("z", 0.2))
    ]
    few = simulated_runs([0.7] * 3, recipe="a", task="few")
    found = level_of([*pairs, (few, few)])
    assert [one.verdict for one in found] == ["a", "undecided", "a", "refused"]
    tests = [one.tests[0] for one in found[:3]]
    assert [test.adjusted for test in tests] == pytest.approx(holm([test.p for test in tests]))
    assert "by Holm" in found[0].sentence
    assert compare(Question.LEVEL, *pairs[0]).tests[0].adjusted is None


def test_examples_need_predictions():
    labels = RNG.integers(0, 2, 100)
    predicted = tuple(
        CellPredictions(labels, np.where(RNG.random((12, 100)) < share, labels, 1 - labels))
        for share in (0.9, 0.6)
    )
    found = compare(Question.EXAMPLES, GOOD, WIDE, predicted)
    assert found.verdict == "described"
    assert "on other examples on glue/rte (bert-large), good is ahead of wide" in found.sentence
    assert found.effect.interval[0] > 0.2
    assert "from seeds alone" in found.sentence
    assert compare(Question.EXAMPLES, GOOD, WIDE).verdict == "refused"


def test_formats_say_the_same():
    answers = [compare(question, GOOD, WIDE) for question in SIMPLE]
    answers.append(compare(Question.SPREAD, GOOD, COLLAPSED))
    text, markdown = FORMATS["text"](answers), FORMATS["markdown"](answers)
    for one in answers[:-1]:
        assert one.sentence in text
        assert one.sentence in markdown
    assert "Not compared" in text
    rows = json.loads(FORMATS["json"](answers))
    assert [row["verdict"] for row in rows] == [one.verdict for one in answers]
    assert rows[0]["effect"]["interval"] == pytest.approx(list(answers[0].effect.interval))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("study") / "s"
    recipes = (Recipe("plain", 1e-5, epochs=3.0), Recipe("other", 2e-5, epochs=3.0))
    ledger = ledger_in(place, study(*recipes, seeds=5))
    for row in ledger.planned:
        conduct(ledger, row.id)
    return place


def test_command(folder):
    run = CliRunner().invoke(
        cli.app, ["compare", str(folder), "--a", "plain", "--b", "other", "--format", "json"]
    )
    assert run.exit_code == 0, run.output
    rows = json.loads(run.stdout)
    assert {row["question"] for row in rows} == {question.value for question in Question}
    assert all(row["n_a"] == row["n_b"] == 5 for row in rows)
    assert len(LABELS) == 5


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("plain", "nothing"), "no recipe 'nothing' in the study; it has plain, other"),
        (("plain", "plain"), "given twice"),
    ],
)
def test_command_with_recipes_that_cannot_be_compared(folder, names, said):
    run = CliRunner().invoke(cli.app, ["compare", str(folder), "--a", names[0], "--b", names[1]])
    assert run.exit_code == 2
    assert said in " ".join(run.stderr.split())


def test_command_asks_one_question(folder):
    given = ["compare", str(folder), "--a", "plain", "--b", "other", "--question", "failures"]
    run = CliRunner().invoke(cli.app, given)
    assert run.exit_code == 0
    assert "Which is better on average?" not in run.stdout


def test_choosing_the_best_of_many_costs_what_all_pairs_would():
    assert holm([0.01, 0.02], 10) == pytest.approx([0.1, 0.18])
    assert holm([0.01, 0.02], 1) == pytest.approx(holm([0.01, 0.02]))
    few, many = (level_of([(GOOD, WIDE)], [(GOOD, WIDE)] * n)[0] for n in (0, 14))
    assert few.tests[0].adjusted is None
    assert many.tests[0].adjusted == pytest.approx(min(1, 15 * many.tests[0].p))


def test_false_leaders_are_as_rare_as_they_should_be():
    """Five equal recipes, 150 studies: the leader is called better than some other in 5 % at most.

    Three standard errors above: 5 % + 3 sqrt(0.05 0.95 / 150) = 10.3 %.
    """
    rng, called = np.random.default_rng(7), 0
    for _ in range(150):
        scores = rng.normal(0.7, 0.02, (5, 6))
        of = [
            simulated_runs(x, recipe=f"r{i}", seeds=range(6 * i, 6 * i + 6))
            for i, x in enumerate(scores)
        ]
        first, *others = sorted(of, key=lambda runs: -runs.values.mean())
        asked = [Comparison(Question.LEVEL, first, one) for one in others]
        unasked = [Comparison(Question.LEVEL, *pair) for pair in itertools.combinations(others, 2)]
        called += any(one.tests[0].adjusted < 0.05 for one in adjusted_tests(asked, unasked))
    assert called / 150 < 0.103


@pytest.mark.parametrize("question", [Question.LEVEL, Question.SPREAD, Question.FAILURES])
def test_seeds_that_would_decide_do_decide(question):
    """Studies of so many runs like those of the pilot find the difference in 4 of 5."""
    rng = np.random.default_rng(3)
    pilot = two_groups(rng, 6, share=0.4), np.append(two_groups(rng, 5, share=0.0), 0.53)
    of = [simulated_runs(x, x < 0.6, recipe) for x, recipe in zip(pilot, "ab", strict=True)]
    needed = seeds_to_decide(question, *of)
    found = compare(question, *of)
    assert found.verdict == "undecided"
    told = advised(found, *of)
    assert told.seeds_needed == needed
    if needed is None:  # nothing is said: that would be a claim of equality
        assert told.sentence == found.sentence
        return
    assert f"about {needed} seeds" in told.sentence
    decided = 0
    for study_seed in range(40):
        rng = np.random.default_rng([study_seed, 1])
        drawn = [rng.choice(x, needed) for x in pilot]
        runs = [
            simulated_runs(x, x < 0.6, recipe, seeds=range(1000 * k, 1000 * k + needed))
            for k, (x, recipe) in enumerate(zip(drawn, "ab", strict=True))
        ]
        decided += compare(question, *runs).verdict in ("a", "b")
    assert decided / 40 > 0.6  # 0.8 less three standard errors


def test_more_comparisons_ask_for_more_seeds():
    close = simulated_runs(GOOD.values - 0.008, recipe="close", seeds=range(50, 62))
    one, ten = (seeds_to_decide(Question.LEVEL, GOOD, close, n) for n in (1, 10))
    assert 12 < one < ten
    assert seeds_to_decide(Question.LEVEL, GOOD, replace(GOOD, recipe="same")) is None


def test_no_number_is_absurd():
    """A std of next to nothing makes a ratio that is no number; nothing is minus nothing."""
    still = simulated_runs(np.full(12, 0.7) + 1e-15 * np.arange(12), recipe="still")
    assert "under 0.001 times as far" in compare(Question.SPREAD, GOOD, still).sentence
    assert "over 1000 times as far" in open_sentence(gather(Question.SPREAD, GOOD, still))
    same = simulated_runs(GOOD.values + 1e-9, recipe="more", seeds=range(70, 82))
    assert "-0.0" not in compare(Question.LEVEL, GOOD, same).sentence
    wins = compare(Question.IMPROVEMENT, GOOD, simulated_runs(GOOD.values - 0.5, recipe="low"))
    low, high = wins.effect.interval
    assert (wins.effect.value, wins.effect.method, high) == (1, "Wilson", 1)
    assert low == pytest.approx(0.757, abs=1e-3)


def test_text_is_folded_to_the_terminal():
    found = [compare(question, GOOD, WIDE) for question in SIMPLE]
    whole, narrow = as_text(found), as_text(found, 60)
    assert max(map(len, narrow.splitlines())) <= 60
    assert whole.split() == narrow.split()
