"""The page as text: whole in every condition, escaped, self-contained, nothing dropped."""

import base64
import hashlib
import json
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from steadytune.analysis.cells import cells
from steadytune.analysis.verdicts import diagnose, in_words
from steadytune.ledger import Ledger
from steadytune.reports.answer import conclude
from steadytune.reports.bad_runs import bad_runs
from steadytune.reports.instability_data import instability_data
from steadytune.reports.study_report import duration, embedded, report
from synthetic import CONDITIONS, HOSTILE

RESULTS = Path(__file__).parents[2] / "results"
SECTIONS = (
    "answer", "table", "boxes", "curves", "failed", "instability", "flips", "runs", "recipes",
    "conditions", "again",
)  # fmt: skip


@pytest.fixture(scope="module")
def page_of():
    return cache(report)


@pytest.fixture(params=CONDITIONS)
def ledger(request, in_condition):
    return in_condition(request.param)


@pytest.fixture
def page(ledger, page_of):
    return page_of(ledger)


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found, self.ids, self.attributes = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append(tag)
        self.attributes += [(tag, *one) for one in attrs]
        self.ids += [value for name, value in attrs if name == "id"]


def data_of(page):
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert text is not None
    return json.loads(text[1])


def test_every_section_is_there(page):
    ids = Tags(page).ids
    assert [one for one in SECTIONS if one not in ids] == []
    assert len(ids) == len(set(ids))


def test_no_run_is_dropped(ledger, page):
    data = data_of(page)
    begun = [row for row in ledger.records() if row.record]
    assert [run["id"] for run in data["runs"]] == [row.planned.id for row in begun]
    assert all(run["last"] is not None for run in data["runs"] if run["state"] != "crashed")
    bad = sum(len(cell.runs) for cell in bad_runs(ledger))
    assert bad == sum(run["outcome"] != "success" for run in data["runs"])


def test_it_loads_nothing(page):
    tags = Tags(page)
    sources = [one for one in tags.attributes if one[1] in ("src", "href", "action", "srcset")]
    assert all(value.startswith(("#", "data:")) for _, _, value in sources)
    assert not {"img", "iframe", "object", "embed", "form"} & set(tags.found)
    assert "@import" not in page
    assert "url(" not in page


def test_only_the_pages_own_scripts_may_run(page):
    assert Tags(page).found.count("script") == 2
    script = page.rpartition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page
    assert not [one for one in Tags(page).attributes if one[1].startswith("on")]


def test_hostile_text_is_only_text(in_condition, page_of):
    ledger = in_condition("hostile")
    page = page_of(ledger)
    assert "<script>alert" not in page
    assert "<img" not in page
    flips = instability_data(ledger, cells(ledger))[0]["flips"]
    assert {flip["text"] for flip in flips} <= {*HOSTILE[:2], *HOSTILE[3:]} | {
        HOSTILE[2][:1500] + " ... (10000 characters)"
    }
    assert len(page) < 200_000


def test_embedded_json_ends_no_script():
    text = embedded({"a": "</script><!--&\u2028"})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"a": "</script><!--&\u2028"}


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("empty", "No run has ended yet"),
        ("all failed", "No recipe learned anything"),
        ("all diverged", "No recipe learned anything"),
        ("mixed", "2 of its 4 runs failed"),
        ("small", "has the highest mean"),
    ],
)
def test_the_answer_says_what_is_known(condition, words, in_condition):
    found = conclude(cells(in_condition(condition)))
    assert words in found.headline


def test_the_answer_says_what_to_do(in_condition):
    found = conclude(cells(in_condition("mixed")))
    assert any("1 run has not ended" in step for step in found.next_steps)
    found = conclude(cells(in_condition("all failed")))
    assert any(
        "failed: a small std is no sign of stability" in caution for caution in found.cautions
    )


def test_each_bad_run_has_its_verdict(in_condition):
    ledger = in_condition("mixed")
    told = {verdict.run: verdict for verdict in diagnose(ledger).runs}
    (cell,) = bad_runs(ledger)
    assert [run.what for run in cell.runs] == ["failed", "diverged"]
    for run in cell.runs:
        assert run.verdict == in_words(told[run.id].cause)
        assert str(run.finding) == str(told[run.id].finding)  # a loss may be NaN
    assert cell.advice == str(diagnose(ledger).cells[0].first)


def test_a_crashed_run_has_no_verdict(in_condition):
    """No rule judges a run that did not end: its last words are all there is."""
    crashed = [
        run
        for cell in bad_runs(in_condition("small"))
        for run in cell.runs
        if run.what == "crashed"
    ]
    assert all(run.verdict == "" and run.facts == "MemoryError: made up" for run in crashed)


def test_verdicts_of_real_runs_are_on_the_page():
    """With diagnostics, and in a ledger that has none."""
    for folder, bad in (("2026-11-23-why-they-fail/ledger", 2), ("2026-11-23-edge/sst2", 10)):
        page = report(Ledger.open(RESULTS / folder))
        assert page.count('data-verdict="vanishing gradients"') == bad
        assert "2 vanishing gradients" in page or "5 vanishing gradients" in page
        assert "[--set recipe.bias_correction=true]" in page
        assert "median gradient norm in the last fifth" in page


def test_each_metric_and_checkpoint_has_its_table(in_condition, page_of):
    page = page_of(in_condition("small"))
    tables = re.findall(r'data-metric="(\w+)" data-which="(\w+)"( hidden)?', page)
    metrics = ("headline", "accuracy", "f1", "matthews")
    assert [(m, w) for m, w, _ in tables] == [(m, w) for m in metrics for w in ("last", "best")]
    assert [hidden for *_, hidden in tables] == ["", *[" hidden"] * 7]


def test_no_recipe_leads_where_each_wins_a_task(in_condition):
    found = cells(in_condition("small"))
    names = {cell.recipe: place for place, cell in enumerate(found[:3])}
    first, second = found[0], found[4]  # the first recipe on one task, the second on the other
    told = conclude([first, second]).headline
    assert all(name in told for name in list(names)[:2])
    assert "No recipe leads" in told


def test_the_folders_of_the_machine_stay_there(in_condition, page_of):
    ledger = in_condition("small")
    assert str(ledger.folder.parent) not in page_of(ledger)
    assert f"<bdi>{ledger.folder.name}</bdi>" in page_of(ledger)


def test_durations():
    assert [duration(s) for s in (0.31, 59, 90, 7200)] == ["0.31 s", "59 s", "1.5 min", "2.0 h"]
