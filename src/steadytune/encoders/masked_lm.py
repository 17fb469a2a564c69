"""The head with which a masked language model was pretrained, read from its checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from steadytune.encoders import checkpoint
from steadytune.encoders.architecture import Architecture
from steadytune.encoders.families import MaskedLMNames
from steadytune.encoders.transformer import ACTIVATIONS
from steadytune.errors import BadInput


@dataclass(frozen=True)
class MaskedLMHead:
    """``decoder(norm(activation(dense(x))))``: the same in every family that has one.

    E width of the embedding, D width of the states, V vocabulary.

    Attributes:
        dense_weight: (E, D). dense_bias, norm_weight, norm_bias: (E,).
        decoder: (V, E); where the checkpoint ties it, the *pretrained* word embedding.
        bias: (V,).
        activation: a key of ``ACTIVATIONS``. norm_eps: epsilon of the LayerNorm.
    """

    dense_weight: Tensor
    dense_bias: Tensor
    norm_weight: Tensor
    norm_bias: Tensor
    decoder: Tensor
    bias: Tensor
    activation: str
    norm_eps: float

    def __call__(self, states_MD: Tensor) -> Tensor:
        """Logits (M, V) over the vocabulary, on the device of the states."""
        device = states_MD.device
        x = F.linear(states_MD, self.dense_weight.to(device), self.dense_bias.to(device))
        x = ACTIVATIONS[self.activation](x)
        norm = self.norm_weight.to(device)
        x = F.layer_norm(x, norm.shape, norm, self.norm_bias.to(device), self.norm_eps)
        return F.linear(x, self.decoder.to(device), self.bias.to(device))


def read_head(
    folder: Path, arch: Architecture, names: MaskedLMNames | None, word: Tensor | None
) -> MaskedLMHead:
    """The head in a checkpoint's folder, in fp32.

    Args:
        folder: of the pretrained encoder.
        arch: its sizes.
        names: of the family; None for one that has no such head.
        word: (V, E) pretrained word embedding where the decoder is tied to it, else None.

    Raises:
        BadInput: there is no such head, or not all of it.
    """
    tensors = checkpoint.stored(folder)
    if names is None or f"{names.dense}.weight" not in tensors:
        looked_for = f" (no tensor {names.dense}.weight)" if names else ""
        raise BadInput(
            f"{folder} has no masked-LM head{looked_for}, which perplexity needs: give an encoder "
            "as masked-LM pretraining left it, such as BertForMaskedLM saves it; sentence "
            "encoders, discriminators and fine-tuned models lack it"
        )
    inner, width, size = arch.embedding_width, arch.width, arch.vocabulary
    wanted = {
        "dense_weight": (f"{names.dense}.weight", (inner, width)),
        "dense_bias": (f"{names.dense}.bias", (inner,)),
        "norm_weight": (f"{names.norm}.weight", (inner,)),
        "norm_bias": (f"{names.norm}.bias", (inner,)),
        "bias": (names.bias, (size,)),
    }
    if word is None:
        wanted["decoder"] = (names.decoder, (size, inner))
        own_bias = names.decoder.removesuffix("weight") + "bias"  # untied as the weight is
        if own_bias in tensors:
            wanted["bias"] = (own_bias, (size,))
    found = checkpoint.select(tensors, wanted, frozenset(), "", folder)
    if word is not None:
        found["decoder"] = word.to(torch.float32)
    return MaskedLMHead(
        **found, activation=names.activation or arch.activation, norm_eps=arch.norm_eps
    )
