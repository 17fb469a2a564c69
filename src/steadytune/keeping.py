"""Keeping: where the weights that events carry go, as Hugging Face folders or as states."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from steadytune import encoders
from steadytune.checkpoints.representations import EXAMPLES, first_examples, layer_states
from steadytune.encoders import Pretrained
from steadytune.ledger import Ledger, write_states
from steadytune.records import Finished, Weights
from steadytune.study import Run
from steadytune.training.prepare import Preparation


def keep_weights(event: Weights | Finished, run: Run, prepare: Preparation, ledger: Ledger) -> None:
    """Save what the study keeps of the weights of an event, if it has any.

    Raises:
        OSError: the disk is full or not writable; what was there before stays.
    """
    if event.weights is None:
        return
    params = {name: torch.from_numpy(array) for name, array in event.weights.items()}
    encoder = prepare.encoders[run.encoder]
    if prepare.study.keep == "states":
        assert isinstance(encoder, Pretrained)
        dev = first_examples(prepare.report_examples(run), EXAMPLES)
        about = {"run": run.id, "checkpoint": "last"}
        states = layer_states(encoder, params, dev, about, prepare.device)
        write_states(ledger.states_file(run.id), states)
        return
    step = event.step if isinstance(event, Weights) else None
    names = prepare.tasks[run.task.title].label_names
    encoder.save(params, ledger.model_folder(run.id, step), names)


def without_states(prepare: Preparation) -> Iterator[str]:
    """What speaks against keeping states, a sentence for each encoder that has none."""
    for name, encoder in prepare.encoders.items():
        if prepare.study.keep == "states" and not isinstance(encoder, Pretrained):
            yield (
                f"{name}: keep: states needs an encoder of the families "
                f"{', '.join(encoders.FAMILIES)}; this one runs through transformers itself: keep "
                "its weights, or none"
            )
