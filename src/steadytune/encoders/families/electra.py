"""ELECTRA's discriminator (Clark et al. 2020): no pooler, and a head with GELU."""

from steadytune.encoders.architecture import Head
from steadytune.encoders.families._family import Family
from steadytune.encoders.families.bert import EMBEDDINGS, LAYERS

ELECTRA = Family(
    name="electra",
    model="ElectraForSequenceClassification",
    prefix="electra",
    head=Head(dense="head.dense", activation="gelu", dropout_first=True),
    names=EMBEDDINGS | LAYERS | {"embeddings.projection": "embeddings_project"},
    head_names={"head.dense": "classifier.dense", "head.output": "classifier.out_proj"},
    embedding_key="embedding_size",
)
