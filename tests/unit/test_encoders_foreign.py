"""Models outside the families run through transformers behind the same protocol."""

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    GPT2Config,
    GPT2ForSequenceClassification,
)

from steadytune.encoders import Batch, Dropout, load
from steadytune.encoders.automodel import Foreign
from steadytune.errors import BadInput
from tiny_models import make_tiny, sentences

CPU = torch.device("cpu")
MODELS = ("deberta-v2", "modernbert")


@cache
def encoder(family: str, architecture: str = "ForMaskedLM") -> Foreign:
    found = load(str(make_tiny(Path(mkdtemp()), family, architecture)))
    assert isinstance(found, Foreign)
    return found


def batch_of(found: Foreign, number: int = 5) -> Batch:
    tokenized = found.tokenize(sentences(number, 40), sentences(number, 9, 1), 64, True)
    return tokenized.batch(np.arange(number), CPU)


@pytest.mark.parametrize("family", MODELS)
def test_saved_weights_give_the_same_predictions(family: str, tmp_path: Path) -> None:
    ours = encoder(family)
    params = {n: v.clone().requires_grad_() for n, v in ours.initial(3, 0).items()}
    logits = ours.outputs(params, batch_of(ours), None)
    assert logits.shape == (5, 3)
    ours.save(params, tmp_path / "saved", tuple("abc"))

    theirs = AutoModelForSequenceClassification.from_pretrained(tmp_path / "saved").eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "saved")
    inputs = tokenizer(
        sentences(5, 40),
        sentences(5, 9, 1),
        truncation="longest_first",
        max_length=64,
        padding=True,
        return_tensors="pt",
    )
    expected = theirs(**inputs).logits
    torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-5)
    assert theirs.config.id2label == dict(enumerate("abc"))

    (logits.square().sum()).backward()
    (expected.square().sum()).backward()
    gradients = dict(theirs.named_parameters())
    assert set(gradients) == set(params)
    for name, value in params.items():
        if gradients[name].grad is not None:
            torch.testing.assert_close(value.grad, gradients[name].grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", MODELS)
def test_the_table_is_read_off_the_modules(family: str) -> None:
    ours = encoder(family)
    table = {p.name: p for p in ours.parameters(3)}
    initial = ours.initial(3, 0)
    assert list(table) == list(initial)
    assert all(tuple(initial[name].shape) == p.shape for name, p in table.items())
    assert ours.depth == 2
    assert {p.depth for p in table.values()} == {0, 1, 2, 3}
    assert all((p.part == "embeddings") == (p.depth == 0) for p in table.values())
    assert all("norm" in name.lower() for name, p in table.items() if p.kind == "norm")
    assert {name for name, p in table.items() if p.kind == "embedding"} == {
        "deberta-v2": {
            "deberta.embeddings.word_embeddings.weight",
            "deberta.encoder.rel_embeddings.weight",
        },
        "modernbert": {"model.embeddings.tok_embeddings.weight"},
    }[family]
    assert table["classifier.weight"].fresh
    assert table["classifier.weight"].part == "head"
    assert initial["classifier.bias"].count_nonzero() == 0
    assert not torch.equal(initial["classifier.weight"], ours.initial(3, 1)["classifier.weight"])


def test_missing_parts_of_the_head_are_noted() -> None:
    assert "pooler.dense.weight" in encoder("deberta-v2").head_note
    assert encoder("deberta-v2", "ForSequenceClassification").head_note == ""


@pytest.mark.parametrize("family", MODELS)
def test_dropout_is_keyed_and_leaves_no_trace(family: str) -> None:
    ours = encoder(family)
    params, batch = ours.initial(2, 0), batch_of(ours)

    def at(moment: int, rate: float | None = 0.2) -> torch.Tensor:
        return ours.outputs(params, batch, Dropout(rate, rate, rate, 0, (moment,)))

    before = torch.random.get_rng_state()
    assert torch.equal(at(1), at(1))
    assert not torch.equal(at(1), at(2))
    assert torch.equal(at(1, 0.0), ours.outputs(params, batch, None))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("family", MODELS)
def test_bf16_parameters_work(family: str) -> None:
    ours = encoder(family)
    batch = batch_of(ours)
    half = {
        name: value.to(torch.bfloat16).requires_grad_()
        for name, value in ours.initial(2, 0).items()
    }
    logits = ours.outputs(half, batch, Dropout(None, None, None, 0, (0,)))
    assert logits.dtype == torch.bfloat16
    logits.sum().backward()
    assert half["classifier.weight"].grad is not None


def test_a_bert_with_an_activation_of_its_own_runs_through_transformers(tmp_path: Path) -> None:
    ours = load(str(make_tiny(tmp_path, "bert", hidden_act="silu")))
    assert isinstance(ours, Foreign)
    assert ours.facts.family == "bert"


def test_lost_layers_are_bad_input(tmp_path: Path) -> None:
    folder = make_tiny(tmp_path, "modernbert")
    tensors = load_file(folder / "model.safetensors")
    kept = {name: t.clone() for name, t in tensors.items() if "layers.1" not in name}
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(BadInput, match=r"do not fit its config.json: .*model.layers.1"):
        load(str(folder))


def test_a_model_that_cannot_classify_a_batch_is_refused(tmp_path):
    """GPT-2 without a padding token fails on more than one text; better told at once."""
    folder = make_tiny(tmp_path / "gpt2", "bert")
    config = GPT2Config(vocab_size=200, n_positions=96, n_embd=32, n_layer=2, n_head=4)
    GPT2ForSequenceClassification(config).save_pretrained(folder)
    with pytest.raises(BadInput, match="'gpt2' model cannot be fine-tuned here"):
        load(str(folder))
