"""Predict the dev splits of a run with the weights it has now."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from steadytune.encoders import Encoder, Tokenized
from steadytune.metrics import METRICS, measure
from steadytune.procedure import Params
from steadytune.records import Evaluation
from steadytune.score_scale import ScoreScale
from steadytune.training.losses import classes_loss, scores_loss
from steadytune.training.ready import Examples, ReadyRun, RunState

TOKENS_PER_BATCH = 4096


def evaluate(state: RunState) -> Iterator[Evaluation]:
    """One Evaluation for each dev split; takes note of the selecting one in the state.

    Dropout is off and nothing random is drawn, so evaluating never changes the training.
    """
    run = state.run
    params = run.compute(state.evaluated())
    for split, examples in run.dev.items():
        begun = time.perf_counter()
        predicted = predict(run, params, examples)
        metrics = measure(run.metrics, examples.labels, predicted)
        if split == run.task.select:
            state.observe(METRICS[run.task.metric].merit(metrics[run.task.metric]))
        yield Evaluation(
            run=run.id,
            step=state.step,
            split=split,
            loss=_loss(run, predicted, examples.labels),
            metrics=metrics,
            outputs=predicted,
            seconds=time.perf_counter() - begun,
        )


def predict(run: ReadyRun, params: Params, examples: Examples) -> NDArray[np.float32]:
    """(N, K) logits, or (N, 1) scores in the user's unit, by a run's trained ``params``."""
    found = outputs(run.encoder, params, examples.tokenized, run.device)
    return found if run.score_head is None else run.score_head.scale.restored(found)


def _loss(run: ReadyRun, predicted: NDArray[np.float32], labels: NDArray[Any]) -> float:
    """The mean loss in the unit of training."""
    if run.task.label_names is not None:
        return float(classes_loss(torch.from_numpy(predicted), torch.from_numpy(labels)))
    scale = ScoreScale(0, 1) if run.score_head is None else run.score_head.scale
    standard = [scale.standardized(scores) for scores in (predicted, labels)]
    return float(scores_loss(*map(torch.from_numpy, standard)))


@torch.no_grad()
def outputs(
    encoder: Encoder, params: Params, tokenized: Tokenized, device: torch.device
) -> NDArray[np.float32]:
    """(N, K) fp32 outputs for all examples, in their order, whatever order they are computed in."""
    chunks: list[tuple[NDArray[np.int64], torch.Tensor]] = []
    for chosen in batches(tokenized.lengths):
        logits = encoder.outputs(params, tokenized.batch(chosen, device), None)
        chunks.append((chosen, logits.float().cpu()))
    result = np.empty((len(tokenized), chunks[0][1].shape[1]), np.float32)
    for chosen, logits in chunks:
        result[chosen] = logits.numpy()
    return result


def batches(lengths: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Examples by length, as many together as TOKENS_PER_BATCH holds (at least one)."""
    order = np.argsort(lengths, kind="stable")
    batch_of = np.cumsum(lengths[order]) // TOKENS_PER_BATCH
    for number in np.unique(batch_of):
        yield order[batch_of == number]
