"""The states of chosen examples after every layer: what similarity between runs is measured on.

Only these are kept, so a study need not keep its checkpoints: the first token's state of a few
hundred dev examples, layer by layer.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import torch

from steadytune.encoders import Pretrained, Tokenized
from steadytune.ledger import LayerStates
from steadytune.procedure import Params
from steadytune.training.evaluate import batches

EXAMPLES = 256


def first_examples(tokenized: Tokenized, number: int | None) -> Tokenized:
    """The first ``number`` examples, or all of them; those that there are if there are fewer."""
    offsets = tokenized.offsets[: None if number is None else number + 1]
    cut: dict[str, Any] = {"offsets": offsets}
    for name in ("tokens", "segments"):
        cut[name] = np.ascontiguousarray(getattr(tokenized, name)[: offsets[-1]])
    return type(tokenized)(**cut)


@torch.no_grad()
def layer_states(
    encoder: Pretrained,
    params: Params,
    tokenized: Tokenized,
    about: dict[str, Any],
    device: torch.device,
) -> LayerStates:
    """First-token states of all examples after each layer, in fp32.

    Args:
        encoder: whose transformer computes them.
        params: of a run.
        tokenized: N examples, in full vocabulary; fixed for all runs to be compared.
        about: which run and checkpoint this is.
        device: where to compute.
    """
    params = {name: tensor.to(device, torch.float32) for name, tensor in params.items()}
    layers: list[torch.Tensor] = []
    order = list(batches(tokenized.lengths))
    for chosen in order:
        batch = tokenized.batch(chosen, device)
        first = torch.tensor([0, *np.cumsum(batch.lengths)[:-1].tolist()], device=device)
        states = [x.index_select(0, first).cpu() for x in encoder.layer_states(params, batch)]
        layers.append(torch.stack(states))
    together = torch.cat(layers, dim=1).numpy()
    found = np.empty_like(together)
    found[:, np.concatenate(order)] = together
    content = tokenized.tokens.tobytes() + tokenized.offsets.tobytes()
    digest = hashlib.sha256(content + tokenized.segments.tobytes()).hexdigest()[:16]
    return LayerStates({**about, "examples": digest}, found)
