"""Damage: bytes of a study's files that are not what was written, as bad sectors and editors leave.

A command that reads must name the damaged file or not need it; ``steadytune run`` repairs what it
can compute again, or says what is damaged. None of them ends in a traceback or says other numbers
without a word.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.faults.study import Outcome, TinyStudy
from tests.faults.trials import Kill, Tally, compared, sampled

WAYS: dict[str, Callable[[bytes], bytes]] = {
    "flipped": lambda data: (
        data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 0x10]) + data[len(data) // 2 + 1 :]
    ),
    "cut": lambda data: data[: len(data) // 2],
    "zeroed": lambda data: bytes(len(data)),
    "empty": lambda data: b"",
}
READING = ("summary", "diagnose")


def damaged(study: TinyStudy, sample: int | None) -> Iterator[Tally]:
    """Damage one file of each kind in each way, read, run again."""
    tally = Tally("damaged files")
    cases = [
        (folder, path, way)
        for folder in (_finished(study), _unfinished(study))
        for path in _one_of_each_kind(folder / "out")
        for way in WAYS
    ]
    names = ["case"] * len(cases)
    for number in sampled(names, {"case"}, sample):
        original, path, way = cases[number - 1]
        folder = study.new_folder()
        shutil.copytree(original / "out", folder / "out")
        whole = [study.command([name, str(folder / "out")], folder) for name in READING]
        file = folder / "out" / path
        file.write_bytes(WAYS[way](file.read_bytes()))
        where = f"{path} {way}"
        for name, before in zip(READING, whole, strict=True):
            outcome = study.command([name, str(folder / "out")], folder)
            tally.problems += _unsaid(f"{where}, {name}", file, outcome, before)
        again = study.run(folder)
        tally.tried += 1
        if again.status == 0 and not _names(again, file):
            tally.problems += compared(study, folder, f"{where}, run")
        elif again.status != 0:
            tally.problems += _unsaid(f"{where}, run", file, again, again)
        shutil.rmtree(folder)
        yield tally


def _unsaid(where: str, file: Path, outcome: Outcome, before: Outcome) -> list[str]:
    """What is wrong with how a command met a damaged file."""
    if "Traceback" in outcome.words or outcome.status not in (0, 1, 2, 3):
        return [f"{where}: ended with {outcome.status}: {outcome.words.strip()[-200:]}"]
    if outcome.status != 0 and not _names(outcome, file):
        return [f"{where}: does not name the file: {outcome.words.strip()[-200:]}"]
    if outcome.status == 0 and outcome.printed != before.printed and not _names(outcome, file):
        return [f"{where}: changed what is said, without a word"]
    return []


def _names(outcome: Outcome, file: Path) -> bool:
    said = "".join((outcome.words + outcome.printed).split())  # lines are wrapped
    return file.name in said


def _finished(study: TinyStudy) -> Path:
    folder = study.new_folder()
    assert study.run(folder).status == 0
    return folder


def _unfinished(study: TinyStudy) -> Path:
    """Killed within its second run, so that there are logs and a snapshot."""
    folder = study.new_folder()
    study.run(folder, fault=Kill(len(study.operations("sequential")) * 4 // 5))
    return folder


def _one_of_each_kind(folder: Path) -> list[Path]:
    """One file for each name that is the same but for digits and ids, the last run's first."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith(".") and path.parent.name != "claims":
            short = path.relative_to(folder)
            found[re.sub(r"[0-9a-f]{6,}|\d+", "*", str(short))] = short
    return list(found.values())
