"""Appends made ready before the head is locked: everything that can be computed without knowing the position.

Pure: no database, and no clock but the instant that is handed in.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from kernel.clock import to_micros
from kernel.eventlog.events import Append, NewEvent, Reused, body_of

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Row(NamedTuple):
    """An event as it will be stored, but for position and chain value. `digest` is no column: it is in the body."""

    stream: str
    stream_version: int
    source: str
    id: str
    type: str
    version: int
    recorded_at: int
    digest: str | None
    body: str


@dataclass(frozen=True)
class Draft:
    """One append, ready. `reused`: it holds one event twice, so it can't be written; its rows are left empty."""

    stream: str
    expected_version: int
    rows: tuple[Row, ...]
    reused: Reused | None = None

    @property
    def next_version(self) -> int:
        """Of the stream, when this has been written."""
        return self.expected_version + len(self.rows)


def draft(request: Append, recorded_at: datetime, traceparent: str | None = None) -> Draft:
    """Make `request` ready. `traceparent` is of the events that bring none of their own.

    Raises ValueError for one without events, or with control characters in a name.
    """
    _check(request)
    repeated = _repeated(request.events)
    if repeated is not None:
        return Draft(request.stream, request.expected_version, (), repeated)
    micros = to_micros(recorded_at)
    rows = tuple(
        Row(
            request.stream,
            version,
            event.source,
            event.id,
            event.type,
            event.version,
            micros,
            event.digest,
            body_of(event, request.stream, version, recorded_at, traceparent),
        )
        for version, event in enumerate(request.events, request.expected_version + 1)
    )
    return Draft(request.stream, request.expected_version, rows)


def is_plain(drafts: Sequence[Draft]) -> bool:
    """Whether these can all be appended, as far as they alone can tell: no event twice, versions following."""
    next_versions: dict[str, int] = {}
    for one in drafts:
        if next_versions.setdefault(one.stream, one.expected_version) != one.expected_version:
            return False
        next_versions[one.stream] = one.next_version
    keys = [(row.source, row.id) for one in drafts for row in one.rows]
    return len(set(keys)) == len(keys)


def firsts(drafts: Sequence[Draft]) -> list[int]:
    """The 1-based indexes, among all rows, of those that come first for their stream."""
    seen = set()
    found = []
    index = 1
    for one in drafts:
        if one.stream not in seen:
            seen.add(one.stream)
            found.append(index)
        index += len(one.rows)
    return found


def _check(request: Append) -> None:
    if not request.events:
        raise ValueError(f"nothing to append to {request.stream}")
    for event in request.events:
        # CloudEvents forbids them; PostgreSQL can't keep one of them, and we use another to separate names.
        if _CONTROL.search(f"{request.stream}{event.source}{event.id}{event.type}{event.digest}"):
            raise ValueError(f"control characters in a name of {event}")


def _repeated(events: Sequence[NewEvent]) -> Reused | None:
    if len(events) == 1:
        return None
    seen = set()
    for event in events:
        if (event.source, event.id) in seen:
            return Reused(event.source, event.id)
        seen.add((event.source, event.id))
    return None
