"""Fine-tune BERT-family encoders on small data so that the result does not depend on luck.

>>> import steadytune
>>> given = {"recipes": ["mosbach2021"], "tasks": ["reviews.csv"], "encoders": ["encoder"]}
>>> ledger = steadytune.run({**given, "seeds": 2}, "reviews")
>>> summary = steadytune.summarize(ledger)
>>> summary[0].n
2

``run`` a study, ``load`` one that was run; ``summarize``, ``compare``, ``diagnose``, ``figure`` and
``report`` it. ``help(steadytune.run)`` and so on say more, each with an example. Importing this
package imports nothing else: each name brings its module when it is first used. ``AdamW``, ``run``
and ``prepare`` bring torch.
"""

TYPE_CHECKING = False  # that of typing, which the command must not import here: see search_path.py
if TYPE_CHECKING:
    from steadytune.api.compare import Comparison, compare
    from steadytune.api.diagnose import Diagnosis, diagnose
    from steadytune.api.figure import figure, save_figure
    from steadytune.api.load import load
    from steadytune.api.report import report
    from steadytune.api.run import prepare, run
    from steadytune.api.study import read_study
    from steadytune.api.summarize import Summary, summarize
    from steadytune.errors import BadInput
    from steadytune.ledger import Ledger
    from steadytune.named_recipes import RECIPES
    from steadytune.recipe import Recipe, Seeds, StabilizerChoice
    from steadytune.records import State
    from steadytune.results.outcomes import Outcome
    from steadytune.study import Run, Study, TaskChoice
    from steadytune.training.optimizer import AdamW

__version__ = "0.1.0"

__all__ = [
    "RECIPES",
    "AdamW",
    "BadInput",
    "Comparison",
    "Diagnosis",
    "Ledger",
    "Outcome",
    "Recipe",
    "Run",
    "Seeds",
    "StabilizerChoice",
    "State",
    "Study",
    "Summary",
    "TaskChoice",
    "compare",
    "diagnose",
    "figure",
    "load",
    "prepare",
    "read_study",
    "report",
    "run",
    "save_figure",
    "summarize",
]

_MODULES = {
    "RECIPES": "named_recipes",
    "AdamW": "training.optimizer",
    "BadInput": "errors",
    "Comparison": "api.compare",
    "Diagnosis": "api.diagnose",
    "Ledger": "ledger",
    "Outcome": "results.outcomes",
    "Recipe": "recipe",
    "Run": "study",
    "Seeds": "recipe",
    "StabilizerChoice": "recipe",
    "State": "records",
    "Study": "study",
    "Summary": "api.summarize",
    "TaskChoice": "study",
    "compare": "api.compare",
    "diagnose": "api.diagnose",
    "figure": "api.figure",
    "load": "api.load",
    "prepare": "api.run",
    "read_study": "api.study",
    "report": "api.report",
    "run": "api.run",
    "save_figure": "api.figure",
    "summarize": "api.summarize",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'steadytune' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"steadytune.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
