"""Settings and weights that no encoder can have, said before anything is computed with them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

import torch
from torch import Tensor

from steadytune.errors import BadInput

_SIZES = (
    "vocab_size",
    "hidden_size",
    "embedding_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_hidden_groups",
    "dim",
    "hidden_dim",
    "n_layers",
    "n_heads",
    "d_model",
    "n_embd",
    "n_layer",
    "n_head",
)
_WIDTHS = (("hidden_size", "num_attention_heads"), ("dim", "n_heads"), ("n_embd", "n_head"))
_OWN_HEAD_WIDTH = ("head_dim", "d_kv", "d_head", "kv_channels")
_RATE = re.compile(r"drop(out|out_rate|out_prob)?$|_pdrop$|_dropout_prob$|_probs_dropout_prob$")
_WEIGHTS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_LISTED = 3  # offending tensors that a message lists


def refuse_settings(settings: Any, path: Path) -> None:  # noqa: ANN401
    """Raise BadInput if a config.json holds sizes or rates that no model can have.

    Args:
        settings: as they are written there.
        path: of the file.
    """
    problems = [f"{key} is {_shown(settings[key])}, {allowed}" for key, allowed in _wrong(settings)]
    problems += [
        f"{width} is {settings[width]}, which {settings[heads]} heads ({heads}) do not divide"
        for width, heads in _WIDTHS
        if not problems
        and {width, heads} <= settings.keys()
        and not any(key in settings for key in _OWN_HEAD_WIDTH)
        and settings[width] % settings[heads]
    ]
    if problems:
        raise BadInput(f"{path}: {'; '.join(problems)}: mend it, or fetch it again")


def _wrong(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Keys whose values are impossible, and what is allowed."""
    found = list[tuple[str, str]]()
    for key, value in settings.items():
        if key in _SIZES and not (_whole(value) and value > 0):
            found.append((key, "not a whole number above 0"))
        elif key == "type_vocab_size" and not (_whole(value) and value >= 0):
            found.append((key, "not a whole number from 0"))
        elif key == "max_position_embeddings" and not (
            _whole(value) and (value > 0 or value == -1)
        ):
            found.append((key, "not a whole number above 0"))
        elif key == "pad_token_id" and value is not None and not (_whole(value) and value >= 0):
            found.append((key, "not a token id"))
        elif _RATE.search(key) and not _unset(value) and not (_number(value) and 0 <= value < 1):
            found.append((key, "not a rate from 0 to less than 1"))
        elif key == "layer_norm_eps" and not (_number(value) and value > 0):
            found.append((key, "not a number above 0"))
        elif key == "initializer_range" and not (_number(value) and value >= 0):
            found.append((key, "not a number from 0"))
    vocabulary, pad = settings.get("vocab_size"), settings.get("pad_token_id")
    if not found and vocabulary is not None and pad is not None and pad >= vocabulary:
        found.append(("pad_token_id", f"not below vocab_size ({vocabulary})"))
    return found


def _unset(value: object) -> bool:
    return value is None or isinstance(value, bool)  # such as ESM's token_dropout


def _whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _shown(value: object) -> str:
    return "null" if value is None else repr(value)


def refuse_broken(tensors: Mapping[str, Tensor], folder: Path) -> None:
    """Raise BadInput if weights are not finite, complex or quantized.

    Args:
        tensors: those that the model uses, by stored name, as they are stored.
        folder: for messages.
    """
    odd = {name: t for name, t in tensors.items() if t.dtype not in _WEIGHTS}
    if odd:
        tensor = next(iter(odd.values()))
        kind = str(tensor.dtype).removeprefix("torch.")
        raise BadInput(
            f"the weights in {folder} cannot be fine-tuned: {_few(odd)} hold {kind} numbers; give "
            "a checkpoint in fp32, fp16 or bf16, neither quantized nor complex"
        )
    broken = {name: t for name, t in tensors.items() if not bool(torch.isfinite(t).all())}
    if broken:
        counts = [
            f"{name} ({int((~torch.isfinite(t)).sum())} of {t.numel()} values)"
            for name, t in list(broken.items())[:_LISTED]
        ]
        rest = f" and {len(broken) - _LISTED} more tensors" if len(broken) > _LISTED else ""
        raise BadInput(
            f"the weights in {folder} are damaged: NaN or infinite values in "
            f"{', '.join(counts)}{rest}; fetch or write the checkpoint again"
        )


def _few(tensors: Mapping[str, Tensor]) -> str:
    rest = f" and {len(tensors) - _LISTED} more" if len(tensors) > _LISTED else ""
    return ", ".join(list(tensors)[:_LISTED]) + rest
