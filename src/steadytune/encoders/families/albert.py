"""ALBERT (Lan et al. 2020): shared layers and a narrow embedding that is projected.

Google's code drops the MLP's output at the hidden rate, transformers does not; here it is dropped
as in the original. The published second versions have a hidden rate of 0, where the two agree.
"""

from steadytune.encoders.architecture import Head
from steadytune.encoders.families._family import Family, MaskedLMNames
from steadytune.encoders.families.bert import EMBEDDINGS

_LAYER = "encoder.albert_layer_groups.{i}.albert_layers.0"

ALBERT = Family(
    name="albert",
    model="AlbertForSequenceClassification",
    prefix="albert",
    head=Head(dense="pooler", activation="tanh", dropout_first=False),
    names=EMBEDDINGS
    | {
        "embeddings.projection": "encoder.embedding_hidden_mapping_in",
        "layers.{i}.attention.query": f"{_LAYER}.attention.query",
        "layers.{i}.attention.key": f"{_LAYER}.attention.key",
        "layers.{i}.attention.value": f"{_LAYER}.attention.value",
        "layers.{i}.attention.output": f"{_LAYER}.attention.dense",
        "layers.{i}.attention.norm": f"{_LAYER}.attention.LayerNorm",
        "layers.{i}.mlp.up": f"{_LAYER}.ffn",
        "layers.{i}.mlp.down": f"{_LAYER}.ffn_output",
        "layers.{i}.mlp.norm": f"{_LAYER}.full_layer_layer_norm",
        "pooler": "pooler",
    },
    head_names={"head.output": "classifier"},
    shared_key="num_hidden_groups",
    classifier_key="classifier_dropout_prob",
    embedding_key="embedding_size",
    always_projected=True,
    masked_lm=MaskedLMNames(
        dense="predictions.dense",
        norm="predictions.LayerNorm",
        decoder="predictions.decoder.weight",
        bias="predictions.bias",
    ),
    only={"inner_group_num": 1},
)
