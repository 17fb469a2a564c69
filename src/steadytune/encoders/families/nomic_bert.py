"""NomicBERT (Nussbaum et al. 2024): BERT's layers with rotary positions and a gated MLP."""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from steadytune.encoders.architecture import Head
from steadytune.encoders.families._family import Family, MaskedLMNames
from steadytune.encoders.families._rotary import is_plain
from steadytune.encoders.families.bert import EMBEDDINGS

_LAYER = "layers.{i}"
_RENAMED = {
    "encoder.layers": "layers",
    "emb_ln": "embeddings.LayerNorm",
    "attn.out_proj": "self_attn.o_proj",
    "mlp.fc11": "mlp.up_proj",
    "mlp.fc12": "mlp.gate_proj",
    "mlp.fc2": "mlp.down_proj",
    "norm1": "post_attention_layernorm",
    "norm2": "post_mlp_layernorm",
}
_FUSED = "attn.Wqkv"


def _as_transformers_names(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Published checkpoints have names of their own and one map for query, key and value."""
    found = dict[str, Tensor]()
    for name, tensor in stored.items():
        for theirs, ours in _RENAMED.items():
            name = re.sub(rf"\b{re.escape(theirs)}\b", ours, name)
        if _FUSED in name:
            parts = zip("qkv", tensor.chunk(3), strict=True)
            found |= {name.replace(_FUSED, f"self_attn.{k}_proj"): part for k, part in parts}
        else:
            found[name] = tensor
    return found


def _derived(config: Mapping[str, Any]) -> dict[str, Any]:
    layers = config["num_hidden_layers"]
    return {
        "longest": config["max_position_embeddings"],
        "head_width": config["head_dim"],
        "rotary": (float(config["rope_parameters"]["rope_theta"]),) * layers,
    }


NOMIC_BERT = Family(
    name="nomic_bert",
    model="NomicBertForSequenceClassification",
    prefix="nomic_bert",
    head=Head(dense="pooler", activation="tanh"),
    names={
        **{ours: theirs for ours, theirs in EMBEDDINGS.items() if ours != "embeddings.position"},
        "layers.{i}.attention.query": f"{_LAYER}.self_attn.q_proj",
        "layers.{i}.attention.key": f"{_LAYER}.self_attn.k_proj",
        "layers.{i}.attention.value": f"{_LAYER}.self_attn.v_proj",
        "layers.{i}.attention.output": f"{_LAYER}.self_attn.o_proj",
        "layers.{i}.attention.norm": f"{_LAYER}.post_attention_layernorm",
        "layers.{i}.mlp.gate": f"{_LAYER}.mlp.gate_proj",
        "layers.{i}.mlp.up": f"{_LAYER}.mlp.up_proj",
        "layers.{i}.mlp.down": f"{_LAYER}.mlp.down_proj",
        "layers.{i}.mlp.norm": f"{_LAYER}.post_mlp_layernorm",
        "pooler": "pooler.dense",
    },
    head_names={"head.output": "classifier"},
    fixed={"positions": 0, "attention_bias": False, "mlp_bias": False, "gated": True},
    derived=_derived,
    masked_lm=MaskedLMNames(
        dense="cls.predictions.transform.dense",
        norm="cls.predictions.transform.layer_norm",
        decoder="cls.predictions.decoder.weight",
        bias="cls.predictions.bias",
    ),
    as_transformers_names=_as_transformers_names,
    fits=lambda config: is_plain(config["rope_parameters"]),
)
