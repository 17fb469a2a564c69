"""Weights and settings in from a Hugging Face folder, and fine-tuned ones out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoConfig, PreTrainedConfig

from steadytune.encoders.impossible import refuse_broken, refuse_settings
from steadytune.errors import BadInput
from steadytune.ledger.durable import replace_folder

WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
_LEGACY = {".gamma": ".weight", ".beta": ".bias"}  # LayerNorm in checkpoints ported from TensorFlow
_LISTED = 5  # offending tensors that an error message lists


def settings(folder: Path) -> PreTrainedConfig:
    """The configuration object of transformers, with every default filled in.

    Raises:
        BadInput: the folder or its config.json is missing, broken, or of an unknown model type.
    """
    if not folder.is_dir():
        raise BadInput(f"no encoder folder at {folder}")
    if not (folder / "config.json").is_file():
        raise BadInput(
            f"{folder} has no config.json: give a folder as save_pretrained writes it, with "
            "config.json, weights and tokenizer files"
        )
    try:
        written = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        model_type = written["model_type"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{folder / 'config.json'} is not JSON with a model_type: {error}") from None
    refuse_settings(written, folder / "config.json")
    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:
        raise BadInput(
            f"transformers cannot read {folder / 'config.json'} (model_type {model_type!r}): "
            f"{reason(error)}"
        ) from None


def stored(folder: Path) -> dict[str, Tensor]:
    """All tensors of a checkpoint by their stored names, in their stored precision.

    Raises:
        BadInput: there are no weights, or a file of them is missing or corrupt.
    """
    found = next((name for name in WEIGHTS if (folder / name).is_file()), None)
    if found is None:
        raise BadInput(f"{folder} has no weights: one of {', '.join(WEIGHTS)} is needed")
    path = folder / found
    if not found.endswith(".index.json"):
        return _read(path)
    try:
        weight_map = json.loads(path.read_text(encoding="utf-8"))["weight_map"]
        parts = sorted({str(part) for part in weight_map.values()})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{path} is not an index of weight files ({type(error).__name__}: {error}): "
            "fetch or write it again"
        ) from None
    outside = [part for part in parts if Path(part).name != part]
    if outside:
        raise BadInput(
            f"{path} names files outside of its folder, which are not read: "
            f"{', '.join(outside[:_LISTED])}"
        )
    missing = [part for part in parts if not (folder / part).is_file()]
    if missing:
        raise BadInput(f"{path} names files that are not there: {', '.join(missing)}")
    return {name: tensor for part in parts for name, tensor in _read(folder / part).items()}


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        # weights_only refuses everything but tensors: a checkpoint can run no code here.
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise BadInput(
            f"{path} ({path.stat().st_size} bytes) is truncated or corrupt ({reason(error)}): "
            "fetch or write it again"
        ) from None
    if not isinstance(tensors, dict) or not all(isinstance(t, Tensor) for t in tensors.values()):
        raise BadInput(f"{path} is not a table of tensors by name: save model.state_dict()")
    return tensors


def reason(error: Exception) -> str:
    """The first line of what another library says."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def select(
    tensors: Mapping[str, Tensor],
    wanted: Mapping[str, tuple[str, tuple[int, ...]]],
    optional: frozenset[str],
    prefix: str,
    folder: Path,
) -> dict[str, Tensor]:
    """The wanted tensors in fp32 under our names.

    Args:
        tensors: by stored name, with or without ``prefix.``.
        wanted: our name to (name with prefix, shape).
        optional: of our names, those that may be absent together.
        prefix: the model's own, such as ``bert``.
        folder: for messages.

    Raises:
        BadInput: tensors are missing or have another shape; a few of them are listed.
    """
    stored_names = {_plain(name, prefix): name for name in tensors}
    chosen: dict[str, Tensor] = {}
    problems: list[str] = []
    for ours, (theirs, shape) in wanted.items():
        found = stored_names.get(theirs.removeprefix(f"{prefix}."))
        if found is None:
            if ours not in optional:
                problems.append(f"{theirs} is missing")
        elif tuple(tensors[found].shape) != shape:
            problems.append(f"{found} is {tuple(tensors[found].shape)}, config.json says {shape}")
        else:
            chosen[ours] = tensors[found]
    if problems:
        rest = len(problems) - _LISTED
        lines = [*problems[:_LISTED], *([f"and {rest} more"] if rest > 0 else [])]
        raise BadInput(
            f"the weights in {folder} do not fit its config.json:\n  " + "\n  ".join(lines)
        )
    refuse_broken(
        {stored_names[wanted[ours][0].removeprefix(f"{prefix}.")]: t for ours, t in chosen.items()},
        folder,
    )
    return {ours: tensor.to(torch.float32) for ours, tensor in chosen.items()}


def _plain(name: str, prefix: str) -> str:
    for old, new in _LEGACY.items():
        if name.endswith(old):
            name = name.removesuffix(old) + new
    return name.removeprefix(f"{prefix}.")


def describe_outputs(
    config: PreTrainedConfig, num_outputs: int, label_names: tuple[str, ...] | None
) -> None:
    """Write into a configuration what the saved model's outputs mean."""
    names = label_names or ("score",) if num_outputs == 1 else label_names
    names = names or tuple(f"LABEL_{k}" for k in range(num_outputs))
    config.id2label = dict(enumerate(names))
    config.label2id = {name: k for k, name in enumerate(names)}
    config.problem_type = "regression" if label_names is None else "single_label_classification"


def write(tensors: Mapping[str, Tensor], folder: Path) -> None:
    """Write model.safetensors."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(plain, folder / "model.safetensors", metadata={"format": "pt"})


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """A new folder beside ``folder`` that takes its place when everything is written.

    A reader sees the old content or the new one, never a part; on an error the old one stays. A
    kill leaves a folder ``.<name>-...`` beside it.

    Raises:
        OSError: the disk is full or the folder cannot be written to.
    """
    with replace_folder(folder) as fresh:
        try:
            yield fresh
        except SafetensorError as error:  # what safetensors raises instead
            raise OSError(str(error)) from error
