"""Pretrained encoders: one transformer, one file of data per family.

``load`` reads an encoder by name, folder or Hub id; ``TABLE`` lists the names.
"""

from steadytune.encoders._encoder import (
    Batch,
    Dropout,
    Encoder,
    Observable,
    Sample,
    Tokenized,
)
from steadytune.encoders.automodel import Foreign
from steadytune.encoders.checkpoint import settings
from steadytune.encoders.families import FAMILIES
from steadytune.encoders.masked_lm import MaskedLMHead
from steadytune.encoders.named import TABLE, Named, find, hub_id
from steadytune.encoders.pretrained import Pretrained
from steadytune.encoders.stacking import Stack, Stackable, join
from steadytune.encoders.trial import try_saving
from steadytune.encoders.verification import PredictsOtherwise, spread

__all__ = [
    "FAMILIES",
    "TABLE",
    "Batch",
    "Dropout",
    "Encoder",
    "MaskedLMHead",
    "Named",
    "Observable",
    "PredictsOtherwise",
    "Pretrained",
    "Sample",
    "Stack",
    "Stackable",
    "Tokenized",
    "hub_id",
    "join",
    "load",
    "spread",
    "try_saving",
]


def load(name: str) -> Encoder:
    """The encoder of that name.

    Args:
        name: a name in ``TABLE``, the path of a Hugging Face folder, or a Hub id.

    Raises:
        steadytune.errors.BadInput: it is not found, or its files are unusable.
    """
    folder = find(name)
    config = settings(folder)
    family = FAMILIES.get(config.model_type)
    if family is not None and family.covers(config.to_dict()):
        return Pretrained(name, folder, config, family)
    return Foreign(name, folder, config)
