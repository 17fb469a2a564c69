"""Fine-tune BERT-family encoders on small data so that the result does not depend on luck.

``steadytune.conduct`` loads and runs a study; ``steadytune.Ledger`` reads what it left behind.
Importing this package imports nothing else: each name brings its module when it is first used, and
``AdamW`` and ``conduct`` bring torch.
"""

TYPE_CHECKING = False  # that of typing, which the command must not import here: see search_path.py
if TYPE_CHECKING:
    from steadytune.errors import BadInput
    from steadytune.ledger import Ledger
    from steadytune.named_recipes import RECIPES
    from steadytune.recipe import Recipe, Seeds, StabilizerChoice
    from steadytune.study import Run, Study, TaskChoice
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

_MODULES = {
    "RECIPES": "named_recipes",
    "AdamW": "training.optimizer",
    "BadInput": "errors",
    "Ledger": "ledger",
    "Recipe": "recipe",
    "Run": "study",
    "Seeds": "recipe",
    "StabilizerChoice": "recipe",
    "Study": "study",
    "TaskChoice": "study",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'steadytune' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"steadytune.{_MODULES[name]}"), name)
