"""How differently the runs of a cell represent the same examples, where their states were kept.

The representation measures of Du & Nguyen (ACL 2023): 1 minus a similarity of two runs' states, 0
for runs that differ by no more than the measure ignores; see ``similarity``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from steadytune.ledger import LayerStates
from steadytune.results.source import Source
from steadytune.stats.instability import Measure, over_pairs
from steadytune.stats.run_pairs import Matrix, resampled_runs
from steadytune.stats.similarity import MEASURES, layer_similarity

MOST = 10  # runs: a pair of 256 examples takes some 50 ms
_TITLES = {"linear_cka": "CKA", "procrustes": "Procrustes", "svcca": "SVCCA"}
_WHAT = {
    "linear_cka": "1 minus the debiased linear CKA of two runs' states of the first token",
    "procrustes": "1 minus the orthogonal Procrustes similarity of the same",
    "svcca": "1 minus the mean canonical correlation (SVCCA) of the same",
}


@dataclass(frozen=True)
class Representations:
    """Distances of runs by layer.

    Attributes:
        runs: R ids. layers: how many the encoder has.
        distances: (R, R) by the name of the measure and the layer, counted from 1; CKA of the
            first, the middle and the last layer, the others of the last.
    """

    runs: tuple[str, ...]
    layers: int
    distances: Mapping[tuple[str, int], Matrix]


def representations(source: Source, runs: Sequence[str]) -> Representations | None:
    """Of the first MOST runs with states of the same examples; None where there are not two.

    A run whose states are the same for every example, as a collapsed one's may be, is no more like
    one run than like another, and is left out.
    """
    found = {run: states for run in runs if (states := source.states(run)) is not None}
    kept = _of_same_examples(found)
    if len(kept) < 2:
        return None
    chosen = dict(list(kept.items())[:MOST])
    depth = min(len(one.states) for one in chosen.values())
    wanted = [("linear_cka", k) for k in sorted({1, (depth + 1) // 2, depth})]
    wanted += [(name, depth) for name in MEASURES if name != "linear_cka"]
    distances = {(name, k): _distances(chosen, name, k) for name, k in wanted}
    return Representations(tuple(chosen), depth, distances)


def representation_measures(of: Representations, among: Collection[str]) -> list[Measure]:
    """The measures of those runs that are ``among`` some, in the order of a table."""
    rows = [place for place, run in enumerate(of.runs) if run in among]
    return [
        _measure(name, layer, of.layers, matrix[np.ix_(rows, rows)])
        for (name, layer), matrix in of.distances.items()
    ]


def _of_same_examples(found: Mapping[str, LayerStates]) -> dict[str, LayerStates]:
    """Those whose states are of the same examples as most."""
    digests = {run: one.about.get("examples") for run, one in found.items()}
    if not digests:
        return {}
    ((most, _),) = Counter(digests.values()).most_common(1)
    return {run: one for run, one in found.items() if digests[run] == most}


def _distances(chosen: Mapping[str, LayerStates], name: str, layer: int) -> Matrix:
    states = [one.states[layer - 1 : layer] for one in chosen.values()]
    return 1 - layer_similarity(states, MEASURES[name])[0]


def _measure(name: str, layer: int, layers: int, matrix: Matrix) -> Measure:
    known = np.flatnonzero(np.isfinite(matrix).sum(axis=1) > 1)  # more than itself
    matrix = matrix[np.ix_(known, known)]
    counts = resampled_runs(len(matrix)) if len(matrix) > 2 else None
    title = f"{_TITLES[name]}, layer {layer}"
    what = f"{_WHAT[name]} after layer {layer} of {layers}"
    return over_pairs(f"{name}_{layer}", title, what, matrix, counts)
