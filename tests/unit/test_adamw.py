"""Every mode of AdamW against its public counterpart, step by step."""

import copy
import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from steadytune.training.adamw import PIECE, AdamStep, update, update_many
from steadytune.training.optimizer import AdamW

STEPS = 200
SHAPES = ((7, 5), (5,), (3, 4, 2))


def gradients(seed):
    draw = torch.Generator().manual_seed(seed)
    return [
        [torch.randn(s, generator=draw) * 10**-k for k, s in enumerate(SHAPES)]
        for _ in range(STEPS)
    ]


def parameters():
    draw = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(s, generator=draw)) for s in SHAPES]


def drive(optimizer, params, grads):
    for step in grads:
        for p, g in zip(params, step, strict=True):
            p.grad = g.clone()
        optimizer.step()
    return [p.detach() for p in params]


@pytest.mark.parametrize("weight_decay", [0.0, 0.01, 0.3])
@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.9, 0.98)])
def test_equals_torch_bit_for_bit(weight_decay, betas):
    mine, theirs = parameters(), parameters()
    options = {"lr": 1e-2, "betas": betas, "eps": 1e-6, "weight_decay": weight_decay}
    drive(AdamW(mine, **options), mine, gradients(1))
    drive(torch.optim.AdamW(theirs, foreach=False, **options), theirs, gradients(1))
    for a, b in zip(mine, theirs, strict=True):
        assert torch.equal(a, b)


def written_out(params, grads, lr, betas, eps, weight_decay, correct):
    """The original's AdamW in float64: eps before correction, decay last."""
    result = []
    for k, p in enumerate(params):
        w = p.detach().double().numpy().copy()
        m, v = w * 0, w * 0
        for t, step in enumerate(grads, start=1):
            g = step[k].double().numpy()
            m = betas[0] * m + (1 - betas[0]) * g
            v = betas[1] * v + (1 - betas[1]) * g * g
            size = lr
            if correct:
                size *= math.sqrt(1 - betas[1] ** t) / (1 - betas[0] ** t)
            w = w - size * m / (v**0.5 + eps)
            w = w - lr * weight_decay * w
        result.append(torch.from_numpy(w))
    return result


@pytest.mark.parametrize("correct", [False, True])
def test_hf_mode_equals_the_original_form(correct):
    options = {"lr": 1e-2, "betas": (0.9, 0.999), "eps": 1e-3, "weight_decay": 0.1}
    mine, grads = parameters(), gradients(2)
    expected = written_out(mine, grads, correct=correct, **options)
    drive(AdamW(mine, eps_mode="hf", bias_correction=correct, **options), mine, grads)
    for a, b in zip(mine, expected, strict=True):
        torch.testing.assert_close(a.double(), b, rtol=2e-5, atol=2e-6)


def test_the_two_eps_modes_differ_where_eps_matters():
    one, other, grads = parameters(), parameters(), gradients(3)
    drive(AdamW(one, eps=1e-2, weight_decay=0, eps_mode="torch"), one, grads[:5])
    drive(AdamW(other, eps=1e-2, weight_decay=0, eps_mode="hf"), other, grads[:5])
    assert not torch.allclose(one[2], other[2], rtol=1e-3)


def test_without_correction_the_first_step_is_larger():
    sizes = {}
    for on in (True, False):
        p = nn.Parameter(torch.zeros(1))
        p.grad = torch.ones(1)
        AdamW([p], lr=1.0, weight_decay=0, bias_correction=on, eps=1e-12).step()
        sizes[on] = -p.item()
    assert sizes[True] == pytest.approx(1)
    assert sizes[False] == pytest.approx(0.1 / math.sqrt(0.001))


@pytest.mark.parametrize("eps_mode", ["torch", "hf"])
def test_decay_toward_start_leaves_the_start_alone(eps_mode):
    p = nn.Parameter(torch.tensor([3.0, -2.0]))
    optimizer = AdamW([p], lr=0.1, weight_decay=0.5, toward_start=True, eps_mode=eps_mode)
    p.grad = torch.zeros(2)
    optimizer.step()
    assert p.tolist() == [3.0, -2.0]
    with torch.no_grad():
        p.add_(1.0)
    optimizer.step()
    assert p.tolist() == pytest.approx([3.95, -1.05])


def test_pieces_do_not_show():
    """A tensor larger than a piece gets the same update as its pieces alone."""
    draw = torch.Generator().manual_seed(4)
    p, g = (torch.randn(PIECE + 17, generator=draw) for _ in range(2))
    whole, m, v = p.clone(), torch.zeros_like(p), torch.zeros_like(p)
    how = AdamStep(step=3, lr=0.1, betas=(0.9, 0.99), eps=1e-8, grad_scale=0.3)
    update(whole, g, m, v, how)
    tail = p[PIECE:].clone()
    update(tail, g[PIECE:], torch.zeros(17), torch.zeros(17), how)
    assert torch.equal(whole[PIECE:], tail)


def test_grad_scale_is_the_gradient_scaled():
    one, other = torch.ones(4), torch.ones(4)
    g = torch.arange(4.0)
    how = AdamStep(step=1, lr=0.1, betas=(0.9, 0.99), eps=1e-3)
    update(one, g, torch.zeros(4), torch.zeros(4), replace(how, grad_scale=0.25))
    update(other, g * 0.25, torch.zeros(4), torch.zeros(4), how)
    assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("option", "value"),
    [("lr", -1.0), ("betas", (1.0, 0.9)), ("eps", -1e-8), ("eps_mode", "tf"), ("weight_decay", -1)],
)
def test_refuses_impossible_options(option, value):
    with pytest.raises(ValueError, match=option.split("_")[0]):
        AdamW(parameters(), **{option: value})


def test_noncontiguous_parameters_are_updated():
    p = nn.Parameter(torch.ones(3, 2).t())
    p.grad = torch.ones(2, 3)
    AdamW([p], lr=0.1, weight_decay=0).step()
    assert torch.allclose(p, torch.full((2, 3), 0.9))


def test_state_dict_round_trip():
    grads = gradients(5)
    p, q = parameters(), parameters()
    one = AdamW(p, lr=0.1)
    drive(one, p, grads[:3])
    for a, b in zip(p, q, strict=True):
        b.data.copy_(a)
    two = AdamW(q, lr=0.1)
    two.load_state_dict(copy.deepcopy(one.state_dict()))
    drive(one, p, grads[3:6])
    drive(two, q, grads[3:6])
    assert all(torch.equal(a, b) for a, b in zip(p, q, strict=True))


@pytest.mark.parametrize("eps_mode", ["torch", "hf"])
@pytest.mark.parametrize("bias_correction", [True, False])
@pytest.mark.parametrize("toward", [False, True])
def test_many_at_once_equal_one_by_one(eps_mode, bias_correction, toward):
    draw = torch.Generator().manual_seed(0)
    shapes = [(7,), (33, 5), (64, 64)]
    start = [torch.randn(shape, generator=draw) for shape in shapes]
    first = AdamStep(
        step=1,
        lr=1e-2 / 50,
        betas=(0.9, 0.98),
        eps=1e-6,
        eps_mode=eps_mode,
        bias_correction=bias_correction,
        weight_decay=0.1,
    )
    slow, fast = ([x.clone() for x in start] for _ in range(2))
    moments = [[torch.zeros_like(x) for x in start] for _ in range(4)]
    for step in range(1, 51):
        grads = [torch.randn(x.shape, generator=draw) for x in start]
        grads[1] = grads[1].mT.contiguous().mT  # as a batched product may leave it
        scale = 1.0 if step % 2 else 0.3
        how = replace(first, step=step, lr=1e-2 * step / 50, grad_scale=scale)
        for p, g, m, v, a in zip(slow, grads, moments[0], moments[1], start, strict=True):
            update(p, g, m, v, how, a if toward else None)
        update_many(fast, grads, moments[2], moments[3], how, start if toward else None)
    torch.testing.assert_close(fast, slow, rtol=1e-5, atol=1e-6)
    assert max(float((p - x).abs().max()) for p, x in zip(slow, start, strict=True)) > 0.05
