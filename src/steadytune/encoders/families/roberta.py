"""RoBERTa (Liu et al. 2019): no segments, and a head of its own that is always fresh."""

from steadytune.encoders.architecture import Head
from steadytune.encoders.families._family import Family, MaskedLMNames
from steadytune.encoders.families.bert import EMBEDDINGS, LAYERS

ROBERTA = Family(
    name="roberta",
    model="RobertaForSequenceClassification",
    prefix="roberta",
    head=Head(dense="head.dense", activation="tanh", dropout_first=True),
    names=EMBEDDINGS | LAYERS,
    head_names={"head.dense": "classifier.dense", "head.output": "classifier.out_proj"},
    positions_after_pad=True,
    masked_lm=MaskedLMNames(
        dense="lm_head.dense",
        norm="lm_head.layer_norm",
        decoder="lm_head.decoder.weight",
        bias="lm_head.bias",
        activation="gelu",
    ),
)
