"""What open answers say could have been found, and whose notes they are."""

import re
from dataclasses import replace

import numpy as np
from simulated_cells import simulated_runs

from steadytune.analysis.compare import compare_page
from steadytune.analysis.evidence import Question
from steadytune.analysis.page import Comparison
from steadytune.reports.comparison import notes


def level_of(a, b, others=0):
    asked = Comparison(Question.LEVEL, a, b)
    return compare_page([asked], [asked] * others)[0]


def test_many_comparisons_leave_less_to_be_found():
    rng = np.random.default_rng(0)
    few = [simulated_runs(rng.normal(m, 0.01, 5), recipe=r) for m, r in ((0.9, "b"), (0.5, "a"))]
    answer = level_of(*few, others=14)
    assert answer.verdict == "undecided"
    assert "b is ahead of a in mean accuracy by" in answer.sentence
    assert "nothing can be significant: the smallest possible p, 0.0079, becomes" in answer.sentence
    assert (
        "The interval is of this comparison alone." in answer.sentence
    )  # why the interval leaves out 0
    values = rng.normal(0.6, 0.01, 25)
    more = [
        simulated_runs(values, recipe="a"),
        simulated_runs(values + 1e-4, recipe="b", seeds=range(50, 75)),
    ]
    found = [level_of(*more, others=n) for n in (0, 14)]
    least = [re.search(r"a difference of ([\d.]+) points would", one.sentence) for one in found]
    assert float(least[0][1]) < float(least[1][1])  # pyright: ignore[reportOptionalSubscript]


def test_notes_name_their_tasks_only_where_not_all_have_them():
    fine, bad = np.linspace(0.7, 0.8, 10), np.r_[np.linspace(0.7, 0.8, 9), 0.5]
    runs = {
        task: [
            simulated_runs(fine, recipe="a", task=task),
            simulated_runs(values, failed=values < 0.6, recipe="b", task=task),
        ]
        for task, values in (("one", bad), ("two", fine), ("three", bad))
    }
    given = [replace(x, missing=1) for x, _ in runs.values()]
    pairs = [(a, b) for a, (_, b) in zip(given, runs.values(), strict=True)]
    told = notes(compare_page([Comparison(Question.LEVEL, *pair) for pair in pairs]))
    assert len(told) == 2
    assert told[0].startswith("1 planned run of a has not ended")
    assert told[1].startswith("one (bert-large), three (bert-large): 1 of 10 runs of b failed")
