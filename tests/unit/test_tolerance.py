"""How far outputs may differ, held against models that were really trained, in both precisions."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from small_studies import CPU, RECIPE, SmallStudy, kept
from steadytune.errors import BadInput
from steadytune.tolerance import bound, check_outputs, ties
from steadytune.training import precision
from steadytune.training.evaluate import outputs
from steadytune.training.precision import DTYPES, default_precision

ROW = np.array([[0.0, 0.5], [2.0, -4.0], [0.2, 0.2]], dtype=np.float32)


def test_the_bound_grows_with_the_outputs_and_never_vanishes():
    assert bound(np.zeros((2, 3)), "fp32") == pytest.approx(1e-4)
    assert bound(ROW, "fp32") == pytest.approx(4e-4)
    assert bound(ROW, "bf16") > 100 * bound(ROW, "fp32")


def test_ties_are_examples_that_rounding_can_turn_over():
    assert ties(ROW, "fp32").tolist() == [False, False, True]
    moved = ROW + bound(ROW, "bf16") * np.array([[1, -1], [-1, 1], [1, -1]])
    clear = ~ties(ROW, "bf16")
    assert clear.any()
    assert (moved.argmax(1) == ROW.argmax(1))[clear].all()
    assert ties(np.zeros((4, 1)), "bf16").sum() == 0  # scores have no classes


@pytest.mark.parametrize("name", ["fp32", "bf16"])
def test_what_lies_outside_is_said_with_its_numbers(name):
    assert check_outputs(ROW, ROW + 0.99 * bound(ROW, name), name) is None
    other = ROW.copy()
    other[1, 0] += 1.5 * bound(ROW, name)
    sentence = check_outputs(ROW, other, name)
    assert sentence is not None
    assert "example 1" in sentence
    assert name in sentence


def test_shapes_and_numbers_that_are_not_finite_are_refused():
    assert "shape" in (check_outputs(ROW, ROW[:, :1], "bf16") or "")
    assert "finite" in (check_outputs(ROW, np.full_like(ROW, np.nan), "bf16") or "")


def both_precisions(study, weights):
    """Outputs of dev with the same weights in fp32 and rounded to bf16 at every operation."""
    params = {name: torch.from_numpy(array) for name, array in weights.items()}
    tokenized = study.prepare.report_examples(study.run)
    return [
        outputs(study.encoder, {n: p.to(dtype) for n, p in params.items()}, tokenized, CPU)
        for dtype in DTYPES.values()
    ]


@pytest.mark.parametrize("family", ["bert", "albert"])
@pytest.mark.parametrize("lr", [1e-3, 1e-2])
def test_trained_models_lie_within_a_third_of_the_bound(tmp_path, family, lr):
    recipe = replace(RECIPE, lr=lr, epochs=3)
    study = SmallStudy(tmp_path, recipe, family=family, keep="last")
    exact, rounded = both_precisions(study, kept(study.events()))
    assert check_outputs(rounded, exact, "fp32") is not None  # bf16 is seen
    assert np.abs(exact - rounded).max() < bound(rounded, "bf16") / 3
    clear = ~ties(rounded, "bf16")
    assert (exact.argmax(1) == rounded.argmax(1))[clear].all()


@pytest.mark.parametrize("name", ["fp32", "bf16"])
def test_another_model_is_found_out(tmp_path, name):
    study = SmallStudy(tmp_path, replace(RECIPE, epochs=12, lr=3e-3), keep="last")
    weights = dict(kept(study.events()))
    exact, rounded = both_precisions(study, weights)
    recorded = {"fp32": exact, "bf16": rounded}[name]
    assert check_outputs(recorded, exact, name) is None
    head = next(n for n in weights if weights[n].shape[0] == 2 and weights[n].ndim == 2)
    swapped, _ = both_precisions(study, {**weights, head: weights[head][::-1].copy()})
    assert check_outputs(recorded, swapped, name) is not None


@pytest.mark.parametrize("name", ["fp32", "bf16"])
def test_the_switch_overrules_the_hardware(monkeypatch, name):
    monkeypatch.setenv(precision.SWITCH, name)
    assert default_precision(CPU) == name


def test_without_the_switch_the_hardware_decides(monkeypatch):
    monkeypatch.delenv(precision.SWITCH, raising=False)
    for units, expected in ((True, "bf16"), (False, "fp32")):
        monkeypatch.setattr(precision, "_has_bf16_units", lambda units=units: units)
        monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True)
        assert default_precision(CPU) == expected


def test_a_wrong_switch_is_said(monkeypatch):
    monkeypatch.setenv(precision.SWITCH, "fp16")
    with pytest.raises(BadInput, match="STEADYTUNE_PRECISION: 'fp16' is not known; set it to fp32"):
        default_precision(CPU)
