"""The file of one evaluation: a row an example."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadytune.ledger.arrays import write_table
from steadytune.ledger.durable import make_folder
from steadytune.records import Evaluation


def write_predictions(
    file: Path, event: Evaluation, labels: NDArray[Any], predictions: NDArray[Any]
) -> None:
    """Write labels, predictions and outputs, in the order of the examples.

    Raises:
        OSError: the disk is full or gone; there is no such file then.
    """
    columns: dict[str, NDArray[Any]] = {
        "step": np.full(len(predictions), event.step, dtype=np.int64),
        "example": np.arange(len(predictions)),
        "label": labels,
        "prediction": predictions,
    }
    for k in range(event.outputs.shape[1]):
        columns[f"output_{k}"] = event.outputs[:, k]
    make_folder(file.parent)
    write_table(file, columns)
