"""Keeping: where the weights that events carry go, as Hugging Face folders or as states."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from steadytune import encoders
from steadytune.checkpoints.representations import EXAMPLES, first_examples, layer_states
from steadytune.encoders import PredictsOtherwise, Pretrained, try_saving
from steadytune.errors import BadInput
from steadytune.ledger import Ledger, write_states
from steadytune.records import Finished, Weights
from steadytune.study import Run
from steadytune.training.prepare import Preparation

FOLDERS = ("last", "best", "every")  # values of ``keep`` that save Hugging Face folders
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.ESTALE, errno.EFBIG}


def keep_weights(event: Weights | Finished, run: Run, prepare: Preparation, ledger: Ledger) -> None:
    """Save what the study keeps of the weights of an event, if it has any.

    Raises:
        OSError: the disk is full or not writable; what was there before stays.
        PredictsOtherwise: plain transformers does not predict what the run did.
        Exception: whatever else goes wrong with this run's encoder.
    """
    if event.weights is None:
        return
    try:
        _keep(event, event.weights, run, prepare, ledger)
    except OSError as error:
        if _of_the_disk(error, ledger.folder):
            raise
        raise RuntimeError(f"its weights could not be kept: {error}") from error


def _of_the_disk(error: OSError, folder: Path) -> bool:
    """Whether other runs will meet it, too. Libraries raise OSError for their own reasons as well.

    safetensors gives the system's error as text alone.
    """
    within = error.filename is not None and str(error.filename).startswith(str(folder))
    return error.errno in _DISK or within or "os error" in str(error)


def _keep(
    event: Weights | Finished,
    weights: Mapping[str, NDArray[Any]],
    run: Run,
    prepare: Preparation,
    ledger: Ledger,
) -> None:
    params = {name: torch.from_numpy(array) for name, array in weights.items()}
    encoder = prepare.encoders[run.encoder]
    if prepare.study.keep == "states":
        assert isinstance(encoder, Pretrained)
        dev = first_examples(prepare.report_examples(run), EXAMPLES)
        about = {"run": run.id, "checkpoint": "last"}
        states = layer_states(encoder, params, dev, about, prepare.device)
        write_states(ledger.states_file(run.id), states)
        return
    step = event.step if isinstance(event, Weights) else None
    names, sample = prepare.tasks[run.task.title].label_names, prepare.sample(run)
    if isinstance(event, Weights):  # the model at the run's end is checked: once a run is enough
        sample = sample.unread
    try:
        encoder.save(params, ledger.model_folder(run.id, step), names, sample)
    except PredictsOtherwise as problem:
        raise PredictsOtherwise(
            f"the kept model of run {run.id} predicts otherwise in plain transformers: {problem}; "
            "no folder was written. Run again with the versions that the study was begun with "
            "(environment.json), or keep no weights (keep: none)"
        ) from None


def without_states(prepare: Preparation) -> Iterator[str]:
    """What speaks against keeping states, a sentence for each encoder that has none."""
    for name, encoder in prepare.encoders.items():
        if prepare.study.keep == "states" and not isinstance(encoder, Pretrained):
            yield (
                f"{name}: keep: states needs an encoder of the families "
                f"{', '.join(encoders.FAMILIES)}; this one runs through transformers itself: keep "
                "its weights, or none"
            )


def unsavable(prepare: Preparation, runs: Sequence[Run]) -> Iterator[str]:
    """A sentence for each encoder whose models plain transformers cannot read back.

    Args:
        prepare: with tasks and encoders loaded.
        runs: one of each recipe, task and encoder.
    """
    tried = set[tuple[str, str]]()
    for run in runs:
        encoder, task = prepare.encoders[run.encoder], prepare.tasks[run.task.title]
        pair = (run.encoder, run.task.title)
        if prepare.study.keep in FOLDERS and pair not in tried:
            tried.add(pair)
            try:
                try_saving(encoder, task.num_outputs, task.label_names, prepare.sample(run))
            except BadInput as problem:
                yield str(problem)
