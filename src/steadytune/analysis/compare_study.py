"""Compare two recipes of a study on every task and with every encoder."""

from __future__ import annotations

from collections.abc import Sequence

from steadytune.analysis.cells import Cell, cells
from steadytune.analysis.compare import Answer, compare_page
from steadytune.analysis.evidence import Question
from steadytune.analysis.more_seeds import advised
from steadytune.analysis.page import Comparison
from steadytune.analysis.predictions import CellPredictions, cell_predictions
from steadytune.analysis.runs import runs_of
from steadytune.analysis.summary import Which
from steadytune.errors import BadInput, not_known
from steadytune.failure_rule import RULE, FailureRule
from steadytune.ledger import Ledger

ALL = tuple(Question)


def compare_study(
    ledger: Ledger,
    a: str,
    b: str,
    questions: Sequence[Question] = ALL,
    which: Which = "last",
    rule: FailureRule = RULE,
) -> list[Answer]:
    """The answers, question by question; the p-values of all verdicts are adjusted together.

    Args:
        ledger: of the study.
        a: a recipe of it.
        b: another.
        questions: see Question.
        which: checkpoint, last or best.
        rule: what counts as failed.

    Raises:
        BadInput: the study has no such recipe, or a and b are the same.
    """
    pairs = _pairs(cells(ledger), a, b)
    runs = [(runs_of(x, which, rule), runs_of(y, which, rule)) for x, y in pairs]
    known = [
        _predictions(ledger, x, y, which) if Question.EXAMPLES in questions else None
        for x, y in pairs
    ]
    asked = [
        Comparison(question, *two, predicted)
        for question in questions
        for two, predicted in zip(runs, known, strict=True)
    ]
    answers = compare_page(asked)
    return [advised(answer, one.a, one.b) for answer, one in zip(answers, asked, strict=True)]


def _pairs(found: Sequence[Cell], a: str, b: str) -> list[tuple[Cell, Cell]]:
    """The cells of both recipes, place by place."""
    names = list(dict.fromkeys(cell.recipe for cell in found))
    if len(names) < 2:
        raise BadInput(
            f"the study has one recipe, {names[0]}: there is none to compare it with; 'steadytune "
            "summary' says how steady it is, and a study file with more recipes adds their runs"
        )
    unknown = [name for name in (a, b) if name not in names]
    if unknown:
        raise BadInput("\n".join(not_known("recipe", name, names) for name in unknown))
    if a == b:
        raise BadInput(f"{a!r} is given twice; give two recipes of {', '.join(names)}")
    of_b = {(cell.task, cell.encoder): cell for cell in found if cell.recipe == b}
    return [(cell, of_b[cell.task, cell.encoder]) for cell in found if cell.recipe == a]


def _predictions(
    ledger: Ledger, a: Cell, b: Cell, which: Which
) -> tuple[CellPredictions, CellPredictions] | None:
    of_a, of_b = (cell_predictions(ledger, cell, which) for cell in (a, b))
    return None if of_a is None or of_b is None else (of_a, of_b)
