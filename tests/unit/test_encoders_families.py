"""Every family equals transformers, in outputs and gradients, read and written."""

from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from steadytune.encoders import FAMILIES, Batch, load
from steadytune.encoders.pretrained import Pretrained
from steadytune.procedure import Params
from tiny_models import make_tiny, sentences

OUTPUTS = 3
VARIANTS: dict[str, dict[str, Any]] = {
    **{family: {} for family in FAMILIES},
    "albert two groups": {"num_hidden_layers": 4, "num_hidden_groups": 2},
    "electra unprojected": {"embedding_size": 32},
    "bert relu": {"hidden_act": "relu"},
    "bert gelu tanh": {"hidden_act": "gelu_new", "layer_norm_eps": 1e-3},
    "deberta-v2 own maps": {"share_att_key": False, "norm_rel_ebd": "none"},
    "deberta-v2 content to position": {"pos_att_type": ["c2p"], "position_buckets": -1},
    "deberta-v2 absolute": {
        "relative_attention": False,
        "position_biased_input": True,
        "norm_rel_ebd": "none",
    },
    "modernbert deep": {"num_hidden_layers": 4},
    "modernbert mean": {"classifier_pooling": "mean", "norm_bias": True, "attention_bias": True},
    "modernbert biased head": {"classifier_bias": True, "mlp_bias": True},
    "eurobert first": {"classifier_pooling": "bos", "attention_bias": True, "mlp_bias": True},
    "eurobert mean": {"classifier_pooling": "mean", "head_dim": 16},
}


@cache
def encoder(variant: str) -> Pretrained:
    family = variant.partition(" ")[0]
    found = load(str(make_tiny(Path(mkdtemp()), family, **VARIANTS[variant])))
    assert isinstance(found, Pretrained)
    return found


def batch_of(found: Pretrained, pairs: bool, number: int = 7) -> Batch:
    texts = sentences(number, 50)
    tokenized = found.tokenize(texts, sentences(number, 20, 1) if pairs else None, 64, True)
    return tokenized.batch(np.arange(number), torch.device("cpu"))


def assert_close(ours: torch.Tensor | None, theirs: torch.Tensor | None, what: str = "") -> None:
    torch.testing.assert_close(
        ours, theirs, rtol=1e-5, atol=1e-5, msg=lambda text: f"{what}: {text}"
    )


def trainable(params: Params) -> dict[str, torch.Tensor]:
    return {name: value.clone().requires_grad_() for name, value in params.items()}


def score(logits: torch.Tensor) -> torch.Tensor:
    """A scalar that weighs every output differently."""
    return (logits * torch.linspace(-0.3, 0.5, logits.numel()).view(logits.shape)).sum()


@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
def test_equals_transformers(variant: str, pairs: bool, tmp_path: Path) -> None:
    ours = encoder(variant)
    params = trainable(ours.initial(OUTPUTS, 0))
    ours.save(params, tmp_path / "saved", tuple("abc"))
    theirs = AutoModelForSequenceClassification.from_pretrained(tmp_path / "saved").eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "saved")
    texts, second = sentences(7, 50), sentences(7, 20, 1) if pairs else None
    inputs = tokenizer(
        texts, second, truncation="longest_first", max_length=64, padding=True, return_tensors="pt"
    )

    batch = batch_of(ours, pairs)
    real = inputs["attention_mask"].bool()
    torch.testing.assert_close(batch.tokens_T, inputs["input_ids"][real])
    if "embeddings.segment" not in params:
        inputs.pop("token_type_ids", None)
    if "token_type_ids" in inputs:
        torch.testing.assert_close(batch.segments_T, inputs["token_type_ids"][real])

    logits, expected = ours.outputs(params, batch, None), theirs(**inputs).logits
    assert logits.shape == (7, OUTPUTS)
    assert_close(logits, expected)

    score(logits).backward()
    score(expected).backward()
    gradients = {name: parameter.grad for name, parameter in theirs.named_parameters()}
    names = FAMILIES[ours.facts.family]
    assert {names.checkpoint_name(name) for name in params} == set(gradients)
    for name, value in params.items():
        assert_close(value.grad, gradients[names.checkpoint_name(name)], name)


@pytest.mark.parametrize("variant", VARIANTS)
def test_saved_and_loaded_again_is_the_same(variant: str, tmp_path: Path) -> None:
    ours = encoder(variant)
    first = ours.initial(OUTPUTS, 0)
    ours.save(first, tmp_path / "a", tuple("abc"))
    ours.save(first, tmp_path / "a", tuple("abc"))  # takes the place of the first one
    again = load(str(tmp_path / "a"))
    for parameter in again.parameters(OUTPUTS):
        if not parameter.fresh:
            torch.testing.assert_close(
                again.initial(OUTPUTS, 0)[parameter.name], first[parameter.name], rtol=0, atol=0
            )
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("variant", FAMILIES)
def test_a_sentence_does_not_depend_on_its_neighbours(variant: str) -> None:
    ours = encoder(variant)
    params = ours.initial(OUTPUTS, 0)
    tokenized = ours.tokenize(sentences(7, 50), None, 64, True)
    together = ours.outputs(params, tokenized.batch(np.arange(7), torch.device("cpu")), None)
    for i in range(7):
        alone = ours.outputs(params, tokenized.batch(np.array([i]), torch.device("cpu")), None)
        assert_close(alone[0], together[i])


@pytest.mark.parametrize("variant", FAMILIES)
def test_the_table_covers_every_parameter(variant: str) -> None:
    ours = encoder(variant)
    table, initial = ours.parameters(OUTPUTS), ours.initial(OUTPUTS, 0)
    assert [p.name for p in table] == list(initial)
    assert all(tuple(initial[p.name].shape) == p.shape for p in table)
    assert {p.depth for p in table} == set(range(ours.depth + 2))
    assert ours.depth == (1 if variant == "albert" else 2)
    parts = {"embeddings": {0}, "layer": set(range(1, ours.depth + 1))}
    for part, depths in parts.items():
        assert {p.depth for p in table if p.part == part} == depths
    assert {p.name for p in table if p.fresh} == {p.name for p in table if p.part == "head"}
    assert ours.word_embedding in initial
    assert all(("norm" in p.name) == (p.kind == "norm") for p in table)


def test_fresh_parameters_depend_on_seed_and_name_alone(tmp_path: Path) -> None:
    headless = load(str(make_tiny(tmp_path / "mlm", "bert", "ForMaskedLM", hidden_size=96)))
    assert "no pooler" in headless.head_note
    assert encoder("bert").head_note == ""
    seed_0, seed_1 = headless.initial(2, 0), headless.initial(2, 1)
    assert {p.name for p in headless.parameters(2) if p.fresh} == {
        "pooler.weight",
        "pooler.bias",
        "head.output.weight",
        "head.output.bias",
    }
    assert not torch.equal(seed_0["pooler.weight"], seed_1["pooler.weight"])
    assert torch.equal(seed_0["pooler.weight"], headless.initial(7, 0)["pooler.weight"])
    assert seed_0["embeddings.word"] is seed_1["embeddings.word"]
    assert seed_0["pooler.bias"].count_nonzero() == 0
    # 96 x 96 values: the sample deviation lies within 3 % of the true one.
    assert seed_0["pooler.weight"].std().item() == pytest.approx(0.1, rel=0.03)
    assert seed_0["pooler.weight"].dtype == torch.float32


def test_bf16_stays_bf16_and_close() -> None:
    ours = encoder("bert")
    params, batch = ours.initial(OUTPUTS, 0), batch_of(ours, True)
    half = {name: value.to(torch.bfloat16) for name, value in params.items()}
    logits = ours.outputs(half, batch, None)
    assert logits.dtype == torch.bfloat16
    torch.testing.assert_close(logits.float(), ours.outputs(params, batch, None), rtol=0, atol=0.02)


def test_segments_can_be_left_out() -> None:
    ours = encoder("bert")
    texts, second = sentences(3, 9), sentences(3, 9, 1)
    with_segments = ours.tokenize(texts, second, 64, True)
    without = ours.tokenize(texts, second, 64, False)
    assert with_segments.segments.max() == 1
    assert without.segments.max() == 0
    np.testing.assert_array_equal(with_segments.tokens, without.tokens)
    assert encoder("roberta").tokenize(texts, second, 64, True).segments.max() == 0


def test_the_longer_text_is_cut() -> None:
    ours = encoder("bert")
    short, long = ours.tokenize(["cat dog"], ["the " * 50], 12, True), " ".join(["the"] * 7)
    expected = ours.tokenize(["cat dog"], [long], 64, True)
    np.testing.assert_array_equal(short.tokens, expected.tokens)
    assert len(short.tokens) == 12


def test_the_digest_sees_weights_settings_and_vocabulary(tmp_path: Path) -> None:
    def digest(folder: Path) -> str:
        return load(str(folder)).facts.digest

    plain = make_tiny(tmp_path / "a")
    assert digest(plain) == digest(make_tiny(tmp_path / "b"))
    others = [
        make_tiny(tmp_path / "settings", hidden_dropout_prob=0.2),
        make_tiny(tmp_path / "weights", initializer_range=0.2),
        make_tiny(tmp_path / "words"),
    ]
    tokenizer = tmp_path / "words" / "tokenizer.json"
    text = tokenizer.read_text(encoding="utf-8")
    text = text.replace('"cat"', '"?"').replace('"dog"', '"cat"').replace('"?"', '"dog"')
    tokenizer.write_text(text, encoding="utf-8")
    assert len({digest(plain), *map(digest, others)}) == 4


@pytest.mark.parametrize(("names", "problem"), [(None, "regression"), (("no", "yes"), "single_")])
def test_the_saved_config_says_what_outputs_mean(
    names: tuple[str, ...] | None, problem: str, tmp_path: Path
) -> None:
    ours = encoder("roberta")
    ours.save(ours.initial(len(names or "s"), 0), tmp_path / "saved", names)
    theirs = AutoModelForSequenceClassification.from_pretrained(tmp_path / "saved")
    assert theirs.config.problem_type.startswith(problem)
    assert theirs.config.num_labels == len(names or "s")
    assert theirs.config.architectures == ["RobertaForSequenceClassification"]
    if names:
        assert theirs.config.id2label == dict(enumerate(names))
        assert theirs.config.label2id == {"no": 0, "yes": 1}
