"""Masked-LM perplexity and forgetting equal plain loops over the models of transformers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer

from steadytune import encoders
from steadytune.checkpoints.forgetting import forgetting, put_back
from steadytune.checkpoints.masked_blocks import MaskedBlocks, masked_blocks
from steadytune.checkpoints.perplexity import MaskedLoss, masked_loss
from steadytune.encoders import Pretrained
from steadytune.errors import BadInput
from steadytune.seeds import generator
from tiny_models import WORDS, make_tiny, sentences

CPU = torch.device("cpu")
TEXT = "\n".join(sentences(60, 20))
WITH_HEAD = ("bert", "roberta", "albert", "distilbert")


def encoder_of(folder: Path) -> Pretrained:
    found = encoders.load(str(folder))
    assert isinstance(found, Pretrained)
    return found


def looped(model: Any, blocks: MaskedBlocks) -> float:
    """exp of the mean over all selected tokens, one block at a time."""
    model.eval()
    losses = []
    for tokens, selected, targets in zip(
        blocks.tokens, blocks.selected, blocks.targets, strict=True
    ):
        ids = torch.from_numpy(tokens)[None]
        with torch.no_grad():
            logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0]
        chances = logits.double().log_softmax(-1)
        losses += [-float(chances[i, targets[i]]) for i in np.flatnonzero(selected)]
    return float(np.exp(np.mean(losses)))


@pytest.mark.parametrize("family", WITH_HEAD)
def test_perplexity_equals_a_plain_loop(family, tmp_path):
    encoder = encoder_of(make_tiny(tmp_path, family, "ForMaskedLM"))
    blocks = masked_blocks(encoder, TEXT, 24, mask_seed=5)
    found = masked_loss(encoder, encoder.initial(1, 0), encoder.masked_lm_head(), blocks, CPU)
    expected = looped(AutoModelForMaskedLM.from_pretrained(tmp_path), blocks)
    assert found.tokens == blocks.selected.sum() > 50
    assert found.perplexity == pytest.approx(expected, rel=1e-5)


def test_an_untied_decoder_is_read_as_stored(tmp_path):
    encoder = encoder_of(make_tiny(tmp_path, "bert", "ForMaskedLM", tie_word_embeddings=False))
    head = encoder.masked_lm_head()
    assert not torch.equal(head.tensors["decoder"], encoder.initial(1, 0)["embeddings.word"])
    blocks = masked_blocks(encoder, TEXT, 24, mask_seed=5)
    found = masked_loss(encoder, encoder.initial(1, 0), head, blocks, CPU)
    model = AutoModelForMaskedLM.from_pretrained(tmp_path)
    assert found.perplexity == pytest.approx(looped(model, blocks), rel=1e-5)


def tuned(encoder: Pretrained) -> dict[str, torch.Tensor]:
    """As if fine-tuned: every parameter moved, the upper layers further."""
    draw = generator("init", 9)
    return {
        p.name: value + torch.from_numpy(draw.normal(0, 0.04 * p.depth + 0.02, p.shape)).float()
        for p, value in zip(encoder.parameters(2), encoder.initial(2, 0).values(), strict=True)
    }


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_forgetting_equals_transplanted_layers(family, tmp_path):
    """Layers copied from a saved classifier into a masked-LM model, as one would by hand."""
    from transformers import AutoModelForSequenceClassification

    encoder = encoder_of(make_tiny(tmp_path / "mlm", family, "ForMaskedLM", num_hidden_layers=3))
    params = tuned(encoder)
    encoder.save(params, tmp_path / "tuned", ("a", "b"))
    blocks = masked_blocks(encoder, TEXT, 24, mask_seed=5, most=8)
    found = forgetting(
        encoder, encoder.saved(tmp_path / "tuned"), blocks, tmp_path / "f.jsonl", {"run": "x"}, CPU
    )
    measured = {
        (top, back): float(np.exp(loss))
        for top, back, loss in zip(
            *(found.columns[c] for c in ("top", "embeddings", "loss")), strict=True
        )
    }
    assert len(measured) == 1 + 2 * 4
    classifier = getattr(
        AutoModelForSequenceClassification.from_pretrained(tmp_path / "tuned"), family
    )
    for (top, back), perplexity in measured.items():
        model = AutoModelForMaskedLM.from_pretrained(tmp_path / "mlm")
        head = model.cls.predictions if family == "bert" else model.lm_head
        head.decoder.weight = torch.nn.Parameter(head.decoder.weight.detach().clone())
        body = getattr(model, family)
        if top >= 0:
            for i in range(3 - top):
                body.encoder.layer[i].load_state_dict(classifier.encoder.layer[i].state_dict())
        if not back:
            body.embeddings.load_state_dict(classifier.embeddings.state_dict())
        assert perplexity == pytest.approx(looped(model, blocks), rel=1e-5), (top, back)
    assert len(set(measured.values())) == 8  # all differ but the two that must not
    assert measured[3, 1] == measured[-1, 1]  # to the last bit
    assert measured[3, 0] != measured[-1, 1]


def test_put_back_takes_shared_layers_as_one(tmp_path):
    encoder = encoder_of(make_tiny(tmp_path, "albert", "ForMaskedLM"))
    table = [p for p in encoder.parameters(1) if p.part in ("embeddings", "layer")]
    ones = {p.name: torch.ones(p.shape) for p in table}
    zeros = {p.name: torch.zeros(p.shape) for p in table}
    mixed = put_back(ones, zeros, table, 1, embeddings=False)
    assert {p.name for p in table if mixed[p.name].any()} == {
        p.name for p in table if p.part == "embeddings"
    }


def test_masks_follow_the_protocol(tmp_path):
    encoder = encoder_of(make_tiny(tmp_path, "bert", "ForMaskedLM"))
    text = " ".join(generator("text", 0).choice(WORDS, 60000))
    blocks = masked_blocks(encoder, text, 96, mask_seed=1)
    number = blocks.targets.size
    assert blocks.targets.shape == (60000 // 94, 96)
    assert not blocks.selected[:, [0, -1]].any()
    assert abs(blocks.selected.sum() / (number * 94 / 96) - 0.15) < 0.005
    np.testing.assert_array_equal(blocks.tokens[~blocks.selected], blocks.targets[~blocks.selected])
    tokens, targets = blocks.tokens[blocks.selected], blocks.targets[blocks.selected]
    masked = tokens == encoder.mask_id
    assert abs(masked.mean() - 0.8) < 0.02
    assert abs((tokens == targets).mean() - 0.1) < 0.02
    other = tokens[~masked & (tokens != targets)]
    assert len(np.unique(other)) > 0.9 * encoder.token_ids
    assert blocks.about["selected"] == blocks.selected.sum()


def test_blocks_are_the_text(tmp_path):
    for family in ("bert", "roberta"):
        encoder = encoder_of(make_tiny(tmp_path / family, family, "ForMaskedLM"))
        tokenizer = AutoTokenizer.from_pretrained(tmp_path / family)
        blocks = masked_blocks(encoder, TEXT, 20, mask_seed=0)
        ids = tokenizer(TEXT, add_special_tokens=False)["input_ids"]
        assert blocks.targets[:, 1:-1].ravel().tolist() == ids[: 18 * (len(ids) // 18)]
        for row in blocks.targets:
            assert (row[0], row[-1]) == (tokenizer.cls_token_id, tokenizer.sep_token_id)


def test_a_block_is_masked_alike_however_many_there_are(tmp_path):
    encoder = encoder_of(make_tiny(tmp_path, "bert", "ForMaskedLM"))
    whole, few = (masked_blocks(encoder, TEXT, 24, 2, most) for most in (None, 3))
    np.testing.assert_array_equal(whole.tokens[:3], few.tokens)
    np.testing.assert_array_equal(whole.selected[:3], few.selected)
    other = masked_blocks(encoder, TEXT, 24, 3)
    assert (other.selected != whole.selected).any()


def test_what_cannot_be_measured_is_said(tmp_path):
    plain = encoder_of(make_tiny(tmp_path / "plain", "bert"))
    with pytest.raises(BadInput, match="no masked-LM head"):
        plain.masked_lm_head()
    discriminator = encoder_of(make_tiny(tmp_path / "electra", "electra"))
    with pytest.raises(BadInput, match="no masked-LM head, which"):
        discriminator.masked_lm_head()
    with pytest.raises(BadInput, match="does not fill a block"):
        masked_blocks(plain, "the cat sat", 24, 0)
    with pytest.raises(BadInput, match="more than this encoder has positions for"):
        masked_blocks(plain, TEXT, 97, 0)
    with pytest.raises(BadInput, match="0 blocks"):
        masked_blocks(plain, TEXT, 24, 0, most=0)


def test_a_loss_too_large_for_a_double_is_infinite():
    assert MaskedLoss(1e4, 1).perplexity == float("inf")
    assert MaskedLoss(0.0, 1).perplexity == 1


def test_a_real_encoder(models_dir, data_dir):
    folder = models_dir / "minilm-l6-mlm"
    encoder = encoder_of(folder)
    text = (data_dir.parent / "wikitext-2/wiki.valid.raw").read_text("utf-8")[:6000]
    blocks = masked_blocks(encoder, text, 128, mask_seed=0, most=4)
    head = encoder.masked_lm_head()
    found = masked_loss(encoder, encoder.initial(1, 0), head, blocks, CPU)
    model = AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32)
    assert found.perplexity == pytest.approx(looped(model, blocks), rel=1e-4)
    assert 5 < found.perplexity < 500
