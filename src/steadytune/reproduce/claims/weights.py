"""What the weights tell: forgetting (figure 2 a, b) and the loss surface (figures 7, 13)."""

from __future__ import annotations

import numpy as np

from steadytune.figures.forgetting import Forgetting, ForgettingCurve, forgetting_data, points_in
from steadytune.figures.forgetting_along import WHAT, AlongCurve, forgetting_along_data
from steadytune.figures.surface import Surface, surfaces_in
from steadytune.reproduce.claims._claim import Claim, Finding, Verdict, undecided
from steadytune.reproduce.evidence import Evidence
from steadytune.results.outcomes import Outcome
from steadytune.stats.barrier import barrier

PAIRS = 3  # pairs of runs, or runs of a kind, from which on a claim on weights is decided
RECOVERED = 1.1
TOP = (0.2, 0.6)  # of all layers: "about the top 10 of 24"
FAILED_PERPLEXITY, SUCCESSFUL_PERPLEXITY = 100.0, 3.0  # times that of the pretrained model
GRADIENTS, FORGETTING = "gradients vanished first", "forgetting came first"
BETWEEN = "both came between the same two evaluations"
RIDGE, AT_CHANCE = 0.05, 0.05  # nats


def _forgetting(evidence: Evidence) -> Forgetting | None:
    points = points_in(evidence.checkpoints, "forgetting")
    panels = forgetting_data(points, evidence.cells)
    return panels[0] if panels else None


def _curves(panel: Forgetting, kind: Outcome) -> list[ForgettingCurve]:
    return [curve for curve in panel.curves if curve.found is kind and not curve.back]


def _not_measured(evidence: Evidence) -> Finding:
    why = "no perplexity was measured: it takes an encoder with a masked-LM head and --text FILE"
    return undecided(
        evidence, "forgetting", why, more=f"{evidence.command} forgetting --text wiki.test.raw"
    )


def _localized(evidence: Evidence) -> Finding:
    panel = _forgetting(evidence)
    if panel is None:
        return _not_measured(evidence)
    failed, good = (_curves(panel, kind) for kind in (Outcome.FAILED, Outcome.SUCCESS))
    start = {
        name: [float(curve.perplexity[0]) / panel.pretrained for curve in curves]
        for name, curves in (("failed", failed), ("successful", good))
    }
    depth = max((int(curve.top[-1]) for curve in panel.curves), default=0)
    needed = [_recovers_at(curve, panel.pretrained) for curve in (*failed, *good)]
    k = float(np.median(needed)) if needed else float("nan")
    measured = f"median k* = {k:g} of {depth} layers; perplexity at k = 0 over pretrained: " + (
        "; ".join(f"{name} {_numbers(values)}" for name, values in start.items())
    )
    n = len(needed)
    if min(len(failed), len(good)) < PAIRS:
        why = f"it takes {PAIRS} failed and {PAIRS} successful runs with kept weights"
        return undecided(evidence, "forgetting", why, measured, n)
    confirmed = (
        TOP[0] * depth <= k <= TOP[1] * depth
        and np.median(start["failed"]) >= FAILED_PERPLEXITY
        and 1 < np.median(start["successful"]) <= SUCCESSFUL_PERPLEXITY
    )
    return Finding(Verdict.CONFIRMED if confirmed else Verdict.REFUTED, measured, n, k)


def _recovers_at(curve: ForgettingCurve, pretrained: float) -> int:
    """The smallest k from which on the perplexity is within a tenth of the pretrained one."""
    back = np.flatnonzero(curve.perplexity <= RECOVERED * pretrained)
    return int(curve.top[back[0]]) if len(back) else int(curve.top[-1])


def _not_the_cause(evidence: Evidence) -> Finding:
    panel = _forgetting(evidence)
    if panel is None:
        return _not_measured(evidence)
    good = _curves(panel, Outcome.SUCCESS)
    forgot = [float(curve.perplexity[0]) > panel.pretrained for curve in good]
    measured = f"{sum(forgot)} of {len(good)} successful runs forget, too"
    if good and not any(forgot):
        return Finding(Verdict.REFUTED, measured, len(good))
    order = _order_in_time(evidence)
    if sum(order.values()) < PAIRS:
        why = f"the order in time takes {PAIRS} failed runs whose gradients vanished, with weights "
        why += "kept along the training"
        return undecided(evidence, "forgetting", why, measured, len(good))
    measured += "; in failed runs: " + ", ".join(f"{k} {what}" for what, k in order.items() if k)
    n = len(good) + sum(order.values())
    if order[GRADIENTS] == sum(order.values()):
        return Finding(Verdict.CONFIRMED, measured, n)
    why = "forgetting came as early as the vanished gradients, so their order does not tell"
    return undecided(evidence, "forgetting", why, measured, n)


def _order_in_time(evidence: Evidence) -> dict[str, int]:
    """Failed runs by what came first."""
    order: dict[str, int] = dict.fromkeys((GRADIENTS, FORGETTING, BETWEEN), 0)
    points = points_in(evidence.checkpoints, WHAT)
    for panel in forgetting_along_data(points, evidence.cells, evidence.vanished_at):
        for curve in panel.curves:
            if curve.vanished is not None:
                order[_first(curve, curve.vanished)] += 1
    return order


def _first(curve: AlongCurve, vanished: int) -> str:
    """What came first in a failed run; what it forgot is known at its evaluations only."""
    forgot = np.flatnonzero(curve.perplexity > SUCCESSFUL_PERPLEXITY * curve.perplexity[0])
    if not len(forgot) or vanished <= curve.steps[forgot[0] - 1]:
        return GRADIENTS
    return FORGETTING if vanished > curve.steps[forgot[0]] else BETWEEN


def _numbers(values: list[float]) -> str:
    return ", ".join(f"{value:.3g}" for value in values) or "none"


def _surfaces(evidence: Evidence, column: str = "loss") -> list[Surface]:
    return surfaces_in(evidence.checkpoints, evidence.cells, column)


def _between(surface: Surface, start: tuple[int, int], end: tuple[int, int]) -> float:
    """How far the loss rises above the worse end on the straight line between two corners."""
    inside = np.round(surface.a_A[(surface.a_A >= 0) & (surface.a_A <= 1)], 9)
    losses = [
        surface.at(start[0] + t * (end[0] - start[0]), start[1] + t * (end[1] - start[1]))
        for t in inside
    ]
    return barrier(inside, np.array(losses)).above_ends


def _ridge(evidence: Evidence) -> Finding:
    surfaces = _surfaces(evidence)
    ridges = [_between(surface, (1, 0), (0, 1)) for surface in surfaces]
    direct = [_between(surface, (0, 0), (0, 1)) for surface in surfaces]
    measured = (
        f"rise of the loss above the worse end: failed to successful {_numbers(ridges)}; "
        f"pretrained to successful {_numbers(direct)}"
    )
    above = [ridge > RIDGE for ridge in ridges]
    return _of_pairs(evidence, above, measured)


def _valley(evidence: Evidence) -> Finding:
    surfaces, slopes = _surfaces(evidence), _surfaces(evidence, "gradient_norm")
    excess = [surface.at(1, 0) - np.log(2) for surface in surfaces]
    flat = [slope.at(1, 0) / float(np.nanmedian(slope.value_AB)) for slope in slopes]
    measured = (
        f"loss at the failed run minus ln 2: {_numbers(excess)}; its gradient norm over the "
        f"plane's median: {_numbers(flat)}"
    )
    as_claimed = [abs(e) <= AT_CHANCE and f < 1 for e, f in zip(excess, flat, strict=False)]
    return _of_pairs(evidence, as_claimed, measured)


def _of_pairs(evidence: Evidence, as_claimed: list[bool], measured: str) -> Finding:
    n = len(as_claimed)
    if n < PAIRS:
        why = f"it takes {PAIRS} pairs of a failed and a successful run, one a task"
        return undecided(evidence, "surfaces", why, measured if n else "nothing", n)
    if all(as_claimed) or not any(as_claimed):
        return Finding(Verdict.CONFIRMED if all(as_claimed) else Verdict.REFUTED, measured, n)
    return undecided(evidence, "surfaces", "the pairs do not agree", measured, n)


CLAIMS = (
    Claim(
        "C15",
        "Failed and successful runs forget in their top layers, failed ones far more.",
        "BERT-large: recovered at k of about 10 of 24; k = 0: 7e3 to 1e8 against 13 to 27; "
        "pretrained 9.37",
        "median k* within 20 and 60 % of the layers; at k = 0 failed above 100 times, successful "
        "up to 3 times the pretrained perplexity",
        ("forgetting",),
        _localized,
    ),
    Claim(
        "C16",
        "Forgetting is not why runs fail.",
        "successful runs forget, too",
        "refuted if no successful run forgets; confirmed if they do, and in failed runs gradients "
        "vanish before the perplexity is 3 times the pretrained one",
        ("forgetting",),
        _not_the_cause,
    ),
    Claim(
        "C20",
        "Failed weights lie in a valley behind a barrier from the successful ones.",
        "figure 7: a ridge on three tasks",
        "the loss between failed and successful rises by more than 0.05 above the worse end",
        ("surfaces",),
        _ridge,
    ),
    Claim(
        "C21",
        "At failed weights the loss is about ln 2 and the surface flat.",
        "figure 7 and 13",
        "loss within 0.05 of ln 2, gradient norm below the plane's median",
        ("surfaces",),
        _valley,
    ),
)
