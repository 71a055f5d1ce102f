"""A bounded load of HTTP requests over kept connections to this machine, cheap enough not to be what is measured.

Talks to 127.0.0.1 only, and stops after the number of requests that it was told.
"""

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count

from benchmarks.figures import percentile


@dataclass(frozen=True)
class Load:
    """What a load saw."""

    seconds: float
    latencies: list[float]  # seconds, one per request

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.latencies) / self.seconds

    @property
    def p99(self) -> float:
        """Seconds within which 99 of 100 requests were answered."""
        return percentile(self.latencies, 0.99)


def get(port: int, path: Callable[[int], str], requests: int, connections: int = 16, headers: str = "") -> Load:
    """GET `path(number)` for the numbers 0 to `requests` - 1. Raises RuntimeError at an answer that isn't 200."""
    numbers = count()
    latencies: list[float] = []
    failures: list[str] = []

    def work() -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while not failures and (number := next(numbers)) < requests:
                begun = time.perf_counter()
                status = _ask(connection, path(number), headers)
                latencies.append(time.perf_counter() - begun)
                if b" 200 " not in status:
                    failures.append(f"{path(number)}: {status!r}")

    begun = time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        for worker in [pool.submit(work) for _ in range(connections)]:
            worker.result()
    if failures or len(latencies) < requests:
        raise RuntimeError(f"{len(latencies)} of {requests} answered; {failures[:1]}")
    return Load(time.perf_counter() - begun, latencies)


def _ask(connection: socket.socket, path: str, headers: str) -> bytes:
    """One exchange; the status line."""
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += _more(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    missing = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]) - len(body)
    while missing > 0:
        missing -= len(_more(connection))
    return head.split(b"\r\n", 1)[0]


def _more(connection: socket.socket) -> bytes:
    received = connection.recv(65536)
    if not received:
        raise RuntimeError("the server closed the connection")
    return received
