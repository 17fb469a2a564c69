"""Seconds per training step on RTE with MiniLM: steadytune against the Hugging Face Trainer.

Both sides train the same encoder on the same examples with the same batch size, learning rate and
dropout, on this machine, in this process, in turns. The Trainer pads each batch to its longest
sentence (its best legal setting for this data; padding to 128, as its examples do, is slower) and
uses its default optimizer. What is measured is wall time from the end of one step to the end of
the next, data loading included, after a warm-up; the ratio is that of the medians.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from steadytune import conduct
from steadytune.named_recipes import mosbach2021
from steadytune.recipe import Seeds
from steadytune.records import Step
from steadytune.study import Study, TaskChoice
from steadytune.training.loop import train
from steadytune.training.prepare import Preparation
from steadytune.training.step import PlainStepper

WARM_UP = 2


def our_seconds(data_dir: str, precision: str, steps: int) -> list[float]:
    """Seconds of each step of ours after the warm-up."""
    recipe = replace(mosbach2021(), epochs=None, steps=steps + WARM_UP, precision=precision)
    study = Study(
        recipes=(recipe,),
        tasks=(TaskChoice("glue/rte", data_dir=data_dir),),
        encoders=("minilm",),
        seeds=(Seeds.tied(0),),
        evaluate="end",
    )
    loaded = conduct.load(study)
    prepare = Preparation(loaded.study, loaded.tasks, loaded.encoders, loaded.device)
    ends: list[float] = []
    for event in train([prepare(loaded.runs[0])], PlainStepper()):
        if isinstance(event, Step):
            ends.append(time.perf_counter())
        if len(ends) == steps + WARM_UP:
            break
    return _differences(ends)


class _Clock(TrainerCallback):
    """Notes when each step ends."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_step_end(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401
        self.ends.append(time.perf_counter())


def trainer_seconds(folder: Path, data_dir: str, bf16: bool, steps: int) -> list[float]:
    """Seconds of each step of the Trainer after the warm-up."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    split = conduct.tasks.load(TaskChoice("glue/rte", data_dir=data_dir)).train
    encoded = tokenizer(list(split.texts), list(split.pairs or ()), truncation=True, max_length=128)
    rows = [
        {**{key: encoded[key][i] for key in encoded}, "labels": int(label)}
        for i, label in enumerate(split.labels)
    ]
    clock = _Clock()
    with tempfile.TemporaryDirectory() as out:
        arguments = TrainingArguments(
            output_dir=out,
            max_steps=steps + WARM_UP,
            per_device_train_batch_size=16,
            learning_rate=2e-5,
            weight_decay=0.01,
            bf16=bf16,
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


def measure(data_dir: str, steps: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of every measured step of every competitor, the competitors taken in turns."""
    folder = conduct.encoders.find("minilm")
    competitors = {
        "steadytune fp32": lambda: our_seconds(data_dir, "fp32", steps),
        "Trainer fp32": lambda: trainer_seconds(folder, data_dir, False, steps),
        "steadytune default": lambda: our_seconds(data_dir, "auto", steps),
        "Trainer bf16": lambda: trainer_seconds(folder, data_dir, True, steps),
    }
    found: dict[str, list[float]] = {name: [] for name in competitors}
    for _ in range(rounds):
        for name, compete in competitors.items():
            found[name] += compete()
    return found


def main() -> None:
    """Measure, print a table, and write everything as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", default=os.environ.get("STEADYTUNE_DATA"))
    parser.add_argument("--steps", type=int, default=10, help="measured steps a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="where to write every number")
    options = parser.parse_args()
    if options.data_dir is None:
        parser.error("give --data-dir, or set STEADYTUNE_DATA: a folder in the GLUE layout")
    seconds = measure(options.data_dir, options.steps, options.rounds)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, values in seconds.items():
        print(
            f"{name:20} {medians[name]:7.3f} s a step (median of {len(values)}, "
            f"{min(values):.3f} to {max(values):.3f})"
        )
    ratios = {
        "Trainer fp32 / steadytune fp32": medians["Trainer fp32"] / medians["steadytune fp32"],
        "Trainer bf16 / steadytune default": medians["Trainer bf16"]
        / medians["steadytune default"],
    }
    for name, ratio in ratios.items():
        print(f"{name}: {ratio:.2f}")
    if options.json:
        environment = conduct.environment(torch.device("cpu"))
        result = {"environment": environment, "seconds": seconds, "ratios": ratios}
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
