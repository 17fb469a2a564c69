"""What importing the package gives, and what it must not cost."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import steadytune

ROOT = Path(__file__).resolve().parents[2]


def test_exports():
    assert all(getattr(steadytune, name) is not None for name in steadytune.__all__)
    assert issubclass(steadytune.AdamW, torch.optim.Optimizer)


HEAVY = ("torch", "transformers", "scipy.stats", "matplotlib", "pandas", "pyarrow.dataset")
AT_ONCE = [
    [],
    ["--help"],
    ["run", "--help"],
    ["list", "recipes"],
    ["list", "encoders"],
    ["list", "tasks"],
    ["run", "--recipe", "no-such"],
    ["run", "--task", "no-such", "--encoder", "no-such"],
    ["run", "no-such.yaml"],
    ["run", "--seeds", "many"],
    ["summary", "no-such"],
    ["compare", "no-such", "--a", "x", "--b", "y"],
    ["diagnose", "no-such"],
    ["figures", "no-such"],
    ["report", "no-such"],
    ["no-such"],
    ["summary", "STUDY"],
    ["summary", "STUDY", "--layout", "paper", "--format", "latex"],
]


def imported(arguments):
    """Which heavy modules a command has imported at its end, and its status."""
    code = (
        "import atexit, sys\n"
        f"heavy = {HEAVY!r}\n"
        "atexit.register(lambda: print('\\n', [one for one in heavy if one in sys.modules]))\n"
        "import steadytune\n"
        "from steadytune.__main__ import main\n"
        "if sys.argv[1:]: main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], check=False, capture_output=True, text=True
    )
    return done.stdout.splitlines()[-1].strip(), done.returncode


@pytest.mark.parametrize("arguments", AT_ONCE, ids=" ".join)
def test_what_answers_at_once_imports_nothing_heavy(arguments, in_condition):
    study = str(in_condition("mixed").folder)
    heavy, status = imported([study if one == "STUDY" else one for one in arguments])
    assert heavy == "[]"
    assert status == (2 if any("no-such" in one or one == "many" for one in arguments) else 0)


def test_a_name_brings_its_module_when_it_is_used():
    assert set(steadytune.__all__) <= set(dir(steadytune))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        steadytune.nothing  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]


def test_the_loop_stays_on_one_screen():
    loop = ROOT / "src/steadytune/training/loop.py"
    assert len(loop.read_text().splitlines()) <= 120


def test_files_and_names_stay_in_their_budget():
    files = list((ROOT / "src").rglob("*.py"))
    long = {f.name: n for f in files if (n := len(f.read_text().splitlines())) > 300}
    assert not long
    vague = re.compile(r"(utils?|helpers?|common|manager|misc|engine|core|base)\.py")
    assert not [f.name for f in files if vague.fullmatch(f.name)]


def test_every_module_of_an_extension_folder_is_in_its_table():
    from steadytune import executors, stabilizers

    for package in (executors, stabilizers):
        folder = Path(str(package.__file__)).parent
        modules = {f.stem for f in folder.glob("*.py") if not f.stem.startswith("_")}
        assert {
            member.__module__.rpartition(".")[2] for member in package.TABLE.values()
        } == modules
