"""Paths as users give them."""

from pathlib import Path

import pytest

from steadytune import BadInput, Ledger
from steadytune.paths import as_path


def test_home_is_expanded_for_text_and_paths(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert as_path("~/x") == as_path(Path("~/x")) == tmp_path / "x"
    assert as_path("./~/x") == as_path(as_path("./~/x")) == Path.cwd() / "~" / "x"
    assert as_path("a/~") == Path("a/~")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "an empty path"),
        ("a\0b", r"a\x00b: a path cannot hold a NUL"),
        ("~nobody-of-this-name/x", "there is no user 'nobody-of-this-name' here"),
        ("x" * 300, "too long for a path; a name has at most 255 bytes"),
        ("漢" * 90, "too long for a path"),
        ("x/" * 3000, "too long for a path"),
        ("a\udcff", r"a\udcff: not UTF-8"),
        (b"x", "not bytes"),
        (5, "5 is not a path; give text or a pathlib.Path"),
        (None, "None is not a path"),
    ],
)
def test_what_is_no_path(given, said):
    with pytest.raises(BadInput) as caught:
        as_path(given)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_ledger_opens_by_text(in_condition, monkeypatch):
    folder = in_condition("small").folder
    monkeypatch.setenv("HOME", str(folder.parent))
    assert Ledger.open(str(folder)).folder == folder
    assert Ledger.open(f"~/{folder.name}").folder == folder
