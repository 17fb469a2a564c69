"""The first words of a report: from runs whose truth is known, and of real studies."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from steadytune.analysis.cells import Cell, cells
from steadytune.analysis.leaderboard import leaderboards
from steadytune.cli import app
from steadytune.ledger import Ledger
from steadytune.reports.answer import conclude
from steadytune.reports.spread_sources import FAILURES, spread_table
from synthetic import conduct, study_of

RESULTS = Path(__file__).parents[2] / "results"


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    ledger = conduct(study_of(tmp_path_factory.mktemp("one") / "s"), "g")
    return cells(ledger)[0].records[0]


@pytest.fixture
def cell_of(record):
    """A cell of runs with given accuracies; below 0.61 is the majority class, so failed."""

    def make(recipe, values, task="task", first_seed=0):
        records = []
        for seed, value in enumerate(values, first_seed):
            metrics = {"dev": {"accuracy": float(value), "f1": float(value)}}
            last = replace(record.last, metrics=metrics, constant={"dev": False})
            seeds = {"init": seed, "order": seed, "dropout": seed}
            name = f"{recipe}-{task}-{seed}"
            records.append(replace(record, id=name, last=last, seeds=seeds, train_loss=seed / 100))
        return Cell(task, "tiny", recipe, len(records), tuple(records))

    return make


def around(middle, n=10, std=0.01):
    return middle + std * np.linspace(-1.5, 1.5, n)


def test_a_clear_winner_is_named_with_what_to_do(cell_of):
    found = conclude([cell_of("good", around(0.9)), cell_of("bad", around(0.7))])
    assert found.headline.startswith("Use good: it is significantly better than bad")
    assert "0 of its 10 runs failed (0 of the others' 10)" in found.headline
    assert "good is better than bad" in found.evidence[0]
    assert found.next_steps[0].startswith("Use that recipe")


def test_what_is_undecided_is_said_with_the_seeds_it_takes(cell_of):
    found = conclude([cell_of("one", around(0.8)), cell_of("other", around(0.804), first_seed=50)])
    assert "other has the highest mean. The runs do not separate it from one." in found.headline
    assert any(step.startswith("To separate one and other: about") for step in found.next_steps)
    assert any("Undecided does not mean equal" in one for one in found.next_steps)


def test_nothing_is_called_equal_without_a_test_of_that(cell_of):
    """Half a standard deviation apart with 5 runs: no word of equality, and none of 200 seeds."""
    values = around(0.8, 5)
    half = cell_of("other", values + 0.005 * values.std(ddof=1), first_seed=50)
    found = conclude([cell_of("one", values), half])
    text = " ".join([*found.evidence, *found.next_steps])
    assert "200 seeds" not in text
    assert "for equal" not in text


def test_two_recipes_that_tie_on_many_tasks_are_one_step(cell_of):
    tasks = {"t": 0.0, "u": 0.004, "v": 0.006, "w": 0.0}
    found = conclude(
        [
            cell_of(name, around(0.8 + (gap if name == "other" else 0)), task, first)
            for task, gap in tasks.items()
            for name, first in (("one", 0), ("other", 50))
        ]
    )
    (step,) = [step for step in found.next_steps if "one and other" in step]
    assert "seeds of each on u (tiny), about" in step
    assert "t (tiny)" not in step


def test_few_runs_decide_nothing(cell_of):
    found = conclude([cell_of("one", around(0.8, 3)), cell_of("other", around(0.9, 3))])
    assert "cannot be compared with one: that takes 5 runs of each" in found.headline
    assert any("Run at least 5 seeds of each recipe" in step for step in found.next_steps)


def test_a_recipe_that_fails_more_often_is_no_rival(cell_of):
    often = np.r_[around(0.94, 5), np.full(5, 0.5)]
    found = [cell_of("good", around(0.75)), cell_of("often", often), cell_of("third", around(0.4))]
    (board,) = leaderboards(found)
    assert board.leader.recipe == "good"
    verdicts = [(one.b, one.verdict) for one in board.level]
    assert verdicts == [("often", "undecided"), ("third", "a")]
    assert board.rivals == (() if board.failures[0].verdict == "a" else ("often",))
    assert board.comparisons == 3 + 3  # all pairs, in level and in failures


def test_one_recipe_is_steady_or_not(cell_of):
    assert "none of its 10 runs failed" in conclude([cell_of("a", around(0.9))]).headline
    stuck = conclude([cell_of("a", np.r_[around(0.9, 8), 0.5, 0.5])])
    assert "not steady: 2 of its 10 runs failed (95 % interval: 6 to 51 %)" in stuck.headline


def test_a_success_that_may_be_chance_is_told():
    """In the study of learning rates one run ends at 51.0 where the majority class has 50.9."""
    found = conclude(cells(Ledger.open(RESULTS / "2026-11-23-edge" / "sst2")))
    (told,) = [one for one in found.cautions if "not significantly better" in one]
    assert told.startswith("3e-4 off on glue/sst2")
    assert "its one successful run is not significantly better than always predicting" in told


def test_unfinished_runs_are_told(cell_of):
    cell = replace(cell_of("a", around(0.9)), planned=12)
    assert "2 runs have not ended" in conclude([cell]).next_steps[0]


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("2026-11-23-edge/sst2", "1e-4 on has the highest mean"),
        ("2026-11-23-edge/polarity", "3e-4 on has the highest mean"),
        ("2026-11-23-first-result/ledger", "No recipe leads"),
    ],
)
def test_real_studies(folder, words):
    found = conclude(cells(Ledger.open(RESULTS / folder)))
    assert words in found.headline
    text = " ".join([found.headline, *found.evidence, *found.others, *found.cautions])
    assert "nan" not in text
    assert "inf " not in text


def test_the_readme_shows_what_compare_says():
    """The example in the README is real; only its caption is left out."""
    folder = RESULTS / "2026-11-23-edge" / "sst2"
    given = ["compare", str(folder), "--a", "1e-4 on", "--b", "1e-4 off"]
    asked = [part for name in ("level", "failures") for part in ("--question", name)]
    said = CliRunner().invoke(app, given + asked).stdout
    shown = (RESULTS.parent / "README.md").read_text().partition("$ steadytune compare")[2]
    shown = shown.partition("failures\n")[2].partition("\n...\n")[0]
    assert len(shown) > 500
    assert " ".join(said.split()).startswith(" ".join(shown.split()))


def test_sources_of_the_spread(in_condition):
    found = spread_table(cells(in_condition("crossed")))
    assert found.columns == (
        FAILURES, "initialization", "data order", "initialization x data order",
    )  # fmt: skip
    (row,) = found.rows
    assert row.n == 6
    assert sum(float(row.parts[name].share[:-2]) for name in found.columns[1:]) == 100
    assert any("only 2 order seeds" in one for one in found.cautions)
    tied = spread_table(cells(in_condition("mixed")))
    assert tied.columns == (FAILURES,)
    assert not spread_table(cells(in_condition("all failed"))).rows
