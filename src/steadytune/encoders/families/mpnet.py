"""MPNet (Song et al. 2020): BERT's layers, and T5's relative positions beside absolute ones.

transformers counts positions from padding row 1 whatever the id of the padding token is, and its
buckets of distances end at 128.
"""

from collections.abc import Mapping
from typing import Any

from steadytune.encoders.architecture import Buckets, Head
from steadytune.encoders.families._family import Family, MaskedLMNames
from steadytune.encoders.families.bert import EMBEDDINGS

_FIRST_POSITION = 2
_LAYER = "encoder.layer.{i}"


def _positions(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "position_offset": _FIRST_POSITION,
        "longest": config["max_position_embeddings"] - _FIRST_POSITION,
        "relative": Buckets(config["relative_attention_num_buckets"], distance=128),
    }


MPNET = Family(
    name="mpnet",
    model="MPNetForSequenceClassification",
    prefix="mpnet",
    head=Head(dense="head.dense", activation="tanh", dropout_first=True),
    names={
        **{ours: theirs for ours, theirs in EMBEDDINGS.items() if ours != "embeddings.segment"},
        "embeddings.relative": "encoder.relative_attention_bias.weight",
        "layers.{i}.attention.query": f"{_LAYER}.attention.attn.q",
        "layers.{i}.attention.key": f"{_LAYER}.attention.attn.k",
        "layers.{i}.attention.value": f"{_LAYER}.attention.attn.v",
        "layers.{i}.attention.output": f"{_LAYER}.attention.attn.o",
        "layers.{i}.attention.norm": f"{_LAYER}.attention.LayerNorm",
        "layers.{i}.mlp.up": f"{_LAYER}.intermediate.dense",
        "layers.{i}.mlp.down": f"{_LAYER}.output.dense",
        "layers.{i}.mlp.norm": f"{_LAYER}.output.LayerNorm",
    },
    head_names={"head.dense": "classifier.dense", "head.output": "classifier.out_proj"},
    fixed={"segments": 0},
    derived=_positions,
    masked_lm=MaskedLMNames(
        dense="lm_head.dense",
        norm="lm_head.layer_norm",
        decoder="lm_head.decoder.weight",
        bias="lm_head.bias",
        activation="gelu",
    ),
    # transformers divides the distances into 32 buckets whatever the table holds
    only={"relative_attention_num_buckets": 32},
)
