"""What is trained is what is saved: a tiny study of each model type, read by plain transformers.

Types that cannot keep this promise must be refused before anything is trained.
"""

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from small_studies import make_split
from steadytune import Recipe, Seeds, Study, TaskChoice, conduct, encoders
from steadytune.encoders import Sample, Tokenized, checkpoint, try_saving
from steadytune.errors import BadInput
from steadytune.ledger import Ledger
from tiny_types import SETTINGS, make_type

CPU = torch.device("cpu")
RECIPE = Recipe(name="tiny", lr=1e-2, steps=3, batch_size=8, max_length=48, precision="fp32")
PADDING = "what it says of a text depends on the padding of the batch"
REFUSED = {
    "canine": "classifying three texts fails",  # texts of fewer than four tokens
    "convbert": PADDING,  # its convolutions see it
    "fnet": PADDING,  # its Fourier transform sees it
    "nystromformer": PADDING,  # its landmarks are means over it
    "reformer": "a training step fails",  # all texts must have one length
    "yoso": PADDING,  # its hashes see it
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with texts.csv and pairs.csv, 24 rows to train on and 16 held out."""
    folder = tmp_path_factory.mktemp("rows")
    for name, pairs in (("texts", False), ("pairs", True)):
        split = make_split(40, 0, pairs)
        seconds = split.pairs or [""] * 40
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["text", "second", "label"])
            writer.writerows(zip(split.texts, seconds, split.labels.tolist(), strict=True))
    return folder


def study_of(folder: Path, files: Path, recipe: Recipe = RECIPE) -> Study:
    choice = {"dev_share": 0.4}
    return Study(
        recipes=(recipe,),
        tasks=(
            TaskChoice(str(files / "texts.csv"), **choice),
            TaskChoice(str(files / "pairs.csv"), pair="second", **choice),
        ),
        encoders=(str(folder),),
        seeds=(Seeds.tied(0),),
        evaluate="end",
        keep="last",
        diagnostics="off",
    )


def conducted(study: Study, out: Path) -> tuple[conduct.Loaded, Ledger]:
    loaded = conduct.load(study, CPU)
    ledger = conduct.open_ledger(loaded, out)
    conduct.run_study(loaded, ledger, "sequential")
    return loaded, ledger


@torch.no_grad()
def plain(folder: Path, texts: Any, pairs: Any, batch: int) -> NDArray[np.float32]:
    """What anybody's script computes."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    found = []
    for i in range(0, len(texts), batch):
        second = None if pairs is None else list(pairs[i : i + batch])
        inputs = tokenizer(
            list(texts[i : i + batch]), second, truncation=True, padding=True, return_tensors="pt"
        )
        found.append(model(**inputs).logits)
    return torch.cat(found).numpy()


def differences(loaded: conduct.Loaded, ledger: Ledger) -> dict[str, float]:
    """Largest difference between outputs on record and those of plain transformers, by task."""
    found = {}
    for run in loaded.runs:
        record = ledger.record(run.id)
        assert record is not None
        assert record.state == "finished", record.error
        split = loaded.tasks[run.task.title].dev["dev"]
        recorded = ledger.predictions(run.id, RECIPE.steps or 0, "dev").outputs
        folder = ledger.model_folder(run.id)
        each = [plain(folder, split.texts, split.pairs, batch) for batch in (1, 7)]
        found["pairs" if split.pairs else "texts"] = max(
            float(np.abs(recorded - outputs).max()) for outputs in each
        )
    return found


@pytest.mark.parametrize("model_type", sorted(SETTINGS.keys() - REFUSED.keys()))
def test_plain_transformers_gives_the_predictions_on_record(
    model_type: str, files: Path, tmp_path: Path
) -> None:
    loaded, ledger = conducted(
        study_of(make_type(tmp_path / "encoder", model_type), files), tmp_path / "study"
    )
    assert max(differences(loaded, ledger).values()) < 1e-5


@pytest.mark.parametrize("model_type", REFUSED)
def test_types_that_cannot_are_refused_before_training(
    model_type: str, files: Path, tmp_path: Path
) -> None:
    folder = make_type(tmp_path / "encoder", model_type)
    with pytest.raises(BadInput, match=rf"{folder}: a '{model_type}' model cannot") as refusal:
        conduct.load(study_of(folder, files), CPU)
    assert REFUSED[model_type] in str(refusal.value)


def test_a_run_whose_folder_predicts_otherwise_crashes(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken member: weights that change on their way to the disk."""
    write = checkpoint.write

    def spoil(tensors: Mapping[str, torch.Tensor], folder: Path) -> None:
        write({n: t + 0.1 if n == "classifier.bias" else t for n, t in tensors.items()}, folder)

    monkeypatch.setattr(checkpoint, "write", spoil)
    folder = make_type(tmp_path / "encoder", "bert")
    loaded, ledger = conducted(study_of(folder, files), tmp_path / "study")
    for run in loaded.runs:
        record = ledger.record(run.id)
        assert record is not None
        assert record.state == "crashed"
        assert f"the kept model of run {run.id} predicts otherwise in plain" in str(record.error)
        assert not ledger.model_folder(run.id).exists()


def test_a_tokenizer_that_is_saved_otherwise_is_refused_before_training(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = encoders.load(str(make_type(tmp_path / "encoder", "bert")))
    plainly = loaded.tokenize

    def marked(*args: Any) -> Tokenized:
        found = plainly(*args)
        return replace(found, segments=np.ones_like(found.segments))

    monkeypatch.setattr(loaded, "tokenize", marked)
    sample = Sample(32, True, ("a cat", "a dog"), ("sat", "the mat"))
    with pytest.raises(BadInput, match="its tokenizer gives other token type ids"):
        try_saving(loaded, 2, ("no", "yes"), sample)
