"""One file of data per family of encoders."""

from steadytune.encoders.families._family import Family, MaskedLMNames
from steadytune.encoders.families.albert import ALBERT
from steadytune.encoders.families.bert import BERT
from steadytune.encoders.families.distilbert import DISTILBERT
from steadytune.encoders.families.electra import ELECTRA
from steadytune.encoders.families.roberta import ROBERTA

FAMILIES = {family.name: family for family in (BERT, ROBERTA, ALBERT, ELECTRA, DISTILBERT)}

__all__ = ["FAMILIES", "Family", "MaskedLMNames"]
