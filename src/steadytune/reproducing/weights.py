"""Measure forgetting and loss surfaces on the weights that the parts kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console

from steadytune.analysis.outcomes import Outcome, outcome
from steadytune.checkpoints.kept import KeptRuns
from steadytune.checkpoints.of_runs import forgetting_along_of, forgetting_of, surface_of
from steadytune.errors import BadInput
from steadytune.paths import as_path
from steadytune.records import RunRecord
from steadytune.reproduce.evidence import Evidence
from steadytune.reproduce.parts import slug
from steadytune.study import TaskChoice
from steadytune.training.precision import default_device

KEPT_PARTS = ("default-along", "default-kept", "proposed-kept")
OF_EACH_KIND = 3


def kept_runs(evidence: Evidence, task: TaskChoice, kind: Outcome) -> Iterator[tuple[str, str]]:
    """Part and id of the runs with that outcome whose weights were kept, by seed."""
    for name in KEPT_PARTS:
        for cell in evidence.of_part(name):
            if cell.task == task.title:
                for record in cell.records:
                    if outcome(record) is kind and _has_weights(evidence, name, record):
                        yield name, record.id


def _has_weights(evidence: Evidence, part: str, record: RunRecord) -> bool:
    return evidence.ledgers[part].model_folder(record.id).is_dir()


class Weights:
    """The kept weights of an encoder's parts, loaded when they are needed."""

    def __init__(self, evidence: Evidence) -> None:
        device = default_device()
        self._kept = {
            name: KeptRuns(evidence.ledgers[name], device)
            for name in KEPT_PARTS
            if name in evidence.ledgers
        }

    def __getitem__(self, part: str) -> KeptRuns:
        """The runs of a part."""
        return self._kept[part]


def measure_forgetting(evidence: Evidence, text: Path | None, console: Console) -> list[str]:
    """Perplexity of up to three failed and three successful runs; what could not be, in words.

    Raises:
        BadInput: the text cannot be read.
    """
    if text is None:
        return ["forgetting was not measured: give --text FILE, such as WikiText-2's wiki.test.raw"]
    try:
        words = as_path(text).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"--text {text}: cannot be read as UTF-8 text ({error})") from None
    weights, notes, scale = Weights(evidence), list[str](), evidence.cast.scale
    for kind in (Outcome.FAILED, Outcome.SUCCESS):
        found = list(kept_runs(evidence, scale.main, kind))[:OF_EACH_KIND]
        if len(found) < OF_EACH_KIND:
            what = f"{len(found)} of {OF_EACH_KIND} {kind.value} runs with kept weights"
            notes.append(f"forgetting ({evidence.cast.encoder}): {what}")
        for part, run in found:
            try:
                _forgetting(evidence, weights[part], run, words, console)
            except BadInput as problem:
                return [*notes, f"forgetting was not measured: {problem}"]
    return notes


def _forgetting(evidence: Evidence, kept: KeptRuns, run: str, words: str, console: Console) -> None:
    """Of one run at its end by layers, and along its training if its weights were kept then."""
    scale, folder = evidence.cast.scale, evidence.checkpoints
    forgetting_of(
        kept(run),
        words,
        folder / f"forgetting-{run}.jsonl",
        scale.block_length,
        most_blocks=scale.most_blocks,
        watch=_watch(console, f"forgetting {run}"),
    )
    if kept.steps(run):
        forgetting_along_of(
            kept,
            run,
            words,
            folder / f"forgetting-along-{run}.jsonl",
            scale.block_length,
            most_blocks=scale.most_blocks,
            watch=_watch(console, f"forgetting along {run}"),
        )


def measure_surfaces(evidence: Evidence, console: Console) -> list[str]:
    """The plane of the first failed and the first successful run of each task."""
    weights, notes, scale = Weights(evidence), list[str](), evidence.cast.scale
    for task in scale.tasks:
        pair = [
            next(kept_runs(evidence, task, kind), None)
            for kind in (Outcome.FAILED, Outcome.SUCCESS)
        ]
        failed, good = pair
        if failed is None or good is None:
            missing = "failed" if failed is None else "successful"
            notes.append(f"no loss surface on {task.title}: no {missing} run with kept weights")
            continue
        one, other = (weights[part](run) for part, run in (failed, good))
        surface_of(
            one,
            other,
            evidence.checkpoints / f"surface-{slug(task.title)}-{failed[1]}-{good[1]}.jsonl",
            scale.resolution,
            min(scale.surface_examples, len(one.run.train.labels)),
            watch=_watch(console, f"loss surface on {task.title}"),
        )
    return notes


def _watch(console: Console, what: str) -> Callable[[int, int], None]:
    """Says after every tenth how far a measurement is."""
    told = {-1}

    def watch(done: int, wanted: int) -> None:
        tenth = 10 * done // max(1, wanted)
        if tenth not in told:
            told.add(tenth)
            console.print(f"{what}: {done} of {wanted} points", markup=False)

    return watch
