"""Events of a log as an operator asks for them: the last ones, those behind a position, of a case, a type, a time.

Only reads, a page at a time: a log of any length needs the memory of one page.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from kernel.eventlog.events import Recorded
from kernel.eventlog.reading import LogReader
from kernel.eventlog.selecting import EVERYTHING, Selection

_PAGE = 1000
_POLL = 0.5  # seconds
_BEFORE = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """`after`: behind this position; None: the last ones. `limit` None: as many as there are."""

    after: int | None = None
    limit: int | None = 20
    selection: Selection = EVERYTHING
    since: datetime | None = None
    before: datetime | None = None


def tail(reader: LogReader, wanted: Wanted, follow: bool) -> Iterator[Recorded]:
    """The events that are wanted, in order; with `follow`, each new one as it comes, for ever.

    Nothing is left out between the two where `wanted` has no `before`, and no `limit` behind an `after`.
    """
    first, last = _range(reader, wanted)
    yield from (
        _forward(reader, first, last, wanted) if wanted.after is not None else _latest(reader, first, last, wanted)
    )
    while follow:
        for event in _pages(reader, last, reader.head().position):
            last = event.position
            if wanted.selection.has(event):
                yield event
        time.sleep(_POLL)


def _range(reader: LogReader, wanted: Wanted) -> tuple[int, int]:
    """Behind which position, and up to which."""
    since = 0 if wanted.since is None else reader.position_at(wanted.since - _BEFORE)
    last = reader.head().position if wanted.before is None else reader.position_at(wanted.before - _BEFORE)
    return max(since, wanted.after or 0), last


def _forward(reader: LogReader, first: int, last: int, wanted: Wanted) -> Iterator[Recorded]:
    left = wanted.limit
    for event in _pages(reader, first, last):
        if wanted.selection.has(event):
            yield event
            left = None if left is None else left - 1
            if left == 0:
                return


def _latest(reader: LogReader, first: int, last: int, wanted: Wanted) -> list[Recorded]:
    """The last `limit`, looked for from the end."""
    if wanted.selection.streams:
        streams = reader.streams(wanted.selection.streams).values()
        events = sorted((event for life in streams for event in life), key=lambda event: event.position)
        found = [event for event in events if first < event.position <= last and wanted.selection.has(event)]
        return found if wanted.limit is None else found[-wanted.limit :]
    latest: list[Recorded] = []
    while last > first and (wanted.limit is None or len(latest) < wanted.limit):
        start = max(first, last - _PAGE)
        latest[:0] = [event for event in reader.read(start, last - start) if wanted.selection.has(event)]
        last = start
    return latest if wanted.limit is None else latest[-wanted.limit :]


def _pages(reader: LogReader, at: int, last: int) -> Iterator[Recorded]:
    while at < last and (page := reader.read(at, min(_PAGE, last - at))):
        at = page[-1].position
        yield from page
