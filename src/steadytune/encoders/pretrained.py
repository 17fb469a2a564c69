"""An encoder of one of the families, read from a Hugging Face folder."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedConfig

from steadytune.encoders import checkpoint, transformer
from steadytune.encoders._encoder import Batch, Dropout, Sample, Tokenized
from steadytune.encoders.architecture import table
from steadytune.encoders.families import Family
from steadytune.encoders.masked_lm import MaskedLMHead, read_head
from steadytune.encoders.stacking import Stack
from steadytune.encoders.tokenizer import Tokenizer
from steadytune.encoders.verification import check
from steadytune.procedure import Activations, Parameter, Params, Perturb
from steadytune.records import EncoderFacts
from steadytune.seeds import generator

# Keys of config.json that say where a checkpoint came from, not what it computes.
_DESCRIPTIVE = ("_name_or_path", "architectures", "dtype", "torch_dtype", "transformers_version")


class Pretrained:
    """An Encoder whose transformer is ours; see ``Encoder`` for what its methods do.

    The head is always fresh, also where the checkpoint was fine-tuned before: a run starts from
    what pretraining gave and from its own init seed.
    """

    word_embedding: str | None = "embeddings.word"
    perturbable: frozenset[str] = frozenset({"word_vectors", "layer_inputs"})

    def __init__(self, name: str, folder: Path, config: PreTrainedConfig, family: Family) -> None:
        """Read weights and tokenizer.

        Args:
            name: as the study names it.
            folder: with weights and tokenizer files.
            config: of transformers, read from the same folder.
            family: of the config's model type.

        Raises:
            BadInput: weights or tokenizer are missing, corrupt, or do not fit the config.
        """
        self.name = name
        self._folder = folder
        self._config = config
        self._family = family
        self._arch = arch = family.architecture(config.to_dict())
        self.depth = arch.depth
        self._weights = self._read(folder)
        self._fresh = frozenset(p.name for p in table(arch, 1, frozenset())) - set(self._weights)
        self.head_note = ""
        if "pooler.weight" in self._fresh:
            self.head_note = f"{name} has no pooler: it is drawn by the init seed, as the head is."
        self._tokenizer = Tokenizer(folder, arch.vocabulary, arch.longest, arch.segments)
        self.facts = EncoderFacts(
            name=name,
            digest=digest(folder, self._weights, self._tokenizer.serialized),
            family=family.name,
            parameters=sum(tensor.numel() for tensor in self._weights.values()),
        )

    def _read(self, folder: Path) -> dict[str, Tensor]:
        parts = [p for p in table(self._arch, 1, frozenset()) if p.part != "head"]
        optional = frozenset(p.name for p in parts if p.part == "pooler")
        return self._select(folder, parts, optional)

    def _select(
        self, folder: Path, parts: Sequence[Parameter], optional: frozenset[str]
    ) -> dict[str, Tensor]:
        wanted = {p.name: (self._family.checkpoint_name(p.name), p.shape) for p in parts}
        tensors = self._family.as_transformers_names(checkpoint.stored(folder))
        return checkpoint.select(tensors, wanted, optional, self._family.prefix, folder)

    def tokenize(
        self,
        texts: Sequence[str],
        pairs: Sequence[str] | None,
        max_length: int,
        segment_ids: bool,
    ) -> Tokenized:
        """Token ids with special tokens, cut to ``max_length`` from the longer text."""
        return self._tokenizer(texts, pairs, max_length, segment_ids)

    def token_counts(self, texts: Sequence[str], pairs: Sequence[str] | None) -> list[int]:
        """Tokens of each example with special tokens, uncut."""
        return self._tokenizer.counts(texts, pairs)

    def parameters(self, num_outputs: int) -> tuple[Parameter, ...]:
        """The table of all parameters of encoder and head, from the bottom up."""
        return table(self._arch, num_outputs, self._fresh)

    def initial(self, num_outputs: int, init_seed: int) -> dict[str, Tensor]:
        """fp32 parameters at step 0: the pretrained ones (not copies), and fresh ones drawn."""
        return {
            p.name: drawn(p, init_seed) if p.fresh else self._weights[p.name]
            for p in self.parameters(num_outputs)
        }

    def outputs(
        self,
        params: Params,
        batch: Batch,
        dropout: Dropout | None,
        perturb: Perturb | None = None,
    ) -> Tensor:
        """Logits (B, K), computed in the dtype of ``params``; no dropout if None."""
        return transformer.outputs(params, self._arch, batch, dropout, perturb)

    def stacked_outputs(
        self, params: Params | Sequence[Params], stack: Stack, dropouts: Sequence[Dropout]
    ) -> tuple[Tensor, ...]:
        """Logits (B, K) of each run; see ``Stackable``."""
        return transformer.stacked_outputs(params, self._arch, stack, dropouts)

    def check_dropout(
        self, hidden: float | None, attention: float | None, classifier: float | None
    ) -> None:
        """Every rate can be had: the transformer is ours."""

    def save(
        self,
        params: Params,
        folder: Path,
        label_names: tuple[str, ...] | None,
        sample: Sample | None = None,
    ) -> None:
        """Write a folder from which plain transformers predicts the same; see ``Encoder``."""
        num_outputs = params["head.output.bias"].shape[0]
        config = copy.deepcopy(self._config)
        checkpoint.describe_outputs(config, num_outputs, label_names)
        config.architectures = [self._family.model]
        config.dtype = params["head.output.bias"].dtype
        names = (p.name for p in self.parameters(num_outputs))
        with checkpoint.whole(folder) as fresh:
            checkpoint.write({self._family.checkpoint_name(n): params[n] for n in names}, fresh)
            config.save_pretrained(fresh)
            self._tokenizer.save(fresh, sample)
            check(self, params, fresh, sample)

    def save_tokenizer(self, folder: Path, sample: Sample) -> None:
        """Write what ``save`` writes beside the weights that tokenizing takes."""
        self._config.save_pretrained(folder)
        self._tokenizer.save(folder, sample)

    def saved(self, folder: Path) -> dict[str, Tensor]:
        """The parameters that ``save`` wrote into ``folder``, encoder and head, in fp32.

        Raises:
            BadInput: there are none, or they are those of another architecture.
        """
        num_outputs = checkpoint.settings(folder).num_labels or 1
        return self._select(folder, self.parameters(num_outputs), frozenset())

    def hidden(self, params: Params, batch: Batch) -> Tensor:
        """States (T, D) after the last layer, without dropout."""
        return transformer.hidden(params, self._arch, batch, None)

    def layer_states(self, params: Params, batch: Batch) -> Iterator[Tensor]:
        """States (T, D) after each layer, from the bottom, without dropout."""
        return transformer.layer_states(params, self._arch, batch)

    def activations(self, params: Params, batch: Batch) -> Activations:
        """What a pass without dropout leaves behind; see ``Observable``."""
        return transformer.activations(params, self._arch, batch)

    def masked_lm_head(self) -> MaskedLMHead:
        """The head that the checkpoint was pretrained with.

        Raises:
            BadInput: the checkpoint has none.
        """
        names, tied = self._family.masked_lm, self._config.tie_word_embeddings
        word = self._weights["embeddings.word"]
        return read_head(self._folder, self._arch, names, word if tied else None)

    def blocks(self, text: str, length: int) -> NDArray[np.int64]:
        """(N, ``length``) token ids of a text in whole blocks; see ``Tokenizer.blocks``."""
        return self._tokenizer.blocks(text, length)

    def special_in(self, length: int) -> NDArray[np.bool_]:
        """(``length``,) which places of a block hold special tokens."""
        return self._tokenizer.special_in(length)

    @property
    def mask_id(self) -> int | None:
        """The id of the mask token."""
        return self._tokenizer.mask_id

    @property
    def token_ids(self) -> int:
        """Number of token ids."""
        return self._tokenizer.size


def drawn(parameter: Parameter, init_seed: int) -> Tensor:
    """The value at step 0 of a parameter that the checkpoint lacks, in fp32.

    Weights are N(0, initializer_range^2), biases 0, a LayerNorm is the identity. What is drawn
    depends on the parameter's own name and shape, not on how many others there are.
    """
    if parameter.kind == "bias":
        return torch.zeros(parameter.shape)
    if parameter.kind == "norm":
        return torch.full(parameter.shape, float(parameter.name.endswith("weight")))
    normal = generator("init", init_seed, parameter.name).standard_normal(parameter.shape)
    return torch.from_numpy(normal * parameter.initializer_range).to(torch.float32)


def digest(folder: Path, weights: Mapping[str, Tensor], tokenizer: str) -> str:
    """Sixteen hexadecimal digits of the SHA-256 of settings, weights and vocabulary."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    plain = {key: value for key, value in config.items() if key not in _DESCRIPTIVE}
    state = hashlib.sha256(json.dumps(plain, sort_keys=True).encode())
    state.update(tokenizer.encode())
    for name in sorted(weights):
        state.update(name.encode())
        state.update(weights[name].contiguous().numpy().tobytes())
    return state.hexdigest()[:16]
