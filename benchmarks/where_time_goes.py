"""Where the time of one plain step goes: MiniLM on RTE, by kind of work, as a table and JSON.

The profiler itself costs time; milliseconds are therefore scaled to the step's wall time without
it, and what no operator accounts for (Python, the packing of batches) is a row of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from benchmarks.measurement import Spec
from benchmarks.ours import loaded
from benchmarks.shapes import PACKAGED, encoder_folder, task_choice
from torch.profiler import ProfilerActivity, profile, record_function

from steadytune import runner
from steadytune.encoders import Dropout
from steadytune.training import step as plain
from steadytune.training.ready import RunState
from steadytune.training.threads import one_thread

_STEPS, _WARM_UP = 12, 3
_REGIONS = {"keep": "dropout masks, drawn", "_update": "optimizer", "norms": "gradient norms"}
_PYTHON = "Python, and what no operator accounts for"
_REST = "the rest"
_OPERATORS = {
    "matrix products with weights": ("mm", "addmm"),
    "attention: products": ("bmm", "baddbmm"),
    "attention: softmax": ("_softmax", "_softmax_backward_data"),
    "GELU": ("gelu", "gelu_backward"),
    "LayerNorm": ("native_layer_norm", "native_layer_norm_backward"),
    "rows gathered and scattered": (
        *("index_select", "index", "index_add_", "_index_put_impl_", "index_put_", "embedding"),
        *("embedding_dense_backward", "cat", "zero_", "fill_"),
    ),
    "dropout and residuals: products, sums, casts": ("mul", "mul_", "add", "add_", "copy_", "sum"),
}
_KIND_OF = {f"aten::{name}": kind for kind, names in _OPERATORS.items() for name in names}


def _labelled(function: Callable[..., Any], label: str) -> Callable[..., Any]:
    def wrapped(*args: Any, **named: Any) -> Any:  # noqa: ANN401
        with record_function(label):
            return function(*args, **named)

    return wrapped


def _kind(event: Any) -> str:  # noqa: ANN401
    """Of the region that an event lies in, else of its operator."""
    inside = event
    while inside is not None:
        if inside.name in _REGIONS.values():
            return inside.name
        inside = inside.cpu_parent
    return _KIND_OF.get(event.name, _REST)


def _seconds(state: RunState) -> Iterator[float]:
    for _ in range(_STEPS):
        begun = time.perf_counter()
        plain.plain_step(state)
        state.step += 1
        yield time.perf_counter() - begun


def milliseconds(spec: Spec) -> dict[str, float]:
    """Of each kind of work, a step; they add up to the step's mean wall time."""
    study = loaded(spec, 1)
    with one_thread():
        state = RunState.begin(study.prepare(study.runs[0]))
        unprofiled = statistics.mean([*_seconds(state)][_WARM_UP:])
        with (
            patch.object(Dropout, "keep", _labelled(Dropout.keep, _REGIONS["keep"])),
            patch.object(plain, "_update", _labelled(plain._update, _REGIONS["_update"])),
            patch.object(plain, "norms", _labelled(plain.norms, _REGIONS["norms"])),
            profile(activities=[ProfilerActivity.CPU]) as profiler,
        ):
            profiled = sum(_seconds(state))
    found = defaultdict[str, float](float)
    for event in profiler.events() or ():
        found[_kind(event)] += event.self_cpu_time_total / 1e6
    found[_PYTHON] = profiled - sum(found.values())
    scale = 1000 * unprofiled / profiled
    return {kind: seconds * scale for kind, seconds in found.items()}


def main() -> None:
    """Profile, print a table, and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", default=os.environ.get("STEADYTUNE_DATA"), required=False)
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    options = parser.parse_args()
    if options.data_dir is None:
        parser.error("give --data-dir, or set STEADYTUNE_DATA: a folder in the GLUE layout")
    nowhere = Path()  # both come with a package and a folder: nothing is made
    task = task_choice("rte", options.data_dir, nowhere)
    spec = Spec("plain", str(encoder_folder(PACKAGED, nowhere)), task, 0, 0, 0.0, "fp32", 1)
    found = milliseconds(spec)
    total = sum(found.values())
    print("| | ms a step | share |\n|---|--:|--:|")
    for kind, each in sorted(found.items(), key=lambda item: -item[1]):
        print(f"| {kind} | {each:.1f} | {each / total:.1%} |")
    print(f"| the step | {total:.1f} | |")
    if options.json:
        environment = runner.environment(torch.device("cpu"))
        record = {"environment": environment, "threads": 1, "milliseconds": found}
        options.json.write_text(json.dumps(record, indent=1) + "\n")
        print(f"written to {options.json}", file=sys.stderr)


if __name__ == "__main__":
    main()
