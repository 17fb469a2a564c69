"""Recipe and Seeds: what, besides the task and the encoder, decides a run.

Every value that changes a training is a field here, and nothing else is. All checks happen when a
Recipe is made, all problems are reported together, and the canonical JSON of a Recipe is what run
ids are computed from.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, model_validator
from pydantic.dataclasses import dataclass

from steadytune.bounds import (
    BatchSize,
    Decay,
    DropRate,
    Epochs,
    Epsilon,
    Label,
    LearningRate,
    Norm,
    Rate,
    Seed,
    Steps,
    Text,
    Tokens,
    WarmupSteps,
    plain_arguments,
)

_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
_DESCRIPTIVE = ("name", "source")  # fields that say what a recipe is called, not what it does

Setting = str | bool | int | float | None


@dataclass(frozen=True, config=_STRICT)
class StabilizerChoice:
    """A stabilizer by name with its settings, as a study file writes it.

    The stabilizer itself lives in ``steadytune.stabilizers``; keeping only its name here lets the
    vocabulary be read without torch.
    """

    name: Label
    settings: dict[str, Setting] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, given: Any) -> Any:  # noqa: ANN401
        return plain_arguments(given)


@dataclass(frozen=True, config=_STRICT)
class Recipe:
    """Everything that decides a training except the task, the encoder and the seeds.

    Vary one with ``dataclasses.replace(recipe, lr=3e-5)``; the new one is checked again.

    Attributes:
        name: the label in tables and figures; not part of what the recipe does.
        source: where its numbers come from; not part of what it does either.
        lr: peak learning rate.
        epochs: passes over the training split; give either this or ``steps``.
        steps: optimizer steps; give either this or ``epochs``.
        batch_size: sentences (or pairs) a step; the last, smaller batch of an epoch is kept.
        schedule: shape after warm-up: ``linear`` or ``cosine`` to zero, or ``constant``.
        warmup: a share of all steps (a float in [0, 1)) or a number of steps (an int).
        fold_bias_correction: multiply the schedule by sqrt(1 - b2^t) / (1 - b1^t); with
            ``bias_correction`` off this is the control that turns the correction into a schedule.
        betas: Adam's two decay rates.
        eps: Adam's epsilon.
        eps_mode: ``torch`` adds eps after the bias correction and decays weights before the
            update (torch.optim.AdamW); ``hf`` adds it before and decays after (the AdamW of
            transformers up to 4.x).
        bias_correction: correct the moments' bias toward zero; BERT's original optimizer did not.
        weight_decay: decoupled decay, times the learning rate; biases and norms are exempt.
        clip: ``global`` scales all gradients to ``max_grad_norm`` together, ``tensor`` each alone.
        max_grad_norm: the norm above which gradients are scaled down.
        dropout: hidden dropout; None keeps the checkpoint's own.
        attention_dropout: dropout of attention probabilities; None keeps the checkpoint's own.
        classifier_dropout: dropout before the classifier; None keeps the checkpoint's own.
        max_length: tokens an example is cut to, special tokens included.
        segment_ids: mark the second text for encoders that know segments; off reproduces the
            omission in the original code of Mosbach et al.
        precision: ``bf16`` computes in bfloat16 with fp32 master weights; ``auto`` takes it where
            the hardware has it and is settled before a run gets its id.
        stabilizers: published interventions, applied in this order.

    Raises:
        pydantic.ValidationError: a value is of the wrong type or out of range, or two contradict;
            all problems are listed.
    """

    name: Label
    lr: LearningRate
    source: Text = ""
    epochs: Epochs | None = None
    steps: Steps | None = None
    batch_size: BatchSize = 16
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    warmup: WarmupSteps | Rate = 0.1
    fold_bias_correction: bool = False
    betas: Annotated[tuple[Rate, Rate], Field(strict=False)] = (0.9, 0.999)
    eps: Epsilon = 1e-6
    eps_mode: Literal["torch", "hf"] = "torch"
    bias_correction: bool = True
    weight_decay: Decay = 0.01
    clip: Literal["global", "tensor", "none"] = "global"
    max_grad_norm: Norm = 1.0
    dropout: DropRate | None = None
    attention_dropout: DropRate | None = None
    classifier_dropout: DropRate | None = None
    max_length: Tokens = 128
    segment_ids: bool = True
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    stabilizers: Annotated[tuple[StabilizerChoice, ...], Field(strict=False)] = ()

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, given: Any) -> Any:  # noqa: ANN401
        return plain_arguments(given)

    @model_validator(mode="after")
    def _agree(self) -> Recipe:
        problems: list[str] = []
        if (self.epochs is None) == (self.steps is None):
            problems.append("give either epochs or steps, and only one of them")
        if self.fold_bias_correction and self.bias_correction:
            problems.append(
                "fold_bias_correction repeats what bias_correction does; switch one of them off"
            )
        if self.steps is not None and isinstance(self.warmup, int) and self.warmup > self.steps:
            problems.append(f"warmup of {self.warmup} steps is longer than the {self.steps} steps")
        names = [choice.name for choice in self.stabilizers]
        problems += [
            f"stabilizer {name!r} is given twice"
            for name, times in sorted(Counter(names).items())
            if times > 1
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def decisive(self) -> dict[str, Any]:
        """The fields that decide a run, as plain JSON values: what the digest is taken over."""
        plain = RECIPE.dump_python(self, mode="json")
        plain["warmup"] = plain["warmup"] or 0  # no warm-up is one thing, as steps and as a share
        return {key: value for key, value in plain.items() if key not in _DESCRIPTIVE}

    def total_steps(self, train_examples: int) -> int:
        """Optimizer steps of a run over ``train_examples`` examples, partial batches counted."""
        if self.steps is not None:
            return self.steps
        assert self.epochs is not None
        return max(1, round(self.epochs * self.steps_per_epoch(train_examples)))

    def steps_per_epoch(self, train_examples: int) -> int:
        """Steps of one pass over ``train_examples`` examples."""
        return -(-train_examples // self.batch_size)


@dataclass(frozen=True, config=_STRICT)
class Seeds:
    """Three named seeds of one run (Dodge et al. 2020 separate the first two).

    Attributes:
        init: weights that the checkpoint does not hold, such as the classifier.
        order: the order of the training examples.
        dropout: every mask drawn while training: dropout, Mixout.
    """

    init: Seed
    order: Seed
    dropout: Seed

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, given: Any) -> Any:  # noqa: ANN401
        return plain_arguments(given)

    @classmethod
    def tied(cls, seed: int) -> Seeds:
        """One number for all three, as the paper and nearly every script has it."""
        return cls(seed, seed, seed)

    def __str__(self) -> str:
        if self.init == self.order == self.dropout:
            return str(self.init)
        return f"{self.init}-{self.order}-{self.dropout}"


RECIPE = TypeAdapter(Recipe)
RECIPE_FIELDS = tuple(field.name for field in fields(Recipe))


def digest(value: object) -> str:
    """Sixteen hexadecimal digits of the SHA-256 of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
