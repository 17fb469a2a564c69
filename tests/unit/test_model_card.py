"""Model cards: beside kept models only, with the numbers of the whole cell and valid metadata."""

from dataclasses import replace

import pytest
from huggingface_hub import ModelCard
from huggingface_hub.utils import validate_repo_id

from steadytune import encoders
from steadytune.analysis.cells import cells
from steadytune.analysis.summary import summarize
from steadytune.ledger import Ledger
from steadytune.ledger.durable import replace_json
from steadytune.metrics import METRICS
from steadytune.reports.model_card import GLUE, METRIC_IDS, Kept, model_card, write_model_cards
from steadytune.study import TaskChoice
from synthetic import HOSTILE, conduct, study_of


def kept_ledger(folder, hostile=False, scores=False):
    made = study_of(folder, 4, hostile=hostile, scores=scores)
    ledger = conduct(made, "ggfn", hostile=hostile, scores=scores)
    plan = replace(ledger._plan, study=replace(ledger.study, keep="last"))
    replace_json(folder / "study.json", plan.as_json())
    return Ledger.open(folder)


def kept_of(ledger, task=None, encoder=None, base_model=None, recipe=None, point=None):
    """A kept run whose task, encoder and recipe are called otherwise."""
    (cell,) = cells(ledger)
    choice = task or ledger.study.tasks[0]
    record = cell.records[0]
    assert record.last is not None
    if encoder is not None:
        record = replace(record, encoder=replace(record.encoder, name=encoder))
        cell = replace(cell, encoder=encoder)
    record = replace(record, task=replace(record.task, name=choice.title))
    cell = replace(cell, task=choice.title, recipe=recipe or cell.recipe)
    (row,) = summarize([cell])
    return Kept(record, point or record.last, cell, row, choice, base_model)


def parsed(kept):
    """The card as the Hub's own library reads it, which checks the results."""
    text = model_card(kept, "last")
    assert text.encode()
    card = ModelCard(text)
    assert card.text.strip().startswith("# ")
    if card.data.base_model is not None:
        validate_repo_id(card.data.base_model)
    return card


def test_cards_lie_beside_kept_models_only(tmp_path):
    ledger = kept_ledger(tmp_path / "study")
    first, second, *_ = (row.id for row in ledger.planned)
    ledger.model_folder(first).mkdir()
    write_model_cards(ledger, {})
    text = (ledger.model_folder(first) / "README.md").read_text()
    assert not ledger.model_folder(second).exists()
    assert "one of 4 runs" in text
    assert "2 failed, 1 of them diverged" in text
    assert "base_model" not in text
    write_model_cards(ledger, {})
    assert (ledger.model_folder(first) / "README.md").read_text() == text


def test_metadata_of_a_named_task_and_encoder(tmp_path):
    kept = kept_of(
        kept_ledger(tmp_path / "study"),
        TaskChoice("glue/rte", train_size=100),
        "minilm",
        encoders.hub_id("minilm"),
    )
    data = parsed(kept).data
    assert data.base_model == "sentence-transformers/all-MiniLM-L6-v2"
    assert (data.datasets, data.library_name) == ([GLUE], "transformers")
    assert data.pipeline_tag == "text-classification"
    (result,) = data.eval_results
    assert (result.dataset_type, result.dataset_config) == (GLUE, "rte")
    assert (result.metric_type, result.metric_value) == (
        "accuracy",
        kept.point.metrics["dev"]["accuracy"],
    )
    downloaded = replace(kept, choice=replace(kept.choice, data_dir="/home/me/GLUE"))
    assert parsed(downloaded).data.datasets is None
    assert "/home" not in model_card(downloaded, "last")


PATHS = [
    "reviews.csv",
    "data/private/reviews.csv",
    "/home/me/secret/reviews.csv",
    r"C:\private\reviews.csv",
    "glue/rte.csv",
    "~/secret/re views: #1.csv",
    "secret/\u2028.csv",
]


@pytest.mark.parametrize("path", PATHS)
def test_files_and_folders_of_this_machine_stay_private(tmp_path, path):
    task = TaskChoice(path, dev="/home/me/secret/dev.csv", pair="other")
    kept = kept_of(kept_ledger(tmp_path / "study"), task, "/home/me/secret/tiny")
    text, data = model_card(kept, "last"), parsed(kept).data
    assert "tiny" in text
    assert "secret" not in text.replace("\\", "")
    assert "private" not in text
    assert data.base_model is None
    assert data.datasets is None
    (result,) = data.eval_results
    assert result.dataset_type == "csv"
    assert "dev=dev.csv" in result.dataset_name


@pytest.mark.parametrize("name", [*HOSTILE, "- a: b", "'", "# no", "no", "1.5", "a\tb\x85c"])
def test_metadata_reads_back_and_names_are_no_markup(tmp_path, name):
    kept = kept_of(
        kept_ledger(tmp_path / "study", hostile=True), TaskChoice(name), name, None, recipe=name
    )
    card = parsed(kept)
    (result,) = card.data.eval_results
    assert result.metric_value == kept.point.metrics["dev"]["accuracy"]
    assert isinstance(result.dataset_name, str)
    title = card.text.strip().splitlines()[0]
    assert "<script>" not in title.replace("\\<", "")
    table = card.text.partition("| task")[2].partition("## Training")[0]
    assert "<script>" not in table


def test_a_card_of_scores(tmp_path):
    kept = kept_of(kept_ledger(tmp_path / "study", scores=True))
    (result,) = parsed(kept).data.eval_results
    assert (result.metric_type, result.metric_name) == ("pearsonr", "pearson on dev")
    assert set(METRIC_IDS) < set(METRICS)


def test_a_value_that_is_not_finite_is_no_result(tmp_path):
    kept = kept_of(kept_ledger(tmp_path / "study"))
    metrics = {"dev": {**kept.point.metrics["dev"], "accuracy": float("nan")}}
    kept = replace(kept, point=replace(kept.point, metrics=metrics))
    data = parsed(kept).data
    assert data.eval_results is None
    assert "model-index" not in data.to_dict()


def test_hub_ids_of_encoders(tmp_path, monkeypatch):
    assert encoders.hub_id("bert-base-uncased") == "google-bert/bert-base-uncased"
    assert encoders.hub_id("org/model") == "org/model"
    assert encoders.hub_id("/home/me/tiny") is None
    assert encoders.hub_id("./tiny") is None
    monkeypatch.chdir(tmp_path)
    (tmp_path / "org" / "model").mkdir(parents=True)
    assert encoders.hub_id("org/model") is None  # the folder is what is loaded
    for name in encoders.TABLE:
        validate_repo_id(encoders.hub_id(name) or "")
