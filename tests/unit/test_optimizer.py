"""``steadytune.AdamW`` beside torch's own: states that both read, options of every group."""

import copy
import re

import pytest
import torch
from test_adamw import drive, gradients, parameters
from torch import nn

from steadytune.training.optimizer import AdamW

GRADS = gradients(7)


def copied(params):
    return [nn.Parameter(p.detach().clone()) for p in params]


def continued(first, second, options, steps=20):
    """Parameters after half the steps by one optimizer and half by another with its state."""
    params = parameters()
    one = first(params, **options)
    drive(one, params, GRADS[:steps])
    others = copied(params)
    two = second(others, lr=1.0)
    two.load_state_dict(copy.deepcopy(one.state_dict()))
    return drive(two, others, GRADS[steps : 2 * steps])


@pytest.mark.parametrize("options", [{"lr": 1e-2}, {"lr": 1e-3, "weight_decay": 0.3, "eps": 1e-4}])
def test_states_go_to_torch_and_back(options):
    def torchs(params, **kwargs):
        return torch.optim.AdamW(params, foreach=False, **kwargs)

    expected = continued(torchs, torchs, options)
    for first, second in [(torchs, AdamW), (AdamW, torchs), (AdamW, AdamW)]:
        for a, b in zip(continued(first, second, options), expected, strict=True):
            assert torch.equal(a, b), (first, second)


def test_a_state_of_torch_keeps_the_switches_that_are_here():
    params = parameters()
    torchs = torch.optim.AdamW(params, lr=1e-2)
    drive(torchs, params, GRADS[:1])
    mine = AdamW(params, eps_mode="hf", bias_correction=False)
    mine.load_state_dict(torchs.state_dict())
    (group,) = mine.param_groups
    assert (group["eps_mode"], group["bias_correction"], group["lr"]) == ("hf", False, 1e-2)
    drive(mine, params, GRADS[1:3])


def test_decay_toward_start_of_a_state_without_one_begins_where_it_is():
    params = parameters()
    torchs = torch.optim.AdamW(params, lr=1e-2)
    drive(torchs, params, GRADS[:3])
    mine = AdamW(params, toward_start=True)
    mine.load_state_dict(torchs.state_dict())
    before = copied(params)
    drive(mine, params, GRADS[3:4])
    for p, b in zip(params, before, strict=True):
        assert torch.equal(mine.state[p]["start"], b)


@pytest.mark.parametrize(
    ("first", "second"), [(AdamW, torch.optim.AdamW), (torch.optim.AdamW, AdamW)]
)
def test_states_of_parameters_that_do_not_lie_in_order(first, second):
    p = nn.Parameter(torch.ones(3, 2).t())
    p.grad = torch.ones(2, 3)
    one = first([p], lr=0.1, weight_decay=0)
    one.step()
    two = second([p], lr=0.1, weight_decay=0)
    two.load_state_dict(one.state_dict())
    two.step()
    assert torch.allclose(p, torch.full((2, 3), 0.8), atol=1e-6)


def test_the_learning_rate_may_be_a_tensor():
    one, other = parameters(), parameters()
    rate = torch.tensor(1e-2)
    tensor, number = AdamW(one, lr=rate), AdamW(other, lr=float(rate))
    drive(tensor, one, GRADS[:2])
    rate.mul_(0.5)  # as a compiled schedule does
    drive(number, other, GRADS[:2])
    number.param_groups[0]["lr"] = float(rate)
    for a, b in zip(drive(tensor, one, GRADS[2:4]), drive(number, other, GRADS[2:4]), strict=True):
        assert torch.equal(a, b)


def test_schedules_of_torch_fit():
    params = parameters()
    optimizer = AdamW(params, lr=1.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step))
    drive(optimizer, params, GRADS[:1])
    schedule.step()
    assert optimizer.param_groups[0]["lr"] == 0.5


WRONG = [
    ({"lr": -1.0}, "lr is -1.0; it must be a number of at least 0"),
    ({"lr": float("nan")}, "lr is nan; it must be a number of at least 0"),
    ({"lr": "2e-5"}, "lr is 2e-5; it must be a number of at least 0"),
    ({"lr": None}, "lr is None; it must be a number of at least 0"),
    ({"betas": (1.0, 0.9)}, "betas are (1.0, 0.9); they must be two numbers in [0, 1)"),
    ({"betas": 0.9}, "betas are 0.9; they must be two numbers in [0, 1)"),
    ({"betas": (0.9,)}, "betas are (0.9,); they must be two numbers in [0, 1)"),
    ({"eps": -1e-8}, "eps is -1e-08; it must be a number of at least 0"),
    ({"weight_decay": float("inf")}, "weight_decay is inf; it must be a number of at least 0"),
    ({"eps_mode": "tf"}, "eps_mode is 'tf'; it must be 'torch' or 'hf'"),
    ({"bias_correction": "no"}, "bias_correction is 'no'; it must be True or False"),
    ({"toward_start": 1}, "toward_start is 1; it must be True or False"),
    ({"weight_deacy": 0.1}, "unknown option weight_deacy; there are lr, betas, eps, weight_decay"),
    ({"amsgrad": True}, "amsgrad is True; steadytune.AdamW supports False alone"),
    ({"maximize": True}, "maximize is True; steadytune.AdamW supports False alone"),
]


@pytest.mark.parametrize(("options", "said"), WRONG)
def test_options_of_every_group_are_checked(options, said):
    first, *rest = parameters()
    groups = [{"params": [first]}, {"params": rest, **options}]
    with pytest.raises(ValueError, match=re.escape(f"parameter group 1: {said}")):
        AdamW(groups)
    optimizer = AdamW([first])
    with pytest.raises(ValueError, match=re.escape(said)):
        optimizer.add_param_group({"params": rest, **options})
    assert len(optimizer.param_groups) == 1
    before = first.detach().clone()
    optimizer.param_groups[0].update(options)
    first.grad = torch.ones_like(first)
    with pytest.raises(ValueError, match=re.escape(said)):
        optimizer.step()
    assert torch.equal(first, before)


def test_what_it_does_not_take():
    with pytest.raises(ValueError, match="complex parameters; AdamW takes real ones"):
        AdamW([nn.Parameter(torch.ones(2, dtype=torch.complex64))])
    table = nn.Embedding(4, 2, sparse=True)
    optimizer = AdamW(table.parameters())
    table(torch.tensor([1])).sum().backward()
    with pytest.raises(ValueError, match="sparse gradient; AdamW takes dense ones"):
        optimizer.step()


def test_states_that_are_not_of_an_adamw():
    params = parameters()
    sgd = torch.optim.SGD(params, lr=0.1, momentum=0.9)
    drive(sgd, params, GRADS[:1])
    with pytest.raises(ValueError, match="has no betas, eps: it is not that of an AdamW"):
        AdamW(params).load_state_dict(sgd.state_dict())
    amsgrad = torch.optim.AdamW(params, amsgrad=True)
    with pytest.raises(ValueError, match="amsgrad is True"):
        AdamW(params).load_state_dict(amsgrad.state_dict())
    plain_adam = torch.optim.Adam(params)
    with pytest.raises(ValueError, match="decoupled_weight_decay is False"):
        AdamW(params).load_state_dict(plain_adam.state_dict())
