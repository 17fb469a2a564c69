"""What importing the package gives, and what it must not cost."""

import re
import subprocess
import sys
from pathlib import Path

import torch

import steadytune

ROOT = Path(__file__).resolve().parents[2]


def test_exports():
    assert all(getattr(steadytune, name) is not None for name in steadytune.__all__)
    assert issubclass(steadytune.AdamW, torch.optim.Optimizer)


def test_reading_a_study_needs_no_torch():
    code = "import sys, steadytune.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


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
