"""The head with which a masked language model was pretrained, read from its checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
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
    """``decoder(norm(activation(dense(x))))``, or the decoder alone where a family has no more.

    E width of the embedding, D width of the states, V vocabulary.

    Attributes:
        tensors: ``dense.weight`` (E, D), ``dense.bias``, ``norm.weight`` and ``norm.bias`` (E,),
            ``bias`` (V,): each where the family has it; ``decoder`` (V, E): where the checkpoint
            ties it, the *pretrained* word embedding.
        activation: a key of ``ACTIVATIONS``. norm_eps: epsilon of the LayerNorm.
    """

    tensors: Mapping[str, Tensor]
    activation: str
    norm_eps: float

    def __call__(self, states_MD: Tensor) -> Tensor:
        """Logits (M, V) over the vocabulary, on the device of the states."""
        found = {name: tensor.to(states_MD.device) for name, tensor in self.tensors.items()}
        x = states_MD
        if "dense.weight" in found:
            x = F.linear(x, found["dense.weight"], found.get("dense.bias"))
            norm = found["norm.weight"]
            x = ACTIVATIONS[self.activation](x)
            x = F.layer_norm(x, norm.shape, norm, found.get("norm.bias"), self.norm_eps)
        return F.linear(x, found["decoder"], found.get("bias"))


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
    if names is None or not _is_there(names, tensors):
        looked_for = f" (no tensor {names.first})" if names else ""
        raise BadInput(
            f"{folder} has no masked-LM head{looked_for}, which perplexity needs: give an encoder "
            "as masked-LM pretraining left it, such as BertForMaskedLM saves it; sentence "
            "encoders, discriminators and fine-tuned models lack it"
        )
    wanted = _wanted(names, arch, tensors, tied=word is not None)
    found = checkpoint.select(tensors, wanted, frozenset(), "", folder)
    if word is not None:
        found["decoder"] = word.to(torch.float32)
    return MaskedLMHead(found, names.activation or arch.activation, arch.norm_eps)


def _is_there(names: MaskedLMNames, tensors: Mapping[str, Tensor]) -> bool:
    # A tied decoder is not stored, so only a head with more than that can be missed.
    return names.dense is None or names.first in tensors


def _wanted(
    names: MaskedLMNames, arch: Architecture, tensors: Mapping[str, Tensor], tied: bool
) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Our name of each tensor of the head to its stored name and shape."""
    inner, width, size = arch.embedding_width, arch.width, arch.vocabulary
    wanted: dict[str, tuple[str, tuple[int, ...]]] = {}
    if names.dense is not None:
        wanted["dense.weight"] = (f"{names.dense}.weight", (inner, width))
        wanted["norm.weight"] = (f"{names.norm}.weight", (inner,))
        if arch.head.dense_bias:
            wanted["dense.bias"] = (f"{names.dense}.bias", (inner,))
        if arch.norm_bias:
            wanted["norm.bias"] = (f"{names.norm}.bias", (inner,))
    bias = names.bias
    if not tied:
        wanted["decoder"] = (names.decoder, (size, inner))
        own_bias = names.decoder.removesuffix("weight") + "bias"  # untied as the weight is
        bias = own_bias if own_bias in tensors else bias
    if names.dense is not None or bias in tensors:
        wanted["bias"] = (bias, (size,))
    return wanted
