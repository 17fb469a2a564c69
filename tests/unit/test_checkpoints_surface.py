"""Surfaces, segments and layer states equal plain computations with transformers' own models."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from small_studies import CPU, SmallStudy, make_task
from steadytune.checkpoints.objective import Objective
from steadytune.checkpoints.representations import layer_states
from steadytune.checkpoints.surface import axis, on_plane, on_segment, segment, surface
from steadytune.encoders import Pretrained
from steadytune.errors import BadInput
from steadytune.ledger import grid
from steadytune.procedure import Params
from steadytune.seeds import generator
from steadytune.training.ready import ReadyRun

PLACES = (-0.5, 0.0, 1.0)


def near(params: Params, seed: int, far: float) -> dict[str, torch.Tensor]:
    """Other weights than ``params``, as another run would leave them."""
    draw = generator("init", seed)
    return {
        name: value + torch.from_numpy(draw.normal(0, far, tuple(value.shape))).float()
        for name, value in params.items()
    }


@pytest.fixture(scope="module", params=["bert", "roberta", "scores"])
def setting(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    scores = request.param == "scores"
    study = SmallStudy(
        folder, task=make_task(scores=scores), family="bert" if scores else request.param
    )
    run = study.prepare(study.run)
    whole = study.encoder.initial(study.task.num_outputs, 0)
    corners = [whole, near(whole, 1, 0.05), near(whole, 2, 0.1)]
    return study, run, corners, folder


def trimmed(run: ReadyRun, corners: list[dict[str, torch.Tensor]]) -> Any:
    return tuple(run.vocabulary.trimmed(params) for params in corners)


def by_transformers(study: SmallStudy, params: Params, folder: Path) -> tuple[float, float, float]:
    """Loss over the whole training set and its gradient norms, from the saved model."""
    study.encoder.save(params, folder / "saved", study.task.label_names)
    model = AutoModelForSequenceClassification.from_pretrained(folder / "saved").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder / "saved")
    train = study.task.train
    inputs = tokenizer(list(train.texts), truncation=True, max_length=48, padding=True)
    inputs = {k: torch.tensor(v) for k, v in inputs.items()}
    labels, outputs = torch.tensor(train.labels), model(**inputs).logits
    if study.task.label_names is None:
        loss = functional.mse_loss(outputs[:, 0], labels.float())
    else:
        loss = functional.cross_entropy(outputs, labels)
    loss.backward()
    squares = {
        n: float(p.grad.pow(2).sum()) for n, p in model.named_parameters() if p.grad is not None
    }
    body = [v for n, v in squares.items() if ".embeddings." in n or ".layer." in n]
    assert 16 < len(body) < len(squares)
    return loss.item(), sum(squares.values()) ** 0.5, sum(body) ** 0.5


def test_corners_are_the_runs_own(setting, tmp_path):
    study, run, corners, folder = setting
    objective = Objective.of(run)
    found = surface(objective, trimmed(run, corners), tmp_path / "s.jsonl", {}, PLACES)
    measured = {
        (a, b): values
        for a, b, *values in zip(
            *(column.tolist() for column in found.columns.values()), strict=True
        )
    }
    assert list(found.columns)[2:] == ["loss", "gradient_norm", "encoder_gradient_norm"]
    assert len(measured) == 9
    for corner, params in zip([(0, 0), (1, 0), (0, 1)], corners, strict=True):
        expected = by_transformers(study, params, folder)
        assert measured[corner] == pytest.approx(expected, rel=1e-4), corner
        again = objective(run.vocabulary.trimmed(params))
        assert measured[corner] == list(again)  # to the last bit
    apart = on_plane(corners[0], corners[1], corners[2], -0.5, 1.0)
    assert measured[-0.5, 1] == pytest.approx(by_transformers(study, apart, folder), rel=1e-4)
    assert found.about["examples"] == 60
    _, _, loss = grid(found, "a", "b", "loss")
    assert np.ptp(loss) > 0.01


def test_a_segment_runs_from_end_to_end(setting, tmp_path):
    _, run, corners, _ = setting
    objective = Objective.of(run)
    _, one, other = trimmed(run, corners)
    found = segment(objective, (one, other), tmp_path / "s", {}, resolution=3, gradient=False)
    assert found.columns["t"].tolist() == [0, 0.5, 1]
    middle = {name: (one[name] + other[name]) / 2 for name in one}
    expected = [objective(at, gradient=False).loss for at in (one, middle, other)]
    assert found.columns["loss"] == pytest.approx(expected, rel=1e-6)
    assert np.isnan(found.columns["gradient_norm"]).all()
    assert expected[0] == pytest.approx(objective(one).loss, rel=1e-6)


def test_a_surface_is_continued(setting, tmp_path):
    _, run, corners, _ = setting
    objective = Objective.of(run, examples=5)
    path = tmp_path / "s"

    def stop(done, wanted):
        if done == 2:
            raise KeyboardInterrupt

    ends = trimmed(run, corners)
    with pytest.raises(KeyboardInterrupt):
        surface(objective, ends, path, {"runs": "x"}, PLACES, watch=stop)
    begun = path.read_bytes()
    told: list[tuple[int, int]] = []
    surface(objective, ends, path, {"runs": "x"}, PLACES, watch=lambda *at: told.append(at))
    assert path.read_bytes().startswith(begun)
    assert told == [(n, 9) for n in range(2, 10)]
    with pytest.raises(BadInput, match="another measurement: runs"):
        surface(objective, ends, path, {"runs": "y"}, PLACES)
    with pytest.raises(BadInput, match="another measurement: examples"):
        surface(Objective.of(run, examples=6), ends, path, {"runs": "x"}, PLACES)


def test_a_subset_is_the_mean_over_its_own_examples(setting):
    _, run, corners, _ = setting
    params = run.vocabulary.trimmed(corners[1])
    few = Objective.of(run, examples=7, subset_seed=3)
    assert len(set(few.chosen.tolist())) == 7
    alone = []
    for example in few.chosen:
        logits = run.encoder.outputs(
            params, run.train.tokenized.batch(np.array([example]), CPU), None
        )
        label = torch.tensor(run.train.labels[[example]])
        forward: Any = lambda i, logits=logits: logits  # noqa: E731
        alone.append(float(run.procedure.loss(forward, label)))
    assert few(params).loss == pytest.approx(np.mean(alone), rel=1e-5)
    assert few.chosen.tolist() != Objective.of(run, 7, subset_seed=4).chosen.tolist()
    for number in (0, 61):
        with pytest.raises(BadInput, match="the training set has 60"):
            Objective.of(run, examples=number)


def test_axes():
    assert len(axis()) == 31
    for resolution in (7, 13, 19, 25, 31, 61, 91):
        assert {-1.5, 0.0, 1.0, 1.5} <= set(axis(resolution))
    assert axis(3, reach=2) == (-2, 0, 2)
    with pytest.raises(BadInput, match="at least 2"):
        axis(1)


def test_weights_that_do_not_fit_are_refused():
    one, other = {"w": torch.zeros(2)}, {"w": torch.zeros(3)}
    with pytest.raises(BadInput, match="different encoders"):
        on_segment(one, other, 0.5)
    with pytest.raises(BadInput, match="different encoders"):
        on_plane(one, one, other, 0, 0)


@pytest.mark.parametrize("family", ["bert", "albert"])
def test_layer_states_equal_transformers(family, tmp_path):
    study = SmallStudy(tmp_path, family=family)
    encoder = study.encoder
    assert isinstance(encoder, Pretrained)
    params = near(encoder.initial(2, 0), 1, 0.05)
    encoder.save(params, tmp_path / "saved", ("a", "b"))
    dev = study.task.dev["dev"]
    tokenized = encoder.tokenize(dev.texts, None, 48, True)
    found = layer_states(encoder, params, tokenized, {"run": "x"}, CPU)
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "saved").eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "saved")
    inputs = tokenizer(list(dev.texts), padding=True, return_tensors="pt")
    with torch.no_grad():
        expected = model(**inputs, output_hidden_states=True).hidden_states
    assert found.states.shape == (2, 40, 32)
    for ours, theirs in zip(found.states, expected[1:], strict=True):
        np.testing.assert_allclose(ours, theirs[:, 0].numpy(), atol=2e-5)
    other = encoder.tokenize(dev.texts[:-1], None, 48, True)
    assert found.about["run"] == "x"
    assert found.about != layer_states(encoder, params, other, {"run": "x"}, CPU).about
