"""Keeps one process per service running on one machine: restarts what died, passes on the signal to stop.

What the machine refuses (memory, processes, room on the disk) is tried again: it never ends the services that run.
Never decides why a service died; it only waits longer before each next start of one that keeps dying.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kernel import logs

log = logs.get(__name__)

GRACE = 10.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0  # seconds before a restart
_SETTLED = 10.0  # seconds after which a child counts as having started well
_EVERY = 0.05
_PARENT = "YICHUANG_PARENT"  # in a child's environment: its supervisor's process id
_PR_SET_PDEATHSIG = 1


@dataclass
class _Child:
    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    due: float = 0.0  # when to start it next, or to try again to note its process id; monotonic
    noted: bool = False  # its process id is in its file
    pause: float = field(default=_FIRST_PAUSE)


class Supervisor:
    """Runs `commands` (by name) until told to stop; writes `<name>.pid` into `run_directory` for each.

    `grace`: seconds that children have to end after SIGTERM, before they are killed.
    """

    def __init__(self, commands: Mapping[str, Sequence[str]], run_directory: Path, grace: float = GRACE) -> None:
        self._grace = grace
        self._children = [_Child(name, command) for name, command in commands.items()]
        self._run_directory = run_directory
        self._stopping = threading.Event()

    def run(self) -> None:
        """Until SIGTERM, SIGINT or `stop`; then all children have ended. Call from the main thread."""
        before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            while not self._stopping.wait(_EVERY):
                for child in self._children:
                    self._look_after(child)
        finally:
            self._end_all()
            for number, handler in before.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        """Make `run` end."""
        self._stopping.set()

    def _on_signal(self, number: int, frame: object) -> None:
        self.stop()

    def _look_after(self, child: _Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.due:
                self._start(child, now)
        elif child.process.poll() is not None:
            self._plan_restart(child, now)
        elif not child.noted and now >= child.due:
            self._note(child, now)

    def _start(self, child: _Child, now: float) -> None:
        # In a process group of its own, so that Ctrl-C reaches the supervisor alone, which stops children in order.
        environment = {**os.environ, _PARENT: str(os.getpid())}
        try:
            child.process = subprocess.Popen(child.command, env=environment, stdin=subprocess.DEVNULL, process_group=0)
        except OSError as error:
            log.error("service not started", service=child.name, why=str(error), again=child.pause)
            _wait(child, now)
            return
        child.started = now
        log.info("service started", service=child.name, pid=child.process.pid)
        self._note(child, now)

    def _plan_restart(self, child: _Child, now: float) -> None:
        assert child.process is not None
        if now - child.started >= _SETTLED:
            child.pause = _FIRST_PAUSE
        log.error(
            "service died", service=child.name, pid=child.process.pid, exit=child.process.returncode, again=child.pause
        )
        child.process = None
        _wait(child, now)
        self._forget(child)

    def _end_all(self) -> None:
        running = [child for child in self._children if child.process is not None]
        for child in running:
            _process(child).terminate()
        deadline = time.monotonic() + self._grace
        for child in running:
            self._end(child, deadline)

    def _end(self, child: _Child, deadline: float) -> None:
        try:
            _process(child).wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.error("service did not stop and is killed", service=child.name, pid=_process(child).pid)
            _process(child).kill()
            _process(child).wait()
        self._forget(child)

    def _note(self, child: _Child, now: float) -> None:
        """Write the process id down. Where that can't be done now it is tried again: nothing depends on it."""
        # Moved into place whole, so that nobody reads an empty one.
        drafted = self._run_directory / f".{child.name}.pid"
        try:
            drafted.write_text(f"{_process(child).pid}\n")
            drafted.replace(self._pid_file(child))
        except OSError as error:
            log.error("process id not noted", service=child.name, why=str(error), again=child.pause)
            _wait(child, now)
        else:
            child.noted = True

    def _forget(self, child: _Child) -> None:
        child.noted = False
        try:
            self._pid_file(child).unlink(missing_ok=True)
        except OSError as error:
            log.error("process id not taken away", service=child.name, why=str(error))

    def _pid_file(self, child: _Child) -> Path:
        return self._run_directory / f"{child.name}.pid"


def _wait(child: _Child, now: float) -> None:
    child.due = now + child.pause
    child.pause = min(child.pause * 2, _LONGEST_PAUSE)


def _process(child: _Child) -> subprocess.Popen[bytes]:
    assert child.process is not None
    return child.process


def end_with_supervisor() -> None:
    """Called in a child: get SIGTERM when the supervisor dies, so that nothing runs on that nobody restarts."""
    supervisor = os.environ.get(_PARENT)
    if supervisor is None or sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    # It may have died before we asked to be told.
    if os.getppid() != int(supervisor):
        os.kill(os.getpid(), signal.SIGTERM)


def serve_command(*names: str) -> list[str]:
    """The command that serves these in a process of their own."""
    return [sys.executable, "-m", "operations.serve", *names]
