"""Summarize a study: a row for each recipe, task and encoder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from steadytune.api.choices import check
from steadytune.api.load import as_ledger
from steadytune.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from steadytune.ledger import Ledger
    from steadytune.results.conditions import Condition
    from steadytune.results.summary import SummaryRow


class Summary(Sequence["SummaryRow"]):
    """The rows of a study, in plan order; printed as a table.

    Each row has the fields of ``steadytune.results.summary.SummaryRow``: n, failed, mean with its
    95 % interval, std and so on. Metrics are fractions.
    """

    def __init__(self, rows: Sequence[SummaryRow], found: Sequence[Condition]) -> None:
        self._rows = tuple(rows)
        self._conditions = tuple(found)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> SummaryRow: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[SummaryRow]: ...
    def __getitem__(self, place: int | slice) -> SummaryRow | Sequence[SummaryRow]:
        return self._rows[place]

    def __repr__(self) -> str:
        return self.render()

    @property
    def cautions(self) -> list[str]:
        """What should be read beside the numbers, a sentence each."""
        from steadytune.diagnosis.cautions import suspicious

        return suspicious(self._conditions)

    def to_pandas(self) -> pd.DataFrame:
        """A DataFrame with the fields as columns; an interval has two, ``_low`` and ``_high``.

        Raises:
            BadInput: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise BadInput(
                "to_pandas needs pandas, which is not installed: pip install pandas"
            ) from None
        from steadytune.reports.summary_table import flat

        return pd.DataFrame([flat(row) for row in self._rows])

    def render(
        self,
        format: Literal["table", "json", "csv", "markdown", "latex"] = "table",
        layout: Literal["rows", "paper"] = "rows",
        width: int | None = None,
    ) -> str:
        """The rows as text.

        Args:
            format: of the text.
            layout: ``rows``: a line for each recipe and task; ``paper``: a line for each recipe,
                tasks side by side.
            width: columns of the terminal for a table; None sets no bound.

        Raises:
            BadInput: there is no such format or layout.
        """
        from steadytune.reports import paper_table, summary_table

        check("layout", layout, ("rows", "paper"))
        of: Any = paper_table if layout == "paper" else summary_table
        check("format", format, of.FORMATS)
        return (
            of.as_table(self._rows, width) if format == "table" else of.FORMATS[format](self._rows)
        )


def summarize(
    ledger: Ledger | str | os.PathLike[str],
    checkpoint: Literal["last", "best"] = "last",
    failed_by: Literal["auto", "accuracy", "mcc"] = "auto",
) -> Summary:
    """How well and how steadily each recipe does: a row for each task, encoder and recipe.

    >>> import steadytune
    >>> rows = steadytune.summarize("out")
    >>> rows[0].recipe, rows[0].n, rows[0].metric
    ('tiny', 2, 'accuracy')
    >>> list(rows.to_pandas()["n"])
    [2, 2]

    Args:
        ledger: a Ledger, or the folder of a study.
        checkpoint: ``last``, or ``best`` on the selecting dev split (selection: reads too high).
        failed_by: what tells a failed run, see ``FailureRule``.

    Raises:
        BadInput: not a study, or no such checkpoint or rule.
    """
    from steadytune.failure_rule import ASKS, FailureRule
    from steadytune.results.conditions import conditions
    from steadytune.results.summary import CHECKPOINTS
    from steadytune.results.summary import summarize as rows_of

    check("checkpoint", checkpoint, CHECKPOINTS)
    check("failed_by", failed_by, ASKS)
    found = conditions(as_ledger(ledger))
    return Summary(rows_of(found, checkpoint, FailureRule(failed_by)), found)
