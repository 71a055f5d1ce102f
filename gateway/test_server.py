"""The gateway as a process of its own, with no service behind it: HTTP as it is on the wire."""

import contextlib
import re
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import requests

from kernel.testing.polling import eventually
from kernel.testing.ports import free_port
from kernel.testing.processes import Process

MAIN = """
from kernel import green
green.patch()
from gateway.service import GatewayService
from kernel.config import load_settings
from kernel.runtime import serve
serve([GatewayService], load_settings())
"""


class Gateway:
    """A running gateway, spoken to over plain sockets."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def say(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        """Send bytes on a connection of its own; the answer's status, header fields and body."""
        with self.connect() as connection:
            # The other side may close before it has read all.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(request)
            return heard(connection)

    def lives(self) -> bool:
        return requests.get(self.url + "/health/live", timeout=5).status_code == 200


def heard(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    with connection.makefile("rb") as stream:
        status = int(stream.readline().split()[1])
        headers: dict[str, str] = {}
        while (line := stream.readline().strip()) != b"":
            name, _, value = line.decode("latin-1").partition(": ")
            headers[name.lower()] = value
        return status, headers, stream.read(int(headers.get("content-length", "0")))


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    place = tmp_path_factory.mktemp("gateway")
    port = free_port()
    env = {"PORT": str(port), "DATA_DIR": str(place), "AMQP_URI": None, "DATABASE_URL": None, "LOG_LEVEL": "INFO"}
    root = Path(__file__).parents[1]
    with Process([sys.executable, "-c", MAIN], log=place / "log", env=env, cwd=root) as process:
        process.wait_for_port(port)
        yield Gateway(port)


def test_a_second_gateway_on_the_port_fails_instead_of_sharing_it(gateway: Gateway, tmp_path: Path) -> None:
    env = {"PORT": str(gateway.port), "DATA_DIR": str(tmp_path), "AMQP_URI": None, "DATABASE_URL": None}
    root = Path(__file__).parents[1]
    with Process([sys.executable, "-c", MAIN], log=tmp_path / "log", env=env, cwd=root) as second:
        assert second.wait() == 1
        assert f"port {gateway.port} is taken: set PORT to another" in second.output
    assert gateway.lives()


def problem(answer: tuple[int, dict[str, str], bytes]) -> tuple[int, str]:
    status, headers, body = answer
    assert headers["content-type"] == "application/problem+json"
    assert orjson.loads(body)["status"] == status
    assert headers["x-request-id"] in orjson.loads(body)["instance"]
    return status, orjson.loads(body)["code"]


def test_it_lives_without_services_and_says_who_is_missing(gateway: Gateway) -> None:
    ready = requests.get(gateway.url + "/health/ready", timeout=10)
    assert ready.status_code == 503
    assert ready.json()["missing"] == ["accounts", "catalog", "filing", "progress"]
    assert gateway.lives()
    assert 'yichuang_consumer_up{consumer="progress"} 0.0' in requests.get(gateway.url + "/metrics", timeout=10).text


def test_a_service_that_is_down_is_told_at_once(gateway: Gateway) -> None:
    started = time.monotonic()
    response = requests.get(gateway.url + "/api/v1/progress/S1?code=A", timeout=10)
    assert (response.status_code, response.json()["code"]) == (503, "service_down")
    assert response.headers["Retry-After"]
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (b"GET /%ff%fe HTTP/1.1\r\nHost: h\r\n\r\n", (400, "bad_request")),
        (b"GET /api/v1/items/%00 HTTP/1.1\r\nHost: h\r\n\r\n", (400, "bad_request")),
        (b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", (414, "uri_too_long")),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", (414, "uri_too_long")),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 9000 + b"\r\n\r\n", (431, "headers_too_large")),
        (b"GET / HTTP/1.1\r\n" + b"X: xxxx\r\n" * 9000 + b"\r\n", (431, "headers_too_large")),
        (b"GET / HTTP/1.1\r\n" + b"X: xxxx\r\n" * 150 + b"\r\n", (431, "headers_too_large")),
        (b"nonsense\r\n\r\n", (400, "bad_request")),
        (b"GET / HTTP/9.9\r\n\r\n", (400, "bad_request")),
        (b"GET /one two HTTP/1.1\r\n\r\n", (400, "bad_request")),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", (400, "bad_request")),
        (b"POST /api/v1/sessions HTTP/1.1\r\nContent-Length: -1\r\n\r\n", (400, "bad_request")),
        (b"POST /api/v1/sessions HTTP/1.1\r\nContent-Length: +2\r\n\r\n{}", (400, "bad_request")),
        (
            b"POST /api/v1/sessions HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
            (400, "bad_request"),
        ),
        (
            b"POST /api/v1/sessions HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            (400, "bad_request"),
        ),
        (
            b"POST /api/v1/sessions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnot-a-length\r\n{}\r\n",
            (400, "bad_request"),
        ),
        (
            b"POST /api/v1/sessions HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"2\r\n{}\r\n0\r\n\r\n",
            (422, "invalid_input"),
        ),
        (
            b"POST /api/v1/sessions HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            (400, "bad_request"),
        ),
        (
            b"POST /api/v1/sessions HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
            (400, "bad_request"),
        ),
    ],
)
def test_what_is_wrong_on_the_wire_is_a_problem_too(
    gateway: Gateway, request_: bytes, expected: tuple[int, str]
) -> None:
    assert problem(gateway.say(request_)) == expected
    assert gateway.lives()


def test_ten_megabytes_are_refused_so_that_the_sender_hears_it(gateway: Gateway) -> None:
    for body in (b"x" * 10_000_000, iter([b"x" * 100_000] * 100)):
        response = requests.post(gateway.url + "/api/v1/sessions", data=body, timeout=20)
        assert (response.status_code, response.json()["code"]) == (413, "too_large")


def test_who_asks_before_sending_is_told_before_sending(gateway: Gateway) -> None:
    answer = gateway.say(b"POST /api/v1/sessions HTTP/1.1\r\nContent-Length: 10000000\r\nExpect: 100-continue\r\n\r\n")
    assert problem(answer) == (413, "too_large")


def test_an_endless_body_is_cut_off(gateway: Gateway) -> None:
    with gateway.connect() as connection:
        connection.sendall(b"POST /api/v1/sessions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        sent = 0
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while sent < 200_000_000:
                connection.sendall(piece)
                sent += len(piece)
        assert sent < 100_000_000
    assert gateway.lives()


def test_a_client_that_goes_away_harms_nobody(gateway: Gateway) -> None:
    for said in (b"", b"GET", b"POST /api/v1/sessions HTTP/1.1\r\nContent-Length: 100\r\n\r\n{", b"GET / HTTP/1.1\r\n"):
        with gateway.connect() as connection:
            connection.sendall(said)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # leaves with a reset
    assert gateway.lives()


def test_a_connection_serves_one_request_after_another(gateway: Gateway) -> None:
    with gateway.connect() as connection:
        for path, status in ((b"/health/live", 200), (b"/nothing", 404), (b"/health/live", 200)):
            connection.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: h\r\n\r\n")
            assert heard(connection)[0] == status


def test_head_is_get_without_the_body(gateway: Gateway) -> None:
    got, head = requests.get(gateway.url + "/", timeout=5), requests.head(gateway.url + "/", timeout=5)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == got.headers["Content-Length"]


def listeners(gateway: Gateway) -> float:
    text = requests.get(gateway.url + "/metrics", timeout=10).text
    (line,) = re.findall(r"^yichuang_display_listeners (\S+)$", text, re.MULTILINE)
    return float(line)


def test_a_feed_comes_as_it_is_said_and_ends_when_its_listener_goes(gateway: Gateway) -> None:
    """Nobody answers for the hall here: the display waits, is told so at once, and is forgotten when it has gone."""
    started = time.monotonic()
    with gateway.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(
            b"GET /api/v1/halls/guangzhou/display HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n\r\n"
        )
        said = b""
        while b": waiting for the hall" not in said:
            said += stream.readline()
        assert time.monotonic() - started < 5
        assert b"text/event-stream" in said
        assert listeners(gateway) == 1
        assert gateway.lives(), "one that listens holds up nobody else"
    eventually(lambda: listeners(gateway) == 0, timeout=20, every=0.2)
