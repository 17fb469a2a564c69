"""One run's fault while its events are recorded costs that run; the disk's costs the command."""

import errno
from dataclasses import replace

import pytest

from small_studies import RECIPE, SmallStudy
from steadytune import conduct
from steadytune.errors import BadInput
from steadytune.ledger import Ledger, RunWriter
from steadytune.recipe import Seeds
from steadytune.study import plan


class Kept(SmallStudy):
    """Two runs whose weights are kept, as conduct loads a study."""

    def __init__(self, folder, keep="last"):
        super().__init__(folder, replace(RECIPE, epochs=2), keep=keep)
        study = replace(self.study, seeds=(Seeds.tied(0), Seeds.tied(1)))
        tasks, encoders = {"tiny": self.task}, {self.name: self.encoder}
        runs = plan(study, {"tiny": self.task.facts}, {self.name: self.encoder.facts})
        prepare = replace(self.prepare, study=study)
        self.loaded = conduct.Loaded(study, tasks, encoders, runs, prepare.device, prepare)

    def conduct(self, executor="sequential"):
        ledger = conduct.open_ledger(self.loaded, self.folder / "out")
        conduct.run_study(self.loaded, ledger, executor)
        return ledger


def states(ledger):
    return [row.state.value for row in ledger.records()]


def break_saving(monkeypatch, study, error):
    """Saving the first run's weights fails."""
    real = study.encoder.save
    broken = study.loaded.runs[0].id

    def save(params, folder, *rest):
        if broken in str(folder):
            raise error
        return real(params, folder, *rest)

    monkeypatch.setattr(study.encoder, "save", save)


FAULTS = [
    NotImplementedError("Cannot copy out of meta tensor; no data!"),
    OSError("Can't load tokenizer for 'x'"),  # as transformers says things that are not the disk's
]


@pytest.mark.parametrize("error", FAULTS)
@pytest.mark.parametrize(("keep", "executor"), [("last", "sequential"), ("every", "stacked")])
def test_weights_that_cannot_be_kept_cost_one_run(tmp_path, monkeypatch, error, keep, executor):
    study = Kept(tmp_path, keep)
    with monkeypatch.context() as patch:
        break_saving(patch, study, error)
        ledger = study.conduct(executor)
    assert states(ledger) == ["crashed", "finished"]
    broken, sound = (row.planned.id for row in ledger.records())
    record = ledger.record(broken)
    assert record is not None
    assert str(error) in (record.error or "")
    assert record.last is not None  # what was recorded stays
    assert len(ledger.steps(broken)["step"]) == record.last.step
    assert (ledger.model_folder(sound) / "README.md").is_file()
    assert states(study.conduct(executor)) == ["finished", "finished"]  # mended, the same again


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_every_runs_fault_and_loses_nothing(tmp_path, monkeypatch, error):
    study = Kept(tmp_path)
    with monkeypatch.context() as patch:
        break_saving(patch, study, error)
        with pytest.raises(OSError, match="No space left"):
            study.conduct()
    assert states(Ledger.open(tmp_path / "out")) == ["running", "planned"]
    assert states(study.conduct()) == ["finished", "finished"]


def test_a_run_that_cannot_even_be_begun_is_told_after_all_others(tmp_path, monkeypatch):
    study = Kept(tmp_path)
    broken = study.loaded.runs[0].id
    real = RunWriter.__init__

    def begin(self, folder, record, *more, **others):
        if record.id == broken:
            raise BadInput("run.json: cannot be read")
        real(self, folder, record, *more, **others)

    monkeypatch.setattr(RunWriter, "__init__", begin)
    with pytest.raises(BadInput, match=rf"run {broken}: .*run.json: cannot be read"):
        study.conduct()
    assert states(Ledger.open(tmp_path / "out")) == ["planned", "finished"]
