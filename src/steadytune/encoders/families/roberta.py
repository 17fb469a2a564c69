"""RoBERTa (Liu et al. 2019): no segments, and a head of its own that is always fresh."""

from steadytune.encoders.architecture import Head
from steadytune.encoders.families._family import Family
from steadytune.encoders.families.bert import EMBEDDINGS, LAYERS

ROBERTA = Family(
    name="roberta",
    model="RobertaForSequenceClassification",
    prefix="roberta",
    head=Head(dense="head.dense", activation="tanh", dropout_first=True),
    names=EMBEDDINGS | LAYERS,
    head_names={"head.dense": "classifier.dense", "head.output": "classifier.out_proj"},
    positions_after_pad=True,
)
