"""XLM-RoBERTa (Conneau et al. 2020): RoBERTa's transformer with a vocabulary of 100 languages."""

from dataclasses import replace

from steadytune.encoders.families.roberta import ROBERTA

XLM_ROBERTA = replace(ROBERTA, name="xlm-roberta", model="XLMRobertaForSequenceClassification")
