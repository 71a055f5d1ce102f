"""SMS over HTTP, as docs/notifications.md describes it to providers: signed, and under a key that makes twice once.

Reads from each answer one thing above all: whether the provider may have the message. When in doubt, it may.
"""

from time import monotonic

import orjson
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from kernel import tracing
from kernel.clock import Clock, to_micros
from kernel.contracts.notify import sign
from services.notify.application.ports import Accepted, Answer, NotTaken, Outgoing, Rejected, Unsure

# The provider has said that it took nothing: busy, or shut. Wrong credentials are ours to mend: the message waits.
_NOT_TAKEN = frozenset({401, 402, 403, 429, 503})
_UNCLEAR = frozenset({408, 409, 425})  # among them "still working on this key"

_LONGEST = 16 * 1024  # bytes of an answer; what is longer is none that we know


class HttpSms:
    """One provider. `send` waits `connect` seconds for a connection and `read` seconds for an answer."""

    def __init__(
        self, name: str, url: str, secret: str, clock: Clock, connect: float = 3.0, read: float = 10.0, pool: int = 8
    ) -> None:
        self.name = name
        self._url = url
        self._secret = secret
        self._clock = clock
        self._timeout = (connect, read)
        self._session = requests.Session()
        self._session.trust_env = False
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=pool, max_retries=0))

    @property
    def patience(self) -> float:
        return sum(self._timeout)

    def send(self, message: Outgoing) -> Answer:
        body = orjson.dumps({"id": message.id, "to": message.to, "text": message.text})
        until = monotonic() + self.patience
        try:
            with self._post(message, body) as response:
                return _heard(response.status_code, _content(response, until))
        except requests.exceptions.RequestException as error:
            return _unheard(error)

    def _post(self, message: Outgoing, body: bytes) -> requests.Response:
        return self._session.post(
            self._url,
            data=body,
            headers=self._headers(message, body),
            timeout=self._timeout,
            allow_redirects=False,
            stream=True,
        )

    def _headers(self, message: Outgoing, body: bytes) -> dict[str, str]:
        timestamp = str(to_micros(self._clock.now()) // 1_000_000)
        traceparent = tracing.current()
        return {
            **({} if traceparent is None else {tracing.HEADER: traceparent}),
            "Content-Type": "application/json",
            "Idempotency-Key": message.id,
            "X-Yichuang-Timestamp": timestamp,
            "X-Yichuang-Signature": sign(self._secret, timestamp, body),
        }


def _unheard(error: requests.exceptions.RequestException) -> Answer:
    reason = type(error).__name__
    if isinstance(error, requests.exceptions.ConnectTimeout) or _never_connected(error):
        return NotTaken(f"no_connection: {reason}")
    return Unsure(f"no_answer: {reason}")


def _never_connected(error: requests.exceptions.RequestException) -> bool:
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)


def _content(response: requests.Response, until: float) -> bytes:
    """The answer's body, as far as it comes in time. The status alone says whether the message was taken.

    The time-out of requests begins anew with each byte: a body that trickles in would hold its worker for ever.
    """
    content = bytearray()
    for piece in response.iter_content(1):
        content += piece
        if len(content) > _LONGEST or monotonic() > until:
            return b""
    return bytes(content)


def _heard(status: int, content: bytes) -> Answer:
    said = _json(content)
    reason = str(said.get("reason") or f"http_{status}")[:200]
    if 200 <= status < 300:
        reference = said.get("reference")
        return Accepted(None if reference is None else str(reference)[:200], receipt_follows=True)
    if status in _NOT_TAKEN or 300 <= status < 400 or (status >= 500 and said.get("accepted") is False):
        return NotTaken(reason)
    if status in _UNCLEAR or status >= 500:
        return Unsure(reason)
    return Rejected(reason)


def _json(content: bytes) -> dict[str, object]:
    try:
        said = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}
