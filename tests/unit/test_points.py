"""Files of points: measured once each, continued after a kill at any byte."""

import numpy as np
import pytest

from steadytune.errors import BadInput
from steadytune.ledger import grid, measure, read_points

ABOUT = {"what": "test", "runs": ("x", "y")}
POINTS = [{"a": a, "b": b} for a in (-1.5, 0.1, 1.0) for b in (0.0, 1.0)]


class Counted:
    """a + 10 b, and how often it was asked for; fails after ``most`` times."""

    def __init__(self, most: int = 1000) -> None:
        self.asked = 0
        self.most = most

    def __call__(self, at):
        if self.asked == self.most:
            raise KeyboardInterrupt
        self.asked += 1
        return {"value": at["a"] + 10 * at["b"], "broken": float("inf")}


def test_columns_and_grid(tmp_path):
    points = measure(tmp_path / "new" / "p.jsonl", ABOUT, POINTS, Counted())
    np.testing.assert_array_equal(points.columns["a"], [p["a"] for p in POINTS])
    assert np.isnan(points.columns["broken"]).all()
    a, b, value = grid(points, "a", "b", "value")
    np.testing.assert_array_equal(value, a[:, None] + 10 * b)
    there = read_points(tmp_path / "new" / "p.jsonl")
    assert there.about == {"what": "test", "runs": ["x", "y"]}
    for name, column in points.columns.items():
        np.testing.assert_array_equal(there.columns[name], column)


def test_killed_at_any_byte(tmp_path):
    measure(tmp_path / "whole", ABOUT, POINTS, Counted())
    whole = (tmp_path / "whole").read_bytes()
    for size in range(len(whole)):
        path = tmp_path / "cut"
        path.write_bytes(whole[:size])
        ends, seen, count = whole[:size].count(b"\n"), [], Counted()
        measure(path, ABOUT, POINTS, count, lambda *at, seen=seen: seen.append(at))
        assert path.read_bytes() == whole
        assert count.asked == len(POINTS) - max(ends - 1, 0)
        assert seen[0][0] == len(POINTS) - count.asked
        assert seen[-1] == (6, 6)


def test_what_was_measured_stays_when_measuring_fails(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        measure(tmp_path / "p", ABOUT, POINTS, Counted(4))
    assert np.isnan(grid(read_points(tmp_path / "p"), "a", "b", "value")[2]).sum() == 0
    assert len(read_points(tmp_path / "p").columns["a"]) == 4
    count = Counted()
    measure(tmp_path / "p", ABOUT, POINTS, count)
    assert count.asked == 2


def test_more_points_later_and_missing_ones_in_the_grid(tmp_path):
    measure(tmp_path / "p", ABOUT, POINTS[:3], Counted())
    assert np.isnan(grid(read_points(tmp_path / "p"), "a", "b", "value")[2]).sum() == 1
    assert len(measure(tmp_path / "p", ABOUT, POINTS, Counted()).columns["a"]) == 6
    assert len(measure(tmp_path / "p", ABOUT, POINTS[4:], Counted(0)).columns["a"]) == 2


def test_other_files_are_refused_and_left_alone(tmp_path):
    path = tmp_path / "p"
    measure(path, ABOUT, POINTS, Counted())
    before = path.read_bytes()
    with pytest.raises(BadInput, match="holds another measurement: runs"):
        measure(path, {**ABOUT, "runs": ["x", "z"]}, POINTS, Counted(0))
    assert path.read_bytes() == before
    for text in ("something else\n", '{"loss": 1}\n', '{"schema": 99, "about": {}}\n'):
        path.write_text(text)
        with pytest.raises(BadInput):
            measure(path, ABOUT, POINTS, Counted(0))
        assert path.read_text() == text
        with pytest.raises(BadInput):
            read_points(path)
    with pytest.raises(BadInput, match="no such file"):
        read_points(tmp_path / "none")
