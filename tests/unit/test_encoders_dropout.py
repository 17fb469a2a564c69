"""Dropout of the one transformer: its sites, its rates, its keys, and attention under it."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification

from steadytune.encoders import FAMILIES, Dropout, load
from steadytune.encoders.attention import Scoring, attention
from steadytune.encoders.packing import Layout, layout
from steadytune.seeds import keep_rate
from tiny_models import make_tiny, sentences

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Recording(Dropout):
    """A Dropout that notes the masks it drew, in order."""

    drawn: list[tuple[str, float, torch.Tensor]] = field(default_factory=list)

    def keep(self, site: str, shape: tuple[int, ...], drop: float, device: torch.device):
        mask = super().keep(site, shape, drop, device)
        self.drawn.append((site, drop, mask))
        return mask


def replayed(masks: list[torch.Tensor]):
    """A stand-in for torch's dropout that takes the given masks one after the other."""

    def dropout(x: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False):
        if not training or p == 0:
            return x
        mask, keep = masks.pop(0), torch.ones_like(x)
        # The last layer is computed, and its masks drawn, for the first token alone.
        part = keep if mask.numel() == x.numel() else keep[..., :1, :]
        part.copy_(mask.view(part.shape))
        return x * keep / keep_rate(p)

    return dropout


BERTS: dict[str, float] = {
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.2,
    "classifier_dropout": 0.3,
}
RATES: dict[str, dict[str, float]] = {
    "distilbert": {"dropout": 0.1, "attention_dropout": 0.2, "seq_classif_dropout": 0.3},
    # transformers does not drop the output of ALBERT's MLP, so there the hidden rate is 0
    "albert": {
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.2,
        "classifier_dropout_prob": 0.3,
    },
    "mpnet": {"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.2},
    "deberta-v2": {
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.2,
        "cls_dropout": 0.3,
        "pooler_dropout": 0.4,
    },
    "modernbert": {
        "embedding_dropout": 0.15,
        "mlp_dropout": 0.1,
        "attention_dropout": 0.2,
        "classifier_dropout": 0.3,
    },
    "eurobert": {"attention_dropout": 0.2},
}


@pytest.mark.parametrize("family", FAMILIES)
def test_equals_transformers_under_the_same_masks(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = RATES.get(family, BERTS)
    ours = load(str(make_tiny(tmp_path / "a", family, **rates)))
    params = {n: v.clone().requires_grad_() for n, v in ours.initial(2, 0).items()}
    ours.save(params, tmp_path / "b", ("no", "yes"))
    theirs = AutoModelForSequenceClassification.from_pretrained(
        tmp_path / "b", attn_implementation="eager"
    ).train()

    # One sentence of a multiple of 16 tokens: both sides then draw masks of the same shapes.
    batch = ours.tokenize(["the cat " * 40], None, 32, True).batch(np.array([0]), CPU)
    recording = Recording(None, None, None, 3, (5, 0))
    logits = ours.outputs(params, batch, recording)
    assert {drop for _, drop, _ in recording.drawn} == {*rates.values()} - {0.0}
    assert len({site for site, _, _ in recording.drawn}) == len(recording.drawn)

    masks = [mask for _, _, mask in recording.drawn]
    monkeypatch.setattr(torch.nn.functional, "dropout", replayed(masks))
    expected = theirs(input_ids=batch.tokens_T[None]).logits
    assert masks == []
    torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-5)

    logits.sum().backward()
    expected.sum().backward()
    gradients = dict(theirs.named_parameters())
    for name, value in params.items():
        theirs_too = gradients[FAMILIES[family].checkpoint_name(name)].grad
        torch.testing.assert_close(value.grad, theirs_too, rtol=1e-4, atol=1e-5)


def test_asked_rates_win_over_the_checkpoints(tmp_path: Path) -> None:
    ours = load(str(make_tiny(tmp_path, "albert", hidden_dropout_prob=0.0)))
    batch = ours.tokenize(sentences(4, 20), None, 64, True).batch(np.arange(4), CPU)
    recording = Recording(0.4, 0.0, 0.5, 0, (0, 0))
    ours.outputs(ours.initial(2, 0), batch, recording)
    drawn = {site: drop for site, drop, _ in recording.drawn}
    assert drawn == {
        "embeddings": 0.4,
        "layers.0.attention.output": 0.4,
        "layers.0.mlp.output": 0.4,
        "layers.1.attention.output": 0.4,  # shared weights, masks of its own
        "layers.1.mlp.output": 0.4,
        "head.output": 0.5,
    }


def test_masks_are_keyed_by_seed_and_moment(tmp_path: Path) -> None:
    ours = load(str(make_tiny(tmp_path)))
    params = ours.initial(2, 0)
    batch = ours.tokenize(sentences(4, 20), None, 64, True).batch(np.arange(4), CPU)

    def at(seed: int, *moment: int) -> torch.Tensor:
        return ours.outputs(params, batch, Dropout(None, None, None, seed, moment))

    assert torch.equal(at(0, 3, 0), at(0, 3, 0))
    assert not torch.equal(at(0, 3, 0), at(0, 4, 0))
    assert not torch.equal(at(0, 3, 0), at(0, 3, 1))
    assert not torch.equal(at(0, 3, 0), at(1, 3, 0))
    none = Dropout(0.0, 0.0, 0.0, 0, (3, 0))
    assert torch.equal(ours.outputs(params, batch, none), ours.outputs(params, batch, None))


def plain_scoring(where: Layout, width: int) -> Scoring:
    """Of a layer that knows no positions."""
    return Scoring(1 / width**0.5, lambda place, query, key: where.groups[place].bias)


def test_the_mean_over_masks_is_the_pass_without() -> None:
    heads, lengths = 2, (5, 20)
    where = layout(lengths, heads, torch.float32, CPU)
    draw = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(25, 8, generator=draw) for _ in range(3))
    scoring = plain_scoring(where, 4)
    plain = attention(query, key, value, where, heads, scoring, None)

    def one(moment: int) -> torch.Tensor:
        dropout = Dropout(None, None, None, 0, (moment,))
        sizes = [g.sentences * heads * g.padded**2 for g in where.groups]
        keep = dropout.keep("x", (sum(sizes),), 0.3, CPU).split(sizes)
        mixed = attention(query, key, value, where, heads, scoring, keep)
        return mixed / keep_rate(0.3)

    results = torch.stack([one(moment) for moment in range(600)])
    error = results.std(0) / 600**0.5
    assert ((results.mean(0) - plain).abs() < 5 * error + 1e-6).all()


def written_out(
    qkv: list[torch.Tensor], lengths: tuple[int, ...], heads: int, mask: torch.Tensor
) -> torch.Tensor:
    """Attention with masks, element by element: sentence, head, query."""
    padded = [-(-n // 16) * 16 for n in lengths]
    order = sorted(range(len(lengths)), key=lambda i: (padded[i], i))
    starts = {}
    place = 0
    for i in order:
        starts[i] = place
        place += heads * padded[i] ** 2
    assert place == len(mask)
    first, rows = 0, []
    for i, length in enumerate(lengths):
        keep = mask[starts[i] : starts[i] + heads * padded[i] ** 2].view(heads, padded[i], -1)
        query, key, value = (x[first : first + length].view(length, heads, -1) for x in qkv)
        for t in range(length):
            mixed = []
            for h in range(heads):
                scores = key[:, h] @ query[t, h] / query.shape[-1] ** 0.5
                weights = torch.exp(scores) / torch.exp(scores).sum()
                mixed.append((weights * keep[h, t, :length]) @ value[:, h])
            rows.append(torch.cat(mixed))
        first += length
    return torch.stack(rows)


def test_attention_equals_one_written_out() -> None:
    heads, lengths = 2, (3, 17, 16, 1, 33, 5)
    where = layout(lengths, heads, torch.float64, CPU)
    draw = torch.Generator().manual_seed(0)
    qkv = [
        torch.randn(sum(lengths), 8, generator=draw, dtype=torch.float64, requires_grad=True)
        for _ in range(3)
    ]
    sizes = [g.sentences * heads * g.padded**2 for g in where.groups]
    mask = torch.rand(sum(sizes), generator=draw) > 0.3
    scoring = plain_scoring(where, 4)
    ours = attention(qkv[0], qkv[1], qkv[2], where, heads, scoring, mask.split(sizes))
    expected = written_out(qkv, lengths, heads, mask)
    torch.testing.assert_close(ours, expected)
    weights = torch.randn(ours.shape, generator=draw, dtype=torch.float64)
    for mine, theirs in zip(
        torch.autograd.grad((ours * weights).sum(), qkv),
        torch.autograd.grad((expected * weights).sum(), qkv),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs)


def test_attention_of_a_sentence_is_bit_identical_among_others() -> None:
    heads, lengths = 4, (3, 17, 16, 1, 33, 5, 40)
    draw = torch.Generator().manual_seed(0)
    qkv = [torch.randn(sum(lengths), 32, generator=draw) for _ in range(3)]
    batch = layout(lengths, heads, torch.float32, CPU)
    together = attention(qkv[0], qkv[1], qkv[2], batch, heads, plain_scoring(batch, 8), None)
    parts = zip(*(x.split(lengths) for x in (*qkv, together)), strict=True)
    for length, (query, key, value, among) in zip(lengths, parts, strict=True):
        where = layout((length,), heads, torch.float32, CPU)
        alone = attention(query, key, value, where, heads, plain_scoring(where, 8), None)
        assert torch.equal(alone, among)


def test_second_derivatives_are_right() -> None:
    where = layout((2, 3), 2, torch.float64, CPU)
    draw = torch.Generator().manual_seed(0)
    qkv = [torch.randn(5, 4, generator=draw, dtype=torch.float64) for _ in range(3)]
    inputs = tuple(x.requires_grad_() for x in qkv)
    scoring = plain_scoring(where, 2)
    assert torch.autograd.gradgradcheck(
        lambda q, k, v: attention(q, k, v, where, 2, scoring, None), inputs
    )
