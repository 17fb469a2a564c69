"""CamemBERT (Martin et al. 2020): RoBERTa's transformer with a French vocabulary."""

from dataclasses import replace

from steadytune.encoders.families.roberta import ROBERTA

CAMEMBERT = replace(ROBERTA, name="camembert", model="CamembertForSequenceClassification")
