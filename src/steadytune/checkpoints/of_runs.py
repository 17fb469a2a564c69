"""The measurements on checkpoints, for runs of a study whose weights were kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from steadytune.checkpoints.forgetting import forgetting, forgetting_along
from steadytune.checkpoints.kept import Kept, KeptRuns
from steadytune.checkpoints.masked_blocks import masked_blocks
from steadytune.checkpoints.objective import Objective
from steadytune.checkpoints.representations import EXAMPLES, first_examples, layer_states
from steadytune.checkpoints.surface import RESOLUTION, axis, segment, surface
from steadytune.errors import BadInput
from steadytune.ledger import LayerStates, Points
from steadytune.procedure import Params

Watch = Callable[[int, int], None]


def _silent(done: int, wanted: int) -> None:
    """Tell nobody."""


def forgetting_of(
    kept: Kept,
    text: str,
    path: Path,
    block_length: int,
    mask_seed: int = 0,
    most_blocks: int | None = None,
    watch: Watch = _silent,
) -> Points:
    """What a run forgot of a text; see ``forgetting`` and ``masked_blocks``."""
    blocks = masked_blocks(kept.encoder, text, block_length, mask_seed, most_blocks)
    device = kept.run.device
    return forgetting(kept.encoder, kept.params, blocks, path, kept.about, device, watch)


def forgetting_along_of(
    runs: KeptRuns,
    run_id: str,
    text: str,
    path: Path,
    block_length: int,
    mask_seed: int = 0,
    most_blocks: int | None = None,
    watch: Watch = _silent,
) -> Points:
    """What a run of a study with ``keep: every`` had forgotten of a text after each evaluation.

    See ``forgetting_along`` and ``masked_blocks``.

    Raises:
        BadInput: the encoder has no masked-LM head, or the file holds something else.
    """
    end = runs(run_id)
    blocks = masked_blocks(end.encoder, text, block_length, mask_seed, most_blocks)
    tuned: dict[int, Callable[[], Params]] = {
        step: lambda step=step: runs(run_id, step).params for step in runs.steps(run_id)
    }
    tuned[end.run.total_steps] = lambda: end.params
    device = end.run.device
    about = {"run": run_id}
    return forgetting_along(end.encoder, tuned, blocks, path, about, device, watch)


def surface_of(
    failed: Kept,
    successful: Kept,
    path: Path,
    resolution: int = RESOLUTION,
    examples: int | None = None,
    fresh_head: Literal["failed", "successful"] = "failed",
    gradient: bool = True,
    watch: Watch = _silent,
) -> Points:
    """The plane through pretrained, failed and successful weights; see ``surface``.

    Args:
        failed: a run.
        successful: another, of the same encoder on the same task.
        path: of the file of results.
        resolution: places on each axis.
        examples: how many training examples the loss is of; None for all.
        fresh_head: whose init seed draws the head at the pretrained corner.
        gradient: also measure the gradient norm.
        watch: told of the progress.

    Raises:
        BadInput: the runs do not belong together, or the file holds something else.
    """
    _check(failed, successful)
    origin = failed if fresh_head == "failed" else successful
    corners = (origin.pretrained, failed.params, successful.params)
    about = {
        "failed": failed.about,
        "successful": successful.about,
        "encoder": failed.encoder.facts.digest,
        "head": f"interpolated; at (0, 0) that of init seed {origin.run.seeds.init}",
    }
    first, second, third = (failed.trimmed(params) for params in corners)
    objective = Objective.of(failed.run, examples)
    return surface(
        objective, (first, second, third), path, about, axis(resolution), gradient, watch
    )


def segment_of(
    one: Kept,
    other: Kept,
    path: Path,
    resolution: int = 21,
    examples: int | None = None,
    gradient: bool = True,
    watch: Watch = _silent,
) -> Points:
    """The straight line between two runs, heads included; see ``segment``.

    Raises:
        BadInput: the runs do not belong together, or the file holds something else.
    """
    _check(one, other)
    about = {"from": one.about, "to": other.about, "encoder": one.encoder.facts.digest}
    ends = (one.trimmed(one.params), one.trimmed(other.params))
    objective = Objective.of(one.run, examples)
    return segment(objective, ends, path, about, resolution, gradient, watch)


def states_of(kept: Kept, examples: int | None = EXAMPLES) -> LayerStates:
    """States of the first ``examples`` dev examples after every layer; see ``layer_states``.

    With them in a file (``ledger.write_states``) the run's model is no longer needed to compare it
    with others.
    """
    dev = first_examples(kept.dev, examples)
    return layer_states(kept.encoder, kept.params, dev, kept.about, kept.run.device)


def _check(one: Kept, other: Kept) -> None:
    """Refuse runs whose losses are not of the same examples and shapes."""
    facts = [(k.run.task.digest, k.encoder.facts.digest) for k in (one, other)]
    same = all(
        np.array_equal(getattr(one.run.train.tokenized, x), getattr(other.run.train.tokenized, x))
        for x in ("tokens", "segments", "offsets")
    )
    if facts[0] != facts[1] or not same:
        raise BadInput(
            f"runs {one.run.id} and {other.run.id} do not belong together: give runs of one task, "
            "one encoder, one max_length and one choice of segment_ids"
        )
