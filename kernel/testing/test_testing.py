"""The helpers that other tests lean on."""

import signal
import socket
import sys
from pathlib import Path

import pytest

from kernel.testing import Process, ProcessDied, accepts, eventually, free_port

PYTHON = sys.executable


def test_eventually_returns_what_the_check_returned_once_it_is_true() -> None:
    answers = iter([None, 0, "there"])
    assert eventually(lambda: next(answers), every=0) == "there"


def test_eventually_says_what_it_saw_last_when_time_is_up() -> None:
    with pytest.raises(AssertionError, match=r"last seen: \[\]"):
        eventually(list, timeout=0)


def test_eventually_lets_an_assertion_fail_until_time_is_up() -> None:
    seen: list[int] = []

    def check() -> bool:
        seen.append(len(seen))
        assert len(seen) > 2, "too few"
        return True

    assert eventually(check, every=0)
    with pytest.raises(AssertionError, match="too few"):
        eventually(lambda: seen.clear() or check(), timeout=0)


def test_a_free_port_is_free() -> None:
    port = free_port()
    assert not accepts(port)
    with socket.create_server(("127.0.0.1", port)):
        assert accepts(port)


def test_a_process_is_waited_for_by_what_it_says(tmp_path: Path) -> None:
    with Process([PYTHON, "-uc", "print('ready now'); input()"], log=tmp_path / "log") as process:
        assert process.wait_for_line("ready") == "ready now"
        assert process.wait() != 0  # it has no input to wait for


def test_a_process_that_ends_instead_shows_its_last_words(tmp_path: Path) -> None:
    with (
        Process([PYTHON, "-c", "raise SystemExit('broken')"], log=tmp_path / "log") as process,
        pytest.raises(ProcessDied, match="broken"),
    ):
        process.wait_for_line("ready")


def test_a_process_started_again_is_waited_for_anew(tmp_path: Path) -> None:
    program = "import pathlib, sys, time; p = pathlib.Path(sys.argv[1]); n = len(p.read_text()) if p.exists() else 0;"
    program += "p.write_text('x' * (n + 1)); print('start', n, flush=True); time.sleep(600)"
    process = Process([PYTHON, "-c", program, tmp_path / "count"], log=tmp_path / "log")
    with process:
        process.wait_for_line("start 0")
        process.kill()
        assert not process.alive
        process.start()
        assert process.wait_for_line("start") == "start 1"


def test_killing_a_process_takes_its_own_children_along(tmp_path: Path) -> None:
    child = "import os, time; print('child is', os.getpid(), flush=True); time.sleep(600)"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with Process([PYTHON, "-c", program], log=tmp_path / "log") as process:
        child_id = process.wait_for_line("child is").split()[-1]
        process.kill()
        assert process.wait() == -signal.SIGKILL
        eventually(lambda: _gone(child_id))


def _gone(pid: str) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] == "Z"


def test_the_environment_can_lose_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONE", "1")
    program = "import os; print(sorted(name for name in os.environ if name in ('GONE', 'CAME')))"
    with Process([PYTHON, "-c", program], log=tmp_path / "log", env={"GONE": None, "CAME": "1"}) as process:
        assert process.wait() == 0
        assert process.output == "['CAME']\n"
