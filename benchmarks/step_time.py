"""Seconds per training step on RTE with MiniLM: steadytune against the Hugging Face Trainer.

Both sides train the same encoder on the same examples with the same batch size, learning rate and
dropout, on this machine, in turns, each time in a process of its own. The Trainer pads each batch
to its longest sentence (its best legal setting for this data; padding to 128, as its examples do,
is slower) and uses its default optimizer. bf16 is what each side makes of it: where the processor
has no bf16 units, steadytune's default stays fp32 and the Trainer's bf16 is emulated.

What is measured is wall time from the end of one step to the end of the next, data loading
included, after a warm-up; the ratio is that of the medians.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from steadytune import conduct, tasks
from steadytune.encoders.named import find
from steadytune.named_recipes import mosbach2021
from steadytune.recipe import Seeds
from steadytune.records import Step
from steadytune.study import Study, TaskChoice
from steadytune.training.loop import train
from steadytune.training.memory import keep_freed_memory
from steadytune.training.precision import default_device
from steadytune.training.step import PlainStepper

WARM_UP = 2
LEAST = 2  # steps that are measured even when the time is up


def our_seconds(
    precision: Literal["fp32", "auto"], data_dir: str, steps: int, limit: float
) -> list[float]:
    """Seconds of each step of ours after the warm-up."""
    keep_freed_memory()  # as every study does
    recipe = replace(mosbach2021(), epochs=None, steps=steps + WARM_UP, precision=precision)
    study = Study(
        recipes=(recipe,),
        tasks=(TaskChoice("glue/rte", data_dir=data_dir),),
        encoders=("minilm",),
        seeds=(Seeds.tied(0),),
        evaluate="end",
    )
    loaded = conduct.load(study)
    ends: list[float] = []
    for event in train([loaded.prepare(loaded.runs[0])], PlainStepper()):
        if isinstance(event, Step):
            ends.append(time.perf_counter())
        if len(ends) == steps + WARM_UP or _time_is_up(ends, limit):
            break
    return _differences(ends)


class _Clock(TrainerCallback):
    """Notes when each step ends, and stops the training when the time is up."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.ends: list[float] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **named: Any) -> None:  # noqa: ANN401
        self.ends.append(time.perf_counter())
        control.should_training_stop |= _time_is_up(self.ends, self.limit)


def _time_is_up(ends: list[float], limit: float) -> bool:
    return len(ends) >= WARM_UP + LEAST and ends[-1] - ends[0] > limit


def trainer_seconds(bf16: bool, data_dir: str, steps: int, limit: float) -> list[float]:
    """Seconds of each step of the Trainer after the warm-up."""
    folder = find("minilm")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    split = tasks.load(TaskChoice("glue/rte", data_dir=data_dir)).train
    encoded = tokenizer(list(split.texts), list(split.pairs or ()), truncation=True, max_length=128)
    rows = [
        {**{key: encoded[key][i] for key in encoded}, "labels": int(label)}
        for i, label in enumerate(split.labels)
    ]
    clock = _Clock(limit)
    with tempfile.TemporaryDirectory() as out:
        arguments = TrainingArguments(
            output_dir=out,
            max_steps=steps + WARM_UP,
            per_device_train_batch_size=16,
            learning_rate=2e-5,
            weight_decay=0.01,
            bf16=bf16,
            use_cpu=not torch.cuda.is_available(),  # without it, bf16 is refused on a CPU
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
        )
        trainer = Trainer(
            model=model,
            args=arguments,
            train_dataset=rows,  # pyright: ignore[reportArgumentType]
            data_collator=DataCollatorWithPadding(tokenizer),
            callbacks=[clock],
        )
        trainer.train()
    return _differences(clock.ends)


def _differences(ends: list[float]) -> list[float]:
    return [b - a for a, b in zip(ends[WARM_UP - 1 :], ends[WARM_UP:], strict=False)]


COMPETITORS: dict[str, Callable[[str, int, float], list[float]]] = {
    "steadytune fp32": partial(our_seconds, "fp32"),
    "Trainer fp32": partial(trainer_seconds, False),
    "steadytune default": partial(our_seconds, "auto"),
    "Trainer bf16": partial(trainer_seconds, True),
}
RATIOS = (("Trainer fp32", "steadytune fp32"), ("Trainer bf16", "steadytune default"))


def in_turns(arguments: list[str], rounds: int) -> dict[str, list[float]]:
    """Seconds of every measured step of every competitor, round after round."""
    found: dict[str, list[float]] = {name: [] for name in COMPETITORS}
    for _ in range(rounds):
        for name in COMPETITORS:
            command = [sys.executable, __file__, "--only", name, *arguments]
            said = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
            found[name] += json.loads(said.splitlines()[-1])
    return found


def main() -> None:
    """Measure, print a table, and write everything as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", default=os.environ.get("STEADYTUNE_DATA"))
    parser.add_argument("--steps", type=int, default=10, help="measured steps a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=30, help="seconds a competitor and round")
    parser.add_argument("--json", type=Path, help="where to write every number")
    parser.add_argument("--only", choices=COMPETITORS, help="one competitor, one round, as JSON")
    options = parser.parse_args()
    if options.data_dir is None:
        parser.error("give --data-dir, or set STEADYTUNE_DATA: a folder in the GLUE layout")
    if options.only:
        print(json.dumps(COMPETITORS[options.only](options.data_dir, options.steps, options.limit)))
        return
    passed = ["--data-dir", options.data_dir, "--steps", str(options.steps)]
    seconds = in_turns([*passed, "--limit", str(options.limit)], options.rounds)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, values in seconds.items():
        print(
            f"{name:20} {medians[name]:7.3f} s a step (median of {len(values)}, "
            f"{min(values):.3f} to {max(values):.3f})"
        )
    ratios = {f"{slow} / {fast}": medians[slow] / medians[fast] for slow, fast in RATIOS}
    for name, ratio in ratios.items():
        print(f"{name}: {ratio:.2f}")
    if options.json:
        environment = conduct.environment(default_device())
        result = {"environment": environment, "seconds": seconds, "ratios": ratios}
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
