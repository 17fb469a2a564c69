"""Keeping: where the weights that events carry go, as Hugging Face folders or as states."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from steadytune import encoders
from steadytune.checkpoints.representations import EXAMPLES, first_examples, layer_states
from steadytune.encoders import PredictsOtherwise, Pretrained, try_saving
from steadytune.errors import BadInput
from steadytune.ledger import Ledger, write_states
from steadytune.records import Crashed, Finished, Weights
from steadytune.study import Run
from steadytune.training.prepare import Preparation

FOLDERS = ("last", "best", "every")  # values of ``keep`` that save Hugging Face folders


def keep_weights(
    event: Weights | Finished, run: Run, prepare: Preparation, ledger: Ledger
) -> Weights | Finished | Crashed:
    """Save what the study keeps of the weights of an event, if it has any.

    Returns:
        The event; Crashed where plain transformers predicts otherwise from what was saved.

    Raises:
        OSError: the disk is full or not writable; what was there before stays.
    """
    if event.weights is None:
        return event
    params = {name: torch.from_numpy(array) for name, array in event.weights.items()}
    encoder = prepare.encoders[run.encoder]
    if prepare.study.keep == "states":
        assert isinstance(encoder, Pretrained)
        dev = first_examples(prepare.report_examples(run), EXAMPLES)
        about = {"run": run.id, "checkpoint": "last"}
        states = layer_states(encoder, params, dev, about, prepare.device)
        write_states(ledger.states_file(run.id), states)
        return event
    step = event.step if isinstance(event, Weights) else None
    names, sample = prepare.tasks[run.task.title].label_names, prepare.sample(run)
    if isinstance(event, Weights):  # the model at the run's end is checked: once a run is enough
        sample = sample.unread
    try:
        encoder.save(params, ledger.model_folder(run.id, step), names, sample)
    except PredictsOtherwise as problem:
        return Crashed(
            run.id,
            f"the kept model of run {run.id} predicts otherwise in plain transformers: {problem}; "
            "no folder was written. Run again with the versions that the study was begun with "
            "(environment.json), or keep no weights (keep: none)",
        )
    return event


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

    Foreign ones are tried as a whole, as anything may be in them.

    Args:
        prepare: with tasks and encoders loaded.
        runs: one of each recipe, task and encoder.
    """
    tried = set[tuple[str, str]]()
    for run in runs:
        encoder, task = prepare.encoders[run.encoder], prepare.tasks[run.task.title]
        native = isinstance(encoder, Pretrained)
        if (
            not native
            and prepare.study.keep in FOLDERS
            and (run.encoder, run.task.title) not in tried
        ):
            tried.add((run.encoder, run.task.title))
            try:
                try_saving(encoder, task.num_outputs, task.label_names, prepare.sample(run))
            except BadInput as problem:
                yield str(problem)
