"""Models outside the families run through transformers behind the same protocol."""

import json
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from steadytune.encoders import Batch, Dropout, Sample, load
from steadytune.encoders.automodel import Foreign
from steadytune.errors import BadInput
from tiny_models import make_tiny, sentences
from tiny_types import make_type

CPU = torch.device("cpu")
SAMPLE = Sample(32, True, tuple(sentences(6, 20)), tuple(sentences(6, 9, 1)))
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


def test_a_tokenizer_without_padding_is_refused(tmp_path: Path) -> None:
    """GPT-2's has none: texts could not share a batch."""
    folder = make_type(tmp_path, "gpt2")
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    del settings["pad_token"]
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    with pytest.raises(BadInput, match=r"no padding token.*\"pad_token\": \"</s>\" in its"):
        load(str(folder))


def test_the_padding_id_of_the_tokenizer_is_saved(tmp_path: Path) -> None:
    """GPT-2 reads the last token that is not padding, by the id in config.json."""
    ours = load(str(make_type(tmp_path / "gpt2", "gpt2", pad_token_id=None)))
    ours.save(ours.initial(2, 0), tmp_path / "saved", ("no", "yes"), SAMPLE)
    config = json.loads((tmp_path / "saved" / "config.json").read_text())
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert config["pad_token_id"] == tokenizer.pad_token_id


KINDS = ("dropout", "attention_dropout", "classifier_dropout")
# Which rates each model obeys; what it has no place for must be refused.
OBEYED = {
    "bart": {"dropout", "attention_dropout", "classifier_dropout"},
    "flaubert": {"dropout", "attention_dropout", "classifier_dropout"},
    "gpt2": {"dropout", "attention_dropout"},
    "llama": {"attention_dropout"},
    "mpnet": {"dropout", "attention_dropout"},
    "t5": {"dropout", "classifier_dropout"},
}


@pytest.mark.parametrize("model_type", OBEYED)
def test_drop_rates_are_obeyed_or_refused(model_type: str, tmp_path: Path) -> None:
    ours = load(str(make_type(tmp_path, model_type)))
    assert isinstance(ours, Foreign)
    params, batch = ours.initial(2, 0), batch_of(ours)
    exact = ours.outputs(params, batch, None)
    for i, kind in enumerate(KINDS):
        asked = [0.0 if k in OBEYED[model_type] else None for k in KINDS]
        asked[i] = 0.6
        if kind in OBEYED[model_type]:
            ours.check_dropout(*asked)
            dropped = ours.outputs(params, batch, Dropout(*asked, seed=0, moment=(0, 0)))
            assert (dropped - exact).abs().max() > 0.01 * exact.abs().max()
        else:
            with pytest.raises(BadInput, match=rf"'{model_type}' model has no .*leave {kind} out"):
                ours.check_dropout(*asked)
    ours.check_dropout(None, None, None)
    ours.check_dropout(0.0, 0.0, 0.0)
    none = Dropout(0.0, 0.0, 0.0, seed=0, moment=(0, 0))
    torch.testing.assert_close(ours.outputs(params, batch, none), exact)


def test_one_rate_for_all_is_no_contradiction(tmp_path: Path) -> None:
    ours = load(str(make_type(tmp_path, "t5")))
    ours.check_dropout(0.1, 0.1, 0.1)
    with pytest.raises(BadInput, match=r"leave attention_dropout out of the recipe, or set it to"):
        ours.check_dropout(0.1, 0.2, None)


def test_attentions_and_mlps_in_lists_of_their_own_are_layers(tmp_path: Path) -> None:
    ours = load(str(make_type(tmp_path, "xlm")))
    depths = {p.name: p.depth for p in ours.parameters(2)}
    assert [depths[f"transformer.ffns.{i}.lin1.weight"] for i in (0, 1)] == [1, 2]
    assert [depths[f"transformer.attentions.{i}.q_lin.weight"] for i in (0, 1)] == [1, 2]
