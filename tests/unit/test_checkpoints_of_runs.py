"""From a study whose weights were kept to every measurement on them."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from small_studies import make_split
from steadytune import runner
from steadytune.catalogue import CATALOGUE
from steadytune.checkpoints.kept import KeptRuns
from steadytune.checkpoints.of_runs import (
    forgetting_along_of,
    forgetting_of,
    segment_of,
    states_of,
    surface_of,
)
from steadytune.checkpoints.save_weights import without_states
from steadytune.encoders import Pretrained
from steadytune.errors import BadInput
from steadytune.ledger import Ledger, check_comparable, grid, read_states
from steadytune.stats.barrier import barrier
from steadytune.stats.similarity import layer_similarity, linear_cka
from steadytune.study_file import Options, assemble
from tiny_models import make_tiny, sentences

CPU = torch.device("cpu")
SMALL = [
    *("recipe.max_length=48", "recipe.lr=1e-3", "recipe.batch_size=8", "recipe.steps=12"),
    *("recipe.precision=fp32", "keep=last"),
]


def ledger_of(place, out, *settings, seeds=2):
    options = Options([str(place / "train.csv")], [str(place / "tiny")], seeds=seeds)
    loaded = runner.prepare(assemble(options, [*SMALL, *settings], CATALOGUE), CPU)
    ledger = runner.open_ledger(loaded, out)
    runner.run_study(loaded, ledger)
    return ledger


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("place")
    make_tiny(folder / "tiny", "bert", "ForMaskedLM")
    split = make_split(60, 0)
    names = ["with" if label else "without" for label in split.labels]
    pd.DataFrame({"text": split.texts, "label": names}).to_csv(folder / "train.csv", index=False)
    ledger_of(folder, folder / "study")
    return folder


@pytest.fixture(scope="module")
def ledger(place):
    return Ledger.open(place / "study")


@pytest.fixture(scope="module")
def pair(ledger):
    kept = KeptRuns(ledger, CPU)
    one, other = (kept(row.id) for row in ledger.planned)
    assert one.encoder is other.encoder
    return one, other


def test_weights_are_those_that_were_evaluated(ledger, pair):
    for kept in pair:
        record = ledger.record(kept.run.id)
        outputs = kept.encoder.outputs(
            kept.params, kept.dev.batch(np.arange(len(kept.dev)), CPU), None
        )
        expected = ledger.predictions(kept.run.id, record.last.step, "dev").outputs
        np.testing.assert_allclose(outputs.detach().numpy(), expected, atol=1e-5)


def test_states_without_weights(place, ledger, pair, tmp_path):
    states = ledger_of(place, tmp_path / "states", "keep=states", seeds=1)
    (row,) = states.planned
    assert not states.model_folder(row.id).exists()
    found, expected = read_states(states.states_file(row.id)), states_of(pair[0])
    assert found.about == expected.about
    np.testing.assert_array_equal(found.states, expected.states)


def test_states_are_refused_where_an_encoder_has_none(place):
    prepare = runner.prepare(Ledger.open(place / "study").study, CPU).prepare
    foreign = replace(prepare, study=replace(prepare.study, keep="states"), encoders={"x": None})
    (problem,) = without_states(foreign)
    assert problem.startswith("x: keep: states needs an encoder of the families")
    assert list(without_states(prepare)) == []


def test_weights_of_every_evaluation(place, ledger, tmp_path):
    every = ledger_of(place, tmp_path / "every", "keep=every", "evaluate=5", seeds=1)
    (row,) = every.planned
    assert list(every.models_along(row.id)) == [5, 10]
    kept = KeptRuns(every, CPU)
    for step in (5, 10):
        then = kept(row.id, step)
        outputs = then.encoder.outputs(
            then.params, then.dev.batch(np.arange(len(then.dev)), CPU), None
        )
        expected = every.predictions(row.id, step, "dev").outputs
        np.testing.assert_allclose(outputs.detach().numpy(), expected, atol=1e-5)
        assert then.about["checkpoint"] == step
    same = KeptRuns(ledger, CPU)(row.id)
    for name, tensor in kept(row.id).params.items():
        torch.testing.assert_close(tensor, same.params[name], rtol=0, atol=0)
    with pytest.raises(BadInput, match=r"no weights of step 7 \(there are 5, 10\)"):
        kept(row.id, 7)

    text = " ".join(sentences(40, 20))
    (tmp_path / "along").mkdir()
    along = forgetting_along_of(
        kept, row.id, text, tmp_path / "along" / "f", block_length=16, most_blocks=6
    )
    assert along.columns["step"].tolist() == [0, 5, 10, 12]
    for step, top, loss in ((5, 0, 1), (10, 0, 2), (None, 0, 3), (None, -1, 0)):
        path = tmp_path / f"{step}-{top}"
        then = kept(row.id, step)
        columns = forgetting_of(then, text, path, block_length=16, most_blocks=6).columns
        chosen = (columns["top"] == top) & (columns["embeddings"] == (top < 0))
        assert along.columns["loss"][loss] == columns["loss"][chosen][0]


def test_forgetting(pair, tmp_path):
    text = " ".join(sentences(40, 20))
    found = forgetting_of(pair[0], text, tmp_path / "f", block_length=16, most_blocks=6)
    assert found.about["run"] == pair[0].run.id
    assert (found.about["block_length"], found.about["blocks"]) == (16, 6)
    loss = found.columns["loss"]
    assert found.columns["top"].tolist() == [-1, 0, 1, 2, 0, 1, 2]
    assert loss[0] == loss[-1]
    assert len(np.unique(loss)) == 6


@pytest.mark.parametrize("fresh_head", ["failed", "successful"])
def test_surface(pair, tmp_path, fresh_head):
    one, other = pair
    found = surface_of(one, other, tmp_path / "s", resolution=7, fresh_head=fresh_head)
    a, b, loss = grid(found, "a", "b", "loss")
    at = {
        place: loss[list(a).index(place[0]), list(b).index(place[1])]
        for place in ((0, 0), (1, 0), (0, 1))
    }
    line = segment_of(one, other, tmp_path / "t", resolution=5)
    assert line.columns["loss"][[0, -1]].tolist() == [at[1, 0], at[0, 1]]
    assert np.isfinite(barrier(line.columns["t"], line.columns["loss"]).height)
    origin = one if fresh_head == "failed" else other
    assert found.about["head"].endswith(f"init seed {origin.run.seeds.init}")
    start = origin.run.encoder.outputs
    tokens = origin.run.train.tokenized.batch(np.arange(48), CPU)
    logits = start(origin.run.start, tokens, None)  # a run without re-initialization
    labels = torch.from_numpy(origin.run.train.labels)
    assert at[0, 0] == pytest.approx(
        float(torch.nn.functional.cross_entropy(logits, labels)), rel=1e-5
    )


def test_states_are_comparable_and_small(pair):
    one, other = (states_of(kept, examples=10) for kept in pair)
    check_comparable(one.about, other.about)
    assert one.states.shape == (2, 10, 32)
    found = layer_similarity([one.states, other.states], linear_cka)
    assert 0.5 < found[1, 0, 1] < found[0, 0, 1] < 1  # the lower, the more alike


def test_what_does_not_belong_together_is_refused(place, pair, tmp_path):
    shorter = ledger_of(place, tmp_path / "shorter", "recipe.max_length=8", seeds=1)
    third = KeptRuns(shorter, CPU)(shorter.planned[0].id)
    with pytest.raises(BadInput, match="do not belong together"):
        surface_of(pair[0], third, tmp_path / "s")
    with pytest.raises(BadInput, match="do not belong together"):
        segment_of(pair[0], third, tmp_path / "s")


def test_runs_that_cannot_be_read(place, ledger, tmp_path):
    with pytest.raises(BadInput, match="has no run 'nobody'"):
        KeptRuns(ledger, CPU)("nobody")
    folder = tmp_path / "copy"
    shutil.copytree(ledger.folder, folder)
    copy = Ledger.open(folder)
    run = copy.planned[0].id
    config = copy.model_folder(run) / "config.json"
    settings = json.loads(config.read_text())
    config.write_text(json.dumps({**settings, "id2label": {"0": "a", "1": "b", "2": "c"}}))
    with pytest.raises(BadInput, match=r"config\.json says"):
        KeptRuns(copy, CPU)(run)
    shutil.rmtree(copy.model_folder(run))
    with pytest.raises(BadInput, match="has no model"):
        KeptRuns(copy, CPU)(run)


def test_data_that_changed_since_is_noticed(place, tmp_path):
    shutil.copytree(place / "tiny", tmp_path / "tiny")
    text = (place / "train.csv").read_text()
    (tmp_path / "train.csv").write_text(text)
    ledger = ledger_of(tmp_path, tmp_path / "study", seeds=1)
    (tmp_path / "train.csv").write_text(text.replace("cat", "dog"))
    with pytest.raises(BadInput, match="not what they were"):
        KeptRuns(ledger, CPU)(ledger.planned[0].id)


def test_pretrained_corner_has_the_runs_own_fresh_head(pair):
    for kept in pair:
        assert isinstance(kept.encoder, Pretrained)
        fresh = kept.encoder.initial(2, kept.run.seeds.init)["head.output.weight"]
        assert torch.equal(kept.pretrained["head.output.weight"], fresh)
    heads = [kept.pretrained["head.output.weight"] for kept in pair]
    assert not torch.equal(*heads)
