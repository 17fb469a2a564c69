"""Transformers' tables of models, imported when needed (that takes seconds), and used quietly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from transformers.utils import logging


def auto_model() -> Any:  # noqa: ANN401
    """Transformers' table of sequence classifiers."""
    from transformers import AutoModelForSequenceClassification

    return AutoModelForSequenceClassification


def auto_tokenizer() -> Any:  # noqa: ANN401
    """Transformers' table of tokenizers."""
    from transformers import AutoTokenizer

    return AutoTokenizer


@contextmanager
def quiet() -> Iterator[None]:
    """Without transformers' progress bars and its advice to train what is about to be trained."""
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
