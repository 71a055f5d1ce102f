"""A guide page from the gateway's cache against a bare nameko handler that returns the same bytes, in the same run.

One process each, kept connections. The gateway is the real one with its log at INFO; catalog is asked once.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kernel import green

ROUNDS = 5
REQUESTS = 2000  # per round and peer
CONNECTIONS = 16
SIZE = 6 * 1024  # bytes of the page, about
OURS, BARE = "hall", "bare"
PATH = "/api/v1/items/bench"


def guide() -> dict[str, Any]:
    """A guide of the usual size, in Chinese."""
    basis = [{"title": "中华人民共和国行政许可法", "article": f"第{n}条", "text": "行政机关" * 10} for n in range(34)]
    return {"code": "bench", "name": "签注居住证", "legal_basis": basis}


def serve(role: str, port: str) -> None:
    """Run the gateway with a catalog that has one guide, or the bare handler."""
    green.patch()
    if role == BARE:
        from nameko.cli.run import run

        run([_bare()], {"AMQP_URI": "memory://", "WEB_SERVER_ADDRESS": f"127.0.0.1:{port}"})
        return
    from gateway.service import GatewayService
    from kernel.config import load_settings
    from kernel.runtime import serve as run_ours

    with tempfile.TemporaryDirectory() as place:
        settings = load_settings({"PORT": port, "DATA_DIR": place, "LOG_LEVEL": os.environ.get("LOG_LEVEL", "INFO")})
        run_ours([GatewayService, _catalog()], settings)


def _bare() -> type:
    from nameko.web.handlers import http

    page = json.dumps(guide(), ensure_ascii=False)

    class Bare:
        name = "bare"

        @http("GET", "/api/v1/items/<code>")
        def item(self, _request: object, code: str) -> tuple[int, dict[str, str], str]:
            return 200, {"Content-Type": "application/json"}, page

    return Bare


def _catalog() -> type:
    from kernel.messaging.rpc import rpc

    class Catalog:
        name = "catalog"

        @rpc()
        def item(self, _request: dict[str, Any]) -> dict[str, Any]:
            return {**guide(), "as_of": 1}

        @rpc()
        def status(self, _request: dict[str, Any]) -> dict[str, Any]:
            return {"version": 1}

    return Catalog


@contextmanager
def running(role: str, port: int) -> Iterator[None]:
    """One of the two, until the end of the `with`."""
    from benchmarks.load import get
    from kernel.testing import eventually

    def answers() -> bool:
        try:
            return get(port, lambda _number: PATH, 1, 1).rate > 0
        except (OSError, RuntimeError):
            return False

    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.guide", role, str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(answers, timeout=20)
        yield
    finally:
        process.terminate()
        process.wait()


def measure() -> None:
    """Alternate between the two, so that whatever else the machine does meets both."""
    from benchmarks.figures import report
    from benchmarks.load import Load, get
    from kernel.testing import free_port

    ports = {OURS: free_port(), BARE: free_port()}
    loads: dict[str, list[Load]] = {name: [] for name in ports}
    with running(OURS, ports[OURS]), running(BARE, ports[BARE]):
        for _ in range(ROUNDS):
            for name, port in ports.items():
                loads[name].append(get(port, lambda _number: PATH, REQUESTS, CONNECTIONS))
    rates = {name: len(seen) * REQUESTS / sum(load.seconds for load in seen) for name, seen in loads.items()}
    tails = {name: max(load.p99 for load in seen) * 1000 for name, seen in loads.items()}
    report("guide.cached.rate", rates[OURS], "requests/s", bare_nameko=rates[OURS] / rates[BARE])
    report("guide.cached.p99", tails[OURS], "ms", bare_nameko=tails[OURS] / tails[BARE])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve(*sys.argv[1:])
    else:
        measure()
