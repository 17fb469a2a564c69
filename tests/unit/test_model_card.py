"""Model cards: beside kept models only, with the numbers of the whole cell."""

from dataclasses import replace

import yaml

from steadytune.analysis.cells import cells
from steadytune.analysis.summary import summarize
from steadytune.ledger import Ledger
from steadytune.ledger.durable import replace_json
from steadytune.reports.model_card import Kept, model_card, write_model_cards
from synthetic import conduct, study_of


def kept_ledger(folder, hostile=False):
    ledger = conduct(study_of(folder, 4, hostile=hostile), "ggfn", hostile=hostile)
    plan = replace(ledger._plan, study=replace(ledger.study, keep="last"))
    replace_json(folder / "study.json", plan.as_json())
    return Ledger.open(folder)


def test_cards_lie_beside_kept_models_only(tmp_path):
    ledger = kept_ledger(tmp_path / "study")
    first, second, *_ = (row.id for row in ledger.planned)
    ledger.model_folder(first).mkdir()
    write_model_cards(ledger)
    text = (ledger.model_folder(first) / "README.md").read_text()
    assert not ledger.model_folder(second).exists()
    assert "one of 4 runs" in text
    assert "2 failed, 1 of them diverged" in text
    write_model_cards(ledger)
    assert (ledger.model_folder(first) / "README.md").read_text() == text


def test_metadata_reads_back_and_names_are_no_markup(tmp_path):
    ledger = kept_ledger(tmp_path / "study", hostile=True)
    (cell,) = cells(ledger)
    (row,) = summarize([cell])
    record = cell.records[0]
    assert record.last is not None
    text = model_card(Kept(record, record.last, cell, row), "last")
    head, _, body = text.removeprefix("---\n").partition("\n---\n")
    metadata = yaml.safe_load(head)
    (result,) = metadata["model-index"][0]["results"]
    assert result["metrics"][0]["value"] == record.last.metrics["dev"]["accuracy"]
    title = body.strip().splitlines()[0]
    assert "<script>" not in title.replace("\\<", "")
    assert "<script>" not in body.partition("| task")[2].partition("## Training")[0]


def test_folders_of_this_machine_stay_private(tmp_path):
    (cell,) = cells(kept_ledger(tmp_path / "study"))
    record = replace(
        cell.records[0], encoder=replace(cell.records[0].encoder, name="/home/me/secret/tiny")
    )
    (row,) = summarize([replace(cell, encoder="/home/me/secret/tiny")])
    assert record.last is not None
    text = model_card(Kept(record, record.last, cell, row), "last")
    assert "tiny" in text
    assert "secret" not in text
