"""Trial services in processes of their own, for tests of what needs a container."""

import contextlib
import json
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kernel.testing import Process, free_port
from kernel.testing.polling import eventually as _eventually

_ROOT = Path(__file__).parents[2]


def eventually(check: Callable[[], Any], timeout: float = 45, every: float = 0.02) -> Any:
    """As `kernel.testing.polling.eventually`, with patience for machines that are busy with other tests."""
    return _eventually(check, timeout, every)


class Trials:
    """Starts `kernel.testing.trial` and talks to its gateway. All processes share `directory` as DATA_DIR."""

    def __init__(self, uri: str, directory: Path, stack: contextlib.ExitStack) -> None:
        self.uri = uri
        self.directory = directory
        self._stack = stack
        self._port = free_port()

    def start(self, *names: str, database_url: str = "sqlite://", uri: str | None = None) -> Process:
        """One process with these services; back when it serves."""
        process = Process(
            [sys.executable, "-m", "kernel.testing.trial", *names],
            log=self.directory / f"{'-'.join(names)}-{free_port()}.log",
            cwd=_ROOT,
            env={
                "AMQP_URI": uri or self.uri,
                "DATABASE_URL": database_url,
                "DATA_DIR": str(self.directory),
                "PORT": str(self._port),
                "HOST": "127.0.0.1",
                "LOG_LEVEL": "INFO",
            },
        )
        self._stack.enter_context(process)
        self._stack.callback(process.kill)  # how they end in order is for the tests that end them
        process.wait_for_line('"serving"')
        return process

    def ask(self, path: str, **body: Any) -> Any:
        """POST to the gateway."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}{path}", json.dumps(body).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def call(self, method: str, payload: Any = None, service: str = "trial", timeout: float = 10) -> Any:
        """What came of one RPC through the gateway's client: {"result"} or {"raised", "code", …}, and "seconds"."""
        return self.ask("/call", service=service, method=method, payload=payload or {}, timeout=timeout)

    def publish(self, first: int, last: int) -> None:
        """Department events numbered `first` to `last`."""
        self.ask("/publish", uri=self.uri, numbers=list(range(first, last + 1)))

    def lines(self, name: str) -> list[str]:
        """What the services wrote to a file of theirs."""
        path = self.directory / name
        return path.read_text().split() if path.exists() else []

    def ready(self) -> None:
        """Until the service `trial` answers."""
        eventually(lambda: "result" in self.call("increase", {"n": 1}))


@pytest.fixture
def stack() -> Iterator[contextlib.ExitStack]:
    """Ends what a test started."""
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def rabbit_trials(rabbitmq_vhost: str, tmp_path: Path, stack: contextlib.ExitStack) -> Trials:
    """Trial services over RabbitMQ."""
    return Trials(rabbitmq_vhost, tmp_path, stack)


@pytest.fixture
def memory_trials(tmp_path: Path, stack: contextlib.ExitStack) -> Trials:
    """Trial services over the in-process broker: start all that a test needs as one process."""
    return Trials("memory://", tmp_path, stack)


@pytest.fixture(scope="class")
def shared_rabbit_trials(rabbitmq_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trials]:
    """Trial services over RabbitMQ, for tests of one class that leave them as they were."""
    with contextlib.ExitStack() as stack:
        yield Trials(rabbitmq_uri, tmp_path_factory.mktemp("rabbit"), stack)


@pytest.fixture(scope="class")
def shared_memory_trials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trials]:
    """The same over the in-process broker."""
    with contextlib.ExitStack() as stack:
        yield Trials("memory://", tmp_path_factory.mktemp("memory"), stack)
