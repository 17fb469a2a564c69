"""The catalogue: what a study may name. Asking for names imports no torch."""

from __future__ import annotations

from steadytune import tasks
from steadytune.named_encoders import ENCODERS
from steadytune.recipe import StabilizerChoice
from steadytune.study_file import Catalogue


def _resolve(choice: StabilizerChoice) -> StabilizerChoice:
    from steadytune import stabilizers  # torch takes seconds to import; few studies name one

    return stabilizers.resolve(choice)


CATALOGUE = Catalogue(
    resolve_stabilizer=_resolve, known_tasks=tuple(tasks.TABLE), known_encoders=tuple(ENCODERS)
)
