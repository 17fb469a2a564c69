"""What happens inside failed runs: flat losses and vanishing gradients (figures 2 c, 4, 10-12)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from steadytune.figures.gradient_norms import layer_norms
from steadytune.records import RunRecord
from steadytune.reproduce.claims._claim import (
    Claim,
    Finding,
    Measured,
    Verdict,
    by_threshold,
    counted,
    decided,
    share,
    undecided,
)
from steadytune.reproduce.evidence import Evidence, became
from steadytune.results.outcomes import Outcome

BAND = (-0.035, 0.05)  # about the loss of guessing: 0.66 to 0.74 for two balanced classes
WINDOWS = 10
FAILED_RATIO, SUCCESSFUL_RATIO = -3.0, -1.5  # log10 of layer 1's norm over the head's
GROWTH = (30.0, 300.0)
MOST_LAST = 100


def _flat(evidence: Evidence) -> Finding:
    failed = became(evidence.cell(evidence.cast.default, evidence.cast.scale.main), Outcome.FAILED)
    flat = [_stays_at_chance(evidence, record) for record in failed]
    found = share(sum(flat), len(flat))
    verdict = by_threshold(found, 0.5)
    measured = f"failed runs whose loss stays at chance: {counted(sum(flat), len(flat))}"
    return decided(evidence, "failed_runs", found, verdict, measured, len(flat))


def _stays_at_chance(evidence: Evidence, record: RunRecord) -> bool:
    """Whether the mean loss of each tenth, the first (warm-up) aside, is within the band."""
    losses = evidence.source.steps(record.id)["loss"]
    tenths = np.array_split(losses, min(WINDOWS, len(losses)))[1:]
    p = record.majority
    chance = -(p * np.log(p) + (1 - p) * np.log(1 - p)) if 0 < p < 1 else np.log(2)
    return all(BAND[0] <= float(np.mean(tenth)) - chance <= BAND[1] for tenth in tenths)


def _ratio(evidence: Evidence, record: RunRecord) -> float | None:
    """log10 of layer 1's gradient norm over the head's: median of the last 100 steps."""
    parts = layer_norms(evidence.source, record.id)
    if "layer.1" not in parts or "head" not in parts:
        return None
    low, head = (np.asarray(parts[name][1], dtype=np.float64) for name in ("layer.1", "head"))
    last = _last(low)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log10(low[-last:] / head[-last:])
    return float(np.nanmedian(ratio))


def _last(values: NDArray[np.float64]) -> int:
    return min(MOST_LAST, max(1, len(values) // 4))


def _vanish(evidence: Evidence) -> Finding:
    cells = [
        evidence.cell(recipe, evidence.cast.scale.main)
        for recipe in (evidence.cast.default, evidence.cast.proposed)
    ]
    ratios = {
        kind: [
            found
            for cell in cells
            for record in became(cell, kind)
            if (found := _ratio(evidence, record)) is not None
        ]
        for kind in (Outcome.FAILED, Outcome.SUCCESS)
    }
    failed, good = ratios[Outcome.FAILED], ratios[Outcome.SUCCESS]
    n = len(failed) + len(good)
    if not failed or not good:
        why = "it takes gradient norms by layer (diagnostics) of failed and of successful runs"
        return undecided(evidence, "gradient_norms", why, f"{n} runs have them", n)
    as_claimed = sum(r < FAILED_RATIO for r in failed) + sum(r > SUCCESSFUL_RATIO for r in good)
    measured = (
        f"log10(layer 1 / head): failed median {np.median(failed):.2f} (n = {len(failed)}), "
        f"successful {np.median(good):.2f} (n = {len(good)}); on the claimed side: "
        f"{counted(as_claimed, n)}"
    )
    found = share(as_claimed, n)
    verdict = by_threshold(found, 0.5)
    return decided(evidence, "gradient_norms", found, verdict, measured, n)


def _recover(evidence: Evidence) -> Finding:
    default = evidence.cell(evidence.cast.default, evidence.cast.scale.main)
    norms = {
        kind: _final_encoder_norms(evidence, became(default, kind))
        for kind in (Outcome.FAILED, Outcome.SUCCESS)
    }
    failed, good = norms[Outcome.FAILED], norms[Outcome.SUCCESS]
    n = len(failed) + len(good)
    if min(len(failed), len(good)) < 3:
        why = "it takes gradient norms by layer of at least 3 failed and 3 successful runs"
        return undecided(evidence, "gradient_norms", why, f"{n} runs have them", n)
    ratio = float(np.median(good) / np.median(failed))
    draw = np.random.default_rng(0)
    resampled = np.median(draw.choice(good, (2000, len(good))), axis=1) / np.median(
        draw.choice(failed, (2000, len(failed))), axis=1
    )
    low, high = (float(q) for q in np.quantile(resampled, (0.025, 0.975)))
    found = Measured(ratio, (low, high))
    inside = GROWTH[0] <= low and high <= GROWTH[1]
    outside = high < GROWTH[0] or low > GROWTH[1]
    verdict = Verdict.CONFIRMED if inside else Verdict.REFUTED if outside else Verdict.UNDECIDED
    measured = f"median final norm of layer 1, successful over failed: {ratio:.3g} "
    measured += f"(95 % {low:.3g} to {high:.3g})"
    return decided(evidence, "gradient_norms", found, verdict, measured, n)


def _final_encoder_norms(evidence: Evidence, records: Sequence[RunRecord]) -> list[float]:
    found = list[float]()
    for record in records:
        parts = layer_norms(evidence.source, record.id)
        if "layer.1" in parts:
            values = np.asarray(parts["layer.1"][1], dtype=np.float64)
            found.append(float(np.median(values[-_last(values) :])))
    return found


def _other_families(evidence: Evidence) -> Finding:
    if evidence.cast.family in ("roberta", "albert"):
        return _vanish(evidence)
    why = f"it is about RoBERTa and ALBERT; this encoder is of family {evidence.cast.family}"
    command = evidence.command.replace("bert-large-uncased", "roberta-large")
    return undecided(evidence, "gradient_norms", why, more=f"{command} gradient_norms")


CLAIMS = (
    Claim(
        "C7",
        "Failed runs learn nothing: their training loss stays at chance from beginning to end.",
        "figure 2 c: 10 failed runs at about 0.7",
        "most failed runs have every tenth after the first within -0.035 and +0.05 of chance",
        ("failed_runs",),
        _flat,
    ),
    Claim(
        "C8",
        "In failed runs gradients vanish in the lower layers while the top keeps its own.",
        "figure 4: layer 1 at about 1e-4, classifier at 3 to 10",
        "log10(layer 1 / head) below -3 in failed, above -1.5 in successful runs, for most runs",
        ("gradient_norms",),
        _vanish,
    ),
    Claim(
        "C9",
        "Successful runs recover: encoder norms end about 100 times above those of failed runs.",
        "figure 4: growth from about step 70, two orders of magnitude at the end",
        "ratio of median final norms of layer 1 within 30 and 300",
        ("gradient_norms",),
        _recover,
    ),
    Claim(
        "C10",
        "Gradients vanish in failed runs of RoBERTa and ALBERT as well.",
        "figures 11 and 12",
        "as C8, with an encoder of these families",
        ("gradient_norms",),
        _other_families,
    ),
)
