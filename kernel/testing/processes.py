"""A program started for a test, in a process group of its own, with its output kept in a file.

Ends only what it started, and always by process id.
"""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from kernel.testing.polling import eventually
from kernel.testing.ports import accepts


class ProcessDied(Exception):
    """The program ended while a test waited for it; the message ends with what it last said."""


class Process:
    """`with Process(["python", "-m", "x"], log=path) as x: x.wait_for_line("ready"); x.kill(); x.start()`.

    `env` is added to this process's environment; a value of None takes a name out of it.
    """

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str | None] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.argv = [str(word) for word in argv]
        self.log = log
        self.cwd = cwd
        self.env = _environment(env or {})
        self._running: subprocess.Popen[bytes] | None = None
        self._said_before = 0  # bytes of the log that earlier starts wrote

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """Start it, again after it ended; output is added to the log."""
        if self.alive:
            raise RuntimeError(f"runs already: {self.argv}")
        with self.log.open("ab") as output:
            self._said_before = output.tell()
            self._running = self._spawn(output)
        return self

    def _spawn(self, output: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=self.env,
            cwd=self.cwd,
            start_new_session=True,
        )

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running or ended process. Raises RuntimeError before the first start."""
        if self._running is None:
            raise RuntimeError(f"not started: {self.argv}")
        return self._running

    @property
    def pid(self) -> int:
        """Of the program; also the id of its process group."""
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs now."""
        return self._running is not None and self._running.poll() is None

    @property
    def output(self) -> str:
        """What it said since its last start, both streams. The log holds the starts before, too."""
        return self.log.read_bytes()[self._said_before :].decode(errors="replace") if self.log.exists() else ""

    def wait_for_line(self, text: str, timeout: float = 30) -> str:
        """The first line with `text` in it. Raises ProcessDied if it ends first, AssertionError when time is up."""
        return eventually(lambda: self._line_with(text) or self._still_alive(), timeout)

    def wait_for_port(self, port: int, timeout: float = 30) -> None:
        """Until it accepts connections on a port of this machine. Raises as `wait_for_line` does."""
        eventually(lambda: accepts(port) or self._still_alive(), timeout)

    def wait(self, timeout: float = 30) -> int:
        """Its exit code, once it has ended by itself (negative: the signal). Raises subprocess.TimeoutExpired."""
        return self.process.wait(timeout)

    def kill(self) -> None:
        """kill -9, with all of its process group; back when it is gone."""
        self._signal(signal.SIGKILL)
        self.process.wait(30)

    def stop(self, timeout: float = 10, first: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to end with `first` (sent to the program alone); kill the group after `timeout` seconds."""
        if self._running is None:
            return
        if self.alive:
            self._running.send_signal(first)
        try:
            self._running.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
        # What it left behind in its group must not outlive the test.
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return

    def _line_with(self, text: str) -> str:
        return next((line for line in self.output.splitlines() if text in line), "")

    def _still_alive(self) -> str:
        if not self.alive:
            raise ProcessDied(f"{self.argv} ended with {self.process.returncode}:\n{self.output[-4000:]}")
        return ""


def _environment(changes: Mapping[str, str | None]) -> dict[str, str]:
    merged = {**os.environ, **changes}
    return {name: value for name, value in merged.items() if value is not None}
