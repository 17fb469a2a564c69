"""Write up a reproduction: figures, claims as JSON, and a page with all of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from steadytune.figures import TABLE, save
from steadytune.ledger.durable import replace_text
from steadytune.ledger.json_lines import plain
from steadytune.reproduce.evidence import Evidence
from steadytune.reproduce.mosbach2021 import Experiment
from steadytune.reproduce.outcome_page import Drawn, Found, as_json, page


def decide(evidence: Evidence, wanted: Sequence[Experiment]) -> Found:
    """What the evidence says of every claim of the experiments."""
    claims = dict.fromkeys(claim for experiment in wanted for claim in experiment.claims)
    ordered = sorted(claims, key=lambda claim: int(claim.name[1:]))
    return [(claim, claim.decide(evidence)) for claim in ordered]


def write_up(
    wanted: Sequence[Experiment],
    every: Sequence[Evidence],
    out: Path,
    notes: Sequence[str],
) -> tuple[Path, list[tuple[Evidence, Found]]]:
    """Write ``README.md``, ``claims.json`` and ``figures/``; the page's path and the findings."""
    found = [(evidence, decide(evidence, wanted)) for evidence in every]
    drawn = {experiment.name: _draw(experiment, every, out) for experiment in wanted}
    text = json.dumps(plain(as_json(found)), indent=2, ensure_ascii=False)
    replace_text(out / "claims.json", text + "\n")
    path = out / "README.md"
    replace_text(path, page(wanted, found, drawn, notes))
    return path, found


def _with_note(caption: Callable[[Sequence[Any]], str], note: str) -> Callable[..., str]:
    return lambda panels: f"{note} {caption(panels)}"


def _draw(experiment: Experiment, every: Sequence[Evidence], out: Path) -> list[Drawn]:
    """The figures of an experiment that have something to draw, panels of all encoders together."""
    drawn = list[Drawn]()
    for stem, (name, panels_of) in experiment.figures.items():
        panels = [panel for evidence in every for panel in panels_of(evidence)]
        if not any(panel.runs for panel in panels) and name != "correction_factor":
            continue
        figure = replace(TABLE[name], name=stem)
        if experiment.note:
            figure = replace(figure, caption=_with_note(figure.caption, experiment.note))
        save(figure, panels, out / "figures")
        drawn.append(Drawn(stem, figure.caption(panels)))
    return drawn
