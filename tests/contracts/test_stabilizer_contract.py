"""Every stabilizer of the table, found by itself, against what holds for all of them."""

from dataclasses import dataclass, fields, replace
from typing import ClassVar

import pytest

from small_studies import RECIPE, SmallStudy, losses
from steadytune import stabilizers
from steadytune.procedure import Procedure
from steadytune.recipe import StabilizerChoice

STRONG = {"mixout": {"p": 0.5}, "pretrained_decay": {"rate": 0.5}, "reinit_layers": {"top": 1}}
IDENTITY = {  # settings at which a stabilizer changes nothing, where it has them
    "mixout": {"p": 0.0},
    "reinit_layers": {"top": 0, "pooler": False},
    "layerwise_lr_decay": {"factor": 1.0},
}


def losses_with(folder, name, settings):
    chosen = (StabilizerChoice(name, settings),)
    return losses(SmallStudy(folder, replace(RECIPE, stabilizers=chosen)).events())


def check_changes_the_training(folder, name):
    assert losses_with(folder, name, STRONG.get(name, {})) != losses(SmallStudy(folder).events())


def check_identity_changes_nothing(folder, name):
    assert losses_with(folder, name, IDENTITY.get(name, {})) == losses(SmallStudy(folder).events())


def check_leaves_the_given_procedure_alone_and_says_what_it_filled(folder, name):
    ready = SmallStudy(folder).prepare(SmallStudy(folder).run)
    before = replace(ready.procedure)
    after = stabilizers.make(StabilizerChoice(name, STRONG.get(name, {}))).apply(ready.procedure)
    assert ready.procedure == before
    assert len(after.filled_by) == len(before.filled_by) + 1


def check_settings_round_trip(name):
    resolved = stabilizers.resolve(StabilizerChoice(name))
    assert set(resolved.settings) == {field.name for field in fields(stabilizers.TABLE[name])}
    assert stabilizers.resolve(resolved) == resolved
    assert stabilizers.make(resolved) == stabilizers.make(StabilizerChoice(name))


@pytest.mark.parametrize("name", stabilizers.TABLE)
def test_every_stabilizer(tmp_path, name):
    check_settings_round_trip(name)
    check_changes_the_training(tmp_path, name)
    check_leaves_the_given_procedure_alone_and_says_what_it_filled(tmp_path, name)


@pytest.mark.parametrize("name", IDENTITY)
def test_every_identity(tmp_path, name):
    check_identity_changes_nothing(tmp_path, name)


@dataclass(frozen=True)
class Broken:
    """Does nothing, says nothing."""

    name: ClassVar[str] = "broken"
    summary: ClassVar[str] = ""

    def apply(self, procedure: Procedure) -> Procedure:
        return procedure


def test_a_broken_stabilizer_is_found_out(tmp_path, monkeypatch):
    monkeypatch.setitem(stabilizers.TABLE, "broken", Broken)
    with pytest.raises(AssertionError):
        check_changes_the_training(tmp_path, "broken")
    with pytest.raises(AssertionError):
        check_leaves_the_given_procedure_alone_and_says_what_it_filled(tmp_path, "broken")
