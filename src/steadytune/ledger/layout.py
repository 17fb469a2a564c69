"""Layout: which of the two forms a study on disk has."""

from __future__ import annotations

from pathlib import Path

from steadytune.ledger.packed_file import packed_file, read_packed
from steadytune.ledger.packed_study import PackedStudy
from steadytune.ledger.readers import StudyReader
from steadytune.ledger.study_folder import StudyFolder


def reader_of(folder: Path) -> StudyReader:
    """The reader of the study in a folder.

    Raises:
        Damaged: it is packed, and its list of files is not what was written there.
        BadInput: a newer steadytune packed it.
    """
    if packed_file(folder).exists():
        return PackedStudy(folder, read_packed(folder))
    return StudyFolder(folder)
