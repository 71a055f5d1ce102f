"""How much of a request is read, and what of it is taken for JSON. Nothing beyond a limit is ever kept in memory."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from werkzeug.http import parse_options_header

from gateway.problems import BadRequest, InvalidJson, TooLarge, TooManyGuesses, TooOften, TooSlow, WrongContentType
from kernel.errors import InvalidInput

JSON = 1024 * 1024
EVENT = 64 * 1024
MATERIAL = 10 * 1024 * 1024
DEEPEST = 32  # levels of JSON

_PIECE = 64 * 1024
_MOST_DRAINED = 16 * 1024 * 1024
_LONGEST_DRAIN = 2.0  # seconds


def check_length(environ: dict[str, Any], limit: int) -> int | None:
    """The announced length of the body in bytes, None if it comes in chunks. Raises TooLarge, BadRequest."""
    if environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
        return None
    announced = environ.get("CONTENT_LENGTH") or "0"
    if not (announced.isascii() and announced.isdigit()):
        raise BadRequest(what="Content-Length")
    if int(announced) > limit:
        raise TooLarge(limit=limit)
    return int(announced)


def read_body(environ: dict[str, Any], limit: int) -> bytes:
    """The whole body. Raises TooLarge once it is longer than `limit`, BadRequest if it breaks off, TooSlow."""
    length = check_length(environ, limit)
    if length == 0:
        return b""
    body = _read(environ["wsgi.input"], limit + 1 if length is None else length)
    if length is None and len(body) > limit:
        raise TooLarge(limit=limit)
    if length is not None and len(body) < length:
        raise BadRequest(what="Content-Length")
    return body


def _read(stream: Any, most: int) -> bytes:
    pieces, left = [], most
    try:
        while left > 0 and (piece := stream.read(min(left, _PIECE))):
            pieces.append(piece)
            left -= len(piece)
    except TimeoutError:
        raise TooSlow from None
    except (OSError, ValueError):  # the connection broke, or the chunks are none
        raise BadRequest(what="Transfer-Encoding") from None
    return b"".join(pieces)


def drain(environ: dict[str, Any]) -> None:
    """Take in, and forget, the rest of a body that was refused: a client that still sends would not see the answer.

    Ends after 16 MiB or two seconds; then the server cuts the connection.
    """
    stream = environ["wsgi.input"]
    if "HTTP_EXPECT" in environ:  # it waits for our word before it sends anything
        return
    left, until = _MOST_DRAINED, time.monotonic() + _LONGEST_DRAIN
    try:
        while (piece := stream.read(_PIECE)) and left > 0 and time.monotonic() < until:
            left -= len(piece)
    except (OSError, ValueError):
        piece = b""
    if piece:
        environ["yichuang.cut"] = True
        _end(stream)


def _end(stream: Any) -> None:
    """Make eventlet's stream say that the body is over, since it would read on to the end by itself."""
    stream.chunk_length = 0
    stream.position = stream.content_length or 0


def check_type(environ: dict[str, Any], supported: tuple[str, ...]) -> None:
    """Raises WrongContentType for another media type, or a charset other than UTF-8."""
    media, options = parse_options_header(environ.get("CONTENT_TYPE", ""))
    if media.lower() not in supported or options.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise WrongContentType(supported=", ".join(supported))


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises InvalidJson, or InvalidInput for other JSON, NUL characters, deep nesting."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise InvalidJson from None
    if not isinstance(value, dict):
        raise InvalidInput.from_messages({"_schema": ["Not a JSON object."]})
    # Most bodies can be neither too deep nor hold NUL; only for the rest every value is looked at.
    if body.count(b"[") + body.count(b"{") > DEEPEST:
        _check_depth(value)
    if b"\\u0000" in body:
        _check_nul(value)
    return value


def _check_depth(value: dict[str, Any]) -> None:
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _inside(outer)]
    if any(isinstance(left, dict | list) for left in level):
        raise InvalidInput.from_messages({"_schema": ["Nested too deeply."]})


def _check_nul(value: Any) -> None:
    """No database keeps NUL in a text, so it is refused at the door. Comes after the check of depth."""
    texts = [value, *value] if isinstance(value, dict) else [value]
    if any(isinstance(text, str) and "\0" in text for text in texts):
        raise InvalidInput.from_messages({"_schema": ["Holds the character NUL."]})
    for inner in _inside(value):
        _check_nul(inner)


def _inside(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How often a kind of request may be made: `most` within `window` seconds, by one person and from one address.

    `address` names the setting that says how many may come from one address; halls and offices share one.
    """

    kind: str
    window: float
    person: int | None = None
    address: str


BOOKINGS = Pace(kind="booking", window=600.0, person=60, address="bookings_per_address")
CODES = Pace(kind="code", window=600.0, address="codes_per_address")


class Paces:
    """Requests of late, as the moment by which those so far would be allowed at an even pace (GCRA, ITU-T I.371).

    Ours alone, not shared by processes.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, room: int = 100_000) -> None:
        self._clock, self._room = clock, room
        self._even: dict[tuple[str, ...], float] = {}
        self._turn = threading.Lock()

    def check(self, key: tuple[str, ...], most: int, window: float) -> None:
        """Count one request of `key`, if it is not too many. Raises TooOften."""
        with self._turn:
            now = self._clock()
            even = max(self._even.pop(key, now), now) + window / most
            late = even - now - window
            if late > 0.001:
                even -= window / most
            if len(self._even) >= self._room:
                self._forget(now)
            self._even[key] = even
        if late > 0.001:
            raise TooOften(retry_after=max(1, math.ceil(late)))

    def _forget(self, now: float) -> None:
        """Drop those that are even; where that frees nothing, the oldest half."""
        kept = {key: even for key, even in self._even.items() if even > now}
        self._even = kept if len(kept) < self._room else dict(list(kept.items())[len(kept) // 2 :])


class Guesses:
    """Wrong query codes of late, by serial and address. Right ones never count; ours alone, not shared by processes."""

    def __init__(
        self, most: int = 20, window: float = 60.0, clock: Callable[[], float] = time.monotonic, room: int = 50_000
    ) -> None:
        self._most, self._window, self._clock, self._room = most, window, clock, room
        self._failures: dict[tuple[str, str], deque[float]] = {}
        self._turn = threading.Lock()

    def check(self, key: tuple[str, str]) -> None:
        """Raises TooManyGuesses when `key` has failed too often within the window."""
        failures = self._failures.get(key)
        if failures is None or len(failures) < self._most:
            return
        left = failures[0] + self._window - self._clock()
        if left > 0:
            raise TooManyGuesses(retry_after=max(1, round(left + 0.5)))

    def failed(self, key: tuple[str, str]) -> None:
        """Count one wrong guess."""
        with self._turn:
            if len(self._failures) >= self._room:
                self._forget()
            failures = self._failures.pop(key, None) or deque(maxlen=self._most)
            failures.append(self._clock())
            self._failures[key] = failures  # last in the order, so that `_forget` finds the oldest first

    def _forget(self) -> None:
        """Drop what is older than the window; where that frees nothing, the oldest half."""
        past = self._clock() - self._window
        kept = {key: failures for key, failures in self._failures.items() if failures[-1] > past}
        if len(kept) >= self._room:
            kept = dict(list(kept.items())[len(kept) // 2 :])
        self._failures = kept
