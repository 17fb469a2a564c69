"""A saved folder that predicts otherwise is found out before it takes its place."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

from steadytune.encoders import Encoder, PredictsOtherwise, Sample, load, spread
from steadytune.encoders.verification import check
from tiny_models import make_tiny, sentences
from tiny_types import make_type

TEXTS, SECOND = tuple(sentences(6, 40)), tuple(sentences(6, 9, 1))
SAMPLE = Sample(32, True, TEXTS, SECOND)


def saved(model_type: str, tmp_path: Path, sample: Sample = SAMPLE) -> tuple[Encoder, Path]:
    make = make_tiny if model_type == "bert" else make_type
    ours = load(str(make(tmp_path / "encoder", model_type)))
    ours.save(ours.initial(2, 0), tmp_path / "saved", ("no", "yes"), sample)
    return ours, tmp_path / "saved"


def edit(name: str, **changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / name
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


def cased(folder: Path) -> None:
    path = folder / "tokenizer.json"
    path.write_text(path.read_text().replace('"cat"', '"?"').replace('"dog"', '"cat"'))


def other_weights(folder: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    with torch.no_grad():
        model.classifier.bias[0] += 0.01
    model.save_pretrained(folder)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (edit("tokenizer_config.json", model_max_length=20), "other token ids"),
        (edit("tokenizer_config.json", model_input_names=["input_ids", "attention_mask"]), "type"),
        (
            edit("tokenizer_config.json", model_input_names=["input_ids", "token_type_ids"]),
            "differ",
        ),
        (cased, "other token ids"),
        (other_weights, "differ from those on record by 0.01"),
        (edit("config.json", layer_norm_eps=0.1), "differ from those on record"),
        (lambda folder: (folder / "model.safetensors").unlink(), "it cannot be used there"),
    ],
)
def test_a_spoiled_folder_is_found_out(
    spoil: Callable[[Path], None], words: str, tmp_path: Path
) -> None:
    ours, folder = saved("bert", tmp_path)
    spoil(folder)
    with pytest.raises(PredictsOtherwise, match=words):
        check(ours, ours.initial(2, 0), folder, SAMPLE)


def test_weights_that_magnify_rounding_are_no_fault(tmp_path: Path) -> None:
    ours = load(str(make_tiny(tmp_path / "encoder")))
    params = {n: v * 1e6 if "attention" in n else v for n, v in ours.initial(2, 0).items()}
    ours.save(params, tmp_path / "saved", ("no", "yes"), SAMPLE)


def test_the_old_folder_stays_where_the_new_one_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, folder = saved("bert", tmp_path)
    before = (folder / "model.safetensors").read_bytes()
    params = {name: value + 0.1 for name, value in ours.initial(2, 0).items()}
    monkeypatch.setattr(ours, "_config", load(str(make_tiny(tmp_path / "x")))._config)
    ours._config.layer_norm_eps = 0.5
    with pytest.raises(PredictsOtherwise):
        ours.save(params, folder, ("no", "yes"), SAMPLE)
    assert (folder / "model.safetensors").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["encoder", "saved", "x"]


@pytest.mark.parametrize("segment_ids", [True, False])
@pytest.mark.parametrize("model_type", ["bert", "albert", "rembert"])
def test_the_saved_tokenizer_emits_what_was_trained_on(
    model_type: str, segment_ids: bool, tmp_path: Path
) -> None:
    sample = Sample(24, segment_ids, TEXTS, SECOND)
    ours, folder = saved(model_type, tmp_path, sample)
    encoded = AutoTokenizer.from_pretrained(folder)(TEXTS, SECOND, truncation=True)
    assert ("token_type_ids" in encoded) == segment_ids
    assert max(len(ids) for ids in encoded["input_ids"]) == 24
    mine = ours.tokenize(TEXTS, SECOND, 24, segment_ids)
    assert bool(mine.segments.any()) == segment_ids


def test_the_pipeline_gives_named_labels(tmp_path: Path) -> None:
    ours, folder = saved("albert", tmp_path)
    classify = pipeline("text-classification", model=str(folder))
    inputs = [{"text": a, "text_pair": b} for a, b in zip(TEXTS, SECOND, strict=True)]
    found = [classify(one, truncation=True) for one in inputs]
    batch = ours.tokenize(TEXTS, SECOND, 32, True).batch(np.arange(6), torch.device("cpu"))
    shares, classes = ours.outputs(ours.initial(2, 0), batch, None).softmax(1).max(1)
    found = [one[0] if isinstance(one, list) else one for one in found]
    assert [one["label"] for one in found] == [("no", "yes")[k] for k in classes.tolist()]
    np.testing.assert_allclose([one["score"] for one in found], shares.numpy(), atol=1e-5)


def test_a_sample_has_all_lengths_and_is_no_larger_than_it_may_cost() -> None:
    lengths = np.random.default_rng(0).integers(3, 129, 500)
    chosen = spread(lengths)
    assert lengths[chosen[0]] == lengths.min()
    assert lengths[chosen[-1]] == lengths.max()
    assert len(chosen) * lengths.max() <= 1024
    assert spread(np.array([5])) == [0]
    assert len(spread(np.array([5000, 3, 4]))) == 2
