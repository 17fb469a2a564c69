"""The folder that runs write into, as a StudyReader: a folder a run, a file a split of texts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from steadytune.errors import Damaged
from steadytune.ledger.damage import damage
from steadytune.ledger.depth import Damage, Depth
from steadytune.ledger.examples import FOLDER, Examples, examples_file, read_examples
from steadytune.ledger.run_folder import RunFolder
from steadytune.records import RunRecord


class StudyFolder:
    """Reads the folder of a study; see ``readers.StudyReader``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._left_out: set[Path] = set()

    def run(self, run: str) -> RunFolder:
        """The reader of a planned run."""
        return RunFolder(self._folder / "runs" / run)

    def texts(self) -> list[str]:
        """The names of all dev splits whose texts were kept, in order."""
        return [path.stem for path in self._files()]

    def examples(self, name: str) -> Examples | None:
        """The texts of a dev split; None where they were not kept or ``check`` left them out.

        Raises:
            Damaged: they are not what was written there.
        """
        path = examples_file(self._folder, name)
        return None if path in self._left_out else read_examples(path)

    def damage(self, run: str, record: RunRecord, depth: Depth) -> Damage | None:
        """The first damage of a run, as far as one looks.

        Raises:
            Unreadable: the system refuses to give a file.
        """
        return damage(self.run(run), record, depth)

    def check(self, depth: Depth) -> Iterator[str]:
        """A sentence for each file of examples that is damaged, which is left out from then on."""
        for path in self._files() if depth > Depth.RECORDS else ():
            try:
                read_examples(path)
            except Damaged as problem:
                self._left_out.add(path)
                yield str(problem)

    def check_continues(self) -> None:
        """Runs can be written here."""

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob(f"{FOLDER}/*.parquet"))
