"""The ledger: everything that a study leaves on disk, written by one hand and read by any."""

from steadytune.ledger._ledger import Ledger, Row
from steadytune.ledger.examples import Examples
from steadytune.ledger.planned import Planned
from steadytune.ledger.run_folder import EvaluationRow, Predictions
from steadytune.ledger.run_writer import RunWriter

__all__ = ["EvaluationRow", "Examples", "Ledger", "Planned", "Predictions", "Row", "RunWriter"]
