"""Posting events over HTTP, against a server of a few lines."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from operations.department_client import event
from operations.department_http import HallAway, post

ORGAN = "11440100007482532L"
EVENT = event(ORGAN, "case.step", "S1", {"step_name": "审查"}, id="e1")
TAKEN = {"status": "appended", "position": 7, "duplicate": False}


class Gateway(ThreadingHTTPServer):
    """Gives the prepared answers one after the other, the last again and again; keeps the requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[tuple[int, dict[str, Any]]] = []
        self.heard: list[tuple[str, dict[str, str], dict[str, Any]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    server: Gateway

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.heard.append((self.path, dict(self.headers), body))
        answers = self.server.answers
        status, answer = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: object) -> None:
        """Nothing: a test's output is its result."""


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway() as gateway:
        serving = threading.Thread(target=gateway.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        yield gateway
        gateway.shutdown()
        serving.join(10)


def test_an_event_is_posted_with_the_departments_key(gateway: Gateway) -> None:
    gateway.answers = [(200, TAKEN)]
    reply = post(gateway.url, ORGAN, "key", EVENT)
    assert (reply.appended, reply.id, reply.subject, reply.position) == (True, "e1", "S1", 7)
    path, headers, body = gateway.heard[0]
    assert (path, body) == ("/api/v1/department/events", EVENT)
    assert headers["Content-Type"] == "application/cloudevents+json"
    assert headers["Authorization"].startswith("Basic ")


def test_an_event_that_waits_for_another_is_posted_again(gateway: Gateway) -> None:
    gateway.answers = [(202, {"status": "waiting"}), (200, TAKEN)]
    assert post(gateway.url, ORGAN, "key", EVENT).position == 7
    assert [body["id"] for _, _, body in gateway.heard] == ["e1", "e1"]


def test_one_that_waits_for_too_long_is_given_up(gateway: Gateway) -> None:
    gateway.answers = [(202, {"status": "waiting"})]
    with pytest.raises(HallAway, match="still waits"):
        post(gateway.url, ORGAN, "key", EVENT, timeout=0.5)


def test_a_refusal_says_why_and_what_is_allowed(gateway: Gateway) -> None:
    problem = {"code": "not_now", "detail": "Not now.", "state": "decided", "allowed": ["a.b"]}
    gateway.answers = [(409, problem)]
    reply = post(gateway.url, ORGAN, "key", EVENT)
    assert not reply.appended
    assert (reply.code, reply.detail, reply.state, reply.allowed) == ("not_now", "Not now.", "decided", ("a.b",))


@pytest.mark.parametrize("status", [429, 500, 503, 504])
def test_a_hall_that_cannot_answer_now_is_away(gateway: Gateway, status: int) -> None:
    gateway.answers = [(status, {"code": "busy"})]
    with pytest.raises(HallAway, match=f"{status} busy"):
        post(gateway.url, ORGAN, "key", EVENT)
