"""Each stabilizer against its definition."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from small_studies import RECIPE, SmallStudy, kept
from steadytune import encoders, stabilizers
from steadytune.encoders import Dropout
from steadytune.errors import BadInput
from steadytune.procedure import Parameter
from steadytune.recipe import Recipe, StabilizerChoice
from steadytune.seeds import keep_mask, keep_rate
from steadytune.training.build import build
from steadytune.training.passes import StepDraws
from tiny_models import make_tiny

CPU = torch.device("cpu")


def with_stabilizer(name, settings, recipe=RECIPE) -> Recipe:
    return replace(recipe, stabilizers=(StabilizerChoice(name, settings or {}),))


def procedure(name, settings):
    return build(with_stabilizer(name, settings), total_steps=16, classes=True)


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (StabilizerChoice("mixuot"), ["mixuot", "did you mean mixout"]),
        (StabilizerChoice("mixout", {"p": 1.5}), ["p=1.5", "less than or equal to 0.999"]),
        (StabilizerChoice("mixout", {"q": 1, "p": "a"}), ["'q'", "p='a'", "head"]),
    ],
)
def test_bad_choices_are_refused_with_what_is_allowed(choice, words):
    with pytest.raises(BadInput) as caught:
        stabilizers.resolve(choice)
    assert all(word in str(caught.value) for word in words)


TABLE = (
    Parameter("layers.0.w", (6, 8), "layer", 1, "linear", False),
    Parameter("layers.0.b", (6,), "layer", 1, "bias", False),
    Parameter("head.w", (2, 8), "head", 2, "linear", True),
)


def draws(seed):
    """Those of a step that is keyed by the seed alone."""
    return StepDraws(Dropout(0, 0, 0, seed, ()), CPU)


def tensors(seed):
    draw = torch.Generator().manual_seed(seed)
    return {p.name: torch.randn(p.shape, generator=draw, dtype=torch.float64) for p in TABLE}


@pytest.mark.parametrize("kind", ["column", "element"])
def test_mixout_is_the_published_formula(kind):
    p, w, u = 0.3, tensors(0), tensors(1)
    view = procedure("mixout", {"p": p, "kind": kind}).parameters(w, u, TABLE, draws(7))
    shape = (1, 8) if kind == "column" else (6, 8)
    keep = keep_mask(shape, p, CPU, 7, "mixout.layers.0.w").double()
    rate = 1 - keep_rate(p)
    expected = ((1 - keep) * u["layers.0.w"] + keep * w["layers.0.w"] - rate * u["layers.0.w"]) / (
        1 - rate
    )
    torch.testing.assert_close(view["layers.0.w"], expected)
    assert view["layers.0.b"] is w["layers.0.b"]


@pytest.mark.parametrize("kind", ["column", "element"])
def test_mixout_leaves_the_expectation_alone(kind):
    w, u = tensors(0), tensors(1)
    slot = procedure("mixout", {"p": 0.7, "kind": kind}).parameters
    views = torch.stack([slot(w, u, TABLE, draws(s))["layers.0.w"] for s in range(4000)])
    error = (views.mean(0) - w["layers.0.w"]).abs() / (views.std(0) / 4000**0.5)
    assert error.max() < 5


def test_mixout_gradient_is_exact_or_the_official_one():
    w, u, p = tensors(0), tensors(1), 0.4
    leaf = w["layers.0.w"].requires_grad_()
    for gradient, factor in (("exact", 1 / keep_rate(p)), ("official", 1.0)):
        slot = procedure("mixout", {"p": p, "gradient": gradient}).parameters
        assert gradient == "official" or torch.autograd.gradcheck(
            lambda x, slot=slot: slot({**w, "layers.0.w": x}, u, TABLE, draws(3))["layers.0.w"],
            leaf,
        )
        mixed = slot(w, u, TABLE, draws(3))["layers.0.w"]
        (grad,) = torch.autograd.grad(mixed.sum(), leaf)
        keep = keep_mask((1, 8), p, CPU, 3, "mixout.layers.0.w").double()
        torch.testing.assert_close(grad, (keep * factor).expand(6, 8).contiguous())


def test_mixout_can_leave_the_head_alone():
    w, u = tensors(0), tensors(1)
    view = procedure("mixout", {"head": False}).parameters(w, u, TABLE, draws(0))
    assert view["head.w"] is w["head.w"]
    assert view["layers.0.w"] is not w["layers.0.w"]


def test_pretrained_decay_spares_the_fresh_head_and_biases():
    groups = procedure("pretrained_decay", {"rate": 0.2}).groups
    matrix, bias, head = (groups(parameter, 1, 0) for parameter in TABLE)
    assert (matrix.weight_decay, matrix.toward) == (0.2, "start")
    assert (bias.weight_decay, bias.toward) == (0.0, "zero")
    assert (head.weight_decay, head.toward) == (RECIPE.weight_decay, "zero")


def test_strong_pretrained_decay_keeps_weights_where_they_were(tmp_path):
    recipe = with_stabilizer("pretrained_decay", {"rate": 1000.0}, replace(RECIPE, warmup=0))
    study = SmallStudy(tmp_path, recipe, keep="last")
    weights = kept(study.events())
    ready = study.prepare(study.run)
    free = SmallStudy(tmp_path, replace(RECIPE, warmup=0), keep="last").events()
    name = "layers.0.mlp.up.weight"
    moved = np.abs(weights[name] - ready.start[name].numpy()).max()
    assert moved < 0.2 * np.abs(kept(free)[name] - ready.start[name].numpy()).max()


def test_layerwise_lr_decay_goes_down_with_depth():
    groups = procedure("layerwise_lr_decay", {"factor": 0.5}).groups
    factors = [
        groups(Parameter("x", (1,), "layer", depth, "linear", False), 12, 0).lr_factor
        for depth in (13, 12, 1, 0)
    ]
    assert factors == [1, 0.5, 0.5**12, 0.5**13]


@pytest.mark.parametrize("family", ["bert", "deberta-v2"])  # ours, and transformers' own
@pytest.mark.parametrize("deviation", [0.02, 0.1])
def test_reinit_layers_touches_the_top_alone(tmp_path, family, deviation):
    encoder = encoders.load(str(make_tiny(tmp_path, family, initializer_range=deviation)))
    table, pretrained = encoder.parameters(2), encoder.initial(2, 0)
    changed = procedure("reinit_layers", {"top": 1}).initial(pretrained, table, 0)
    for p in table:
        if p.part == "pooler" or (p.part == "layer" and p.depth == 2):
            drawn = changed[p.name]
            if p.kind == "norm":
                assert (drawn == (1.0 if p.name.endswith("weight") else 0.0)).all()
            elif p.kind == "bias":
                assert not drawn.any()
            else:
                assert drawn.std() == pytest.approx(deviation, rel=0.2)
        else:
            assert changed[p.name] is pretrained[p.name]
    again = procedure("reinit_layers", {"top": 1}).initial(pretrained, table, 1)
    name = next(p.name for p in table if p.part == "pooler" and p.kind == "linear")
    assert not torch.equal(again[name], changed[name])


def test_reinit_layers_refuses_more_layers_than_there_are(tmp_path):
    encoder = encoders.load(str(make_tiny(tmp_path)))
    slot = procedure("reinit_layers", {"top": 3}).initial
    with pytest.raises(BadInput, match=r"top=3 .* 2 distinct layers"):
        slot(encoder.initial(2, 0), encoder.parameters(2), 0)


def test_stabilizers_compose_in_the_order_given():
    both = replace(
        RECIPE,
        stabilizers=(
            StabilizerChoice("layerwise_lr_decay", {"factor": 0.5}),
            StabilizerChoice("pretrained_decay", {"rate": 0.3}),
        ),
    )
    made = build(both, 16, classes=True)
    group = made.groups(TABLE[0], 1, 0)
    assert (group.lr_factor, group.weight_decay, group.toward) == (0.5, 0.3, "start")
    assert [line.split(":")[0] for line in made.filled_by] == ["groups", "groups"]
