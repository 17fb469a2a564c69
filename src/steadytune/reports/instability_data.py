"""What the page of a report holds of predictions: measures, who disagrees, which examples flip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from steadytune.analysis.cells import Cell
from steadytune.analysis.flips import flipping, instability_by_example, shares_by_class
from steadytune.analysis.instability import Measure, instability
from steadytune.analysis.prediction_set import PredictionSet, prediction_set
from steadytune.analysis.representations import (
    Representations,
    representation_measures,
    representations,
)
from steadytune.analysis.run_pairs import disagreement_matrix
from steadytune.analysis.summary import Which
from steadytune.ledger import Examples, Ledger
from steadytune.reports.study_data import Json, number

EXAMPLES = 20  # a cell
TEXT = 1500  # characters of a text that are shown


def instability_data(ledger: Ledger, cells: Sequence[Cell], which: Which = "last") -> list[Json]:
    """An object for each cell with finished runs; texts are None where the ledger has none."""
    found = list[Json]()
    kept = dict[str, Examples | None]()
    for cell in cells:
        of = prediction_set(ledger, cell, which)
        if of is None:
            continue
        task, ids = of.records[0].task, [record.id for record in of.records]
        states = representations(ledger, ids)
        if task.digest not in kept:
            kept[task.digest] = ledger.examples(task.digest, task.report)
        found.append(
            {
                "task": cell.task,
                "encoder": cell.encoder,
                "recipe": cell.recipe,
                "runs": ids,
                "left_out": of.left_out,
                "all": _measures(of, states),
                "successes": _measures(of.successes(), states),
                **_of_classes(of, kept[task.digest]),
            }
        )
    return found


def _measures(of: PredictionSet, states: Representations | None) -> list[Json]:
    """Of predictions, then of states where there are any; none for no runs."""
    if not of.records:
        return []
    found = instability(of)
    if states is not None:
        found += representation_measures(states, {record.id for record in of.records})
    return [_measure(one) for one in found]


def _measure(one: Measure) -> Json:
    return {
        "name": one.name,
        "title": one.title,
        "what": one.what,
        "value": number(one.value),
        "interval": None if one.interval is None else [number(end) for end in one.interval],
        "runs": one.runs,
    }


def _of_classes(of: PredictionSet, texts: Examples | None) -> Json:
    """The matrix of disagreement and the flipping examples; empty where labels are scores."""
    if of.classes is None:
        return {"matrix": None, "flips": [], "flipping": None, "size": len(of.labels), "among": ""}
    good = of.successes()
    judged, among = (good, "successful") if len(good.records) > 1 else (of, "finished")
    unstable = instability_by_example(judged.predictions)
    shares = shares_by_class(judged.predictions, len(of.classes.names))
    return {
        "matrix": np.round(disagreement_matrix(of.predictions), 3).tolist(),
        "classes": list(of.classes.names),
        "noun": of.classes.noun,
        "among": f"{len(judged.records)} {among}",
        "flipping": int((unstable > 0).sum()),
        "size": len(of.labels),
        "flips": [
            {
                "example": int(place),
                "label": int(of.labels[place]),
                "unstable": number(float(unstable[place])),
                "shares": [number(share) for share in shares[place].tolist()],
                "right": (of.predictions[:, place] == of.labels[place]).astype(int).tolist(),
                **_texts(texts, int(place)),
            }
            for place in flipping(judged.predictions, EXAMPLES)
        ],
    }


def _texts(kept: Examples | None, place: int) -> dict[str, Any]:
    if kept is None:
        return {"text": None, "pair": None}
    pair = kept.pairs[place] if kept.pairs else None
    return {"text": _cut(kept.texts[place]), "pair": _cut(pair) if pair is not None else None}


def _cut(text: str) -> str:
    """At most TEXT characters, saying how many there are."""
    return text if len(text) <= TEXT else f"{text[:TEXT]} ... ({len(text)} characters)"
