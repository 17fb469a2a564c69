"""Similarity of representations and barriers, against their definitions and on known cases."""

import itertools
import shutil

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes

from steadytune.errors import BadInput
from steadytune.ledger import (
    LayerStates,
    Ledger,
    check_comparable,
    read_states,
    write_states,
)
from steadytune.records import State
from steadytune.reports.instability_data import instability_data
from steadytune.results.conditions import conditions
from steadytune.results.representations import representations
from steadytune.results.source import Source
from steadytune.stats.barrier import barrier
from steadytune.stats.similarity import (
    MEASURES,
    layer_similarity,
    linear_cka,
    procrustes,
    svcca,
)

DRAW = np.random.default_rng(3)
X = DRAW.standard_normal((60, 7)) @ np.diag([5, 3, 2, 1, 1, 0.5, 0.1]) + 3
Y = X[:, :5] @ DRAW.standard_normal((5, 9)) + DRAW.standard_normal((60, 9))


def rotation(size: int) -> np.ndarray:
    return np.linalg.qr(DRAW.standard_normal((size, size)))[0]


def hsic_over_quadruples(k: np.ndarray, m: np.ndarray) -> float:
    """The U-statistic of Gretton et al. (2005) for HSIC, term by term."""
    n = len(k)
    pairs = triples = quadruples = 0.0
    for i, j in itertools.permutations(range(n), 2):
        pairs += k[i, j] * m[i, j]
    for i, j, q in itertools.permutations(range(n), 3):
        triples += k[i, j] * m[i, q]
    for i, j, q, r in itertools.permutations(range(n), 4):
        quadruples += k[i, j] * m[q, r]
    a, b, c = n * (n - 1), n * (n - 1) * (n - 2), n * (n - 1) * (n - 2) * (n - 3)
    return pairs / a - 2 * triples / b + quadruples / c


def test_debiased_cka_is_a_ratio_of_u_statistics():
    x, y = X[:9], Y[:9]
    k, m = x @ x.T, y @ y.T
    expected = hsic_over_quadruples(k, m) / np.sqrt(
        hsic_over_quadruples(k, k) * hsic_over_quadruples(m, m)
    )
    assert linear_cka(x, y) == pytest.approx(expected, rel=1e-9)


def test_biased_cka_by_its_formula_in_features():
    x, y = X - X.mean(0), Y - Y.mean(0)
    expected = np.linalg.norm(x.T @ y) ** 2 / np.linalg.norm(x.T @ x) / np.linalg.norm(y.T @ y)
    assert linear_cka(X, Y, debiased=False) == pytest.approx(expected)


def test_procrustes_by_the_best_rotation():
    x, y = X - X.mean(0), Y[:, :7] - Y[:, :7].mean(0)
    x, y = x / np.linalg.norm(x), y / np.linalg.norm(y)
    turned, _ = orthogonal_procrustes(x, y)
    assert procrustes(X, Y[:, :7]) == pytest.approx(1 - np.linalg.norm(x @ turned - y) ** 2 / 2)


def test_svcca_by_regression():
    """With everything kept the squared correlations are the eigenvalues of Px Py."""
    x, y = X - X.mean(0), Y - Y.mean(0)
    projections = [z @ np.linalg.solve(z.T @ z, z.T) for z in (x, y)]
    values = np.linalg.eigvals(projections[0] @ projections[1]).real
    expected = np.sqrt(np.sort(values)[::-1][:7].clip(0)).mean()
    assert svcca(X, Y, kept=1.0) == pytest.approx(expected)


def test_svcca_keeps_the_share_that_is_asked_for():
    left, right = rotation(40)[:, :4], rotation(4)
    left = np.linalg.qr(left - left.mean(0))[0]
    x = left @ np.diag([90, 9.5, 0.3, 0.2]) @ right
    assert svcca(x, left[:, :2]) == pytest.approx(1)
    assert svcca(x, left[:, :3], kept=0.99) == pytest.approx(1)
    assert svcca(x, left[:, 2:3], kept=0.99) == pytest.approx(0, abs=1e-9)
    assert svcca(x, left[:, 2:3], kept=0.9975) == pytest.approx(1)


@pytest.mark.parametrize("name", MEASURES)
def test_invariances(name):
    measure = MEASURES[name]
    assert measure(X, X) == pytest.approx(1)
    assert measure(X, 7 * X @ rotation(7) - 4) == pytest.approx(1)
    assert measure(Y, X) == pytest.approx(measure(X, Y))
    assert measure(3 * X @ rotation(7) + 1, Y) == pytest.approx(measure(X, Y))
    assert measure(X, X * np.array([1, 1, 1, 1, 1, 1, 30])) == pytest.approx(1) or name != "svcca"


def test_what_only_svcca_ignores():
    stretched = X @ np.diag([0.01, 1, 1, 1, 1, 1, 40])
    assert svcca(X, stretched, kept=1.0) == pytest.approx(1)
    assert linear_cka(X, stretched) < 0.5
    assert procrustes(X, stretched) < 0.9


def test_independent_states_are_near_0_only_for_the_debiased_measure():
    found = [
        (linear_cka(x, y), linear_cka(x, y, debiased=False))
        for x, y in (DRAW.standard_normal((2, 40, 200)) for _ in range(50))
    ]
    debiased, biased = np.array(found).T
    assert abs(debiased.mean()) < 3 * debiased.std() / np.sqrt(50) + 1e-3
    assert debiased.min() < 0 < debiased.max()
    assert biased.min() > 0.5


@pytest.mark.parametrize("name", MEASURES)
def test_collapsed_states_are_like_nothing(name):
    collapsed = np.tile(DRAW.standard_normal(7).astype(np.float32), (60, 1))
    assert np.isnan(MEASURES[name](collapsed, X))


def test_rows_that_do_not_match_are_refused():
    with pytest.raises(BadInput, match="same examples"):
        linear_cka(X, Y[:-1])
    with pytest.raises(BadInput, match="at least 4"):
        procrustes(X[:3], Y[:3])


@pytest.mark.parametrize("name", MEASURES)
def test_layer_by_layer(name):
    """Also where states are wider than there are examples, which takes a shortcut."""
    runs = [DRAW.standard_normal((2, 12, 20)) for _ in range(3)]
    found = layer_similarity(runs, MEASURES[name])
    assert found.shape == (2, 3, 3)
    for layer, i, j in itertools.product(range(2), range(3), range(3)):
        assert found[layer, i, j] == pytest.approx(
            1 if i == j else MEASURES[name](runs[i][layer], runs[j][layer])
        )


def test_states_on_disk(tmp_path):
    states = DRAW.standard_normal((2, 5, 3)).astype(np.float32)
    write_states(tmp_path / "new" / "a.npz", LayerStates({"run": "a", "examples": "e"}, states))
    found = read_states(tmp_path / "new" / "a.npz")
    np.testing.assert_array_equal(found.states, states)
    assert found.about == {"run": "a", "examples": "e"}
    check_comparable(found.about, {"run": "b", "examples": "e"})
    with pytest.raises(BadInput, match="different examples"):
        check_comparable(found.about, {"run": "b", "examples": "f"})
    (tmp_path / "a.npz").write_text("no")
    for name in ("a.npz", "none.npz"):
        with pytest.raises(BadInput, match="cannot be read as states"):
            read_states(tmp_path / name)


def test_barrier_on_known_curves():
    t = np.linspace(0, 1, 5)
    assert barrier(t, 2 + 3 * t) == (0, 0, 0)
    assert barrier(t[::-1], np.array([1, 1, 4, 2, 1.0])) == (3, 0.5, 3)
    tilted = barrier(t, np.array([0, 2, 2, 3, 4.0]))
    assert tilted == (1, 0.25, 0)
    wide = barrier(np.array([-0.5, 0, 0.5, 1, 1.5]), np.array([9, 1, 2, 1, 9.0]))
    assert wide == (1, 0.5, 1)
    assert np.isnan(barrier(t, np.array([1, np.nan, 1, 1, 1])).height)


def test_states_in_a_ledger_are_measures_of_its_report(in_condition, tmp_path):
    """Distances by hand, over the pairs of runs whose states differ between examples."""
    whole = in_condition("small")
    shutil.copytree(whole.folder, tmp_path / "study")
    ledger = Ledger.open(tmp_path / "study")
    cell = conditions(ledger)[0]
    before = instability_data([cell])
    runs = [record.id for record in cell.records if record.state is State.FINISHED][:4]
    states = {run: DRAW.standard_normal((4, 30, 5)).astype(np.float32) for run in runs}
    states[runs[3]][:] = 1  # collapsed: the same for every example
    for run, one in states.items():
        write_states(ledger.states_file(run), LayerStates({"examples": "same"}, one))
    (after,) = instability_data([cell])
    assert after["all"][: len(before[0]["all"])] == before[0]["all"]
    new = {one["name"]: one for one in after["all"][len(before[0]["all"]) :]}
    assert [*new] == ["linear_cka_1", "linear_cka_2", "linear_cka_4", "procrustes_4", "svcca_4"]
    for name, measure in MEASURES.items():
        pairs = itertools.combinations(runs[:3], 2)
        expected = np.mean([1 - measure(states[a][3], states[b][3]) for a, b in pairs])
        assert new[f"{name}_4"]["value"] == pytest.approx(expected, rel=1e-3)
        assert new[f"{name}_4"]["runs"] == 3
        low, high = new[f"{name}_4"]["interval"]
        assert low <= expected <= high


def test_states_of_other_examples_are_left_out(in_condition, tmp_path):
    shutil.copytree(in_condition("small").folder, tmp_path / "study")
    ledger = Ledger.open(tmp_path / "study")
    runs = [row.id for row in ledger.planned[:3]]
    for run, examples in zip(runs, ("some", "some", "other"), strict=True):
        states = DRAW.standard_normal((2, 30, 5)).astype(np.float32)
        write_states(ledger.states_file(run), LayerStates({"examples": examples}, states))
    found = representations(Source([ledger]), runs)
    assert found is not None
    assert found.runs == tuple(runs[:2])
    assert representations(Source([ledger]), runs[1:]) is None
