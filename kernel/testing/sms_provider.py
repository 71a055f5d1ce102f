"""A provider of SMS on the loopback address, as docs/notifications.md describes one: honest about what it was sent.

A message whose key it has had before is answered as before and not sent again. What it should do otherwise, tests say.
"""

import contextlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from kernel.contracts.notify import sign

# What to do with a request: None, all is well; or a status and a body to answer with instead.
Whim = tuple[int, bytes] | None


@dataclass(frozen=True)
class SentSms:
    """A message that went out to a handset."""

    id: str
    to: str
    text: str
    reference: str


class SmsProvider:
    """`with SmsProvider("secret") as provider:` — `provider.url`, `provider.sent` (by id), `provider.asked` (ids)."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.sent: dict[str, SentSms] = {}
        self.asked: list[str] = []
        self.traces: dict[str, str | None] = {}  # the traceparent that each came with, by id
        self.refused: list[str] = []  # what was wrong with requests that were not as they should be
        self.before: Callable[[str], Whim] = lambda id: None
        self.after: Callable[[str], Whim] = lambda id: None  # once it was sent
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/messages"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def receipt(self, id: str, timestamp: int, status: str = "delivered") -> dict[str, str]:
        """The receipt that this provider would post for a message: header values and body."""
        body = json.dumps({"id": id, "reference": self.sent[id].reference, "status": status})
        return {
            "timestamp": str(timestamp),
            "signature": sign(self.secret, str(timestamp), body.encode()),
            "body": body,
        }

    def _take(self, headers: Any, body: bytes) -> tuple[int, bytes]:
        wrong = self._wrong(headers, body)
        if wrong:
            self.refused.append(wrong)
            return 401, json.dumps({"reason": wrong}).encode()
        message = json.loads(body)
        with self._lock:
            self.asked.append(message["id"])
            self.traces[message["id"]] = headers.get("traceparent")
        whim = self.before(message["id"])
        if whim is not None:
            return whim
        with self._lock:
            fresh = SentSms(message["id"], message["to"], message["text"], f"r-{len(self.sent)}")
            kept = self.sent.setdefault(message["id"], fresh)
        return self.after(message["id"]) or (202, json.dumps({"reference": kept.reference}).encode())

    def _wrong(self, headers: Any, body: bytes) -> str:
        wanted = sign(self.secret, headers.get("X-Yichuang-Timestamp", ""), body)
        if headers.get("X-Yichuang-Signature") != wanted:
            return "signature"
        return "" if headers.get("Idempotency-Key") == json.loads(body)["id"] else "key"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length)
                if len(body) < length:  # the client was killed while it spoke
                    self.close_connection = True
                    return
                status, answer = provider._take(self.headers, body)
                if status == 0:  # hang up without a word
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):  # a client that was killed
                    super().handle()

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing: tests ask what there was."""

        return Handler
