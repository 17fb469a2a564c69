"""Conduct a study: load what it names, plan its runs, compute those that are left, keep them all.

The one place where events and disk meet.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

import torch

from steadytune import encoders, executors, stabilizers, tasks
from steadytune.encoders import Encoder
from steadytune.errors import BadInput, not_known, resumable
from steadytune.executors import Work
from steadytune.keeping import keep_weights, unsavable, without_states
from steadytune.ledger import Claims, Ledger, RunWriter
from steadytune.paths import as_path
from steadytune.recipe import RECIPE
from steadytune.recorder import Recorder
from steadytune.records import Event, RunRecord, State
from steadytune.reports.model_card import write_model_cards
from steadytune.study import Run, Study, plan
from steadytune.study_file import Catalogue
from steadytune.tasks import Task
from steadytune.training.cut_texts import cut_texts
from steadytune.training.memory import keep_freed_memory
from steadytune.training.precision import default_device, default_precision
from steadytune.training.prepare import Preparation
from steadytune.training.threads import one_thread

SNAPSHOT_SECONDS = 60.0
CATALOGUE = Catalogue(
    resolve_stabilizer=stabilizers.resolve,
    known_tasks=tuple(tasks.TABLE),
    known_encoders=tuple(encoders.TABLE),
)
Watch = Callable[[Event], None]


@dataclass(frozen=True)
class Loaded:
    """A study with everything it names in memory, and nothing computed yet.

    Attributes:
        study: with precision and stabilizer settings settled.
        tasks: by title. encoders: by name.
        runs: all of them, in plan order; ids may repeat where recipes differ only in name.
        device: where it will be computed. prepare: makes runs ready for it.
    """

    study: Study
    tasks: Mapping[str, Task]
    encoders: Mapping[str, Encoder]
    runs: tuple[Run, ...]
    device: torch.device
    prepare: Preparation

    def total_steps(self, run: Run) -> int:
        """Optimizer steps of a run."""
        return run.recipe.total_steps(len(self.tasks[run.task.title].train))

    def cut_texts(self) -> list[str]:
        """A sentence for each task, encoder and length of which examples are cut."""
        seen = {(run.task.title, run.encoder, run.recipe.max_length): run for run in self.runs}
        return [line for run in seen.values() if (line := cut_texts(self.prepare, run))]


def load(study: Study, device: torch.device | None = None) -> Loaded:
    """Load tasks and encoders, settle what depends on the machine, and check every combination.

    Raises:
        BadInput: a task, an encoder or a combination cannot be used; all problems are listed.
    """
    device = device or default_device()
    study = settle(study, device)
    problems: list[str] = []
    loaded_tasks = _load_all({t.title: t for t in study.tasks}, tasks.load, problems)
    loaded_encoders = _load_all({e: e for e in study.encoders}, encoders.load, problems)
    if problems:
        raise BadInput("\n".join(problems))
    runs = plan(
        study,
        {title: task.facts for title, task in loaded_tasks.items()},
        {name: encoder.facts for name, encoder in loaded_encoders.items()},
    )
    prepare = Preparation(study, loaded_tasks, loaded_encoders, device)
    loaded = Loaded(study, loaded_tasks, loaded_encoders, runs, device, prepare)
    _check_combinations(loaded)
    return loaded


def settle(study: Study, device: torch.device) -> Study:
    """The study with ``precision: auto`` and default stabilizer settings written out."""
    recipes = [
        replace(
            recipe,
            precision=(
                default_precision(device) if recipe.precision == "auto" else recipe.precision
            ),
            stabilizers=tuple(stabilizers.resolve(choice) for choice in recipe.stabilizers),
        )
        for recipe in study.recipes
    ]
    return replace(study, recipes=tuple(recipes))


Key = TypeVar("Key")
Thing = TypeVar("Thing")


def _load_all(
    choices: Mapping[str, Key], load_one: Callable[[Key], Thing], problems: list[str]
) -> dict[str, Thing]:
    found: dict[str, Thing] = {}
    for name, choice in choices.items():
        try:
            found[name] = load_one(choice)
        except BadInput as problem:
            problems.append(str(problem))
    return found


def _check_combinations(loaded: Loaded) -> None:
    """Make one run of each recipe, task and encoder ready, which finds all that does not fit."""
    problems = list(without_states(loaded.prepare))
    first = {(run.recipe.name, run.task.title, run.encoder): run for run in reversed(loaded.runs)}
    for run in first.values():
        try:
            loaded.prepare(run)
        except BadInput as problem:
            problems.append(f"{run.recipe.name} with {run.encoder} on {run.task.title}: {problem}")
    if not problems:
        problems += unsavable(loaded.prepare, list(first.values()))
    if problems:
        raise BadInput("\n".join(problems))


def check_executor(name: str) -> None:
    """Raise BadInput if there is no executor of that name."""
    if name not in executors.TABLE:
        raise BadInput(not_known("executor", name, executors.TABLE))


def open_ledger(loaded: Loaded, folder: str | os.PathLike[str]) -> Ledger:
    """The ledger of a study: a new one, or the one that was begun before.

    Raises:
        BadInput: the folder holds another study or something else.
        Claimed: another process computes runs of it.
    """
    ledger = Ledger.create_or_open(
        as_path(folder), loaded.study, loaded.runs, environment(loaded.device)
    )
    for task in loaded.tasks.values() if loaded.study.keep_texts else ():
        for name, split in task.dev.items():
            ledger.keep_examples(task.facts.digest, name, split.texts, split.pairs)
    return ledger


@resumable()
def run_study(
    loaded: Loaded,
    ledger: Ledger,
    executor: str = "auto",
    watch: Watch = lambda event: None,
    snapshot_seconds: float = SNAPSHOT_SECONDS,
) -> None:
    """Compute every run that has not ended yet and keep it in the ledger.

    May be stopped at any moment, however hard, and called again: runs that ended are left alone,
    others continue from their last snapshot. What fails for one run, in training or in keeping its
    weights, is recorded as its crash and costs no other run.

    Args:
        loaded: the study.
        ledger: where it is kept.
        executor: a name in ``executors.TABLE``.
        watch: sees every event after it was written.
        snapshot_seconds: how often a run's state is saved.

    Raises:
        BadInput: there is no such executor; or, after all other runs, a run cannot be recorded.
        Claimed: another process computes runs of the study.
        OSError: the disk is full or not writable; what had been written stays.
    """
    check_executor(executor)
    keep_freed_memory()
    with Claims(ledger.folder) as claims:
        runs = {run.id: run for run in loaded.runs}
        todo = {run: runs[run] for run in ledger.take_left(runs, claims)}
        recorder = Recorder(
            todo,
            begin=lambda run: _writer(ledger, loaded, run, claims),
            keep=lambda event, run: keep_weights(event, run, loaded.prepare, ledger),
            ended=claims.release,
        )
        clock = _Clock(snapshot_seconds)
        work = Work(list(todo.values()), loaded.prepare, recorder.snapshot, clock)
        with one_thread():
            for event in executors.TABLE[executor]().compute(work):
                recorded = recorder.record(event)
                if recorded is not None:
                    watch(recorded)
    hub_ids = {name: encoders.hub_id(name) for name in loaded.encoders}
    write_model_cards(ledger, hub_ids)
    recorder.check_all_recorded()


def unfinished(ledger: Ledger, runs: Sequence[Run]) -> list[Run]:
    """The runs that have not ended, each once, in plan order. Crashed runs are tried again."""
    found = {run.id: run for run in runs}
    return [run for id_, run in found.items() if not _ended(ledger.record(id_))]


def _ended(record: RunRecord | None) -> bool:
    return record is not None and record.state.ended


def _writer(ledger: Ledger, loaded: Loaded, run: Run, claims: Claims) -> RunWriter:
    task = loaded.tasks[run.task.title]
    record = RunRecord(
        id=run.id,
        state=State.PLANNED,
        recipe=RECIPE.dump_python(run.recipe, mode="json"),
        task=task.facts,
        encoder=loaded.encoders[run.encoder].facts,
        seeds=asdict(run.seeds),  # pyright: ignore[reportArgumentType]
        total_steps=loaded.total_steps(run),
    )
    labels = {name: split.labels for name, split in task.dev.items()}
    return ledger.writer(record, labels, claims)


@dataclass(frozen=True)
class _Clock:
    """True for a run once every so many seconds."""

    seconds: float
    last: dict[str, float] = field(default_factory=dict)

    def __call__(self, run: str) -> bool:
        now = time.monotonic()
        if now - self.last.setdefault(run, now) < self.seconds:
            return False
        self.last[run] = now
        return True


def environment(device: torch.device) -> dict[str, Any]:
    """What the numbers may depend on besides the study: versions, processor, device.

    ``cores`` tells how long it took, not what came out: every run has one thread on the CPU.
    """
    packages = ("steadytune", "torch", "transformers", "tokenizers", "numpy", "safetensors")
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "device": gpu or str(device),
        "packages": {name: metadata.version(name) for name in packages},
    }


def _processor() -> str:
    """The processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
