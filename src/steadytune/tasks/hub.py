"""GLUE tasks from ``nyu-mll/glue`` on the Hugging Face Hub, through ``datasets`` (extra ``hub``).

``datasets`` is imported only when a task is asked for; what it has downloaded once it finds in its
own cache later, without a network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from steadytune.errors import BadInput
from steadytune.hub import offline_if_unreachable
from steadytune.study import TaskChoice
from steadytune.tasks._finish import Contents
from steadytune.tasks._glue_table import GLUE, GlueTask
from steadytune.tasks._task import Split

REPOSITORY = "nyu-mll/glue"


def load_hub(choice: TaskChoice) -> Contents:
    """A GLUE task from the Hub.

    Raises:
        BadInput: ``datasets`` is not installed, or it could not get the task.
    """
    glue = GLUE[choice.name]
    try:
        datasets = import_module("datasets")
    except ImportError:
        raise BadInput(
            f"{choice.name}: without a data_dir GLUE comes from the Hugging Face Hub, which needs"
            " the package datasets\npip install steadytune[hub], or name a folder of the official"
            " GLUE download with --data-dir"
        ) from None
    problem = None
    try:
        with offline_if_unreachable() as problem:
            splits = datasets.load_dataset(REPOSITORY, glue.hub)
    except Exception as error:  # the kinds differ between versions of datasets and of its parts
        reason = problem or f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
        raise BadInput(
            f"{choice.name}: {REPOSITORY} could not be loaded from the Hugging Face Hub"
            f" ({reason})\ncheck the network, or name a folder of the"
            " official GLUE download with --data-dir"
        ) from error
    return Contents(
        label_names=glue.label_names,
        train=_split(glue, splits["train"]),
        dev={name: _split(glue, splits[name.replace("dev", "validation", 1)]) for name in glue.dev},
        select=glue.dev[0],
        metrics=glue.metrics,
    )


def _split(glue: GlueTask, rows: Mapping[str, Sequence[Any]]) -> Split:
    texts, *pairs = (tuple(rows[column][:]) for column in glue.hub_columns)
    labels = rows["label"][:]
    return Split(
        texts=texts,
        pairs=pairs[0] if pairs else None,
        labels=np.array(labels, dtype=np.int64)
        if glue.label_names
        else np.array(labels, dtype=np.float64),
    )
