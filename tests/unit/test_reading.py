"""The commands figures and report: where the files go, and what wrong names get."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from steadytune import figures
from steadytune.cli import app


@pytest.fixture
def folder(in_condition, tmp_path):
    return Path(shutil.copytree(in_condition("mixed").folder, tmp_path / "study"))


def invoke(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


def test_figures_go_where_they_are_told(folder, tmp_path):
    result = invoke("figures", folder, "raincloud", "boxes", "--out", tmp_path / "out")
    assert result.exit_code == 0
    written = result.stdout.split()
    assert sorted(written) == sorted(str(path) for path in (tmp_path / "out").iterdir())
    assert {Path(path).stem for path in written} == {"raincloud", "boxes"}


def test_an_unknown_figure_is_bad_input_and_the_known_ones_are_named(folder):
    result = invoke("figures", folder, "pie")
    assert result.exit_code == 2
    assert "'pie' is not known" in " ".join(result.stderr.split())
    assert "raincloud" in result.stderr
    assert not (folder / "figures").exists()


def test_a_report_lies_in_the_folder_which_stays_a_study(folder):
    result = invoke("report", folder)
    assert result.exit_code == 0
    assert result.stdout.strip() == str(folder / "report.html")
    assert (folder / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert invoke("summary", folder).exit_code == 0


@pytest.mark.parametrize("command", ["figures", "report"])
def test_a_folder_that_is_no_study_is_bad_input(command, tmp_path):
    result = invoke(command, tmp_path)
    assert result.exit_code == 2
    assert "not the folder of a study" in " ".join(result.stderr.split())


def test_figures_are_listed():
    result = invoke("list", "figures")
    assert [line.split()[0] for line in result.stdout.splitlines()] == list(figures.TABLE)


def test_every_module_of_the_folder_is_in_the_table():
    folder = Path(str(figures.__file__)).parent
    modules = {file.stem for file in folder.glob("*.py") if not file.stem.startswith("_")}
    assert modules == set(figures.TABLE)


def test_the_command_line_starts_without_the_heavy_parts():
    code = (
        "import sys, steadytune.cli;"
        "sys.exit(any(name in sys.modules for name in ('torch', 'matplotlib', 'jinja2')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
