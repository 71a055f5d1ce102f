"""The supervisor, with small programs in the services' place: each runs in a process of its own."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel.testing import Process, eventually

_SLEEP = "import time; time.sleep(600)"
_STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); " + _SLEEP
_ASK = "from operations.supervisor import end_with_supervisor; end_with_supervisor(); print('asked', flush=True)\n"
_LATE = "import os, time\nwhile os.getppid() == int(os.environ['YICHUANG_PARENT']): time.sleep(0.01)\n"


def _supervisor(tmp_path: Path, program: str, beside: str = "") -> Process:
    """One that keeps `program` running, in Python; and the program in the file `beside`."""
    others = f", 'other': [{beside!r}]" if beside else ""
    code = (
        "import sys; from pathlib import Path; from kernel import logs; from operations.supervisor import Supervisor\n"
        "logs.configure('INFO')\n"
        f"Supervisor({{'one': [sys.executable, '-c', {program!r}]{others}}}, Path({str(tmp_path)!r}), grace=1).run()"
    )
    return Process([sys.executable, "-c", code], log=tmp_path / "log", cwd=Path(__file__).parent.parent)


def _runs(pid: int) -> bool:
    """Whether it runs: one that has ended and was not yet collected doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _pid(tmp_path: Path) -> int:
    return int(eventually(lambda: (tmp_path / "one.pid").exists() and (tmp_path / "one.pid").read_text()))


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Process]:
    with _supervisor(tmp_path, _SLEEP) as supervisor:
        yield supervisor


def test_a_killed_child_is_started_again(supervisor: Process, tmp_path: Path) -> None:
    first = _pid(tmp_path)
    os.kill(first, signal.SIGKILL)
    supervisor.wait_for_line("service died")
    second = eventually(lambda: (pid := _pid(tmp_path)) != first and pid)
    assert _runs(second)
    assert not _runs(first)


def test_told_to_stop_it_stops_its_children_and_takes_the_pid_files_away(supervisor: Process, tmp_path: Path) -> None:
    child = _pid(tmp_path)
    supervisor.process.send_signal(signal.SIGTERM)
    assert supervisor.wait() == 0
    assert not _runs(child)
    assert not (tmp_path / "one.pid").exists()


def test_a_child_that_does_not_stop_is_killed_in_the_end(tmp_path: Path) -> None:
    with _supervisor(tmp_path, _STUBBORN) as supervisor:
        child = _pid(tmp_path)
        supervisor.wait_for_line("deaf")
        supervisor.process.send_signal(signal.SIGTERM)
        assert supervisor.wait() == 0
        assert not _runs(child)
        assert "did not stop and is killed" in supervisor.output


def test_one_that_keeps_dying_is_given_longer_and_longer_pauses(tmp_path: Path) -> None:
    with _supervisor(tmp_path, "raise SystemExit(3)") as supervisor:
        for pause in ("0.2", "0.4", "0.8"):
            assert '"exit": 3' in supervisor.wait_for_line(f'"again": {pause}')


def test_what_cannot_be_noted_ends_nobody_and_is_noted_when_it_can(supervisor: Process, tmp_path: Path) -> None:
    first, gone = _pid(tmp_path), tmp_path / "gone"
    (tmp_path / ".one.pid").mkdir()  # no disk is full for root: this is what can't be written to either
    os.kill(first, signal.SIGKILL)
    supervisor.wait_for_line("process id not noted")
    assert supervisor.alive
    assert not (tmp_path / "one.pid").exists()  # nobody kills what else has that number now
    (tmp_path / ".one.pid").rename(gone)
    second = _pid(tmp_path)
    assert second != first
    assert _runs(second)


def test_one_that_cannot_be_started_is_tried_again_and_the_others_run_on(tmp_path: Path) -> None:
    program = tmp_path / "program"
    with _supervisor(tmp_path, _SLEEP, beside=str(program)) as supervisor:
        child = _pid(tmp_path)
        for pause in ("0.2", "0.4"):
            assert "No such file" in supervisor.wait_for_line(f'"again": {pause}')
        assert _runs(child)
        program.write_text("#!/bin/sh\nexec sleep 600\n")
        program.chmod(0o700)
        eventually((tmp_path / "other.pid").exists)


def test_children_of_a_killed_supervisor_end(tmp_path: Path) -> None:
    with _supervisor(tmp_path, _ASK + _SLEEP) as supervisor:
        child = _pid(tmp_path)
        supervisor.wait_for_line("asked")
        supervisor.kill()
        eventually(lambda: not _runs(child))


def test_so_does_a_child_that_asks_to_be_told_when_its_supervisor_is_dead_already(tmp_path: Path) -> None:
    with _supervisor(tmp_path, _LATE + _ASK + _SLEEP) as supervisor:
        child = _pid(tmp_path)
        supervisor.kill()
        eventually(lambda: not _runs(child))
