"""Schedules against transformers', and the folded correction against the correction."""

import pytest
import torch
import transformers

from steadytune.training.schedules import correction, folded, schedule, warmup_steps

FACTORIES = {
    "linear": lambda o, w, t: transformers.get_linear_schedule_with_warmup(o, w, t),
    "cosine": lambda o, w, t: transformers.get_cosine_schedule_with_warmup(o, w, t),
    "constant": lambda o, w, t: transformers.get_constant_schedule_with_warmup(o, w),
}


@pytest.mark.parametrize("shape", FACTORIES)
@pytest.mark.parametrize(("warmup", "total"), [(0, 10), (7, 50), (50, 50)])
def test_equals_transformers(shape, warmup, total):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = FACTORIES[shape](optimizer, warmup, total)
    mine = schedule(shape, total, warmup)
    for step in range(total):
        assert mine(step) == pytest.approx(theirs.get_last_lr()[0], abs=1e-12)
        optimizer.step()
        theirs.step()


def test_warmup_as_share_or_steps():
    assert warmup_steps(0.1, 468) == 46
    assert warmup_steps(46, 468) == 46
    assert warmup_steps(1, 468) == 1
    assert warmup_steps(0, 468) == warmup_steps(0.0, 468) == 0


@pytest.mark.parametrize(
    ("t", "expected"), [(1, 0.316), (12, 0.152), (46, 0.214), (468, 0.612), (3120, 0.978)]
)
def test_correction_has_the_values_of_figure_6(t, expected):
    assert correction(t - 1, (0.9, 0.999)) == pytest.approx(expected, abs=6e-4)


def test_roberta_betas_raise_the_first_step():
    assert correction(0, (0.9, 0.98)) == pytest.approx(1.414, abs=1e-3)


def test_folded_is_the_product():
    inner = schedule("linear", 100, 10)
    assert folded(inner, (0.9, 0.999))(30) == inner(30) * correction(30, (0.9, 0.999))
