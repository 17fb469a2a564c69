"""The 30 claims: each ends in confirmed, refuted or not decided. A new one goes into its topic."""

from steadytune.reproduce.claims import (
    controls,
    correction,
    failures,
    generalizing,
    spread,
    training,
    weights,
)
from steadytune.reproduce.claims._claim import Claim, Finding, Verdict

CLAIMS: tuple[Claim, ...] = tuple(
    sorted(
        (
            claim
            for topic in (
                failures,
                spread,
                training,
                correction,
                weights,
                controls,
                generalizing,
            )
            for claim in topic.CLAIMS
        ),
        key=lambda claim: int(claim.name[1:]),
    )
)

__all__ = ["CLAIMS", "Claim", "Finding", "Verdict"]
