"""One file of data per family of encoders."""

from steadytune.encoders.families._family import Family, MaskedLMNames
from steadytune.encoders.families.albert import ALBERT
from steadytune.encoders.families.bert import BERT
from steadytune.encoders.families.camembert import CAMEMBERT
from steadytune.encoders.families.deberta_v2 import DEBERTA_V2
from steadytune.encoders.families.distilbert import DISTILBERT
from steadytune.encoders.families.electra import ELECTRA
from steadytune.encoders.families.eurobert import EUROBERT
from steadytune.encoders.families.modernbert import MODERNBERT
from steadytune.encoders.families.mpnet import MPNET
from steadytune.encoders.families.nomic_bert import NOMIC_BERT
from steadytune.encoders.families.roberta import ROBERTA
from steadytune.encoders.families.xlm_roberta import XLM_ROBERTA

FAMILIES = {
    family.name: family
    for family in (
        BERT,
        ROBERTA,
        ALBERT,
        ELECTRA,
        DISTILBERT,
        MPNET,
        XLM_ROBERTA,
        CAMEMBERT,
        DEBERTA_V2,
        MODERNBERT,
        EUROBERT,
        NOMIC_BERT,
    )
}

__all__ = ["FAMILIES", "Family", "MaskedLMNames"]
