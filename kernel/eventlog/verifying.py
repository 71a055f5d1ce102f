"""Checks a log against itself: every body against its chain value, its columns and its neighbours.

Reads only. Finds the first event that was changed, removed, moved or slipped in; who rewrote the whole chain to the
end is found by those who kept an earlier chain value (`Follower.check`, an export).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from kernel.clock import parse_time, to_micros
from kernel.contracts.envelope import dataschema
from kernel.eventlog.events import GENESIS, Head, Recorded, link
from kernel.eventlog.reading import LogReader

START = Head(0, GENESIS)
_PAGE = 2000
_REMOVED = "the event was removed"
_COLUMNS = ("stream", "stream_version", "source", "id", "type", "version", "recorded_at")
_KEPT = attrgetter(*_COLUMNS[:-1], "recorded")


@dataclass(frozen=True)
class Sound:
    """Everything up to `head` is as it was written."""

    head: Head


@dataclass(frozen=True)
class Broken:
    """`position` is the first where the log is not as it was written; `reason` is a sentence."""

    position: int
    reason: str


def verify(
    reader: LogReader, after: Head = START, seen: Callable[[Sequence[Recorded]], None] | None = None
) -> Sound | Broken:
    """Read the log from behind `after` to its head. `seen` is given each page that is sound.

    `after` may be any earlier `Sound.head`, to go on from there.
    """
    head = reader.head()
    at = after
    while at.position < head.position:
        page = reader.read(at.position, min(_PAGE, head.position - at.position))
        if not page:
            return Broken(at.position + 1, _REMOVED)
        for event in page:
            broken = _fault(reader, at, event)
            if broken is not None:
                return broken
            at = Head(event.position, event.chain)
        if seen is not None:
            seen(page)
    return _head_fault(reader, at, head) or Sound(head)


def _fault(reader: LogReader, at: Head, event: Recorded) -> Broken | None:
    expected = at.position + 1
    if event.position != expected:
        return Broken(expected, _REMOVED)
    if link(at.chain, expected, event.body) != event.chain:
        return Broken(expected, _moved(reader, at, event) or "the body was changed, or the chain value")
    try:
        told = _told(event)
    except (ValueError, KeyError, TypeError):
        return Broken(expected, "the body is not an event")
    kept = _KEPT(event)
    if told != kept:
        wrong = [name for name, here, there in zip(_COLUMNS, kept, told, strict=True) if here != there]
        return Broken(expected, f"columns disagree with the body: {', '.join(wrong)}")
    return None


def _moved(reader: LogReader, at: Head, here: Recorded) -> str | None:
    """Whether the event that belongs here stands further on: its body fits, with the chain value here or its own."""
    page = reader.read(here.position, _PAGE)
    while page:
        for other in page:
            if link(at.chain, here.position, other.body) in (here.chain, other.chain):
                return f"the event was swapped with that at {other.position}"
        page = reader.read(page[-1].position, _PAGE)
    return None


def _told(event: Recorded) -> tuple[Any, ...]:
    """What _COLUMNS must be, by the body."""
    body = event.envelope
    return (
        body["subject"],
        body["streamversion"],
        body["source"],
        body["id"],
        body["type"],
        event.version if body["dataschema"] == dataschema(body["type"], event.version) else None,
        to_micros(parse_time(body["recordedtime"])),
    )


def _head_fault(reader: LogReader, at: Head, head: Head) -> Broken | None:
    if at != head:
        return Broken(head.position, "the head's chain value is not that of the last event")
    beyond = reader.read(at.position, 1)
    if beyond and reader.head().position < beyond[0].position:  # asked after: an append moves the head with the event
        return Broken(beyond[0].position, "the event is behind the head")
    return None
