"""A packed study, as a StudyReader: one file a table, with the rows of all runs.

::

    study.json, environment.json    as in the folder of a study
    packed.json                     what the files must be; see ``packed_file``
    runs.parquet                    a row a planned run; ``record`` is the content of its run.json
    events.parquet                  ``line`` is the line of events.jsonl
    steps.parquet, diagnostics.parquet, predictions.parquet
    examples.parquet                the texts of the dev splits, where they were kept
    checkpoints/                    measurements on weights, as in the folder of a study
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from steadytune.errors import BadInput, Damaged
from steadytune.ledger.depth import Damage, Depth, Part
from steadytune.ledger.examples import Examples
from steadytune.ledger.json_lines import damaged
from steadytune.ledger.packed_file import Packed
from steadytune.ledger.readers import Predictions, not_predicted
from steadytune.ledger.record_file import EvaluationRow, evaluations_in, parse_record
from steadytune.ledger.run_folder import STEP_COLUMNS, step_columns
from steadytune.ledger.series import Columns, Curve, curves, measured_columns
from steadytune.ledger.sums import misfit
from steadytune.ledger.tables import OF_RUNS, Rows, file_of, integers, read_whole
from steadytune.records import RunRecord


class _Runs(NamedTuple):
    """What ``runs.parquet`` says: the text of each record, and where rows of runs are."""

    records: dict[str, str | None]
    rows: dict[str, Rows]


class PackedStudy:
    """Reads a packed study; see ``readers.StudyReader``."""

    def __init__(self, folder: Path, packed: Packed) -> None:
        self._folder = folder
        self._packed = packed
        self._no_texts = False

    def run(self, run: str) -> PackedRun:
        """The reader of a planned run."""
        return PackedRun(self, run)

    def texts(self) -> list[str]:
        """The names of all dev splits whose texts were kept, in order."""
        return list(self._texts)

    def examples(self, name: str) -> Examples | None:
        """The texts of a dev split; None where they were not kept or ``check`` left them out.

        Raises:
            Damaged: they are not what was written there.
        """
        return None if self._no_texts else self._texts.get(name)

    def damage(self, run: str, record: RunRecord, depth: Depth) -> Damage | None:
        """The first damage of a run: of a file that is not as it was written, its rows are read."""
        if depth is Depth.RECORDS or not set(self._misfits) & {file_of(name) for name in OF_RUNS}:
            return None
        reader = self.run(run)
        try:
            for name in OF_RUNS:
                self.table(name).of(run)
            reader.steps()
            reader.evaluations()
        except Damaged as problem:
            return Damage(str(problem), of=Part.CONTENTS)
        return None

    def check(self, depth: Depth) -> Iterator[str]:
        """A sentence for each file that is damaged; damaged examples are left out from then on."""
        found = self._misfits if depth > Depth.RECORDS else self._misfits_of(whole=False)
        for name, what in found.items():
            yield f"{self._folder / name}: {what}"
        try:
            if depth > Depth.RECORDS:
                _ = self._texts
        except Damaged as problem:
            self._no_texts = True
            yield f"{problem}; no texts of examples are shown"

    def check_continues(self) -> None:
        """Refuse to write runs.

        Raises:
            BadInput: always.
        """
        raise BadInput(
            f"{self._folder}: is a packed study, which can be read and not continued; give the "
            "folder that it was packed from, or a new output folder"
        )

    def table(self, name: str) -> Rows:
        """The table of that name with rows of runs.

        Raises:
            Damaged: nothing can be known of any run.
        """
        return self._runs.rows[name]

    def record_text(self, run: str) -> str | None:
        """The record of a run as JSON.

        Raises:
            Damaged: nothing can be known of any run.
        """
        return self._runs.records.get(run)

    @property
    def runs_file(self) -> Path:
        """Where the records are."""
        return self._folder / file_of("runs")

    @cached_property
    def _runs(self) -> _Runs:
        columns = read_whole(self.runs_file, ["id", "record", *OF_RUNS])
        ids = columns["id"]
        if len(ids) != self._packed.rows.get("runs"):
            raise Damaged(f"{self.runs_file}: damaged ({len(ids)} runs)")
        rows = {
            name: Rows(self._folder / file_of(name), dict(zip(ids, columns[name], strict=True)))
            for name in OF_RUNS
        }
        return _Runs(dict(zip(ids, columns["record"], strict=True)), rows)

    @cached_property
    def _texts(self) -> dict[str, Examples]:
        path = self._folder / file_of("examples")
        if path.name not in self._packed.files:
            return {}
        columns = read_whole(path, ["split", "text", "pair"])
        together = dict[str, tuple[list[str], list[str | None]]]()
        for split, text, pair in zip(*columns.values(), strict=True):
            texts, pairs = together.setdefault(split, ([], []))
            texts.append(text)
            pairs.append(pair)
        return {
            split: Examples(tuple(texts), None if None in pairs else tuple(map(str, pairs)))
            for split, (texts, pairs) in together.items()
        }

    @cached_property
    def _misfits(self) -> dict[str, str]:
        return self._misfits_of(whole=True)

    def _misfits_of(self, whole: bool) -> dict[str, str]:
        found = {
            name: misfit(self._folder / name, wanted, whole, prefix=name.endswith(".jsonl"))
            for name, wanted in self._packed.files.items()
        }
        return {name: what for name, what in found.items() if what is not None}


class PackedRun:
    """Reads one run of a packed study; see ``readers.RunReader``."""

    def __init__(self, study: PackedStudy, run: str) -> None:
        self._study = study
        self._run = run

    def record_text(self) -> str | None:
        """The record as JSON; None before the run begins."""
        return self._study.record_text(self._run)

    def record(self) -> RunRecord | None:
        """The record; None before the run begins.

        Raises:
            Damaged: it is not what was written there.
            BadInput: a newer steadytune wrote it.
        """
        text = self.record_text()
        return None if text is None else parse_record(text, self._run, self._study.runs_file)

    def steps(self) -> Columns:
        """Every step done so far as columns named like the fields of Step, in order.

        Raises:
            Damaged: they are not what was written there.
        """
        rows = self._study.table("steps")
        columns = rows.of(self._run)
        if columns is None:
            return step_columns([])
        if set(columns) != set(STEP_COLUMNS) or columns["step"].dtype.kind != "i":
            raise Damaged(f"{rows.path}: damaged (it does not hold the columns of steps)")
        return columns

    def diagnostics(self) -> dict[str, Curve]:
        """Every diagnostic value measured so far, by ``<diagnostic>/<what>``.

        Raises:
            Damaged: they are not what was written there.
        """
        columns = self._study.table("diagnostics").of(self._run)
        return curves(measured_columns([]) if columns is None else columns)

    def events(self) -> list[dict[str, Any]]:
        """Every event so far, in order.

        Raises:
            Damaged: they are not what was written there.
        """
        rows = self._study.table("events")
        columns = rows.of(self._run)
        if columns is None:
            return []
        try:
            return [json.loads(line) for line in columns["line"]]
        except (KeyError, ValueError, TypeError) as error:
            raise damaged(rows.path, error) from None

    def evaluations(self) -> list[EvaluationRow]:
        """Every evaluation so far, in order.

        Raises:
            Damaged: they are not what was written there.
        """
        return evaluations_in(self.events(), self._study.table("events").path)

    def predicted(self) -> list[tuple[int, str]]:
        """Steps and splits of the predictions that there are, in order."""
        columns = self._study.table("predictions").of(self._run)
        if columns is None:
            return []
        return list(dict.fromkeys(zip(columns["step"].tolist(), columns["split"], strict=True)))

    def predictions(self, step: int, split: str) -> Predictions:
        """The predictions of one evaluation.

        Raises:
            BadInput: there was no such evaluation.
            Damaged: they are not what was written there.
        """
        columns, record = self._study.table("predictions").of(self._run), self.record()
        if columns is not None and record is not None:
            chosen = (columns["step"] == step) & (columns["split"] == split)
            if chosen.any():
                names = record.task.label_names
                return _predictions(
                    {name: values[chosen] for name, values in columns.items()}, names
                )
        raise not_predicted(self._run, step, split, self.predicted())


def _predictions(columns: Columns, label_names: tuple[str, ...] | None) -> Predictions:
    outputs = [columns[f"output_{k}"] for k in range(len(label_names or ("score",)))]
    labels, predictions = columns["label"], columns["prediction"]
    if label_names is not None:
        labels, predictions = integers(labels), integers(predictions)
    return Predictions(labels, predictions, np.stack(outputs, axis=1))
