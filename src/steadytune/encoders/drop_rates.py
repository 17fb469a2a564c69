"""Drop rates of a foreign model: by which names its configuration takes them, and which it obeys.

Each model type of transformers names its rates as it likes, and some have one rate for several
places, or none. So the rates that a forward pass really uses are observed, not believed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from steadytune.errors import BadInput

Rates = tuple[float | None, float | None, float | None]
"""Hidden, attention and classifier; None keeps the checkpoint's own."""

KINDS = {  # field of the recipe to names in the configurations of transformers
    "dropout": (
        "hidden_dropout_prob",
        "hidden_dropout",
        "embedding_dropout",
        "mlp_dropout",
        "dropout",
        "dropout_rate",
        "resid_pdrop",
        "embd_pdrop",
        "resid_dropout",
        "embed_dropout",
        "residual_dropout",
    ),
    "attention_dropout": (
        "attention_probs_dropout_prob",
        "attention_dropout",
        "attn_pdrop",
        "lsh_attention_probs_dropout_prob",
        "local_attention_probs_dropout_prob",
    ),
    "classifier_dropout": (
        "classifier_dropout",
        "classifier_dropout_prob",
        "cls_dropout",
        "seq_classif_dropout",
        "summary_first_dropout",
        "summary_last_dropout",
    ),
}
_UNDECLARED = ("cls_dropout",)  # read by the model, but no attribute of its configuration
_DISTINCT: Rates = (1 / 16, 1 / 8, 1 / 4)
_DROPPING = (F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout)


def set_rates(config: Any, rates: Rates) -> None:  # noqa: ANN401
    """Set the rates that are not None, under every name that the configuration has."""
    for names, rate in zip(KINDS.values(), rates, strict=True):
        for name in names:
            if rate is not None and (hasattr(config, name) or name in _UNDECLARED):
                setattr(config, name, rate)


@dataclass(frozen=True)
class Obeyed:
    """What a model does with the rates of a recipe.

    Attributes:
        model_type: for messages.
        kinds: fields of the recipe that it has a place of its own for.
        others: rates of places that no field of the recipe reaches.
    """

    model_type: str
    kinds: frozenset[str]
    others: frozenset[float]

    @classmethod
    def observed(cls, model_type: str, forward: Callable[[Rates], object]) -> Obeyed:
        """Run ``forward`` once at rates that differ, and see which come through."""
        with _Observe() as seen:
            forward(_DISTINCT)
        kinds = zip(KINDS, _DISTINCT, strict=True)
        found = frozenset(kind for kind, rate in kinds if rate in seen.rates)
        return cls(model_type, found, frozenset(seen.rates) - frozenset(_DISTINCT))

    def check(self, rates: Rates) -> None:
        """Raise BadInput if the model cannot drop at those rates and at no other."""
        asked = {kind: rate for kind, rate in zip(KINDS, rates, strict=True) if rate is not None}
        if asked and self.others:
            rate = ", ".join(f"{rate:g}" for rate in sorted(self.others))
            raise BadInput(
                f"a {self.model_type!r} model also drops at a rate of its own ({rate}) that no "
                f"recipe can set: leave {_listed(asked)} out of the recipe, which keeps the "
                "checkpoint's rates"
            )
        hidden = asked.get("dropout") if "dropout" in self.kinds else 0.0
        for kind, rate in asked.items():
            if kind in self.kinds or rate == hidden:
                continue
            allowed = "" if hidden is None else f", or set it to {hidden:g}"
            place = {
                "dropout": "no dropout of hidden states",
                "attention_dropout": "no dropout rate of its own for attention",
                "classifier_dropout": "no dropout rate of its own for its classifier",
            }[kind]
            raise BadInput(
                f"a {self.model_type!r} model has {place}: leave {kind} out of the recipe{allowed}"
            )


def _listed(asked: dict[str, float]) -> str:
    return " and ".join(asked)


class _Observe(TorchFunctionMode):
    """Notes every rate above 0 at which something is dropped."""

    def __init__(self) -> None:
        super().__init__()
        self.rates = set[float]()

    def __torch_function__(
        self,
        func: Any,  # noqa: ANN401
        types: Any,  # noqa: ANN401
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        kwargs = kwargs or {}
        if func in _DROPPING and kwargs.get("training", True):
            self.rates.add(kwargs.get("p", args[1] if len(args) > 1 else 0.5))
        elif func is F.scaled_dot_product_attention:
            self.rates.add(kwargs.get("dropout_p", args[4] if len(args) > 4 else 0.0))
        self.rates.discard(0.0)
        return func(*args, **kwargs)
