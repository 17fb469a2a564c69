"""BERT (Devlin et al. 2019)."""

from steadytune.encoders.architecture import Head
from steadytune.encoders.families._family import Family, MaskedLMNames

EMBEDDINGS = {
    "embeddings.word": "embeddings.word_embeddings.weight",
    "embeddings.position": "embeddings.position_embeddings.weight",
    "embeddings.segment": "embeddings.token_type_embeddings.weight",
    "embeddings.norm": "embeddings.LayerNorm",
}
LAYERS = {
    "layers.{i}.attention.query": "encoder.layer.{i}.attention.self.query",
    "layers.{i}.attention.key": "encoder.layer.{i}.attention.self.key",
    "layers.{i}.attention.value": "encoder.layer.{i}.attention.self.value",
    "layers.{i}.attention.output": "encoder.layer.{i}.attention.output.dense",
    "layers.{i}.attention.norm": "encoder.layer.{i}.attention.output.LayerNorm",
    "layers.{i}.mlp.up": "encoder.layer.{i}.intermediate.dense",
    "layers.{i}.mlp.down": "encoder.layer.{i}.output.dense",
    "layers.{i}.mlp.norm": "encoder.layer.{i}.output.LayerNorm",
}

BERT = Family(
    name="bert",
    model="BertForSequenceClassification",
    prefix="bert",
    head=Head(dense="pooler", activation="tanh", dropout_first=False),
    names=EMBEDDINGS | LAYERS | {"pooler": "pooler.dense"},
    head_names={"head.output": "classifier"},
    masked_lm=MaskedLMNames(
        dense="cls.predictions.transform.dense",
        norm="cls.predictions.transform.LayerNorm",
        decoder="cls.predictions.decoder.weight",
        bias="cls.predictions.bias",
    ),
)
