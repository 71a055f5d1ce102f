"""What goes into a log and what comes out of it. Pure: bytes and values, no database.

A recorded event's `body` is the exact text that was hashed and is published: a CloudEvent without its position.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from kernel.clock import format_time, from_micros, parse_time, to_micros
from kernel.contracts.envelope import dataschema
from kernel.errors import Refusal

GENESIS = bytes(32)  # the chain value before the first event
_DATA = ',"data":'  # in a body, see `body_of`


@dataclass(frozen=True, kw_only=True)
class NewEvent:
    """An event to append. (`source`, `id`) is what makes a repeated append write nothing."""

    id: str
    source: str
    type: str
    version: int  # of the type's schema
    time: datetime  # when it happened
    data: dict[str, Any]  # JSON values only
    organ: str  # code of the organ whose business this is; the end of the routing key
    digest: str | None = None  # of the content as its sender sent it, to tell a repeat from a reuse
    traceparent: str | None = None  # of the trace it is part of; None: the one that is bound where it is appended


@dataclass(frozen=True, kw_only=True)
class Append:
    """Events for one stream, to be written only if it stands at `expected_version` (0: no event yet)."""

    stream: str
    expected_version: int
    events: tuple[NewEvent, ...]


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One event of the log."""

    position: int  # 1, 2, 3, … without gaps, in commit order
    stream: str  # the case's serial
    stream_version: int  # 1, 2, 3, … within the stream
    source: str
    id: str
    type: str
    version: int  # of the type's schema
    recorded: int  # microseconds since 1970
    body: str  # as `body_of` wrote it
    chain: bytes  # 32 bytes: sha256(chain before + position as 8 bytes big-endian + body as UTF-8)

    @property
    def recorded_at(self) -> datetime:
        """When it was written."""
        return from_micros(self.recorded)

    @property
    def envelope(self) -> dict[str, Any]:
        """The body as JSON values, read once. (`cached_property` takes a lock, which a rebuild would feel.)"""
        kept: dict[str, Any] = self.__dict__
        if "_envelope" not in kept:
            kept["_envelope"] = orjson.loads(self.body)
        return kept["_envelope"]  # type: ignore[no-any-return]

    @property
    def data(self) -> dict[str, Any]:
        """The event's data as written, in `version`; read once, without the envelope around them."""
        kept: dict[str, Any] = self.__dict__
        if "_data" not in kept:
            # The last member, behind members that are no objects; inside of a text, its quotes would be escaped.
            at = self.body.find(_DATA)
            kept["_data"] = self.envelope["data"] if at < 0 else orjson.loads(self.body[at + len(_DATA) : -1])
        return kept["_data"]  # type: ignore[no-any-return]

    @property
    def organ(self) -> str:
        """Code of the organ whose business it is."""
        return self.envelope["organ"]  # type: ignore[no-any-return]

    @property
    def time(self) -> datetime:
        """When it happened."""
        return parse_time(self.envelope["time"])

    @property
    def digest(self) -> str | None:
        """Of the content as its sender sent it; None for our own events."""
        return self.envelope.get("contentdigest")

    @property
    def traceparent(self) -> str | None:
        """Of the trace that it was appended in (W3C Trace Context); None for events from before there were any."""
        return self.envelope.get("traceparent")


@dataclass(frozen=True)
class Head:
    """Where a log stands: the last position (0: empty) and the chain value there."""

    position: int
    chain: bytes


@dataclass(frozen=True)
class Appended:
    """The events were written at `first` … `last`."""

    first: int
    last: int


@dataclass(frozen=True)
class Duplicate:
    """All events were on the log already; nothing was written. The positions are where they stand."""

    first: int
    last: int


@dataclass(frozen=True)
class Conflict:
    """The stream stands at `version`, not where the caller thought. Load, decide and append again."""

    version: int


@dataclass(frozen=True)
class Reused:
    """An event's (source, id) is on the log in another stream, as another type or with another digest."""

    source: str
    id: str


Outcome = Appended | Duplicate | Conflict | Reused


class VersionConflict(Exception):
    """Raised by `EventLog.append`; carries the version that the stream stands at."""

    def __init__(self, stream: str, version: int) -> None:
        self.stream = stream
        self.version = version
        super().__init__(f"{stream} stands at version {version}")


class EventIdReused(Refusal):
    """An id was used before for something else."""

    code = "event_id_reused"
    status = 409
    zh = "事件编号 {id} 已用于另一个内容不同的事件。"
    en = "The event id {id} was used before for an event with other content."


def body_of(
    event: NewEvent, stream: str, stream_version: int, recorded_at: datetime, traceparent: str | None = None
) -> str:
    """The text that is stored, hashed and published. Its members keep this order for ever.

    `traceparent` is of an event that brings none of its own.
    """
    members: dict[str, Any] = {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": stream,
        "time": format_time(event.time),
        "datacontenttype": "application/json",
        "dataschema": dataschema(event.type, event.version),
        "streamversion": stream_version,
        "recordedtime": format_time(recorded_at),
        "organ": event.organ,
    }
    if event.digest is not None:
        members["contentdigest"] = event.digest
    if event.traceparent or traceparent:
        members["traceparent"] = event.traceparent or traceparent
    members["data"] = event.data
    return orjson.dumps(members).decode()


def link(previous: bytes, position: int, body: str) -> bytes:
    """The next value of the hash chain."""
    return hashlib.sha256(previous + position.to_bytes(8, "big") + body.encode()).digest()


def run_behind(at: Head, ordered: Iterable[Recorded]) -> list[Recorded]:
    """Those that follow `at`, each once, up to the first hole, or to the first whose chain value does not follow.

    Neither a broker nor who can write to the log's database alone has a say in what happened.
    """
    run: list[Recorded] = []
    position, chain = at.position, at.chain
    for event in ordered:
        if event.position <= position:
            continue
        chain = link(chain, event.position, event.body)
        if event.position != position + 1 or event.chain != chain:
            break
        run.append(event)
        position = event.position
    return run


def follows(at: Head, event: Recorded) -> bool:
    """Whether `event` is the next one behind `at`, by its position and its chain value."""
    return event.position == at.position + 1 and link(at.chain, event.position, event.body) == event.chain


def publish_form(event: Recorded) -> bytes:
    """The body with its place in the log added: extensions `sequence` (the position) and `chainvalue` (hex)."""
    return f'{event.body[:-1]},"sequence":"{event.position}","chainvalue":"{event.chain.hex()}"}}'.encode()


def read_published(message: bytes) -> Recorded:
    """What `publish_form` wrote, read back whole. Raises ValueError on anything else."""
    cut = message.rfind(b',"sequence":"')
    if cut < 0:
        raise ValueError("not an event of a log: no sequence")
    body = message[:cut] + b"}"
    try:
        place = orjson.loads(b"{" + message[cut + 1 :])
        envelope = orjson.loads(body)
        version = int(envelope["dataschema"].rsplit(":", 1)[1])
        return Recorded(
            position=int(place["sequence"]),
            stream=envelope["subject"],
            stream_version=envelope["streamversion"],
            source=envelope["source"],
            id=envelope["id"],
            type=envelope["type"],
            version=version,
            recorded=to_micros(parse_time(envelope["recordedtime"])),
            body=body.decode(),
            chain=bytes.fromhex(place["chainvalue"]),
        )
    except (AttributeError, KeyError, TypeError, IndexError) as error:  # a member is missing, or of another kind
        raise ValueError(f"not an event of a log: {error!r}") from error
