"""The ledger: everything that a study leaves on disk, written by one hand and read by any."""

from steadytune.ledger._ledger import Ledger, Row
from steadytune.ledger.claims import Claims
from steadytune.ledger.damage import Depth
from steadytune.ledger.examples import Examples
from steadytune.ledger.planned import Planned
from steadytune.ledger.points import Points, grid, measure, read_points
from steadytune.ledger.record_file import EvaluationRow
from steadytune.ledger.run_folder import Predictions
from steadytune.ledger.run_writer import RunWriter
from steadytune.ledger.series import Curve
from steadytune.ledger.states import LayerStates, check_comparable, read_states, write_states

__all__ = [
    "Claims",
    "Curve",
    "Depth",
    "EvaluationRow",
    "Examples",
    "LayerStates",
    "Ledger",
    "Planned",
    "Points",
    "Predictions",
    "Row",
    "RunWriter",
    "check_comparable",
    "grid",
    "measure",
    "read_points",
    "read_states",
    "write_states",
]
