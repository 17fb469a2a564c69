"""Streams are functions of their coordinates and of nothing else."""

import numpy as np
import pytest
import torch

from steadytune.philox import compiled, words
from steadytune.seeds import _keep_mask_there, ambient, generator, keep_mask, keep_rate, stream

CPU = torch.device("cpu")

GOLDEN_WORDS = [3066450160827821610, 4535223520269677951]
GOLDEN_ORDER = [5, 7, 6, 1, 0, 3, 4, 2]


def test_a_stream_is_its_coordinates():
    one = stream("dropout", 3, 10, "layers.1").random_raw(4)
    assert (stream("dropout", 3, 10, "layers.1").random_raw(4) == one).all()
    for other in [
        stream("order", 3, 10, "layers.1"),
        stream("dropout", 4, 10, "layers.1"),
        stream("dropout", 3, 11, "layers.1"),
        stream("dropout", 3, 10, "layers.11"),
        stream("dropout", 31, 0, "layers.1"),
    ]:
        assert (other.random_raw(4) != one).any()


def test_streams_do_not_move_each_other():
    first = generator("order", 0, 0)
    generator("order", 0, 1).random(100)
    assert first.random() == generator("order", 0, 0).random()


def test_the_numbers_stay_what_they_are():
    """Golden: a change here changes every run that was ever recorded."""
    assert stream("order", 0, 0).random_raw(2).tolist() == GOLDEN_WORDS
    assert generator("order", 0, 0).permutation(8).tolist() == GOLDEN_ORDER


def test_keep_mask_has_the_rate_that_it_says():
    for drop in (0.1, 0.5, 0.9):
        mask = keep_mask((1000, 1001), drop, CPU, 0, 1, "site").numpy()
        assert mask.shape == (1000, 1001)
        assert mask.dtype == bool
        assert abs(mask.mean() - keep_rate(drop)) < 5 * np.sqrt(drop * (1 - drop) / 1e6)
        assert abs(keep_rate(drop) - (1 - drop)) <= 2**-17


def test_nothing_is_dropped_at_rate_zero():
    assert keep_mask((50, 3), 0.0, CPU, 0, 0, "site").all()


@pytest.mark.parametrize("key", [(0, 0), (1, 2), (2**64 - 1, 2**63), (0x9E3779B97F4A7C15, 12345)])
def test_philox_on_a_device_is_numpys(key):
    numpys = np.random.Philox(key=np.array(key, dtype=np.uint64)).random_raw(1001)
    assert (words(key, 1001, CPU).numpy().view(np.uint64) == numpys).all()


def test_philox_does_without_a_compiler(monkeypatch, caplog):
    def no_compiler(function, dynamic):
        raise RuntimeError("no compiler here")

    monkeypatch.setattr(torch, "compile", no_compiler)
    make = compiled.__wrapped__(CPU)
    key = torch.tensor(1), torch.tensor(2)
    assert torch.equal(make(*key, 3).view(-1), words((1, 2), 12, CPU))
    assert "no compiler here" in caplog.text


@pytest.mark.parametrize("shape", [(1,), (7, 3), (64, 33)])
def test_masks_drawn_on_a_device_are_those_of_the_cpu(shape):
    there = _keep_mask_there(shape, 0.3, CPU, 5, 12, 0, "layers.1")
    assert torch.equal(there, keep_mask(shape, 0.3, CPU, 5, 12, 0, "layers.1"))


def test_masks_of_neighbouring_elements_are_independent():
    mask = keep_mask((400_000,), 0.5, CPU, 7, 0, "site").numpy().astype(float)
    for lag in (1, 2, 3, 4, 8):
        assert abs(np.corrcoef(mask[:-lag], mask[lag:])[0, 1]) < 0.01


def test_ambient_is_keyed_and_leaves_no_trace():
    before = torch.get_rng_state()
    with ambient(5, 3):
        one = torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)
    with ambient(5, 3):
        assert torch.equal(torch.rand(3), one)
    with ambient(5, 4):
        assert not torch.equal(torch.rand(3), one)
