"""Pack a study: a folder with one file a table in place of one with some files a run.

The folder that is packed is only read, unless ``replace`` is asked for: then its files go once the
packed ones are on disk and were read back. A kill before that leaves it as it was, beside some
tables that nobody reads; a kill after it leaves a packed study and files that the next call
removes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from steadytune.errors import BadInput, Damaged
from steadytune.ledger._ledger import Ledger
from steadytune.ledger.claims import STUDY, Claims
from steadytune.ledger.depth import Depth, Part
from steadytune.ledger.durable import is_temporary, make_folder, replace_file, sweep_temporary
from steadytune.ledger.examples import examples_file
from steadytune.ledger.pack_check import difference
from steadytune.ledger.pack_tables import write_tables
from steadytune.ledger.packed_file import Packed, packed_file, read_packed, write_packed
from steadytune.ledger.packed_study import PackedStudy
from steadytune.ledger.planned import Plan, check_grows, read_plan
from steadytune.ledger.run_folder import RunFolder
from steadytune.ledger.sums import sum_of
from steadytune.ledger.tables import OF_RUNS, file_of
from steadytune.paths import as_path
from steadytune.records import FileSum

_PLAN, _ENVIRONMENT, _MEASURED = "study.json", "environment.json", "checkpoints"
_TABLES = tuple(file_of(name) for name in ("runs", *OF_RUNS, "examples"))


@dataclass(frozen=True)
class Packing:
    """What packing came to.

    Attributes:
        folder: the packed study. runs: how many it has.
        before, after: number of files and bytes of what was packed and of what it became.
    """

    folder: Path
    runs: int
    before: tuple[int, int]
    after: tuple[int, int]


def pack(
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    replace: bool = False,
    states: bool = False,
) -> Packing:
    """Write a study as a folder of few files that everything reads as it does the study itself.

    Left out are kept weights and snapshots. Packed twice, a study gives the same bytes.

    Args:
        folder: of the study.
        out: of the packed study; ``<folder>-packed`` if it is not given.
        replace: pack in the folder itself and remove the files that were packed; kept weights stay.
        states: pack the states of dev examples, too.

    Raises:
        BadInput: no study, or one with runs to resume is to be replaced; ``out`` holds something
            else.
        Damaged: a file of the study is not what was written there; nothing is written.
        Claimed: another process computes runs of it.
        OSError: the disk is full or not writable; the study is as it was.
    """
    folder = as_path(folder)
    if replace:
        if out is not None:
            raise BadInput("--replace packs in the folder itself; leave out --out")
        return _replace(folder)
    ledger = Ledger.open(folder)
    absolute = folder.absolute()
    target = absolute.with_name(f"{absolute.name}-packed") if out is None else as_path(out)
    if out is None and not folder.is_absolute():
        target = Path(os.path.relpath(target))
    _check_target(target, ledger)
    Claims(folder).check_free(row.id for row in ledger.planned)
    _check_sound(ledger)
    before = _size(_packed_files(ledger, states))
    return _packing(ledger, before, target, _write(ledger, target, states))


def _replace(folder: Path) -> Packing:
    Ledger.open(folder)  # before anything is written into what may be none
    with Claims(folder) as claims, claims.briefly(STUDY):
        ledger = Ledger.open(folder)
        claims.check_free(row.id for row in ledger.planned)
        _check_sound(ledger)
        before = _size(_packed_files(ledger, states=True))
        if packed_file(folder).exists():
            packed = read_packed(folder)
        else:
            _check_ended(ledger)
            packed = _write(ledger, folder, states=True)
        _remove(ledger)
        sweep_temporary(folder)
        claims.tidy()
    return _packing(ledger, before, folder, packed)


def _packing(ledger: Ledger, before: tuple[int, int], target: Path, packed: Packed) -> Packing:
    after = _size([packed_file(target), *(target / name for name in packed.files)])
    return Packing(target, len({row.id for row in ledger.planned}), before, after)


def _write(ledger: Ledger, target: Path, states: bool) -> Packed:
    """Write the packed study; ``study.json``, which makes a folder a study, comes last."""
    make_folder(target)
    rows = write_tables(target, ledger.reader, ledger.planned)
    files = {file_of(name): sum_of(target / file_of(name)) for name in rows}
    for path in _beside(ledger.folder, states):
        name = str(path.relative_to(ledger.folder))
        files[name] = sum_of(path) if name == _PLAN else _copied(path, target / name)
    packed = Packed(rows, dict(sorted(files.items())))
    if found := difference(ledger, PackedStudy(target, packed)):
        raise Damaged(
            f"{target}: does not read as {ledger.folder} does ({found}); nothing was removed. Was "
            "the study changed meanwhile? Pack it again"
        )
    write_packed(target, packed)
    _copied(ledger.folder / _PLAN, target / _PLAN)
    for name in set(_TABLES) - set(files):  # of an earlier packing
        (target / name).unlink(missing_ok=True)
    sweep_temporary(target)
    return packed


def _copied(path: Path, target: Path) -> FileSum:
    """Copy a file, unless it is there already; its sum."""
    if path.absolute() != target.absolute():
        make_folder(target.parent)
        replace_file(target, lambda temporary: shutil.copyfile(path, temporary))
    return sum_of(target)


def _beside(folder: Path, states: bool) -> list[Path]:
    """The files of a study that are packed as they are."""
    found = [*folder.glob(f"{_MEASURED}/*.jsonl")]
    if states:
        found += folder.glob(f"{_MEASURED}/states/*.npz")
    found += [path for path in (folder / _PLAN, folder / _ENVIRONMENT) if path.exists()]
    return sorted(path for path in found if not is_temporary(path))


def _check_target(target: Path, ledger: Ledger) -> None:
    """Refuse a folder that holds anything but this study, packed."""
    if target.exists() and not target.is_dir():
        raise BadInput(f"{target}: is a file; give a folder for the packed study")
    if target.resolve() == ledger.folder.resolve():
        raise BadInput(f"{target}: is the study itself; give another folder, or --replace")
    if not target.exists():
        return
    if (target / _PLAN).exists():
        if not packed_file(target).exists():
            raise BadInput(f"{target}: holds a study that is not packed; give another folder")
        here = Plan(ledger.study, ledger.planned)
        check_grows(target, read_plan(target / _PLAN), here)
        return
    ours = {*_TABLES, _ENVIRONMENT, _MEASURED, packed_file(target).name}
    others = sorted(
        path.name for path in target.iterdir() if path.name not in ours and not is_temporary(path)
    )
    if others:
        raise BadInput(
            f"{target}: is not empty and not a packed study (it holds {others[0]!r}); give an "
            "empty or a new folder"
        )


def _check_sound(ledger: Ledger) -> None:
    """Refuse to make sums of what is damaged."""
    problems = list(dict.fromkeys(_problems(ledger)))
    if problems:
        raise Damaged(
            f"{ledger.folder}: was not packed, because files of it are not as they were written:\n"
            + "\n".join(f"  {problem}" for problem in problems)
            + "\nBring back a copy of them, or let 'steadytune run' compute damaged runs again."
        )


def _problems(ledger: Ledger) -> Iterator[str]:
    for run in dict.fromkeys(row.id for row in ledger.planned):
        try:
            record = ledger.record(run)
            found = None if record is None else ledger.reader.damage(run, record, Depth.CONTENTS)
        except Damaged as problem:
            yield str(problem)
            continue
        if found is not None and found.of is not Part.WEIGHTS:
            yield found.sentence
    yield from ledger.reader.check(Depth.CONTENTS)
    try:
        _ = ledger.environments
    except Damaged as problem:
        yield str(problem)


def _check_ended(ledger: Ledger) -> None:
    """Refuse to remove what unfinished runs go on from."""
    ended = {row.planned.id for row in ledger.records() if row.state.ended}
    left = [run for run in _run_folders(ledger) if run.snapshot_file.exists()]
    if number := sum(run.path.name not in ended for run in left):
        what = "1 run has" if number == 1 else f"{number} runs have"
        raise BadInput(
            f"{ledger.folder}: {what} a snapshot to resume from, and a packed study cannot be "
            "resumed; run the study to its end first, or pack it into another folder (leave out "
            "--replace)"
        )


def _packed_files(ledger: Ledger, states: bool) -> list[Path]:
    """All files whose content is in the packed study."""
    tables = [packed_file(ledger.folder), *(ledger.folder / name for name in _TABLES)]
    of_runs = tables if packed_file(ledger.folder).exists() else _replaced(ledger)
    return [*_beside(ledger.folder, states), *of_runs]


def _replaced(ledger: Ledger) -> Iterator[Path]:
    """The files of a study that tables take the place of."""
    for run in _run_folders(ledger):
        yield from (run.record_file, run.events_file, run.steps_file, run.measured_file)
        yield from (run.path / "steps.jsonl", run.path / "diagnostics.jsonl")
        yield from sorted(run.predictions_folder.glob("*.parquet"))
    for split in ledger.reader.texts():
        yield examples_file(ledger.folder, split)


def _run_folders(ledger: Ledger) -> list[RunFolder]:
    ids = dict.fromkeys(row.id for row in ledger.planned)
    return [RunFolder(ledger.folder / "runs" / run) for run in ids]


def _remove(ledger: Ledger) -> None:
    """Remove what tables took the place of, and what only unfinished runs need."""
    for path in _replaced(ledger):
        path.unlink(missing_ok=True)
    runs, examples = _run_folders(ledger), ledger.folder / "examples"
    for run in runs:
        if run.path.is_dir():
            run.sweep()
    emptied = [path for run in runs for path in (run.predictions_folder, run.path)]
    for path in (*emptied, ledger.folder / "runs", examples):
        with suppress(OSError):  # something that was not packed stays, such as kept weights
            path.rmdir()


def _size(files: Iterable[Path]) -> tuple[int, int]:
    sizes = [path.stat().st_size for path in files if path.is_file()]
    return len(sizes), sum(sizes)
