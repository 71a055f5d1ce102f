"""One HTTP request that needs one RPC: our RPC against nameko's own, in the same gateway, in the same run.

Two processes each, gateway and service, over the RabbitMQ of AMQP_URI (or guest's on this machine).
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from kernel import green

ROUNDS = 3
REQUESTS = 800  # per round and peer
CONNECTIONS = 16


def serve(role: str, uri: str, port: str) -> None:
    """Run our service or the gateway that calls it."""
    green.patch()
    from dataclasses import replace

    from kernel.config import Settings
    from kernel.runtime import serve as run

    settings = replace(Settings(), amqp_uri=uri, port=int(port), log_level="WARNING")
    run([_service() if role == "service" else _gateway()], settings)


def _service() -> type:
    import marshmallow as ma

    from kernel.messaging.rpc import rpc

    class Request(ma.Schema):
        serial = ma.fields.String(required=True)

    class Service:
        name = "trivial"

        @rpc(Request)
        def answer(self, request: dict[str, str]) -> dict[str, str]:
            return {"serial": request["serial"], "state": "accepted"}

    return Service


def _gateway() -> type:
    import json

    from nameko.web.handlers import http

    from kernel.messaging.rpc import Services

    class Gateway:
        name = "bench_gateway"
        services = Services()

        @http("GET", "/progress/<serial>")
        def progress(self, _request: object, serial: str) -> tuple[int, dict[str, str], str]:
            answer = self.services.call("trivial", "answer", {"serial": serial})
            return 200, {"Content-Type": "application/json"}, json.dumps(answer)

    return Gateway


@contextmanager
def running(module: str, uri: str, port: int) -> Iterator[None]:
    """A service and its gateway, until the end of the `with`."""
    from benchmarks.load import get
    from kernel.testing import eventually

    def answers() -> bool:
        try:
            return get(port, lambda _number: "/progress/0", 1, 1).rate > 0
        except (OSError, RuntimeError):
            return False

    # Until its service listens, the peer logs a traceback for every look whether it is ready.
    roles = [
        subprocess.Popen([sys.executable, "-m", module, role, uri, str(port)], stderr=subprocess.DEVNULL)
        for role in ("service", "gateway")
    ]
    try:
        eventually(answers, timeout=20)
        yield
    finally:
        for process in roles:
            process.terminate()
        for process in roles:
            process.wait()


def measure(uri: str) -> None:
    """Alternate between the two, so that whatever else the machine does meets both."""
    from benchmarks.figures import report
    from benchmarks.load import Load, get
    from kernel.testing import free_port

    ports = {"benchmarks.rpc": free_port(), "benchmarks.stock": free_port()}
    loads: dict[str, list[Load]] = {name: [] for name in ports}
    with (
        running("benchmarks.rpc", uri, ports["benchmarks.rpc"]),
        running("benchmarks.stock", uri, ports["benchmarks.stock"]),
    ):
        for _ in range(ROUNDS):
            for name, port in ports.items():
                loads[name].append(get(port, lambda number: f"/progress/{number}", REQUESTS, CONNECTIONS))
    rates = {name: len(seen) * REQUESTS / sum(load.seconds for load in seen) for name, seen in loads.items()}
    tails = {name: max(load.p99 for load in seen) * 1000 for name, seen in loads.items()}
    ours, stock = "benchmarks.rpc", "benchmarks.stock"
    report("rpc.gateway.rate", rates[ours], "requests/s", stock_nameko=rates[ours] / rates[stock])
    report("rpc.gateway.p99", tails[ours], "ms", stock_nameko=tails[ours] / tails[stock])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve(*sys.argv[1:])
    else:
        measure(os.environ.get("AMQP_URI", "amqp://guest:guest@127.0.0.1:5672//"))
