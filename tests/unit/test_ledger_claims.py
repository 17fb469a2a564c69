"""Two writers in one folder: one goes on, the other is told who; a dead one's place is taken."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from simulated_run import LABELS, begin, conduct, contents, events, ledger_in, new_record

from steadytune.errors import Claimed
from steadytune.ledger import Claims, Ledger
from steadytune.ledger.process import Process, from_tag
from steadytune.ledger.writing import Heartbeat
from steadytune.records import State

RUN = "0123456789abcdef"
ELSEWHERE = replace(Process.this(), host="elsewhere", place="00000000")
FAST = Heartbeat(every=0.05, patience=0.6)

CHILD = """
import sys, time
from pathlib import Path
from steadytune.ledger import Claims
with Claims(Path(sys.argv[1])) as claims:
    claims.take(sys.argv[2])
    print("taken", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def child(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the claim of RUN in ``tmp_path``."""
    command = [sys.executable, "-c", CHILD, str(tmp_path), RUN]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "taken\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


def test_a_claim_has_one_holder_and_leaves_nothing(tmp_path: Path) -> None:
    with Claims(tmp_path) as one, Claims(tmp_path) as other:
        one.take(RUN)
        one.take(RUN)  # it may ask twice
        one.check(RUN)
        with pytest.raises(Claimed):
            other.take(RUN)
        with pytest.raises(Claimed):
            other.check_free([RUN])
        other.check_free(["another"])
        other.take("another")
        one.release(RUN)
        other.take(RUN)
    assert left(tmp_path) == []


def test_the_sentence_says_who_writes_what_since_when(
    tmp_path: Path, child: subprocess.Popen[str]
) -> None:
    begun = time.monotonic()
    with Claims(tmp_path) as claims, pytest.raises(Claimed) as caught:
        claims.take(RUN)
    assert time.monotonic() - begun < 1.0  # the same machine is asked, nothing is waited for
    said = str(caught.value)
    assert said.startswith(f"{tmp_path}: process {child.pid} on {Process.this().host} has been ")
    assert f"writing run {RUN} there since 20" in said
    assert "UTC (" in said
    assert said.endswith("wait until it ends, or stop it, and give the same command again")
    assert "\n" not in said


def test_a_killed_writer_is_taken_over_at_once(
    tmp_path: Path, child: subprocess.Popen[str]
) -> None:
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert len(left(tmp_path / "claims")) == 2  # nobody tidied up
    begun = time.monotonic()
    with Claims(tmp_path) as claims:
        claims.take(RUN)
        claims.check(RUN)
    assert time.monotonic() - begun < 1.0
    assert left(tmp_path) == []


def test_a_later_process_of_the_same_id_is_another(tmp_path: Path) -> None:
    """The id is in use, by a process that began at another time."""
    earlier = replace(Process.this(), start="1")
    abandon(tmp_path, earlier)
    with Claims(tmp_path) as claims:
        claims.take(RUN)


def abandon(folder: Path, process: Process) -> None:
    """What a writer leaves that is killed: its claim stays, its heartbeat ends."""
    with Claims(folder, process, FAST) as claims:
        claims.take(RUN)
        shutil.copytree(folder / "claims", folder / "copy")
    (folder / "copy").rename(folder / "claims")
    file = next((folder / "claims").glob("*.writer"))
    line, beat = file.read_text().splitlines()
    about = {**json.loads(line), "inode": file.stat().st_ino}
    file.write_text(f"{json.dumps(about)}\n{beat}\n")


def test_a_dead_writer_on_another_machine_is_told_by_its_heartbeat(tmp_path: Path) -> None:
    abandon(tmp_path, ELSEWHERE)
    begun = time.monotonic()
    with Claims(tmp_path, heartbeat=FAST) as claims:
        claims.take(RUN)
    assert time.monotonic() - begun > FAST.patience
    assert left(tmp_path) == []


def test_a_living_writer_on_another_machine_is_left_alone(tmp_path: Path) -> None:
    with Claims(tmp_path, ELSEWHERE, FAST) as there, Claims(tmp_path, heartbeat=FAST) as here:
        there.take(RUN)
        begun = time.monotonic()
        with pytest.raises(Claimed, match="on elsewhere has been writing"):
            here.take(RUN)
        assert time.monotonic() - begun < FAST.patience
        there.check(RUN)


def test_a_copied_folder_is_not_claimed_by_the_writer_of_the_first(
    tmp_path: Path, child: subprocess.Popen[str]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "claims", copy / "claims")
    with Claims(copy, heartbeat=FAST) as claims:
        claims.take(RUN)
    assert child.poll() is None


def test_a_claim_without_a_token_is_of_nobody(tmp_path: Path) -> None:
    """A kill came between the making of the file and the writing into it."""
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / f"{RUN}.claim").write_text("")
    with Claims(tmp_path) as claims:
        claims.take(RUN)


def test_of_many_that_take_over_one_does(tmp_path: Path) -> None:
    for _ in range(20):
        abandon(tmp_path, replace(Process.this(), start="1"))
        holders: list[int] = []
        together = threading.Barrier(4)

        def contend(
            place: int, together: threading.Barrier = together, holders: list[int] = holders
        ) -> None:
            with Claims(tmp_path) as claims:
                together.wait()
                try:
                    claims.take(RUN)
                    holders.append(place)
                except Claimed:
                    pass
                together.wait()

        threads = [threading.Thread(target=contend, args=(place,)) for place in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(holders) == 1
        assert left(tmp_path) == []


def test_a_writer_that_was_taken_over_stops(tmp_path: Path) -> None:
    """It was suspended longer than others watch for it, and writes no record any more."""
    ledger = ledger_in(tmp_path)
    run = ledger.planned[0].id
    silent = Heartbeat(every=1000.0)
    with Claims(tmp_path, ELSEWHERE, silent) as slow, Claims(tmp_path, heartbeat=FAST) as heir:
        slow.take(run)
        writer = ledger.writer(new_record(run), {"a": LABELS, "b": LABELS}, slow)
        told = list(events(run, None))
        for event in told[:10]:
            writer.write(event)
        heir.take(run)
        conduct(Ledger.open(tmp_path), run)
        before = contents(tmp_path)
        with pytest.raises(Claimed, match="was taken over"):
            list(map(writer.write, told[10:]))
        assert {k: v for k, v in contents(tmp_path).items() if k.endswith(".json")} == {
            k: v for k, v in before.items() if k.endswith(".json")
        }
    record = ledger.record(run)
    assert record is not None
    assert record.state is State.FINISHED


def test_writers_of_different_runs_share_a_folder(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    first, second = (row.id for row in ledger.planned)
    with Claims(tmp_path) as one, Claims(tmp_path) as other:
        assert ledger.take_left([first], one) == [first]
        assert ledger.take_left([second], other) == [second]
        conduct(ledger, first)
        other_ledger = Ledger.open(tmp_path)
        with pytest.raises(Claimed):
            ledger_in(tmp_path)
        one.release(first)
        assert other_ledger.take_left([first, second], other) == [second]


def test_a_brief_claim_is_waited_for(tmp_path: Path) -> None:
    with Claims(tmp_path) as one, Claims(tmp_path) as other:
        one.take("study")
        threading.Timer(0.2, one.release, ["study"]).start()
        with other.briefly("study"):
            other.check("study")
        one.take("study")
        with (
            pytest.raises(Claimed, match="has been writing the study there"),
            other.briefly("study", seconds=0.1),
        ):
            pass


def test_what_killed_processes_left_is_swept_and_the_rest_is_not(tmp_path: Path) -> None:
    _, writer = begin(tmp_path)
    this = Process.this()
    assert from_tag(this.tag) == replace(this, host="")
    gone = replace(this, start="1").tag
    for folder in (tmp_path, tmp_path / "figures", tmp_path / "runs" / writer.record.id / "model"):
        folder.mkdir(exist_ok=True)
        (folder / f".report.html.{gone}.01234567.tmp").write_text("half")
        (folder / f".report.html.{this.tag}.01234567.tmp").write_text("half")
        (folder / f".report.html.{ELSEWHERE.tag}.01234567.tmp").write_text("half")
        old = folder / f".old.html.{ELSEWHERE.tag}.01234567.tmp"
        old.write_text("half")
        os.utime(old, (1e9, 1e9))
    ledger_in(tmp_path)
    names = [path.name for path in tmp_path.rglob(".*.tmp")]
    assert len(names) == 6
    assert not [name for name in names if gone in name or name.startswith(".old")]
