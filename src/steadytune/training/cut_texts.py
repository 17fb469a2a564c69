"""How many training examples ``max_length`` cuts, and how long the longest is."""

from __future__ import annotations

import numpy as np

from steadytune.study import Run
from steadytune.training.prepare import Preparation, in_parts


def cut_texts(prepare: Preparation, run: Run) -> str | None:
    """A sentence on the examples that a run sees only in part; None where it sees all whole.

    Only examples that fill ``max_length`` are tokenized once more.
    """
    task, encoder = prepare.tasks[run.task.title], prepare.encoders[run.encoder]
    longest = run.recipe.max_length
    full = np.flatnonzero(prepare.train_examples(run).lengths >= longest)
    lengths = [
        encoder.token_counts(texts, pairs) for texts, pairs in in_parts(task.train, full.tolist())
    ]
    cut = [length for part in lengths for length in part if length > longest]
    if not cut:
        return None
    return (
        f"{run.task.title} with {run.encoder}: {len(cut)} of {len(task.train)} training examples"
        f" ({100 * len(cut) / len(task.train):.1f} %) are longer than max_length={longest} tokens"
        f" and are cut (longest: {max(cut)}); a larger recipe.max_length reads more of them and"
        " takes longer"
    )
