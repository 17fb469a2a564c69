"""ModernBERT (Warner et al. 2024), and what is built like it: Ettin, mmBERT.

Norms before the maps, rotary positions, windows of attention in two layers of three, a gated MLP,
no biases. The head is the one of masked-LM pretraining and so not fresh.
"""

from collections.abc import Mapping
from typing import Any

from steadytune.encoders.architecture import Head
from steadytune.encoders.families._family import Family, MaskedLMNames
from steadytune.encoders.families._rotary import is_plain

_LAYER = "layers.{i}"


def _derived(config: Mapping[str, Any]) -> dict[str, Any]:
    kinds = config["layer_types"]
    rope = config["rope_parameters"]
    window = config["local_attention"] // 2
    return {
        "longest": config["max_position_embeddings"],
        "rotary": tuple(float(rope[kind]["rope_theta"]) for kind in kinds),
        "window": tuple(window if kind == "sliding_attention" else None for kind in kinds),
        "output_range": config["hidden_size"] ** -0.5,
        "drop_attention_output": "attention" if config["attention_dropout"] > 0 else None,
        "head": Head(
            dense="pooler",
            activation=config["classifier_activation"],
            pooling="first" if config["classifier_pooling"] == "cls" else "mean",
            dense_bias=config["classifier_bias"],
            norm=True,
        ),
    }


def _fits(config: Mapping[str, Any]) -> bool:
    kinds = set(config["layer_types"])
    known = kinds <= {"full_attention", "sliding_attention"}
    return known and all(is_plain(config["rope_parameters"][kind]) for kind in kinds)


MODERNBERT = Family(
    name="modernbert",
    model="ModernBertForSequenceClassification",
    prefix="model",
    head=Head(dense="pooler", activation="gelu", norm=True),
    names={
        "embeddings.word": "embeddings.tok_embeddings.weight",
        "embeddings.norm": "embeddings.norm",
        "layers.{i}.attention.qkv": f"{_LAYER}.attn.Wqkv",
        "layers.{i}.attention.output": f"{_LAYER}.attn.Wo",
        "layers.{i}.attention.norm": f"{_LAYER}.attn_norm",
        "layers.{i}.mlp.up": f"{_LAYER}.mlp.Wi",
        "layers.{i}.mlp.down": f"{_LAYER}.mlp.Wo",
        "layers.{i}.mlp.norm": f"{_LAYER}.mlp_norm",
        "final_norm": "final_norm",
    },
    head_names={
        "pooler": "head.dense",
        "pooler_norm": "head.norm",
        "head.output": "classifier",
    },
    keys={
        "activation": "hidden_activation",
        "norm_eps": "norm_eps",
        "norm_bias": "norm_bias",
        "attention_bias": "attention_bias",
        "mlp_bias": "mlp_bias",
        "hidden_dropout": "mlp_dropout",
        "embedding_dropout": "embedding_dropout",
        "attention_dropout": "attention_dropout",
    },
    fixed={
        "segments": 0,
        "positions": 0,
        "pre_norm": True,
        "first_norm": False,
        "final_norm": True,
        "fused": True,
        "gated": True,
        "drop_mlp": "inner",
    },
    derived=_derived,
    masked_lm=MaskedLMNames(
        dense="head.dense",
        norm="head.norm",
        decoder="decoder.weight",
        bias="decoder.bias",
    ),
    fits=_fits,
)
