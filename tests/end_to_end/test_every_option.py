"""Every option and argument of every command, each with every kind of wrong value.

The commands and their parameters are found through typer, so a new one is tried from the day that
it is listed; GOOD has to say how its command is called.
"""

import click
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from steadytune.cli import app
from tiny_models import make_tiny

COMMANDS = get_command(app).commands
PARAMETERS = [
    (command, parameter.name)
    for command, found in COMMANDS.items()
    for parameter in found.params
    if parameter.name != "help" and not getattr(parameter, "is_flag", False)
]
WRONG = {
    "empty": "",
    "unknown": "nope-of-that-name",
    "negative": "-1",
    "huge": "9" * 30,
    "digits": "9" * 5000,
    "nan": "nan",
    "infinite": "1e999",
    "word": "on",
    "long": "x" * 300,
    "long path": "x/" * 3000,
    "home": "~nobody-of-this-name/x",
    "escape": "\x1b[31mred\x1b]0;title\x07\u202e",
    "surrogate": "a\udcff",
    "folder": "{folder}",
    "file": "{file}",
    "below file": "{file}/x",
    "nowhere": "{new}/none/none",
    "loop": "{folder}/loop",
    "device": "/dev/zero",
    "nothing": "/dev/null",
}
GOOD = {
    "run": {
        "task": "{file}", "encoder": "{tiny}", "recipe": "mosbach2021", "seeds": "1",
        "out": "{out}", "executor": "sequential",
        "set_": ["recipe.max_length=16", "recipe.steps=1"],
    },
    "summary": {"folder": "{study}"},
    "compare": {"folder": "{study}", "a": "default", "b": "corrected", "question": "failures"},
    "power": {"seeds": "5"},
    "diagnose": {"folder": "{study}"},
    "figures": {"folder": "{study}", "names": "boxes", "out": "{out}"},
    "report": {"folder": "{study}", "out": "{out}/report.html"},
    "reproduce": {"what": "mosbach2021", "plan": True},
    "list": {"what": "recipes"},
}  # fmt: skip


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Paths by name, and fresh ones to write to."""
    folder = tmp_path_factory.mktemp("places")
    rows = [("a good cat", "yes"), ("a bad dog", "no")] * 10
    (folder / "file.csv").write_text("text,label\n" + "\n".join(map(",".join, rows)))
    (folder / "full").mkdir()
    (folder / "full" / "thesis.txt").write_text("precious")
    (folder / "full" / "loop").symlink_to(folder / "full" / "loop")
    return {
        "tiny": make_tiny(folder / "tiny"),
        "file": folder / "file.csv",
        "folder": folder / "full",
        "home": folder,
    }


def written(command, values, places):
    """The command line for values by parameter name."""
    line = [command]
    for parameter in sorted(COMMANDS[command].params, key=is_argument):
        value = values.get(parameter.name)
        for one in value if isinstance(value, list) else [] if value is None else [value]:
            text = one.format(**places) if isinstance(one, str) and "\x1b" not in one else one
            if one is True:
                line.append(parameter.opts[-1])
            elif is_argument(parameter):
                line += (["--"] if "--" not in line else []) + [text]
            elif parameter.nargs == 2:
                line += [parameter.opts[-1], text, "0.5"]
            else:
                line.append(f"{parameter.opts[-1]}={text}")
    return line


def is_argument(parameter):
    return isinstance(parameter, click.Argument)


def faults(result, given):
    """What is wrong with how a command took input of ``given`` letters, which typer repeats."""
    checks = {
        "an exception": isinstance(result.exception, SystemExit | None),
        "exit status": result.exit_code in (0, 2, 3),
        "a traceback": "Traceback" not in result.output,
        "escapes": "\x1b]" not in result.output and "\u202e" not in result.output,
        "says that it resumes": "again to resume" not in result.output,
        "prints though it fails": not result.exit_code or result.stdout == "",
        "says nothing or too much": not result.exit_code
        or 0 < len(result.stderr) < 3000 + 4 * given,
    }
    return ", ".join(name for name, fine in checks.items() if not fine)


def test_every_command_has_good_values():
    assert set(GOOD) == set(COMMANDS)


@pytest.mark.parametrize(("command", "parameter"), PARAMETERS)
def test_wrong_values(command, parameter, places, in_condition, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = list[str]()
    for place, (name, value) in enumerate(WRONG.items()):
        here = {**places, "study": in_condition("small").folder, "out": tmp_path / f"{place}"}
        here["new"] = tmp_path
        line = written(command, {**GOOD[command], parameter: value}, here)
        result = CliRunner().invoke(app, line)
        what = faults(result, len(value))
        if what:
            found.append(f"{name}: {what}: {result.exception!r}: {result.output[-500:]!r}")
    assert not found, "\n".join(found)
    assert sorted(path.name for path in places["folder"].iterdir()) == ["loop", "thesis.txt"]
    assert (places["folder"] / "thesis.txt").read_text() == "precious"
