"""What open answers say could have been found, and whose notes they are."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from simulated_cells import simulated_runs

from steadytune.analysis.compare import compare_family
from steadytune.analysis.evidence import Question
from steadytune.analysis.level_tests import paired_permutation, permutation, smallest_p
from steadytune.reports.comparison import notes


def test_many_comparisons_leave_less_to_be_found():
    rng = np.random.default_rng(0)
    few = [simulated_runs(rng.normal(m, 0.01, 5), recipe=r) for m, r in ((0.9, "b"), (0.5, "a"))]
    (answer,) = compare_family(Question.LEVEL, [(few[0], few[1])], comparisons=15)
    assert answer.verdict == "undecided"
    assert "the mean accuracy of b is higher by" in answer.sentence
    assert "no difference can be found, however large: p = 0.0079 at least" in answer.sentence
    values = rng.normal(0.6, 0.01, 25)
    more = [
        simulated_runs(values, recipe="a"),
        simulated_runs(values + 1e-4, recipe="b", seeds=range(50, 75)),
    ]
    found = [compare_family(Question.LEVEL, [(more[0], more[1])], comparisons=n) for n in (1, 15)]
    least = [re.search(r"a difference of ([\d.]+) points would", one.sentence) for (one,) in found]
    assert float(least[0][1]) < float(least[1][1])  # pyright: ignore[reportOptionalSubscript]


def test_smallest_p_is_reached_by_recipes_far_apart():
    low, high = np.arange(5.0), np.arange(5.0) + 100
    assert permutation(low, high).p == smallest_p(math.comb(10, 5))
    assert paired_permutation(low, high).p == smallest_p(2**5)
    low, high = np.arange(20.0), np.arange(20.0) + 100
    assert permutation(low, high).p == pytest.approx(smallest_p(math.comb(40, 20)))


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
    told = notes(compare_family(Question.LEVEL, pairs))
    assert len(told) == 2
    assert told[0].startswith("1 planned run of a has not ended")
    assert told[1].startswith("one (bert-large), three (bert-large): 1 of 10 runs of b failed")
