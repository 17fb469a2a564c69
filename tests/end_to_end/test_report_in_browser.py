"""The page in a real browser: no error, no request, and what can be clicked does what it says.

Needs playwright and a Chromium: the one that STEADYTUNE_CHROMIUM names, one on the PATH, or
playwright's own.
"""

import os
import shutil
from functools import cache
from pathlib import Path

import pytest

from steadytune.reports.study_report import report
from synthetic import CONDITIONS

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        own = started.chromium.executable_path
        installed = [path for path in map(shutil.which, NAMES) if path]
        found = os.environ.get("STEADYTUNE_CHROMIUM") or [*installed, own][0]
        if not Path(found).exists():
            pytest.skip("no Chromium found; set STEADYTUNE_CHROMIUM to one")
        opened = started.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()


class Opened:
    """A page with everything that went wrong and everything that it asked for."""

    def __init__(self, browser, path, width=1200, scheme="light"):
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme
        )
        self.page = self.context.new_page()
        self.wrong, self.requests = [], []
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("dialog", lambda dialog: self.wrong.append(dialog.message))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())


@pytest.fixture(scope="module")
def written(in_condition, tmp_path_factory):
    """The page of a condition, as a file."""

    @cache
    def write(condition):
        path = tmp_path_factory.mktemp("page") / "report.html"
        path.write_text(report(in_condition(condition)), encoding="utf-8")
        return path

    return write


@pytest.fixture
def opened(browser, request, written):
    condition, *more = request.param if isinstance(request.param, tuple) else (request.param,)
    made = Opened(browser, written(condition), *more)
    yield made
    made.context.close()
    assert made.wrong == []
    assert [url for url in made.requests if not url.startswith(("file:", "data:"))] == []


def within(opened):
    return opened.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("opened", [*CONDITIONS], indirect=True)
def test_opens_in_every_condition(opened):
    page = opened.page
    runs = page.evaluate("study.runs.length")
    assert page.locator("#run-table tbody tr").count() == runs
    ended = page.evaluate("study.runs.filter((run) => run.last !== null).length")
    assert page.locator("#box-panels .point").count() == ended
    assert within(opened)


@pytest.mark.parametrize("opened", [("hostile", 390), ("small", 390, "dark")], indirect=True)
def test_fits_a_phone(opened):
    assert within(opened)


@pytest.mark.parametrize("opened", ["small"], indirect=True)
def test_runs_sort_and_filter(opened):
    page = opened.page
    column = "[...byId('run-table').tBodies[0].rows].map((row) => row.cells[4].textContent)"
    page.locator("#run-table th", has_text="metric").click()
    rising = [float(text) for text in page.evaluate(column) if text != "-"]
    assert rising == sorted(rising)
    page.locator("#run-table th", has_text="metric").click()
    falling = [float(text) for text in page.evaluate(column) if text != "-"]
    assert falling == sorted(rising, reverse=True)
    page.select_option("#only", "failed")
    failed = page.evaluate("study.runs.filter((run) => run.outcome === 'failed').length")
    assert page.locator("#run-table tbody tr").count() == failed
    page.select_option("#only", "")
    page.fill("#find", "corrected synthetic/b")
    assert page.locator("#run-table tbody tr").count() == 6
    assert "6 of 36 runs" in page.locator("#shown").inner_text()


@pytest.mark.parametrize("opened", ["small"], indirect=True)
def test_metric_and_checkpoint_switch_tables_and_boxes(opened):
    page = opened.page
    before = page.locator("#box-panels").inner_text()
    page.select_option("#metric", "matthews")
    page.select_option("#which", "best")
    (shown,) = [t for t in page.locator(".summary").all() if t.is_visible()]
    assert shown.get_attribute("data-metric") == "matthews"
    assert shown.get_attribute("data-which") == "best"
    assert page.locator("#box-panels").inner_text() != before


@pytest.mark.parametrize("opened", ["small"], indirect=True)
def test_a_point_says_its_run_and_marks_it_everywhere(opened):
    page = opened.page
    point = page.locator("#box-panels .point").first
    point.hover()
    assert point.get_attribute("data-run") in page.locator("#tip").inner_text()
    run = point.get_attribute("data-run")
    point.click()
    assert page.locator("#run-table tr.chosen").get_attribute("data-run") == run
    assert page.locator("#box-panels .chosen").get_attribute("data-run") == run


@pytest.mark.parametrize("opened", ["small"], indirect=True)
def test_a_brush_narrows_the_curves(opened):
    page = opened.page
    count = page.locator("#curve-panel .curve").count()
    assert count == 18
    page.locator("#curve-panel").scroll_into_view_if_needed()
    box = page.locator("#curve-panel svg").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 80, steps=4)
    page.mouse.up()
    low, high = page.evaluate("curves.range")
    assert 20 < low < high < 110
    assert page.locator("#curve-panel .curve").count() == count
    page.click("#curve-reset")
    assert page.evaluate("curves.range") is None


@pytest.mark.parametrize("opened", ["small"], indirect=True)
def test_a_verdict_leads_to_its_curve(opened):
    page = opened.page
    page.select_option("#curve-kind", "dev loss")
    card = page.locator("#failed .card[data-onset]").first
    run, step = card.get_attribute("data-run"), card.get_attribute("data-onset")
    assert card.locator(".onset").count() == 1
    card.locator(".to-curve").click()
    assert page.input_value("#curve-kind") == "training loss"
    assert page.locator("#run-table tr.chosen").get_attribute("data-run") == run
    assert (
        page.locator(f"#curve-panel .curve[data-run='{run}']").get_attribute("stroke-width") == "3"
    )
    said = page.locator("#curve-panel").inner_text()
    assert card.get_attribute("data-verdict") in said
    assert f"since step {step}" in said
    assert page.locator("#curve-panel").is_visible()


@pytest.mark.parametrize("opened", ["small"], indirect=True)
def test_the_heat_map_has_a_square_for_each_pair(opened):
    page = opened.page
    runs = page.evaluate("study.instability[Number(byId('matrix-cell').value)].runs.length")
    squares = page.locator("#matrix rect").count()
    assert squares == runs**2 + 21  # and the scale
    percent = page.locator("#matrix .share").all_text_contents()
    assert len(percent) == runs**2 - runs


@pytest.mark.parametrize("opened", ["all failed"], indirect=True)
def test_runs_that_predict_the_same_are_told_in_words(opened):
    assert "predict the same class" in opened.page.locator("#matrix").inner_text()
    assert "0 of 5 examples are predicted" in opened.page.locator("#flip-caption").inner_text()


@pytest.mark.parametrize("opened", ["hostile"], indirect=True)
def test_hostile_examples_are_read_as_text(opened):
    page = opened.page
    texts = page.locator("#flip-list .example").all_inner_texts()
    assert any("<script>alert(1)</script>" in text for text in texts)
    assert any(text.endswith("(10000 characters)") for text in texts)
    assert page.locator("#flip-list script, #flip-list img").count() == 0


@pytest.mark.parametrize("opened", ["small"], indirect=True)
def test_prints_whole(opened):
    pdf = opened.page.pdf()
    assert pdf.startswith(b"%PDF")
    assert opened.page.locator("#failed details:not([open])").count() == 0
