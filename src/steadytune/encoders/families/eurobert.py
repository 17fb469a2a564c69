"""EuroBERT (Boizard et al. 2025): Llama's layers, looking both ways.

Norms before the maps that divide by the root mean square, rotary positions, heads that share keys,
a gated MLP, no biases. Nothing is dropped but attention probabilities, and by default every token
has outputs, which are averaged.
"""

from collections.abc import Mapping
from typing import Any, Literal

from steadytune.encoders.architecture import Head
from steadytune.encoders.families._family import Family, MaskedLMNames
from steadytune.encoders.families._rotary import is_plain

_LAYER = "layers.{i}"
_POOLING: dict[str, Literal["first", "mean", "late"]] = {
    "bos": "first",
    "mean": "mean",
    "late": "late",
}


def _derived(config: Mapping[str, Any]) -> dict[str, Any]:
    layers = config["num_hidden_layers"]
    return {
        "longest": config["max_position_embeddings"],
        "head_width": config["head_dim"],
        "key_heads": config["num_key_value_heads"],
        "rotary": (float(config["rope_parameters"]["rope_theta"]),) * layers,
        "head": Head(
            dense="head.dense", activation="gelu", pooling=_POOLING[config["classifier_pooling"]]
        ),
    }


def _fits(config: Mapping[str, Any]) -> bool:
    return config["classifier_pooling"] in _POOLING and is_plain(config["rope_parameters"])


EUROBERT = Family(
    name="eurobert",
    model="EuroBertForSequenceClassification",
    prefix="model",
    head=Head(dense="head.dense", activation="gelu", pooling="late"),
    names={
        "embeddings.word": "embed_tokens.weight",
        "layers.{i}.attention.query": f"{_LAYER}.self_attn.q_proj",
        "layers.{i}.attention.key": f"{_LAYER}.self_attn.k_proj",
        "layers.{i}.attention.value": f"{_LAYER}.self_attn.v_proj",
        "layers.{i}.attention.output": f"{_LAYER}.self_attn.o_proj",
        "layers.{i}.attention.norm": f"{_LAYER}.input_layernorm",
        "layers.{i}.mlp.gate": f"{_LAYER}.mlp.gate_proj",
        "layers.{i}.mlp.up": f"{_LAYER}.mlp.up_proj",
        "layers.{i}.mlp.down": f"{_LAYER}.mlp.down_proj",
        "layers.{i}.mlp.norm": f"{_LAYER}.post_attention_layernorm",
        "final_norm": "norm",
    },
    head_names={"head.dense": "dense", "head.output": "classifier"},
    keys={
        "norm_eps": "rms_norm_eps",
        "attention_bias": "attention_bias",
        "mlp_bias": "mlp_bias",
        "attention_dropout": "attention_dropout",
    },
    fixed={
        "segments": 0,
        "positions": 0,
        "hidden_dropout": 0.0,
        "drop_attention_output": None,
        "drop_mlp": None,
        "pre_norm": True,
        "embedding_norm": False,
        "final_norm": True,
        "rms": True,
        "norm_bias": False,
        "gated": True,
    },
    derived=_derived,
    masked_lm=MaskedLMNames(dense=None, norm=None, decoder="lm_head.weight", bias="lm_head.bias"),
    fits=_fits,
)
