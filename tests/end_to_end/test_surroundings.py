"""The command in unfriendly surroundings: closed streams, small alphabets, files named as modules.

Each test starts real processes, as what is tried is what a process does at its start and end.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from steadytune.search_path import without_current_folder
from tiny_models import make_tiny

SOURCES = Path(__file__).resolve().parents[2] / "src"
COMMAND = [sys.executable, "-m", "steadytune"]
LISTING = [*COMMAND, "list", "recipes"]
PATIENCE = 300
UNFRIENDLY = """
import os
{preparation}
os.execv({python!r}, {command!r})
"""


def environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join([str(SOURCES), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", **more}


def started(preparation: str, command: list[str], **more: str) -> subprocess.CompletedProcess[str]:
    """The command after some preparation of its streams in the same process."""
    program = UNFRIENDLY.format(preparation=preparation, python=sys.executable, command=command)
    return subprocess.run(
        [sys.executable, "-S", "-c", program],
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


NO_READER = "reader, writer = os.pipe(); os.dup2(writer, 1); os.close(reader); os.close(writer)"
STREAMS = {
    "no reader": (NO_READER, 141, ""),
    "closed": ("os.close(1)", 0, ""),
    "all closed": ("os.close(0); os.close(1); os.close(2)", 0, ""),
    "full": ("os.dup2(os.open('/dev/full', os.O_WRONLY), 1)", 3, "No space left on device"),
}


@pytest.mark.parametrize("case", STREAMS)
def test_streams(case):
    preparation, status, words = STREAMS[case]
    done = started(preparation, LISTING)
    assert done.returncode == status, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.stderr.count("\n") <= 1


def test_characters_that_the_terminal_lacks_are_replaced():
    code = (
        "import sys; from steadytune.cli.terminal import standard_streams\n"
        "with standard_streams(): print('d\\u00e9j\\u00e0 \\udc80')"
    )
    done = started("", [sys.executable, "-c", code], PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout, done.stderr) == (0, "d?j? ?\n", "")


SHADOWED = ("random", "typing", "tokenizers", "torch", "json", "numpy", "typer", "datasets", "apex")


@pytest.fixture
def trap(tmp_path):
    """A current folder with files that are named as modules, and break whoever imports them."""
    folder = tmp_path / "here"
    folder.mkdir()
    for name in SHADOWED:
        (folder / f"{name}.py").write_text(f"raise RuntimeError('{name} of the current folder')")
    return folder


@pytest.mark.parametrize("extra", [{}, {"PYTHONPATH": os.pathsep.join(["", str(SOURCES)])}])
def test_the_command_imports_nothing_from_the_current_folder(trap, extra):
    command = LISTING
    if extra:  # an empty entry means the current folder, for the installed command as well
        code = "import sys; sys.argv[1:] = ['list', 'recipes']; import steadytune.__main__ as m"
        command = [sys.executable, "-P", "-c", f"{code}; m.main()"]
    done = subprocess.run(
        command,
        cwd=trap,
        env=environment(**extra),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "mosbach2021" in done.stdout


def test_the_folder_of_steadytune_itself_stays_but_comes_last(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    path = ["", str(tmp_path), "/lib/python", str(SOURCES)]
    assert without_current_folder(path) == ["/lib/python", str(SOURCES)]
    monkeypatch.chdir(SOURCES)
    assert without_current_folder(path) == [str(tmp_path), "/lib/python", str(SOURCES)]


IMPORTING = "import sys; sys.path.insert(0, {hook!r}); from steadytune.__main__ import main; main()"


def test_ctrl_c_during_imports_costs_a_sentence(tmp_path):
    (tmp_path / "typer.py").write_text(
        "import pathlib, time\n"
        f"pathlib.Path({str(tmp_path / 'importing')!r}).touch()\n"
        "time.sleep(100)"
    )
    command = [sys.executable, "-c", IMPORTING.format(hook=str(tmp_path))]
    child = subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + PATIENCE
    while not (tmp_path / "importing").exists() and time.monotonic() < until:
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    _, stderr = child.communicate(timeout=PATIENCE)
    assert child.returncode == 130
    assert stderr.strip() == "stopped before it began"


def small_run(folder: Path, out: Path) -> list[str]:
    """Two runs in worker processes, on data and an encoder in a folder."""
    make_tiny(folder / "tiny")
    rows = [f"{text},{label}" for text, label in [("a cat", "yes"), ("dogs sat", "no")] * 20]
    (folder / "train.csv").write_text("\n".join(["text,label", *rows]))
    given = ["--task", folder / "train.csv", "--encoder", folder / "tiny", "--out", out]
    settings = ["recipe.steps=3", "recipe.batch_size=4", "recipe.max_length=16"]
    more = [word for setting in settings for word in ("--set", setting)]
    return [*COMMAND, "run", *map(str, given), "--seeds", "2", *more, "--executor", "processes"]


def test_workers_import_nothing_from_the_current_folder(trap, tmp_path):
    command = small_run(tmp_path, tmp_path / "out")
    done = subprocess.run(
        command,
        cwd=trap,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "current folder" not in done.stderr


def test_ctrl_c_while_workers_import_costs_a_sentence(tmp_path):
    command = small_run(tmp_path, tmp_path / "out")
    child = subprocess.Popen(
        command, env=environment(), stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    children = Path(f"/proc/{child.pid}/task/{child.pid}/children")
    until = time.monotonic() + PATIENCE
    while not children.read_text().split() and time.monotonic() < until:
        time.sleep(0.01)
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does: to all of them
    _, stderr = child.communicate(timeout=PATIENCE)
    assert child.returncode == 130, stderr
    assert "the same command again continues" in stderr
    assert "Traceback" not in stderr
