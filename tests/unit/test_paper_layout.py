"""The summary as papers print it: what stands where, what is bold, read back from each format."""

import csv
import io
import json
from dataclasses import replace

import pytest
from test_summary_table import ROW
from typer.testing import CliRunner

from steadytune.cli import app
from steadytune.reports.paper_table import FORMATS, as_table, paper_table
from steadytune.results.conditions import conditions
from steadytune.results.summary import summarize

GOOD = replace(
    ROW, task="glue/rte", metric="accuracy", recipe="good_one", encoder="bert", n=5, failed=0,
    diverged=0, crashed=0, unfinished=0, mean=0.7, std=0.02, max=0.72, majority=0.53,
)  # fmt: skip
STUCK = replace(GOOD, recipe="stuck|50%", mean=0.53, std=0.0, max=0.53, failed=5, diverged=1)
OTHER = [
    replace(GOOD, task="glue/cola", metric="matthews", mean=0.4, std=0.01),
    replace(STUCK, task="glue/cola", metric="matthews", mean=0.5, std=0.1, failed=3, max=0.72),
]
ROWS = [GOOD, STUCK, *OTHER]


def best(name):
    return [entry.best for entry in paper_table(ROWS).lines[name]]


def test_best_is_marked_but_no_std_of_runs_that_all_failed():
    # its std is the only one that counts, so there is nothing to be better than
    assert best("good_one") == [False, True, True, False, True, False, True, False]
    assert best("stuck|50%") == [False, False, False, False, False, True, True, False]
    texts = [entry.text for entry in paper_table(ROWS).lines["stuck|50%"]]
    assert texts == ["0.0", "53.0", "53.0", "5/5", "10.0", "50.0", "72.0", "3/5"]


def test_errors_are_best_where_they_are_least():
    rows = [
        replace(row, metric="mean_squared_error", min=(row.mean or 0) / 2) for row in (GOOD, STUCK)
    ]
    lines = paper_table(rows).lines
    assert [entry.best for entry in lines["stuck|50%"]] == [False, True, True, False]
    assert lines["good_one"][2].text == "0.35"


def test_recipes_that_a_task_lacks_and_several_encoders_have_their_place():
    rows = [GOOD, replace(STUCK, task="glue/cola", encoder="roberta"), replace(STUCK, n=0)]
    lines = paper_table(rows).lines
    assert list(lines) == ["good_one, bert", "stuck|50%, roberta", "stuck|50%, bert"]
    assert [entry.text for entry in lines["good_one, bert"]][4:] == ["-"] * 4
    assert not any(entry.best for entries in lines.values() for entry in entries)


def test_text_fits_the_terminal():
    wide, narrow = as_table(ROWS, 120), as_table(ROWS, 60)
    assert "2.0   70.0*  72.0*" in wide
    table, caption = narrow.rpartition("\n\n")[::2]
    assert max(map(len, table.splitlines())) <= 60
    assert table.count("good_one") == 2
    assert wide.count("good_one") == 1
    assert "ddof = 1" in caption


def test_markdown_latex_csv_and_json_read_back():
    markdown = FORMATS["markdown"](ROWS)
    assert r"| stuck\|50% | 0.0 |" in markdown
    assert r"| good\_one | 2.0 | **70.0** |" in markdown
    latex = FORMATS["latex"](ROWS)
    assert r"good\_one & 2.0 & \textbf{70.0} & \textbf{72.0} & 0/5" in latex
    assert r"\multicolumn{4}{c}{glue/rte (accuracy)}" in latex
    assert latex.count(r"\cmidrule") == 2
    line = next(csv.DictReader(io.StringIO(FORMATS["csv"](ROWS))))
    assert (line["recipe"], line["glue/rte (accuracy) failed"]) == ("good_one", "0/5")
    found = json.loads(FORMATS["json"](ROWS))[0]["tasks"]["glue/rte (accuracy)"]
    assert found == {
        "std": 0.02, "mean": 0.7, "max": 0.72, "failed": 0, "n": 5, "best": ["mean", "max"],
    }  # fmt: skip


@pytest.mark.parametrize("format_", FORMATS)
def test_command_in_every_format_and_condition(format_, in_condition):
    for condition in ("empty", "mixed", "scores"):
        rows = summarize(conditions(in_condition(condition)))
        assert FORMATS[format_](rows) or format_ == "csv"
    folder = str(in_condition("small").folder)
    given = ["summary", folder, "--layout", "paper", "--format", format_]
    found = CliRunner().invoke(app, given)
    assert found.exit_code == 0
    assert "synthetic/a" in found.stdout
