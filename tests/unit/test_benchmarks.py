"""The arithmetic of the benchmarks; that they run is seen when they do."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from benchmarks import table
from benchmarks.clock import Clock
from benchmarks.competitors import Competitor, competitors
from benchmarks.measure import KINDS
from benchmarks.measurement import MEASURED, Measured, Spec
from benchmarks.products import count, multiply
from benchmarks.shapes import LENGTHS, PACKAGED, encoder_folder, task_choice
from benchmarks.turns import Patience, Result, Skipped, _foresee, common

from steadytune import tasks
from steadytune.encoders import load

GIB = 1 << 30


def stack(places: int, seconds: float, peak: int) -> Result:
    competitor = Competitor(f"stack of {places}", "stack", "fp32", places=places, uniform=False)
    return Result(competitor, [Measured([seconds] * 3, [], 100.0, peak)])


def test_a_clock_stops_after_its_steps_and_leaves_the_warm_up_out() -> None:
    clock = Clock(steps=3, limit=60.0)
    assert [clock.tick() for _ in range(5)] == [False, False, False, False, True]
    assert len(clock.seconds) == 3


def test_a_clock_measures_two_steps_even_when_the_time_is_up() -> None:
    clock = Clock(steps=100, limit=0.0)
    assert [clock.tick() for _ in range(4)] == [False, False, False, True]


def test_of_several_processes_only_common_time_counts() -> None:
    early = Measured([1.0, 1.0, 1.0], [1.0, 2.0, 3.0], 10.0, 5)
    late = Measured([2.0, 2.0], [2.5, 4.5], 20.0, 7)
    both = common([early, late])
    assert both.seconds == [1.0, 1.0, 2.0]  # of the second and third second; the last is alone
    assert (both.parallel, both.tokens, both.peak_bytes) == (2, 15.0, 7)


def test_processes_that_never_met_are_skipped() -> None:
    with pytest.raises(Skipped, match="same time"):
        common([Measured([1.0], [1.0], 1.0, 1), Measured([1.0], [9.0], 1.0, 1)])


def test_rates_ratios_and_memory() -> None:
    trainer = Result(Competitor("Trainer fp32", "trainer", "fp32"), [Measured([2.0], [], 90.0, 9)])
    results = [trainer, stack(2, 0.5, 3 * GIB), stack(4, 0.25, 5 * GIB)]
    needed = {"flops_per_token": 10.0, "steps_per_epoch": 4, "fp32 product_rate": 8000.0}
    row = table.row(results[1], needed)
    assert row["run_steps_per_second"] == 2.0
    assert row["study_seconds"] == 25 * 3 * 4 / 2
    assert row["share_of_product_rate"] == 2.0 * 100 * 10 / 8000
    assert table.ratios(results) == {
        "stack of 2 / Trainer fp32": 4.0,
        "stack of 4 / Trainer fp32": 8.0,
    }
    assert table.memory_a_run(results) == pytest.approx({"ragged fp32": GIB})


def test_a_stack_that_takes_too_long_or_too_much_is_not_begun() -> None:
    wanted = Competitor("stack of 16", "stack", "fp32", places=16, uniform=False)
    with pytest.raises(Skipped, match="take about 64 s"):
        _foresee(wanted, [stack(4, 1.0, GIB)], Patience(9, 9, process=60))
    with pytest.raises(Skipped, match="GiB"):
        _foresee(wanted, [stack(2, 0.1, GIB), stack(4, 0.1, 10000 * GIB)], Patience(9, 9, 60))
    _foresee(wanted, [stack(2, 0.1, GIB), stack(4, 0.1, GIB)], Patience(9, 9, 60))


def test_every_competitor_is_of_a_kind_that_can_be_measured() -> None:
    found = competitors((2, 16))
    assert len({each.name for each in found}) == len(found)
    assert {each.kind for each in found} <= set(KINDS)


def test_synthetic_sentences_have_the_length_that_they_are_called_by(tmp_path: Path) -> None:
    choice = task_choice("length-16", None, tmp_path)
    split = tasks.load(choice).train
    tokenized = load(PACKAGED).tokenize(split.texts[:50], None, 128, True)
    assert set(tokenized.lengths) == {LENGTHS["length-16"]}


def test_a_shape_without_checkpoint_loads(tmp_path: Path) -> None:
    assert load(str(encoder_folder("minilm-2", tmp_path))).depth == 2


def test_counted_products_are_most_of_the_operations(tmp_path: Path) -> None:
    choice = task_choice("length-16", None, tmp_path)
    spec = Spec("count", str(encoder_folder(PACKAGED, tmp_path)), choice, 0, 1, 0.0, "fp32", 1)
    threads = torch.get_num_threads()
    counted = count(spec)
    assert torch.get_num_threads() == threads
    products = sum(2 * times * m * k * n for times, m, k, n in counted.products)
    assert 0.9 * counted.flops < products <= counted.flops
    small = Spec("multiply", "", choice, 0, 1, 0.0, "fp32", 1, products=((3, 4, 5, 6),))
    assert multiply(small).flops == 3 * 2 * 4 * 5 * 6
    assert MEASURED.validate_json(MEASURED.dump_json(counted)) == counted
