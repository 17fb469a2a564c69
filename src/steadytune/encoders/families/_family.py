"""Family: what tells the encoders of one published model type apart, as data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from torch import Tensor

from steadytune.encoders.architecture import Architecture, Head
from steadytune.encoders.transformer import ACTIVATIONS

_KEYS = MappingProxyType(
    {
        "vocabulary": "vocab_size",
        "positions": "max_position_embeddings",
        "segments": "type_vocab_size",
        "width": "hidden_size",
        "heads": "num_attention_heads",
        "mlp_width": "intermediate_size",
        "activation": "hidden_act",
        "norm_eps": "layer_norm_eps",
        "initializer_range": "initializer_range",
        "hidden_dropout": "hidden_dropout_prob",
        "attention_dropout": "attention_probs_dropout_prob",
    }
)


@dataclass(frozen=True)
class MaskedLMNames:
    """Where a checkpoint keeps the head of its masked language model.

    Attributes:
        dense, norm: names without ``.weight`` and ``.bias``; None where the head is the decoder
            alone. decoder, bias: names of tensors.
        activation: after the dense map; None for that of the layers.
    """

    dense: str | None
    norm: str | None
    decoder: str
    bias: str
    activation: str | None = None

    @property
    def first(self) -> str:
        """The tensor that tells whether a checkpoint has the head."""
        return self.decoder if self.dense is None else f"{self.dense}.weight"


@dataclass(frozen=True)
class Family:
    """One model type of transformers as data.

    Attributes:
        name: ``model_type`` in config.json.
        model: transformers' class for sentence classification, written into a saved config.
        prefix: what the names of the encoder start with in that class.
        head: how outputs are made.
        names: our name to the checkpoint's without prefix, ``{i}`` for the layer; each stands for
            itself or, where it names no tensor, for its ``.weight`` and ``.bias``.
        head_names: the same for parameters outside the prefix.
        keys: field of Architecture to key of config.json where it is not the usual one.
        fixed: fields of Architecture that the model type itself decides.
        derived: further fields, computed from the settings of config.json.
        layers_key: key of the number of layers. shared_key: key of the number of distinct ones.
        classifier_key: key of the classifier's drop rate; absent or null means the hidden rate.
        embedding_key: key of the embedding's width; None where it is that of the layers.
        always_projected: the embedding is projected even where the widths agree.
        positions_after_pad: positions are counted from the padding token's id + 1.
        masked_lm: names of the head for masked-LM pretraining; None where there is no such head.
        only: settings that the family's transformer takes; a checkpoint with another value runs
            through transformers itself. fits: the same for what no single setting says.
        as_transformers_names: the tensors of a stored checkpoint as transformers names and cuts
            them, where checkpoints are stored otherwise.
    """

    name: str
    model: str
    prefix: str
    head: Head
    names: Mapping[str, str]
    head_names: Mapping[str, str]
    keys: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    derived: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda config: {}
    layers_key: str = "num_hidden_layers"
    shared_key: str | None = None
    classifier_key: str = "classifier_dropout"
    embedding_key: str | None = None
    always_projected: bool = False
    positions_after_pad: bool = False
    masked_lm: MaskedLMNames | None = None
    only: Mapping[str, Any] = field(default_factory=dict)
    fits: Callable[[Mapping[str, Any]], bool] = lambda config: True
    as_transformers_names: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]] = lambda x: x

    def covers(self, config: Mapping[str, Any]) -> bool:
        """Whether the one transformer computes this checkpoint."""
        only = {"position_embedding_type": "absolute", "is_decoder": False} | dict(self.only)
        plain = all(config.get(key, value) == value for key, value in only.items())
        known = config[self.keys.get("activation", "hidden_act")] in ACTIVATIONS
        return plain and known and self.fits(config)

    def architecture(self, config: Mapping[str, Any]) -> Architecture:
        """Flags and sizes from the settings in config.json, defaults filled in."""
        own = dict(self.fixed) | dict(self.derived(config))
        keys = {k: v for k, v in (_KEYS | dict(self.keys)).items() if k not in own}
        values: dict[str, Any] = {name: config[key] for name, key in keys.items()} | own
        offset = config["pad_token_id"] + 1 if self.positions_after_pad else 0
        layers = config[self.layers_key]
        distinct = layers if self.shared_key is None else config[self.shared_key]
        embedding_width = config[self.embedding_key] if self.embedding_key else values["width"]
        classifier = config.get(self.classifier_key)
        usual = {
            "position_offset": offset,
            "longest": values["positions"] - offset,
            "head_width": values["width"] // values["heads"],
            "key_heads": values["heads"],
            "classifier_dropout": values["hidden_dropout"] if classifier is None else classifier,
            "head": self.head,
        }
        return Architecture(
            embedding_width=embedding_width,
            projection=self.always_projected or embedding_width != values["width"],
            order=tuple(i * distinct // layers for i in range(layers)),
            **(usual | values),
        )

    def checkpoint_name(self, name: str) -> str:
        """The name that transformers' class for sentence classification gives a parameter."""
        pattern, layer = re.sub(r"^layers\.\d+\.", "layers.{i}.", name), re.search(r"\d+", name)
        stem, _, leaf = pattern.rpartition(".")
        for names, prefix in ((self.names, f"{self.prefix}."), (self.head_names, "")):
            found = names.get(pattern) or (f"{names[stem]}.{leaf}" if stem in names else None)
            if found is not None:
                return prefix + found.format(i=layer.group() if layer else "")
        raise KeyError(name)
