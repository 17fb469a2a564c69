"""What only an accelerator can show. Run with ``pytest -m gpu`` where there is one."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from small_studies import RECIPE, SmallStudy, of
from steadytune.executors import Processes, Stacked, Work
from steadytune.executors._room import bytes_of, free_bytes, places_for
from steadytune.recipe import Seeds
from steadytune.records import Finished, Step
from steadytune.seeds import keep_mask
from steadytune.study import plan
from steadytune.training.loop import train
from steadytune.training.prepare import Preparation
from steadytune.training.step import PlainStepper

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
CUDA = torch.device("cuda")
# A large eps keeps Adam from making full steps of gradients that are nothing but rounding.
CALM = replace(RECIPE, eps=1e-3, epochs=2)


class OnCuda(SmallStudy):
    """Five seeds of one recipe, on the accelerator and on the CPU."""

    def __init__(self, folder, recipe=CALM):
        super().__init__(folder, recipe)
        known = {"tiny": self.task}, {self.name: self.encoder}
        self.there = Preparation(self.study, *known, CUDA)

    def runs(self):
        study = replace(self.study, seeds=tuple(Seeds.tied(seed) for seed in range(5)))
        return plan(study, {"tiny": self.task.facts}, {self.name: self.encoder.facts})


@pytest.mark.parametrize("shape", [(1,), (1000, 333), (64, 12, 128, 128)])
def test_masks_are_those_of_the_cpu(shape):
    there = keep_mask(shape, 0.1, CUDA, 5, 12, 0, "layers.1")
    assert torch.equal(
        there.cpu(), keep_mask(shape, 0.1, torch.device("cpu"), 5, 12, 0, "layers.1")
    )


def check_losses(events, study, tolerance):
    for run in study.runs():
        mine = [e.loss for e in of(Step, events) if e.run == run.id]
        theirs = [e.loss for e in of(Step, train([study.prepare(run)], PlainStepper()))]
        np.testing.assert_allclose(mine, theirs, rtol=tolerance)


def test_a_stack_with_dropout_equals_the_cpu_in_fp32(tmp_path):
    study = OnCuda(tmp_path)
    events = list(Stacked(3).compute(Work(study.runs(), study.there)))
    assert len(of(Finished, events)) == 5
    check_losses(events, study, 2e-3)


def test_a_stack_equals_the_cpu_in_bf16_while_it_is_young(tmp_path):
    study = OnCuda(tmp_path, replace(CALM, precision="bf16", epochs=None, steps=4))
    events = list(Stacked(5).compute(Work(study.runs(), study.there)))
    check_losses(events, study, 5e-2)


def test_processes_have_a_device_each(tmp_path):
    study = OnCuda(tmp_path)
    events = list(Processes().compute(Work(study.runs(), study.there)))
    check_losses(events, study, 2e-3)


def test_room_is_that_of_the_device(tmp_path):
    study = OnCuda(tmp_path)
    ready = study.there(study.runs()[0])
    need = bytes_of(ready)
    assert need >= 16 * sum(tensor.numel() for tensor in ready.start.values())
    free = free_bytes(CUDA)
    assert free is not None
    assert need < free
    assert places_for(ready) > 1
