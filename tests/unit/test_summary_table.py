"""The summary in every format, read back."""

import csv
import io
import json
from dataclasses import replace

import pytest

from steadytune.analysis.summary import SummaryRow
from steadytune.failure_rule import in_words
from steadytune.reports import paper_table
from steadytune.reports.summary_table import FORMATS, HEADINGS, cells, is_best

ROW = SummaryRow(
    task="glue/mrpc[train_size=500]",
    encoder="org/model_name|x",
    recipe="lr 50% & more",
    metric="f1",
    checkpoint="last",
    n=3,
    failed=2,
    failed_interval=(0.1, 0.8),
    diverged=1,
    crashed=1,
    unfinished=2,
    mean=0.84,
    mean_interval=(0.81, 0.9),
    std=0.05196,
    std_interval=None,
    median=0.81,
    min=0.81,
    max=0.9,
    majority=0.812,
    majority_accuracy=0.68,
    failed_if=in_words(0.68),
)
EMPTY = replace(ROW, recipe="other", n=0, mean=None, mean_interval=None, std=None, median=None)
ROWS = [ROW, EMPTY]


def test_cells_say_what_is_missing():
    found = dict(zip(HEADINGS, cells(ROW), strict=True))
    assert found["n"] == "3 (2 unfinished, 1 crashed)"
    assert found["failed"] == "2 (1d)"
    assert (found["mean"], found["std"], found["95 % interval"]) == ("84.0", "5.2", "81.0 to 90.0")
    assert dict(zip(HEADINGS, cells(EMPTY), strict=True))["mean"] == "-"


def test_table_keeps_brackets_and_puts_what_is_shared_on_top():
    first, *rest = FORMATS["table"](ROWS).splitlines()
    assert "task: glue/mrpc[train_size=500]" in first
    assert "mrpc" not in " ".join(rest)
    alone = FORMATS["table"]([ROW])
    assert "glue/mrpc[train_size=500]" in alone


def test_json_is_a_list_of_objects_with_fractions():
    rows = json.loads(FORMATS["json"](ROWS))
    assert rows[0]["mean"] == 0.84
    assert rows[0]["mean_interval"] == [0.81, 0.9]
    assert rows[1]["mean"] is None


def test_csv_reads_back():
    rows = list(csv.DictReader(io.StringIO(FORMATS["csv"](ROWS))))
    assert rows[0]["recipe"] == "lr 50% & more"
    assert (rows[0]["mean_interval_low"], rows[0]["mean_interval_high"]) == ("0.81", "0.9")
    assert rows[1]["mean"] == ""


def test_markdown_and_latex_escape():
    markdown = FORMATS["markdown"](ROWS)
    assert r"org/model\_name\|x" in markdown
    bars = [line.count("|") - line.count(r"\|") for line in markdown.splitlines()[:4]]
    assert bars == [len(HEADINGS) + 1] * 4
    latex = FORMATS["latex"](ROWS)
    assert r"lr 50\% \& more" in latex
    assert r"model\_name" in latex
    assert latex.count(r"\\") >= 3


@pytest.mark.parametrize("name", ["table", "markdown", "latex"])
def test_captions_say_what_the_numbers_are(name):
    text = " ".join(FORMATS[name](ROWS).split())
    for words in ("last checkpoint", "ddof = 1", "majority class"):
        assert words in text
    best = " ".join(FORMATS[name]([replace(ROW, checkpoint="best")]).split())
    assert "selection" in best


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_study_is_no_error(name):
    FORMATS[name]([])


def test_errors_are_no_percentages_and_not_a_number_is_null():
    row = replace(ROW, metric="mean_squared_error", mean=8.14, std=float("nan"))
    assert dict(zip(HEADINGS, cells(row), strict=True))["mean"] == "8.14"
    assert json.loads(FORMATS["json"]([row]))[0]["std"] is None
    scores = replace(row, majority_accuracy=None, failed_if=in_words(None))
    assert "squared error" in FORMATS["table"]([scores])
    assert "majority class" not in FORMATS["table"]([scores])
    interval = replace(row, mean_interval=(0.1, float("inf")))
    assert json.loads(FORMATS["json"]([interval]))[0]["mean_interval"] == [0.1, None]


def whole(recipe, mean, **fields):
    given = {"failed": 0, "diverged": 0, "crashed": 0, "unfinished": 0} | fields
    return replace(ROW, recipe=recipe, mean=mean, **given)


def best_of(rows, name="mean"):
    return [row.recipe for row in rows if is_best(row, name, rows)]


def test_numbers_that_are_shown_alike_are_alike():
    rows = [whole("a", 0.82001), whole("b", 0.82004), whole("c", 0.8)]
    assert best_of(rows) == ["a", "b"]
    assert paper_table.as_markdown(rows).count("**82.0**") == 2
    assert best_of([whole("a", 0.1 + 0.2), whole("b", 0.3)]) == ["a", "b"]
    assert best_of([whole("alone", 0.8)]) == []


def test_a_recipe_with_runs_missing_is_never_best():
    rows = [
        whole("a", 0.9, unfinished=1),
        whole("b", 0.8),
        whole("c", 0.7),
        whole("d", 0.95, crashed=1),
    ]
    assert best_of(rows) == ["b"]
    assert best_of([whole("a", 0.9, failed=3, std=0.0), whole("b", 0.8)], "std") == []


def test_captions_name_each_rule_with_its_tasks():
    rows = [ROW, replace(ROW, task="spam", majority_accuracy=0.95, failed_if=in_words(0.95))]
    text = " ".join(FORMATS["markdown"](rows).split())
    assert (
        "accuracy not above that of the majority class, or a constant prediction (glue/mrpc" in text
    )
    assert "Matthews' correlation not significantly above 0" in text
    assert "(spam)" in text
