"""The Hugging Face Trainer on the same task, at its best legal settings.

It pads each batch to its longest sentence (padding to 128, as its examples do, is slower), uses its
default optimizer, keeps no checkpoints and logs nothing. Batch size, learning rate, decay and
dropout are ours. Its tokens are counted without padding.
"""

from __future__ import annotations

import tempfile
from typing import Any

import torch
from benchmarks.clock import Clock
from benchmarks.measurement import Measured, Spec, peak_bytes
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from steadytune import tasks
from steadytune.named_recipes import mosbach2021
from steadytune.training.precision import default_device


class _Watch(TrainerCallback):
    """Lets the clock tick, and stops the training when it has seen enough."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def on_train_begin(self, args: Any, state: Any, control: Any, **named: Any) -> None:  # noqa: ANN401
        self.clock.start()

    def on_step_end(self, args: Any, state: Any, control: Any, **named: Any) -> None:  # noqa: ANN401
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        control.should_training_stop |= self.clock.tick()


class _Collator(DataCollatorWithPadding):
    """Counts real tokens on the way."""

    def __call__(self, features: list[dict[str, Any]]) -> dict[str, Any]:
        batch = super().__call__(features)
        self.counted = [*getattr(self, "counted", []), int(batch["attention_mask"].sum())]
        return batch


def trainer(spec: Spec) -> Measured:
    """One run of the Trainer with all the threads that the process has."""
    torch.set_num_threads(spec.threads)
    recipe = mosbach2021()
    tokenizer = AutoTokenizer.from_pretrained(spec.encoder)
    model = AutoModelForSequenceClassification.from_pretrained(spec.encoder)
    collator, clock = _Collator(tokenizer), Clock(spec.steps, spec.limit)
    with tempfile.TemporaryDirectory() as out:
        arguments = TrainingArguments(
            output_dir=out,
            num_train_epochs=3,
            per_device_train_batch_size=recipe.batch_size,
            learning_rate=recipe.lr,
            weight_decay=recipe.weight_decay,
            warmup_steps=0.1,
            seed=spec.seed,
            bf16=spec.precision == "bf16",
            use_cpu=not torch.cuda.is_available(),  # without it, bf16 is refused on a CPU
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
        )
        Trainer(
            model=model,
            args=arguments,
            train_dataset=_rows(spec, tokenizer, recipe.max_length),  # pyright: ignore[reportArgumentType]
            data_collator=collator,
            callbacks=[_Watch(clock)],
        ).train()
    counted = collator.counted[: len(clock.ends)]
    return Measured(
        seconds=clock.seconds,
        ends=clock.ends[clock.warm_up :],
        tokens=sum(counted) / len(counted),
        peak_bytes=peak_bytes(default_device()),
    )


def _rows(spec: Spec, tokenizer: Any, max_length: int) -> list[dict[str, Any]]:  # noqa: ANN401
    split = tasks.load(spec.task).train
    texts = [list(split.texts), *([list(split.pairs)] if split.pairs else [])]
    encoded = tokenizer(*texts, truncation=True, max_length=max_length)
    return [
        {**{key: encoded[key][i] for key in encoded}, "labels": int(label)}
        for i, label in enumerate(split.labels)
    ]
