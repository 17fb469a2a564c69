"""States of chosen examples under one run's weights: what is left of a checkpoint to compare it.

For 256 examples and BERT-large this is 26 MB, the checkpoint itself 1.3 GB.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from steadytune.errors import BadInput, Damaged
from steadytune.ledger.durable import make_folder, replace_file
from steadytune.ledger.json_lines import plain
from steadytune.ledger.schema import check_schema
from steadytune.records import SCHEMA

# What NumPy's archives raise, whatever byte of them is damaged.
_NO_STATES = (
    OSError,
    BadZipFile,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    EOFError,
    NotImplementedError,
    SyntaxError,
    zlib.error,
)


@dataclass(frozen=True)
class LayerStates:
    """The first token's state of each example after each layer.

    There is none of the embedding: what it gives for the first token is the same for all examples.

    Attributes:
        about: what the states are of; what is said in ``examples`` must agree for a comparison.
        states: (L, N, D) float32, from the first layer to the last.
    """

    about: dict[str, Any]
    states: NDArray[np.float32]


def write_states(path: Path, found: LayerStates) -> None:
    """Put the states into a file at once (an .npz).

    Raises:
        OSError: the disk is full or not writable; an earlier file is as it was.
    """
    about = json.dumps({"schema": SCHEMA, **plain(found.about)})
    make_folder(path.parent)

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(file, about=np.array(about), states=found.states)

    replace_file(path, write)


def read_states(path: Path) -> LayerStates:
    """The states in a file.

    Raises:
        Damaged: there is no such file, or it holds something else.
        BadInput: a newer steadytune wrote it.
    """
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            about, states = json.loads(str(file["about"])), file["states"]
        check_schema(about, path)
        del about["schema"]
    except BadInput:
        raise
    except _NO_STATES as error:
        raise Damaged(f"{path}: cannot be read as states of a run ({error})") from None
    if states.ndim != 3 or states.dtype != np.float32:
        raise Damaged(f"{path}: damaged (states are {states.dtype}, {states.ndim} axes)")
    return LayerStates(about, states)


def check_comparable(one: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    """Refuse two sets of states that are not of the same examples.

    Raises:
        BadInput: they are not.
    """
    if one.get("examples") != other.get("examples"):
        raise BadInput(
            "states of different examples cannot be compared: "
            f"{one.get('examples')} and {other.get('examples')}; write both from the same ones"
        )
