"""Damage: what of a run is no longer as it was written."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import NamedTuple

from steadytune.errors import Damaged
from steadytune.ledger.run_folder import RunFolder
from steadytune.ledger.sums import misfit
from steadytune.records import RunRecord

CARD = "README.md"  # beside kept weights; written again whenever other runs have ended


class Depth(IntEnum):
    """How far files are looked at.

    RECORDS: records are read; of other files presence and size. CONTENTS: every byte but those of
    kept weights. EVERYTHING: these, too.
    """

    RECORDS = 0
    CONTENTS = 1
    EVERYTHING = 2


class Part(Enum):
    """What is damaged: the record itself, the rest of what tells of the run, or kept weights."""

    RECORD = "record"
    CONTENTS = "contents"
    WEIGHTS = "weights"


class Damage(NamedTuple):
    """What is wrong, as a sentence, and with what."""

    sentence: str
    of: Part


def damage(folder: RunFolder, record: RunRecord, depth: Depth) -> Damage | None:
    """The first damage of a run, as far as one looks.

    Records of earlier versions have no checksums: files of theirs are read, and none is missed.

    Raises:
        Unreadable: the system refuses to give a file.
    """
    for name, wanted in record.files.items():
        weights = name.startswith(("model/", "models/", "../"))
        path = folder.path / name
        whole = depth >= (Depth.EVERYTHING if weights else Depth.CONTENTS)
        if found := misfit(path, wanted, whole):
            return Damage(f"{path}: {found}", Part.WEIGHTS if weights else Part.CONTENTS)
    if not record.files and depth >= Depth.CONTENTS:
        try:
            _read_all(folder, record)
        except Damaged as problem:
            return Damage(str(problem), Part.CONTENTS)
    return None


def _read_all(folder: RunFolder, record: RunRecord) -> None:
    folder.steps()
    folder.diagnostics()
    folder.evaluations()
    for point in filter(None, (record.last, record.best)):
        for split in point.metrics:
            path = folder.predictions_file(point.step, split)
            if path.exists():
                found = folder.predictions(point.step, split)
                if len(found.labels) != record.task.dev_examples[split]:
                    raise Damaged(
                        f"{path}: damaged ({len(found.labels)} rows for "
                        f"{record.task.dev_examples[split]} examples)"
                    )
