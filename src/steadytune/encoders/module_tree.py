"""The table of parameters of a foreign model, read off its tree of modules."""

from __future__ import annotations

from torch import nn

from steadytune.encoders.architecture import Kind, Part
from steadytune.errors import BadInput
from steadytune.procedure import Parameter


def table(
    model: nn.Module, prefix: str, fresh: frozenset[str], initializer_range: float
) -> tuple[Parameter, ...]:
    """All parameters in the model's own order.

    The layers are the longest ModuleList of the base model, or several of that length side by side
    (XLM keeps attentions and MLPs apart). What stands before it belongs to the embeddings, and so
    does every embedding; what else follows it belongs to the top layer; what is outside the base
    model is the head.

    Args:
        model: a model of transformers.
        prefix: name of its base model within it.
        fresh: names that the checkpoint has no value for.
        initializer_range: standard deviation of fresh matrices.

    Raises:
        BadInput: there is no list of layers.
    """
    lists = {
        name: len(module)
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList) and name.startswith(f"{prefix}.")
    }
    if not lists:
        raise BadInput(
            f"a {type(model).__name__} cannot be fine-tuned here: it has no list of layers"
        )
    stack = max(lists, key=lambda name: lists[name])
    beside, depth = stack.rpartition(".")[0], lists[stack]
    stacks = [n for n in lists if n.rpartition(".")[0] == beside and lists[n] == depth]
    found, reached = [], False
    for name, parameter in model.named_parameters():
        owner, _, leaf = name.rpartition(".")
        kind = _kind(model.get_submodule(owner), leaf, parameter.ndim)
        at: tuple[Part, int]
        if "pooler" in name:
            at = ("pooler", depth + 1)
        elif not name.startswith(f"{prefix}."):
            at = ("head", depth + 1)
        elif own := [n for n in stacks if name.startswith(f"{n}.")]:
            reached = True
            at = ("layer", int(name.removeprefix(f"{own[0]}.").partition(".")[0]) + 1)
        elif reached and kind != "embedding":
            at = ("layer", depth)
        else:
            at = ("embeddings", 0)
        shape, drawn = tuple(parameter.shape), name in fresh
        found.append(Parameter(name, shape, *at, kind, drawn, initializer_range))
    return tuple(found)


def _kind(owner: nn.Module, leaf: str, axes: int) -> Kind:
    if type(owner).__name__.endswith("Norm"):
        return "norm"
    if isinstance(owner, nn.Embedding):
        return "embedding"
    return "linear" if axes > 1 and "bias" not in leaf else "bias"


def position_offset(model: nn.Module) -> int:
    """Rows of the position embedding before the first token's: RoBERTa's kin count from padding."""
    for name, module in model.named_modules():
        if name.endswith("position_embeddings"):  # I-BERT's are no nn.Embedding
            padding = getattr(module, "padding_idx", None)
            return 0 if padding is None else padding + 1
    return 0
