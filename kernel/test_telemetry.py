"""Spans reach a collector from under greenlets, and one that is away or silent costs no request anything."""

import contextlib
import json
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from kernel import tracing
from kernel.telemetry import Telemetry
from kernel.testing import Process, eventually, free_port

ROOT = Path(__file__).parents[1]
TRACE = f"00-{'4' * 32}-{'7' * 16}-01"


class Collector:
    """`with Collector() as collector:` takes OTLP over HTTP at `collector.url` and keeps the spans, by name."""

    def __init__(self) -> None:
        self.spans: dict[str, Any] = {}
        kept = self.spans

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
                for of_service in asked.resource_spans:
                    for of_scope in of_service.scope_spans:
                        kept.update({span.name: span for span in of_scope.spans})
                self.send_response(200 if self.path == "/v1/traces" else 404)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing: tests ask what there was."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "Collector":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as running:
        yield running


@pytest.fixture
def silent() -> Iterator[str]:
    """One that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def away() -> str:
    """One that is not there."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture(params=["away", "silent"])
def useless(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(request.param)
    return found


@contextlib.contextmanager
def recording(endpoint: str) -> Iterator[Telemetry]:
    telemetry = Telemetry(endpoint, "trial")
    tracing.record_with(telemetry)
    try:
        yield telemetry
    finally:
        tracing.record_with(None)
        telemetry.close()


def test_spans_hang_together_as_the_work_did(collector: Collector) -> None:
    with recording(collector.url):
        with (
            tracing.work("request", tracing.SERVER, TRACE) as outer,
            pytest.raises(ZeroDivisionError),
            tracing.work("call", tracing.CLIENT),
        ):
            raise ZeroDivisionError("a secret")
        tracing.took("batch", [outer.traceparent, None, outer.traceparent], tracing.now())
    spans = collector.spans
    assert {span.trace_id.hex() for span in spans.values()} == {"4" * 32}
    assert spans["request"].parent_span_id.hex() == "7" * 16
    assert spans["call"].parent_span_id == spans["batch"].parent_span_id == spans["request"].span_id
    assert [one.key for one in spans["call"].attributes] == ["error.type"]
    assert "secret" not in str(spans["call"])


def test_without_a_collector_the_trace_goes_on_and_nothing_is_kept() -> None:
    with tracing.work("request", tracing.SERVER, TRACE) as outer:
        outer.tell("GET /", status=200)
        assert (outer.traceparent, tracing.now()) == (TRACE, 0)


def test_a_collector_that_is_of_no_use_holds_nobody_up(useless: str) -> None:
    with recording(useless):
        begun = time.monotonic()
        for _ in range(20_000):  # more than are kept
            with tracing.work("request", tracing.SERVER):
                pass
        assert time.monotonic() - begun < 30
        begun = time.monotonic()
    assert time.monotonic() - begun < 10


@contextlib.contextmanager
def trial(endpoint: str, directory: Path) -> Iterator[tuple[Process, int]]:
    """The trial services under greenlets, sending their spans there."""
    port = free_port()
    env = {
        "AMQP_URI": "memory://",
        "DATA_DIR": str(directory),
        "PORT": str(port),
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
    }
    command = [sys.executable, "-m", "kernel.testing.trial", "trial", "gateway"]
    with Process(command, log=directory / "trial.log", env=env, cwd=ROOT) as process:
        process.wait_for_line('"serving"')
        yield process, port


def ask(port: int, asked: str, **payload: Any) -> Any:
    body = json.dumps({"service": "trial", "method": asked, "payload": payload, "timeout": 20}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/call", body, method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_spans_leave_from_under_greenlets(collector: Collector, tmp_path: Path) -> None:
    with trial(collector.url, tmp_path) as (process, port):
        assert ask(port, "relay_call", method="increase", payload={"n": 1})["result"] == {"n": 2}
        fault = ask(port, "fail")["params"]["error_id"]
        names = {"trial.relay_call", "trial.increase", "trial.fail"}
        eventually(lambda: names <= set(collector.spans), timeout=30)
        line = json.loads(process.wait_for_line(fault))
    called, inner = collector.spans["trial.relay_call"], collector.spans["trial.increase"]
    assert (inner.trace_id, inner.parent_span_id) == (called.trace_id, called.span_id)
    assert line["trace_id"] == collector.spans["trial.fail"].trace_id.hex()


def test_no_request_is_lost_while_the_collector_is_of_no_use(useless: str, tmp_path: Path) -> None:
    with trial(useless, tmp_path) as (process, port):
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda n: ask(port, "increase", n=n), range(400)))
        assert [answer["result"]["n"] for answer in answers] == list(range(1, 401))
        process.wait_for_line("collector of spans away")
        begun = time.monotonic()
        process.stop()
        assert time.monotonic() - begun < 15
