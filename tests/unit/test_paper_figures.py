"""Figures of the paper that need more than runs: layers, checkpoints, several learning rates."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure as Canvas

from simulated_reproduction import cast, simulate
from steadytune.figures import TABLE, paint
from steadytune.figures.forgetting import forgetting_data, points_in
from steadytune.figures.gradient_norms import gradient_norms_data
from steadytune.figures.headroom import headroom_data
from steadytune.figures.lr_boxes import lr_boxes_data
from steadytune.figures.matrix_norms import matrix_norms_data
from steadytune.figures.surface import surface_data
from steadytune.ledger import Curve, measure
from steadytune.reproduce.scale import SMALL
from steadytune.results.conditions import Condition
from steadytune.results.outcomes import Outcome


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    """Without correction half of the runs fail."""
    return simulate(
        tmp_path_factory.mktemp("figures"),
        lambda recipe: 0.0 if recipe.bias_correction else 0.5,
        cast(SMALL),
        only=lambda part: part in ("default-along", "default-kept", "ablation-short"),
    )


class WithLayers:
    """Reads like a ledger whose diagnostics measured norms by layer."""

    def __init__(self, evidence, layers):
        self._evidence, self._layers = evidence, layers

    def steps(self, run):
        return self._evidence.source.steps(run)

    def evaluations(self, run):
        return self._evidence.source.evaluations(run)

    def diagnostics(self, run) -> Mapping[str, Curve]:
        steps = np.arange(1, 97)
        names = ["embeddings", *(f"layer.{k}" for k in range(1, self._layers + 1)), "head"]
        norms = {f"gradient_norm/{name}": Curve(steps, 1.0 / steps) for name in names}
        tensors = {
            f"tensor_gradient_norm/layers.{k}.{name}": Curve(steps, (k + 1.0) / steps)
            for k in range(self._layers)
            for name in ("attention.query.weight", "attention.query.bias", "mlp.up.weight")
        }
        return {**norms, **tensors, "chance_loss/excess": Curve(steps, steps.astype(np.float64))}


def test_layers_are_drawn_where_they_were_measured(evidence):
    default = evidence.cell(evidence.cast.default, evidence.cast.scale.main)
    panels = gradient_norms_data([replace(default, source=WithLayers(evidence, 24))])
    assert [panel.found for panel in panels] == [Outcome.FAILED, Outcome.SUCCESS]
    parts = [curve.part for curve in panels[0].curves]
    assert parts == ["embeddings", *(f"layer.{k}" for k in (1, 6, 10, 15, 19, 24)), "head"]
    ax = TABLE["gradient_norms"].draw(panels[0], Canvas().subplots())
    assert len([line for line in ax.lines if line.get_gid() == "run"]) == 8
    assert "n = 1" in TABLE["gradient_norms"].caption(panels)


def test_matrices_are_drawn_by_themselves(evidence):
    default = evidence.cell(evidence.cast.default, evidence.cast.scale.main)
    panels = matrix_norms_data([replace(default, source=WithLayers(evidence, 12))])
    assert [panel.title.splitlines()[-1] for panel in panels] == [
        *("attention query", "intermediate", "attention query", "intermediate")
    ]
    assert [panel.found for panel in panels] == [Outcome.FAILED] * 2 + [Outcome.SUCCESS] * 2
    top = panels[0].curves[-1]
    assert (top.part, top.norms[0]) == ("layer.12", pytest.approx(np.mean(12 / np.array([1, 2]))))
    paint(TABLE["matrix_norms"], panels)
    assert matrix_norms_data([default]) == []


def test_boxes_stand_by_rate_and_correction(evidence):
    (panel,) = lr_boxes_data(evidence.ablation(0))
    assert [(box.lr, box.corrected) for box in panel.boxes] == [
        (lr, corrected) for lr in SMALL.lrs for corrected in (False, True)
    ]
    assert panel.runs == 6 * SMALL.seeds


def test_a_headroom_curve_is_of_one_recipe_at_several_rates(evidence):
    (panel,) = headroom_data(evidence.ablation(0))
    assert [curve.name for curve in panel.curves] == [
        "3 epochs, correction off",
        "3 epochs, correction on",
    ]
    assert panel.runs == 6 * SMALL.seeds
    off, on = (curve.found for curve in panel.curves)
    assert off.lr < on.lr
    assert headroom_data(evidence.ablation(0)[:2]) == []


@pytest.fixture
def forgotten(tmp_path, evidence):
    """Perplexities of a failed and a successful run of three layers."""
    cell = evidence.cell(evidence.cast.default, evidence.cast.scale.main)
    for place, record in enumerate(cell.records[:2]):
        about = {"what": "forgetting", "run": record.id, "encoder": "e", "block_length": 128}
        points = [
            {"top": -1, "embeddings": 1},
            *({"top": k, "embeddings": e} for e in (0, 1) for k in range(4)),
        ]
        path = tmp_path / f"{place}.jsonl"
        measure(path, about, points, lambda at: {"loss": 2.0 + max(0, 3 - at["top"] % 4)})
    return tmp_path, cell


def test_forgetting_keeps_every_run_and_the_pretrained_line(forgotten):
    folder, cell = forgotten
    panels = forgetting_data(points_in(folder, "forgetting"), [cell])
    assert panels[0].runs == 2
    assert panels[0].pretrained == pytest.approx(np.exp(2.0))
    curve = panels[0].curves[0]
    assert curve.perplexity.tolist() == pytest.approx(np.exp([5.0, 4.0, 3.0, 2.0]).tolist())
    lines = [ln for ln in paint(TABLE["forgetting"], panels).axes[0].lines if ln.get_gid()]
    assert len(lines) == 4
    assert "blocks of 128 tokens" in TABLE["forgetting"].caption(panels)


def test_a_perplexity_that_is_no_number_is_still_drawn(tmp_path):
    about = {"what": "forgetting", "run": "r", "encoder": "e"}
    points = [{"top": k, "embeddings": 0} for k in (-1, 0, 1)]
    losses = {-1: 2.0, 0: float("inf"), 1: 1e4}
    measure(tmp_path / "f.jsonl", about, points, lambda at: {"loss": losses[at["top"]]})
    panels = forgetting_data(points_in(tmp_path, "forgetting"), list[Condition]())
    paint(TABLE["forgetting"], panels)


def test_a_surface_shows_the_measured_losses_at_its_corners(tmp_path):
    places = [-1.5, -0.5, 0.0, 0.5, 1.0, 1.5]
    about = {"what": "surface", "task": "t", "examples": 7}
    points = measure(
        tmp_path / "s.jsonl",
        about,
        [{"a": a, "b": b} for a in places for b in places],
        lambda at: {"loss": 1 + at["a"] / 10 + at["b"] / 100 if at["a"] < 1.5 else float("nan")},
    )
    (panel,) = surface_data([points], {"t": "a task"})
    assert panel.title == "a task"
    assert [panel.at(0, 0), panel.at(1, 0), panel.at(0, 1)] == pytest.approx([1.0, 1.1, 1.01])
    paint(TABLE["surface"], [panel])
    assert "6 x 6 places, 7 examples" in TABLE["surface"].caption([panel])
    assert surface_data([points], {}, "gradient_norm") == []


def test_no_measurement_is_no_panel(tmp_path):
    assert points_in(tmp_path, "surface") == []
    assert forgetting_data([], []) == []
