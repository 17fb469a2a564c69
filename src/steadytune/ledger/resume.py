"""Resuming: whether a run can go on from its snapshot, and what must be gone before it does."""

from __future__ import annotations

import logging
import shutil

from steadytune.errors import Damaged, Unreadable
from steadytune.ledger.arrays import SnapshotHeader, snapshot_header
from steadytune.ledger.run_folder import RunFolder
from steadytune.ledger.sums import misfit
from steadytune.records import FileSum

_log = logging.getLogger(__name__)


def usable_snapshot(folder: RunFolder, run: str) -> SnapshotHeader | None:
    """The header of the snapshot, if all that lay beside it then is there, byte for byte.

    Raises:
        Unreadable: the system refuses to give a file.
    """
    try:
        header = snapshot_header(folder.snapshot_file, run)
        for name, wanted in header.files.items():
            grows = name.endswith(".jsonl")
            if found := misfit(folder.path / name, wanted, whole=True, prefix=grows):
                raise Damaged(f"{folder.path / name}: {found}")
    except FileNotFoundError:
        return None
    except Unreadable:
        raise
    except Damaged as problem:
        _log.warning("%s; run %s starts over", problem, run)
        return None
    return header


def remove_later(folder: RunFolder, header: SnapshotHeader) -> dict[str, FileSum]:
    """Remove weights and predictions of steps after the snapshot; what stays, logs aside."""
    kept = {name: of for name, of in header.files.items() if not name.endswith(".jsonl")}
    models = {path for step, path in folder.models().items() if step > header.step}
    for path in {folder.model_folder, *models}:
        shutil.rmtree(path, ignore_errors=True)
    for path in folder.predictions_folder.glob("*"):
        if str(path.relative_to(folder.path)) not in kept:
            path.unlink()
    folder.remove_temporary()
    return kept
