"""DistilBERT (Sanh et al. 2019): no segments, no dropout of attention's output, a ReLU head."""

from steadytune.encoders.architecture import Head
from steadytune.encoders.families._family import Family, MaskedLMNames
from steadytune.encoders.families.bert import EMBEDDINGS

_LAYER = "transformer.layer.{i}"

DISTILBERT = Family(
    name="distilbert",
    model="DistilBertForSequenceClassification",
    prefix="distilbert",
    head=Head(dense="head.dense", activation="relu", dropout_first=False),
    names={
        **{ours: theirs for ours, theirs in EMBEDDINGS.items() if ours != "embeddings.segment"},
        "layers.{i}.attention.query": f"{_LAYER}.attention.q_lin",
        "layers.{i}.attention.key": f"{_LAYER}.attention.k_lin",
        "layers.{i}.attention.value": f"{_LAYER}.attention.v_lin",
        "layers.{i}.attention.output": f"{_LAYER}.attention.out_lin",
        "layers.{i}.attention.norm": f"{_LAYER}.sa_layer_norm",
        "layers.{i}.mlp.up": f"{_LAYER}.ffn.lin1",
        "layers.{i}.mlp.down": f"{_LAYER}.ffn.lin2",
        "layers.{i}.mlp.norm": f"{_LAYER}.output_layer_norm",
    },
    head_names={"head.dense": "pre_classifier", "head.output": "classifier"},
    keys={
        "width": "dim",
        "heads": "n_heads",
        "mlp_width": "hidden_dim",
        "activation": "activation",
        "hidden_dropout": "dropout",
        "attention_dropout": "attention_dropout",
    },
    fixed={"segments": 0, "norm_eps": 1e-12, "drop_attention_output": None},
    layers_key="n_layers",
    classifier_key="seq_classif_dropout",
    masked_lm=MaskedLMNames(
        dense="vocab_transform",
        norm="vocab_layer_norm",
        decoder="vocab_projector.weight",
        bias="vocab_projector.bias",
    ),
)
