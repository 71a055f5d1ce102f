"""Displays of halls: who listens, what they are told, and the feed of events that carries it.

Tells numbers and windows, never anything of people. Keeps nothing: who may have missed something gets all of it anew.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import fields as members
from typing import Any

import orjson

from gateway.problems import TooManyListeners, TooManyListenersThere
from kernel import logs
from kernel.clock import format_time
from kernel.contracts.ticket_facts import TICKET_FACTS, TicketFact
from kernel.contracts.visit import load_visit_fact
from kernel.errors import Refusal
from kernel.eventlog.events import Recorded

log = logs.get(__name__)

LISTENERS = 500  # of this process
PER_ADDRESS = 50
ROOM = 100  # events that wait for one listener; beyond it gets all of it anew
BREATH = 15.0  # seconds without an event after which a comment is sent, which shows whether somebody is still there
AGAIN = 2.0  # seconds until a service that was away is asked once more
RENEWED = 4  # comments in a row after which all of it is sent anew: windows open and shut without an event

Json = dict[str, Any]
News = tuple[int, Json]  # position on the log, and the change

_PUBLIC = frozenset({"number", "group", "window", "to"})


class Listener:
    """One who listens to a hall. `take` and `close` may be called by different threads."""

    def __init__(self, hall: str, address: str, leave: Callable[["Listener"], None]) -> None:
        self.hall, self.address = hall, address
        self._leave = leave
        self._news: deque[News] = deque()
        self._turn = threading.Condition()
        self._stale = True
        self.closed = False

    def tell(self, news: News) -> None:
        """Something has changed."""
        with self._turn:
            if len(self._news) >= ROOM:
                self._stale = True
            else:
                self._news.append(news)
            self._turn.notify_all()

    def doubt(self) -> None:
        """Something may have been missed."""
        with self._turn:
            self._stale = True
            self._turn.notify_all()

    def begin_anew(self) -> bool:
        """Whether all of it must be asked for; what is heard from now on comes after that."""
        with self._turn:
            if self._stale:
                self._news.clear()
            was, self._stale = self._stale, False
            return was

    def take(self, timeout: float) -> News | None:
        """The next change; None when there was none for so long, or when it is time to look at the rest."""
        with self._turn:
            self._turn.wait_for(lambda: self._news or self._stale or self.closed, timeout)
            return self._news.popleft() if self._news and not self._stale else None

    def rest(self, seconds: float) -> None:
        """Wait, unless it is closed."""
        with self._turn:
            self._turn.wait_for(lambda: self.closed, seconds)

    @property
    def stale(self) -> bool:
        return self._stale

    def close(self) -> None:
        """Nobody listens any more. Harmless when repeated."""
        with self._turn:
            self.closed = True
            self._turn.notify_all()
        self._leave(self)


class Displays:
    """All who listen in this process."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._turn = threading.Lock()

    def __len__(self) -> int:
        return len(self._listeners)

    def listen(self, hall: str, address: str) -> Listener:
        """Raises TooManyListeners or TooManyListenersThere."""
        listener = Listener(hall, address, self._left)
        with self._turn:
            if len(self._listeners) >= LISTENERS:
                raise TooManyListeners(retry_after=30)
            if Counter(one.address for one in self._listeners)[address] >= PER_ADDRESS:
                raise TooManyListenersThere(retry_after=30)
            self._listeners.add(listener)
        return listener

    def _left(self, listener: Listener) -> None:
        with self._turn:
            self._listeners.discard(listener)

    def hear(self, event: Recorded | None, connected: bool) -> None:
        """What is heard on visit-events. What was missed while nothing was heard is made good when it is again."""
        if event is None:
            if connected:
                self._doubt(None)
        elif event.type in TICKET_FACTS:
            self._tell(event)

    def _tell(self, event: Recorded) -> None:
        hall = event.envelope["organ"]
        try:
            fact = load_visit_fact(event.type, event.version, event.data)
        except Refusal as refusal:
            log.error("change of a queue not understood", position=event.position, code=refusal.code)
            self._doubt(hall)
            return
        if isinstance(fact, TicketFact):
            news = (event.position, change_of(fact))
            for listener in self._of(hall):
                listener.tell(news)

    def _doubt(self, hall: str | None) -> None:
        for listener in self._of(hall):
            listener.doubt()

    def _of(self, hall: str | None) -> list[Listener]:
        with self._turn:
            return [one for one in self._listeners if hall in (None, one.hall)]

    def close(self) -> None:
        """Send everybody away: this process ends."""
        for listener in self._of(None):
            listener.close()


def change_of(fact: TicketFact) -> Json:
    """In the form of `kernel.contracts.hall_day.DisplayChange`."""
    said = {one.name: getattr(fact, one.name) for one in members(fact) if one.name in _PUBLIC}
    return {"change": fact.TYPE.removeprefix("ticket."), **said, "at": format_time(fact.occurred_at)}


def feed(listener: Listener, ask: Callable[[], Json], first: Json | None) -> Iterator[bytes]:
    """Server-sent events. `ask`: for all of it (`kernel.contracts.hall_day.Display`); `first`: if it was just asked.

    While nobody answers, the listener stays and is told so in comments.
    """
    try:
        yield b"retry: 3000\n\n"
        if first is not None:
            yield _event("snapshot", first["position"], first)
        parts = _Feed(listener, ask, first)
        while not listener.closed:
            yield parts.next()
    finally:
        listener.close()


class _Feed:
    """What comes next, for one listener; an empty text where that is nothing."""

    def __init__(self, listener: Listener, ask: Callable[[], Json], shown: Json | None) -> None:
        self._listener, self._ask, self._shown = listener, ask, shown
        self._quiet = 0

    def next(self) -> bytes:
        if self._listener.begin_anew() or self._shown is None or self._quiet >= RENEWED:
            return self._renewed()
        news = self._listener.take(BREATH)
        return self._nothing() if news is None else self._change(self._shown, *news)

    def _renewed(self) -> bytes:
        self._quiet = 0
        try:
            self._shown = self._ask()
        except Refusal as refusal:  # away or slow: whoever listens waits with us
            log.debug("hall does not answer its displays", code=refusal.code)
            self._shown = None
            self._listener.rest(AGAIN)
            return b": waiting for the hall\n\n"
        return _event("snapshot", self._shown["position"], self._shown)

    def _nothing(self) -> bytes:
        if self._listener.stale:
            return b""
        self._quiet += 1
        return b":\n\n"

    def _change(self, shown: Json, position: int, change: Json) -> bytes:
        if position <= shown["position"]:
            return b""
        self._quiet = 0
        if not _known(shown, change):
            self._listener.doubt()
        return _event("change", position, change)


def _known(shown: Json, change: Json) -> bool:
    """Whether the window of the change was among those shown: it may have opened since."""
    return "window" not in change or any(one["window"] == change["window"] for one in shown["windows"])


def _event(name: str, position: int, data: Json) -> bytes:
    return b"event: %s\nid: %d\ndata: %s\n\n" % (name.encode(), position, orjson.dumps(data))
