"""Masked-LM perplexity: parameters, head and masked blocks in, one number out."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F

from steadytune.checkpoints.masked_blocks import MaskedBlocks
from steadytune.encoders import MaskedLMHead, Pretrained
from steadytune.errors import BadInput
from steadytune.procedure import Params
from steadytune.training.evaluate import batches

_LARGEST = 700.0  # exp of more is no double


class MaskedLoss(NamedTuple):
    """Mean cross-entropy, in nats, over so many selected tokens."""

    loss: float
    tokens: int

    @property
    def perplexity(self) -> float:
        """exp(loss)."""
        return math.inf if self.loss > _LARGEST else math.exp(self.loss)


@torch.no_grad()
def masked_loss(
    encoder: Pretrained,
    params: Params,
    head: MaskedLMHead,
    blocks: MaskedBlocks,
    device: torch.device,
) -> MaskedLoss:
    """The loss of predicting the selected tokens, in fp32 without dropout.

    Every selected token weighs the same, in whichever block it is.

    Raises:
        BadInput: no token is selected.
    """
    if not blocks.selected.any():
        raise BadInput("no token is selected: give more blocks, or another mask seed")
    params = {name: tensor.to(device) for name, tensor in params.items()}
    tokenized = blocks.tokenized
    total, tokens = 0.0, 0
    for chosen in batches(tokenized.lengths):
        states_TD = encoder.hidden(params, tokenized.batch(chosen, device))
        selected = torch.from_numpy(blocks.selected[chosen].ravel()).to(device)
        targets = torch.from_numpy(blocks.targets[chosen][blocks.selected[chosen]]).to(device)
        logits_MV = head(states_TD[selected])
        total += float(F.cross_entropy(logits_MV, targets, reduction="sum").double())
        tokens += len(targets)
    return MaskedLoss(total / tokens, tokens)
