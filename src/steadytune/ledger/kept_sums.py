"""The sums of what was kept of a run's weights."""

from __future__ import annotations

from pathlib import Path

from steadytune.errors import Damaged
from steadytune.ledger.damage import CARD
from steadytune.ledger.sums import sum_of, sums_below
from steadytune.records import FileSum


def sums_of_kept(run: Path, folder: Path, instead: Path | None = None) -> dict[str, FileSum]:
    """The sums of weights that were kept, or of what was kept instead of them.

    Args:
        run: the run's folder, from which names count.
        folder: of the weights.
        instead: a file beside all runs, such as states.

    Raises:
        Damaged: neither is there.
    """
    if folder.is_dir():
        below = sums_below(folder, without=CARD)
        return {f"{folder.relative_to(run)}/{file}": of for file, of in below.items()}
    if instead is not None and instead.exists():
        return {f"../../{instead.relative_to(run.parent.parent)}": sum_of(instead)}
    raise Damaged(f"{folder}: the weights that were kept are missing")
