"""What a person sees while runs go on."""

import io

import numpy as np
import pytest
from rich.console import Console

from steadytune.cli.progress import Progress, duration
from steadytune.records import Crashed, Diverged, Evaluation, Finished, Started, Step, Stopped


def show(events, terminal=False, ended=()):
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=120)
    titles = {"a": "mosbach2021 glue/rte minilm seed 0", "b": "other"}
    metrics = dict.fromkeys("ab", ("accuracy", "dev"))
    progress = Progress(titles, metrics, ended, console)
    with progress.shown():
        for event in events:
            progress(event)
    return stream.getvalue()


def step(n, loss=0.5):
    return Step("a", n, loss, 1e-5, 1.0, 1.0, 100, 0.5)


OUTPUTS = np.zeros((4, 2), np.float32)
STORY = [
    Started("a", 0, 100),
    step(1),
    Evaluation("a", 1, "dev", 0.4, {"accuracy": 0.875}, OUTPUTS, 0.1),
    Evaluation("a", 1, "other", 0.4, {"accuracy": 0.125}, OUTPUTS, 0.1),
    Finished("a", 100),
]


def test_plain_lines_where_there_is_no_terminal():
    lines = show(STORY).splitlines()
    assert len(lines) == 2  # the start and the end; what lies between is too close to it
    assert "step 0/100" in lines[0]
    assert lines[-1].startswith("[1/2] mosbach2021 glue/rte minilm seed 0")
    assert "metric 0.8750" in lines[-1]
    assert "finished" in lines[-1]
    assert "\x1b" not in "".join(lines)


def test_a_live_table_on_a_terminal():
    text = show(STORY, terminal=True)
    for words in ("run", "step", "loss", "metric", "speed", "left", "1 of 2 runs ended", "0.8750"):
        assert words in text


def test_runs_that_ended_before_are_counted():
    assert "2 of 2 runs ended, 1 of them before" in show(STORY, terminal=True, ended=["b"])


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Diverged("a", 7, "loss"), "diverged at step 7: loss"),
        (Stopped("a", 7, "no hope"), "stopped at step 7: no hope"),
        (Crashed("a", "Traceback\nRuntimeError: [bold]no memory"), "RuntimeError: [bold]no memory"),
    ],
)
def test_bad_ends_are_shown_as_they_are(event, words):
    assert words in show([Started("a", 0, 10), event])
    assert words in " ".join(show([Started("a", 0, 10), event], terminal=True).split())


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0s"), (59.4, "59s"), (200, "3m20s"), (7500, "2h05m")]
)
def test_durations(seconds, said):
    assert duration(seconds) == said
