"""Answers that are the same for everybody, kept whole, as bytes, until the catalogue changes.

Pure: asks nobody, listens to nobody. Never gives out, and never keeps, what may be older than the last change heard of.
"""

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from gateway import languages

ROOM = 64 * 1024 * 1024  # bytes of all pages
LARGEST = 2 * 1024 * 1024  # bytes of one
_OVERHEAD = 1000  # bytes that a page takes beside its body, about

Key = tuple[str, str, str]  # path, query, language
Headers = tuple[tuple[str, str], ...]

_TAG = re.compile(r'(?:W/)?("[^"]*")')


@dataclass(frozen=True, slots=True)
class Page:
    """An answer with status 200. `brief` are the header fields that go with a 304; `route` is its path in the table."""

    route: str
    body: bytes
    etag: str
    headers: Headers
    brief: Headers


@dataclass(frozen=True, slots=True)
class Taken:
    """A page, and the version of the catalogue that it was taken from."""

    page: Page
    as_of: int


@dataclass
class Figures:
    """How questions were answered, and how often everything was dropped, since `take` was called."""

    kept: int = 0  # answered without asking
    asked: int = 0
    joined: int = 0  # waited for somebody else's question
    drops: int = 0  # of everything

    def take(self) -> "Figures":
        """The figures so far; from here on they count from zero."""
        taken = replace(self)
        self.kept = self.asked = self.joined = self.drops = 0
        return taken


def key_of(environ: Mapping[str, Any]) -> Key:
    """What an answer depends on: path, parameters in any order, and the language that is read."""
    query = environ.get("QUERY_STRING", "")
    language = languages.preferred(environ.get("HTTP_ACCEPT_LANGUAGE", "")) or languages.DEFAULT
    return environ["PATH_INFO"], canonical(query) if query else "", language


def canonical(query: str) -> str:
    """The parameters sorted; of one that comes twice the first counts, as it does for who reads them.

    Read as Latin-1, so that two queries are the same only if their bytes are.
    """
    pairs = parse_qsl(query, keep_blank_values=True, encoding="latin-1")
    return urlencode(sorted(dict(reversed(pairs)).items()), encoding="latin-1")


def matches(if_none_match: str, etag: str) -> bool:
    """Whether the caller has the page already (RFC 9110, 13.1.2: weak comparison)."""
    return if_none_match.strip() == "*" or etag in _TAG.findall(if_none_match)


class _Flight:
    """A question on its way, and who waits for its answer."""

    __slots__ = ("epoch", "error", "landed", "page")

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.landed = threading.Event()
        self.page: Page | None = None
        self.error: Exception | None = None


class Cache:
    """Pages by key, the least recently used dropped first.

    Told by `connected`, `lost` and `changed` what is heard of the catalogue. It keeps nothing until it hears, and until
    it knows the newest version there is: from a change, or by `settle`.
    """

    def __init__(self, room: int = ROOM, largest: int = LARGEST, clock: Callable[[], float] = time.monotonic) -> None:
        self._room, self._largest, self._clock = room, largest, clock
        self._pages: OrderedDict[Key, tuple[Page, float | None]] = OrderedDict()
        self._flights: dict[Key, _Flight] = {}
        self._turn = threading.Lock()
        self._epoch = 0  # grows with everything that is heard: what was asked before must not be kept
        self._newest: int | None = None  # version of the catalogue; None: not known
        self.listening = False
        self.size = 0  # bytes
        self.figures = Figures()

    def __len__(self) -> int:
        return len(self._pages)

    def connected(self) -> None:
        """Every change from now on will be heard. What happened before is not known."""
        with self._turn:
            self._forget()
            self.listening, self._newest = True, None

    def lost(self) -> None:
        """Changes are not heard any more."""
        with self._turn:
            self._forget()
            self.listening, self._newest = False, None

    def changed(self, version: int) -> None:
        """The catalogue has this version now."""
        with self._turn:
            self._forget()
            self._newest = max(version, self._newest or 0)

    def _forget(self) -> None:
        self._epoch += 1
        self.figures.drops += bool(self._pages)
        self._pages.clear()
        self.size = 0

    @property
    def unsettled(self) -> int | None:
        """The present epoch, for `settle`, if changes are heard but the version to begin with is not known."""
        return self._epoch if self.listening and self._newest is None else None

    def settle(self, version: int, epoch: int) -> None:
        """`version` was the catalogue's in `epoch`: every later one will be heard of."""
        with self._turn:
            if epoch == self._epoch and self._newest is None:
                self._newest = version

    def get(self, key: Key) -> Page | None:
        """The page, if it is kept and still good."""
        kept = self._pages.get(key)
        if kept is None:
            return None
        page, until = kept
        if until is not None and until <= self._clock():
            return None
        try:
            self._pages.move_to_end(key)
        except KeyError:  # dropped at this very moment, by another thread
            return None
        self.figures.kept += 1
        return page

    def answer(self, key: Key, ask: Callable[[], Taken], life: float | None = None) -> Page:
        """The page that `ask` takes from the catalogue, kept for `life` seconds at most (None: until a change).

        Of several that want the same at once one asks, and all get its answer, or the refusal that it got.
        """
        boarded = self._board(key)
        if isinstance(boarded, Page):
            return boarded
        flight, mine = boarded
        if not mine:
            flight.landed.wait()
            if flight.error is not None:
                raise flight.error
            return flight.page or self.answer(key, ask, life)
        try:
            taken = ask()
            flight.page = taken.page
            self._keep(key, taken, flight.epoch, life)
            return taken.page
        except Exception as error:  # whatever it is, those who wait hear it, too
            flight.error = error
            raise
        finally:
            self._land(key, flight)

    def _board(self, key: Key) -> Page | tuple[_Flight, bool]:
        """The question to wait for, and whether it is one's own to ask; or the page, if it came just now."""
        with self._turn:
            page = self.get(key)
            if page is not None:
                return page
            flight = self._flights.get(key)
            # Who comes after a change must not get the answer to a question from before it.
            if flight is not None and flight.epoch == self._epoch:
                self.figures.joined += 1
                return flight, False
            self.figures.asked += 1
            flight = self._flights[key] = _Flight(self._epoch)
            return flight, True

    def _land(self, key: Key, flight: _Flight) -> None:
        with self._turn:
            if self._flights.get(key) is flight:
                del self._flights[key]
        flight.landed.set()

    def _keep(self, key: Key, taken: Taken, asked_in: int, life: float | None) -> None:
        cost = len(taken.page.body) + len(key[0]) + len(key[1]) + _OVERHEAD
        with self._turn:
            if not self._is_good(taken, asked_in) or cost > self._largest:
                return
            self._drop(key)
            self._pages[key] = taken.page, None if life is None else self._clock() + life
            self.size += cost
            while self.size > self._room:
                self._drop(next(iter(self._pages)))

    def _is_good(self, taken: Taken, asked_in: int) -> bool:
        if self._newest is None or asked_in != self._epoch or taken.as_of < self._newest:
            return False
        if taken.as_of > self._newest:  # a change whose news is still on its way: the other pages are from before it
            self._forget()
            self._newest = taken.as_of
        return True

    def _drop(self, key: Key) -> None:
        page, _ = self._pages.pop(key, (None, None))
        if page is not None:
            self.size -= len(page.body) + len(key[0]) + len(key[1]) + _OVERHEAD
