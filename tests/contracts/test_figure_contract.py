"""What every figure of the table has to do; a new one is tested from the day it is listed."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure as Canvas

from steadytune.figures import TABLE, paint, save
from steadytune.records import State
from steadytune.results.conditions import conditions
from synthetic import CONDITIONS

EVERY_ENDED_RUN = ("boxes", "raincloud", "performance_profile", "expected_max", "lr_boxes")
EVERY_FINISHED_RUN = ("disagreement", "flipping")


@pytest.fixture(params=CONDITIONS)
def ledger(request, in_condition):
    return in_condition(request.param)


def left_out(figure, ledger):
    """Ended runs that a figure does not draw."""
    drawn = sum(panel.runs for panel in figure.panels(conditions(ledger)))
    return sum(row.state.ended for row in ledger.records()) - drawn


@pytest.mark.parametrize("name", TABLE)
def test_draws_on_the_given_axes_and_returns_them(name, ledger):
    for panel in TABLE[name].panels(conditions(ledger))[:2]:
        ax = Canvas().subplots()
        assert TABLE[name].draw(panel, ax) is ax
        assert ax.get_title()


@pytest.mark.parametrize("name", TABLE)
def test_captions_say_what_it_is_over(name, ledger):
    figure = TABLE[name]
    panels = figure.panels(conditions(ledger))
    if panels:
        text = figure.caption(panels)
        assert "runs" in text
        assert name == "learning_curves" or "checkpoint" in text
        assert "None" not in text


@pytest.mark.parametrize("name", EVERY_ENDED_RUN)
def test_no_ended_run_is_left_out(name, ledger):
    assert left_out(TABLE[name], ledger) == 0


@pytest.mark.parametrize("name", EVERY_FINISHED_RUN)
def test_no_finished_run_is_left_out(name, ledger):
    found = conditions(ledger)
    panels = TABLE[name].panels(found)
    finished = sum(row.state is State.FINISHED for row in ledger.records())
    if panels and finished > 1:
        assert sum(panel.runs for panel in panels) == finished


def test_finished_runs_are_all_in_the_bands(ledger):
    panels = TABLE["bands"].panels(conditions(ledger))
    assert sum(panel.runs for panel in panels) == sum(
        row.state is State.FINISHED for row in ledger.records()
    )


def test_finished_runs_with_classes_are_all_in_the_scatter(ledger):
    panels = TABLE["generalization"].panels(conditions(ledger))
    finished = [row for row in ledger.records() if row.state is State.FINISHED]
    with_classes = [row for row in finished if row.record.task.label_names is not None]
    assert sum(panel.runs for panel in panels) == len(with_classes)
    canvas = paint(TABLE["generalization"], panels)
    marks = [c for ax in canvas.axes for c in ax.collections if c.get_gid() == "run"]
    assert sum(len(np.asarray(c.get_offsets())) for c in marks) == len(with_classes)


@pytest.mark.parametrize("name", ["learning_curves", "gradient_norms"])
def test_no_begun_run_is_without_a_curve(name, ledger):
    begun = sum(row.record is not None for row in ledger.records())
    panels = TABLE[name].panels(conditions(ledger))
    assert sum(panel.runs for panel in panels) == begun
    canvas = paint(TABLE[name], panels)
    lines = [line for ax in canvas.axes for line in ax.lines if line.get_gid() == "run"]
    assert len(lines) == begun


@pytest.mark.parametrize("name", ["boxes", "raincloud", "lr_boxes"])
def test_points_in_are_points_drawn(name, ledger):
    canvas = paint(TABLE[name], TABLE[name].panels(conditions(ledger)))
    marks = [c for ax in canvas.axes for c in ax.collections if c.get_gid() == "run"]
    assert sum(len(np.asarray(c.get_offsets())) for c in marks) == sum(
        r.state.ended for r in ledger.records()
    )


def test_a_figure_that_drops_failed_runs_is_noticed(in_condition):
    """The broken member: it draws successful runs only, and the count has to show it."""
    ledger = in_condition("mixed")

    def finished_only(found):
        kept = [
            replace(c, records=tuple(r for r in c.records if r.state is State.FINISHED))
            for c in found
        ]
        return TABLE["boxes"].panels(kept)

    broken = replace(TABLE["boxes"], panels=finished_only)
    assert left_out(TABLE["boxes"], ledger) == 0
    assert left_out(broken, ledger) == 1


def test_files_are_the_same_each_time_and_come_with_a_caption(tmp_path, in_condition):
    ledger = in_condition("hostile")
    for name in ("flipping",):
        panels = TABLE[name].panels(conditions(ledger))
        first = {p.name: p.read_bytes() for p in save(TABLE[name], panels, tmp_path / "a")}
        again = {p.name: p.read_bytes() for p in save(TABLE[name], panels, tmp_path / "b")}
        assert first == again
        assert sorted(first) == sorted(f"{name}.{kind}" for kind in ("png", "pdf", "svg", "txt"))


def test_expected_max_and_ranks_are_those_of_the_analysis(in_condition):
    """One estimator each: what a figure draws is what the analysis says."""
    from steadytune.stats.estimators import expected_max
    from steadytune.stats.ranks import ranks

    ledger = in_condition("small")
    found = conditions(ledger)
    for panel in TABLE["expected_max"].panels(found):
        for one, curve in zip(panel.group.recipes, panel.curves, strict=True):
            assert curve[2] == pytest.approx(float(expected_max(one.values, 3)))
    (diagram,) = TABLE["ranks"].panels(found)
    groups = [panel.group for panel in TABLE["boxes"].panels(found)]
    means = np.array([[one.values.mean() for one in group.recipes] for group in groups])
    theirs = ranks(diagram.recipes, means)
    assert diagram.ranks.mean(axis=0) == pytest.approx(theirs.mean_ranks)
    assert diagram.difference == theirs.critical_difference
