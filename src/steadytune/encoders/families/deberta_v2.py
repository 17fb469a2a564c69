"""DeBERTa-v2 and DeBERTa-v3 (He et al. 2021, 2023): BERT's layers with disentangled attention.

Checkpoints with a convolution beside the first layer (v2-xlarge) or a projected embedding run
through transformers itself.
"""

from collections.abc import Mapping
from typing import Any

from steadytune.encoders.architecture import Disentangled, Head
from steadytune.encoders.families._family import Family, MaskedLMNames
from steadytune.encoders.families.bert import EMBEDDINGS, LAYERS

_SELF = "encoder.layer.{i}.attention.self"


def _derived(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        # also where attention is not relative: so does transformers
        "score_terms": 1 + len({"c2p", "p2c"} & set(config["pos_att_type"] or ())),
        "positions": config["max_position_embeddings"] if config["position_biased_input"] else 0,
        "longest": config["max_position_embeddings"],
        "relative": _relative(config),
        "input_dropout": float(config["pooler_dropout"]),
        "head": Head(
            dense="head.dense", activation=config["pooler_hidden_act"], dropout_first=True
        ),
    }


def _relative(config: Mapping[str, Any]) -> Disentangled | None:
    if not config["relative_attention"]:
        return None
    longest = config["max_relative_positions"]
    longest = config["max_position_embeddings"] if longest < 1 else longest
    buckets, terms = config.get("position_buckets", -1), config["pos_att_type"] or []
    return Disentangled(
        span=buckets if buckets > 0 else longest,
        buckets=buckets if buckets > 0 else None,
        distance=longest,
        content_to_position="c2p" in terms,
        position_to_content="p2c" in terms,
        shared=bool(config.get("share_att_key", False)),
        norm=_normalized(config),
    )


def _fits(config: Mapping[str, Any]) -> bool:
    width = config["hidden_size"]
    own_sizes = {
        "embedding_size": width,
        "pooler_hidden_size": width,
        "attention_head_size": width // config["num_attention_heads"],
    }
    plain = all(config.get(key, value) == value for key, value in own_sizes.items())
    # transformers has a norm for relative positions that there are none of
    return plain and (config["relative_attention"] or not _normalized(config))


def _normalized(config: Mapping[str, Any]) -> bool:
    return "layer_norm" in config.get("norm_rel_ebd", "none").lower()


DEBERTA_V2 = Family(
    name="deberta-v2",
    model="DebertaV2ForSequenceClassification",
    prefix="deberta",
    head=Head(dense="head.dense", activation="gelu", dropout_first=True),
    names=EMBEDDINGS
    | LAYERS
    | {
        "embeddings.relative": "encoder.rel_embeddings.weight",
        "embeddings.relative_norm": "encoder.LayerNorm",
        "layers.{i}.attention.query": f"{_SELF}.query_proj",
        "layers.{i}.attention.key": f"{_SELF}.key_proj",
        "layers.{i}.attention.value": f"{_SELF}.value_proj",
        "layers.{i}.attention.position_key": f"{_SELF}.pos_key_proj",
        "layers.{i}.attention.position_query": f"{_SELF}.pos_query_proj",
    },
    head_names={"head.dense": "pooler.dense", "head.output": "classifier"},
    derived=_derived,
    classifier_key="cls_dropout",
    masked_lm=MaskedLMNames(
        dense="cls.predictions.transform.dense",
        norm="cls.predictions.transform.LayerNorm",
        decoder="cls.predictions.decoder.weight",
        bias="cls.predictions.bias",
    ),
    only={"conv_kernel_size": 0},
    fits=_fits,
)
