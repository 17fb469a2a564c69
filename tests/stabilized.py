"""A run with a stabilizer, and the same training written out in plain torch, for comparison."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import AutoModelForSequenceClassification

from small_studies import RECIPE, SmallStudy, kept, losses, make_task
from steadytune.recipe import StabilizerChoice
from steadytune.training.passes import StepDraws

# eps is large, so that Adam does not make full steps of gradients that are nothing but rounding.
CALM = replace(RECIPE, name="calm", epochs=None, steps=8, warmup=0.25, eps=1e-4)
UNDROPPED = replace(CALM, dropout=0.0, attention_dropout=0.0, classifier_dropout=0.0)


class Stabilized:
    """A short run of a tiny encoder with one stabilizer.

    Attributes:
        losses: of each step. weights: by name, as they are saved, kept rows of the vocabulary only.
        ready: the run without the stabilizer. own: with it.
    """

    def __init__(self, folder, name, settings=None, recipe=UNDROPPED, scores=False):
        chosen = (StabilizerChoice(name, settings or {}),)
        task = make_task(scores=scores)
        self.study = SmallStudy(folder, replace(recipe, stabilizers=chosen), task, keep="last")
        plain = SmallStudy(folder, recipe, task)
        self.recipe = recipe
        self.ready = plain.prepare(plain.run)
        self.own = self.study.prepare(self.study.run)
        events = self.study.events()
        self.losses = losses(events)
        weights = {n: torch.from_numpy(x) for n, x in kept(events).items()}
        self.weights = self.own.vocabulary.trimmed(weights)

    def draws(self, step):
        return StepDraws.of(self.ready, step)

    def outputs(self, params, step, number=0):
        """Of the plain encoder, with the keyed dropout of the run."""
        batch, _ = self.ready.batch(step)
        return self.ready.encoder.outputs(params, batch, self.ready.dropout_at(step, number))

    def check(self, found: list[float], params: dict[str, Tensor], rtol=1e-4) -> None:
        """Losses and saved weights are those of the reference, and not those of the start."""
        np.testing.assert_allclose(self.losses, found, rtol=rtol)
        for name, weights in self.weights.items():
            torch.testing.assert_close(weights, params[name].detach(), rtol=rtol, atol=1e-5)
        moved = [not torch.equal(x, self.own.start[name]) for name, x in self.weights.items()]
        assert any(moved)


def task_loss(outputs: Tensor, labels: Tensor) -> Tensor:
    if outputs.shape[1] == 1:
        return F.mse_loss(outputs[:, 0], labels.float())
    return F.cross_entropy(outputs, labels)


def rate(recipe, step, total=None):
    """transformers' linear schedule with warm-up."""
    total = total or recipe.steps
    warmup = int(recipe.warmup * total)
    if step < warmup:
        return step / warmup
    return (total - step) / (total - warmup)


def decays(run, name):
    kind = next(p.kind for p in run.table if p.name == name)
    return kind in ("linear", "embedding")


def reference(
    of: Stabilized,
    loss: Callable[[dict[str, Tensor], int, Tensor], Tensor] | None = None,
    start: dict[str, Tensor] | None = None,
    trainable: Callable[[str, int], bool] = lambda name, step: True,
    factor: Callable[[str, int], float] = lambda name, step: 1.0,
    scheduled: Callable[[int], float] | None = None,
    mapped: Callable[[dict[str, Tensor], int], None] = lambda params, step: None,
    after: Callable[[dict[str, Tensor], int], None] = lambda params, step: None,
    decay: Callable[[str], bool] | None = None,
) -> tuple[list[float], dict[str, Tensor]]:
    """torch.optim.AdamW, torch's clipping; what a stabilizer changes is handed in."""
    run, recipe = of.ready, of.recipe
    values = start or dict(run.start)
    params = {name: x.clone().requires_grad_() for name, x in values.items()}
    decay = decay or (lambda name: decays(run, name))
    groups: list[dict[str, Any]] = [
        {"params": [p], "name": name, "weight_decay": recipe.weight_decay * decay(name)}
        for name, p in params.items()
    ]
    optimizer = torch.optim.AdamW(groups, lr=recipe.lr, betas=recipe.betas, eps=recipe.eps)
    found = []
    for step in range(run.total_steps):
        _, labels = run.batch(step)
        for name, p in params.items():
            p.requires_grad_(trainable(name, step))
        value = task_loss(of.outputs(params, step), labels) if loss is None else None
        if loss is not None:
            value = loss(params, step, labels)
        assert value is not None
        value.backward()
        torch.nn.utils.clip_grad_norm_(params.values(), recipe.max_grad_norm)
        with torch.no_grad():
            mapped(params, step)
        for group in optimizer.param_groups:
            at = rate(recipe, step) if scheduled is None else scheduled(step)
            group["lr"] = recipe.lr * at * factor(group["name"], step)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        found.append(float(value.detach()))
        with torch.no_grad():
            after(params, step)
    return found, params


class Hugging:
    """transformers' own model with the weights of the run's start, on padded batches."""

    def __init__(self, of: Stabilized, folder) -> None:
        run = of.ready
        whole = run.vocabulary.restored(run.start, run.procedure, 0)
        run.encoder.save(whole, folder, of.study.task.label_names)
        self.model: Any = AutoModelForSequenceClassification.from_pretrained(folder).train()
        for module in self.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        self.model.config.attention_probs_dropout_prob = 0.0
        self.of = of

    def batch(self, step):
        """Padded token ids (B, L), the mask of real tokens, labels (B,)."""
        run = self.of.ready
        packed, labels = run.batch(step)
        kept_ids = torch.from_numpy(run.vocabulary.kept)
        rows = list(kept_ids[packed.tokens_T].split(packed.lengths))
        ids = torch.nn.utils.rnn.pad_sequence(rows, True, 0)
        real = torch.arange(ids.shape[1]) < torch.tensor(packed.lengths)[:, None]
        return ids, real, labels

    def optimizer(self, parameters=None):
        recipe = self.of.recipe
        exempt = ("bias", "LayerNorm.weight")
        named = [(n, p) for n, p in self.model.named_parameters() if p.requires_grad]
        groups = [
            {"params": [p for n, p in named if not n.endswith(exempt)]},
            {"params": [p for n, p in named if n.endswith(exempt)], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(
            groups, lr=recipe.lr, betas=recipe.betas, eps=recipe.eps,
            weight_decay=recipe.weight_decay,
        )  # fmt: skip

    def train(self, backward: Callable[[int], float]) -> list[float]:
        """Losses of a training whose gradients ``backward`` leaves in the parameters."""
        recipe, optimizer, found = self.of.recipe, self.optimizer(), []
        for step in range(self.of.ready.total_steps):
            found.append(backward(step))
            trained = [p for p in self.model.parameters() if p.requires_grad]
            torch.nn.utils.clip_grad_norm_(trained, recipe.max_grad_norm)
            for group in optimizer.param_groups:
                group["lr"] = recipe.lr * rate(recipe, step)
            optimizer.step()
            optimizer.zero_grad()
        return found
