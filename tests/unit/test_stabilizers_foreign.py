"""Stabilizers on encoders that run through transformers' own module."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from small_studies import RECIPE, SmallStudy, kept, losses, of
from steadytune.errors import BadInput
from steadytune.procedure import Through
from steadytune.recipe import StabilizerChoice
from steadytune.records import Evaluation
from steadytune.training import prepare

SHORT = replace(RECIPE, epochs=None, steps=3, batch_size=6)


def study_with(folder, name, settings=None, family="modernbert"):
    chosen = (StabilizerChoice(name, settings or {}),)
    return SmallStudy(folder, replace(SHORT, stabilizers=chosen), family=family, keep="last")


@pytest.mark.parametrize("name", ["free_lb", "neftune"])
def test_word_vectors_are_perturbed_through_the_model_itself(tmp_path, name):
    events = study_with(tmp_path, name).events()
    plain = SmallStudy(tmp_path, SHORT, family="modernbert").events()
    assert losses(events) == losses(study_with(tmp_path, name).events())
    assert all(a != b for a, b in zip(losses(events)[1:], losses(plain)[1:], strict=True))


def test_a_perturbation_sees_real_tokens_alone_and_in_order(tmp_path):
    """What it is given for a packed batch is what the table of word vectors has."""
    study = SmallStudy(tmp_path, SHORT, family="modernbert")
    ready, seen = study.prepare(study.run), []
    batch, _ = ready.batch(0)
    table = next(x for n, x in ready.start.items() if n.endswith("tok_embeddings.weight"))

    def perturb(site, rows):
        seen.append((site, rows.detach()))
        return rows

    ready.encoder.outputs(ready.start, batch, ready.dropout_at(0, 0), perturb)
    ((site, rows),) = seen
    assert site == "embeddings.word"
    torch.testing.assert_close(rows, table[batch.tokens_T])


def test_lora_says_which_matrices_there_are(tmp_path):
    study = study_with(tmp_path, "lora")
    with pytest.raises(BadInput, match=r"targets='query_value'.* its layers have .*Wqkv"):
        study.prepare(study.run)


@pytest.mark.parametrize(
    ("family", "targets"), [("modernbert", "all"), ("deberta-v2", "query_value")]
)
def test_lora_is_merged_into_the_saved_folder(tmp_path, family, targets):
    study = study_with(tmp_path, "lora", {"targets": targets}, family)
    events = study.events()
    weights = {n: torch.from_numpy(x) for n, x in kept(events).items()}
    study.encoder.save(weights, tmp_path / "saved", study.task.label_names)
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "saved").eval()
    dev = study.task.dev["dev"]
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "saved")
    batch = tokenizer(list(dev.texts), padding=True, return_tensors="pt")
    with torch.no_grad():
        outputs = model(**batch).logits.numpy()
    np.testing.assert_allclose(of(Evaluation, events)[-1].outputs, outputs, atol=1e-4)


def test_what_perturbs_layers_is_refused_in_words(tmp_path, monkeypatch):
    study = SmallStudy(tmp_path, SHORT, family="modernbert")
    real = prepare.build

    def noisy(*given, **named):
        procedure = real(*given, **named)
        inner = procedure.loss

        def loss(forward, labels):
            return inner(Through(forward, perturb=lambda site, rows: rows), labels)

        needs = frozenset({"layer_inputs"})
        return replace(procedure, loss=loss, needs=needs, filled_by=("loss: noise on layers",))

    monkeypatch.setattr(prepare, "build", noisy)
    with pytest.raises(BadInput, match=r"perturb layer inputs \(loss: noise on layers\)"):
        study.prepare(study.run)
    native = SmallStudy(tmp_path, SHORT)
    assert native.prepare(native.run).procedure.needs
