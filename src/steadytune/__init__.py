"""Fine-tune BERT-family encoders on small data so that the result does not depend on luck.

``steadytune.conduct`` loads and runs a study; ``steadytune.Ledger`` reads what it left behind.
Importing this package does not import torch; ``AdamW`` and ``conduct`` do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steadytune.errors import BadInput
from steadytune.ledger import Ledger
from steadytune.named_recipes import RECIPES
from steadytune.recipe import Recipe, Seeds, StabilizerChoice
from steadytune.study import Run, Study, TaskChoice

if TYPE_CHECKING:
    from steadytune.training.optimizer import AdamW

__version__ = "0.1.0"

__all__ = [
    "RECIPES",
    "AdamW",
    "BadInput",
    "Ledger",
    "Recipe",
    "Run",
    "Seeds",
    "StabilizerChoice",
    "Study",
    "TaskChoice",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - as the protocol of modules has it
    if name == "AdamW":
        from steadytune.training.optimizer import AdamW

        return AdamW
    raise AttributeError(f"module 'steadytune' has no attribute {name!r}")
