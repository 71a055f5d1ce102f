"""The cache alone: what it keeps, for how long, and that it never gives out what a change has made old."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from gateway.cache import Cache, Key, Page, Taken, canonical, key_of, matches
from gateway.test_auth import Watch
from kernel.errors import ServiceDown
from kernel.testing import eventually

KEY: Key = ("/api/v1/items/1", "", "zh-Hans")
OTHER: Key = ("/api/v1/items/2", "", "zh-Hans")


def page(body: bytes = b"{}") -> Page:
    return Page("/r", body, '"tag"', (), ())


class Catalogue:
    """Who is asked: answers from its version, counts, and does something in between if told to."""

    def __init__(self, version: int = 1) -> None:
        self.version, self.asked = version, 0
        self.meanwhile: Callable[[], Any] = lambda: None

    def __call__(self) -> Taken:
        self.asked += 1
        taken = Taken(page(f"version {self.version}".encode()), self.version)
        self.meanwhile()
        return taken


def listening(version: int | None = 1, **options: Any) -> Cache:
    """A cache that hears changes, and knows what version to begin with."""
    cache = Cache(**options)
    cache.connected()
    if version is not None:
        assert cache.unsettled is not None
        cache.settle(version, cache.unsettled)
    return cache


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue()


def test_what_was_asked_is_kept(catalogue: Catalogue) -> None:
    cache = listening()
    assert cache.get(KEY) is None
    taken = cache.answer(KEY, catalogue)
    assert cache.get(KEY) is taken
    assert cache.get(OTHER) is None
    assert cache.answer(KEY, catalogue) is taken  # somebody else's answer came just before we would have asked
    assert catalogue.asked == 1


def test_a_change_drops_everything(catalogue: Catalogue) -> None:
    cache = listening()
    cache.answer(KEY, catalogue)
    cache.answer(OTHER, catalogue)
    cache.changed(2)
    assert (cache.get(KEY), cache.get(OTHER), len(cache), cache.size) == (None, None, 0, 0)


@pytest.mark.parametrize("happens", ["connected", "lost"])
def test_so_does_a_connection_that_is_lost_or_made(catalogue: Catalogue, happens: str) -> None:
    cache = listening()
    cache.answer(KEY, catalogue)
    getattr(cache, happens)()
    assert cache.get(KEY) is None


def test_nothing_is_kept_while_changes_are_not_heard(catalogue: Catalogue) -> None:
    for cache in (Cache(), listening()):
        cache.lost()
        assert cache.answer(KEY, catalogue).body == b"version 1"
        assert cache.get(KEY) is None
        assert cache.unsettled is None


def test_nothing_is_kept_until_it_is_known_which_version_there_is(catalogue: Catalogue) -> None:
    cache = listening(version=None)
    cache.answer(KEY, catalogue)
    assert cache.get(KEY) is None
    cache.changed(1)
    assert cache.unsettled is None
    cache.answer(KEY, catalogue)
    assert cache.get(KEY) is not None


def test_a_version_that_was_asked_for_before_the_connection_was_lost_settles_nothing() -> None:
    cache = listening(version=None)
    before = cache.unsettled
    assert before is not None
    cache.lost()
    cache.connected()
    cache.settle(1, before)
    assert cache.unsettled is not None


def test_an_answer_from_before_the_last_change_is_not_kept(catalogue: Catalogue) -> None:
    cache = listening()
    cache.changed(2)
    assert cache.answer(KEY, catalogue).body == b"version 1"
    assert cache.get(KEY) is None
    catalogue.version = 2
    cache.answer(KEY, catalogue)
    assert cache.get(KEY) is not None


class Forgetful(Cache):
    """Without the check: it keeps an answer whatever was heard since it was asked for."""

    def _is_good(self, taken: Taken, asked_in: int) -> bool:
        return True


@pytest.mark.parametrize(("kind", "kept"), [(Cache, None), (Forgetful, b"version 1")])
def test_an_answer_that_a_change_overtook_is_not_kept(kind: type[Cache], kept: bytes | None) -> None:
    """The race: catalog reads version 1, version 2 is made and heard of, then the answer arrives."""
    cache, catalogue = kind(), Catalogue(version=1)
    cache.connected()
    cache.settle(1, cache.unsettled or 0)
    catalogue.meanwhile = lambda: cache.changed(2)
    assert cache.answer(KEY, catalogue).body == b"version 1"
    found = cache.get(KEY)
    assert (found.body if found else None) == kept


class Trusting(Cache):
    """With half of the check: it looks at the version alone."""

    def _is_good(self, taken: Taken, asked_in: int) -> bool:
        return taken.as_of >= (self._newest or 0)


@pytest.mark.parametrize(("kind", "kept"), [(Cache, False), (Trusting, True)])
def test_nor_one_that_a_lost_connection_overtook(kind: type[Cache], kept: bool) -> None:
    """Between the two connections there may have been a change, of which nobody will tell."""
    cache, catalogue = kind(), Catalogue(version=1)
    cache.connected()
    cache.settle(1, cache.unsettled or 0)

    def reconnect() -> None:
        cache.lost()
        cache.connected()

    catalogue.meanwhile = reconnect
    cache.answer(KEY, catalogue)
    assert (cache.get(KEY) is not None) == kept


def test_an_answer_from_a_change_that_was_not_heard_of_yet_drops_what_is_older() -> None:
    cache = listening(version=1)
    cache.answer(KEY, Catalogue(1))
    cache.answer(OTHER, Catalogue(2))
    assert cache.get(KEY) is None
    assert cache.get(OTHER) is not None
    cache.answer(KEY, Catalogue(1))
    assert cache.get(KEY) is None


def test_a_life_ends(catalogue: Catalogue) -> None:
    watch = Watch()
    cache = listening(clock=watch)
    cache.answer(KEY, catalogue, life=60)
    watch.now += 59
    assert cache.get(KEY) is not None
    watch.now += 1
    assert cache.get(KEY) is None
    cache.answer(KEY, catalogue, life=60)
    assert cache.get(KEY) is not None
    assert len(cache) == 1


def test_room_is_made_by_dropping_what_was_not_used_for_longest() -> None:
    cache = listening(room=4000)
    keys: list[Key] = [(f"/{number}", "", "en") for number in range(4)]
    for key in keys[:3]:
        cache.answer(key, lambda: Taken(page(b"x" * 300), 1))
    assert cache.get(keys[0]) is not None
    cache.answer(keys[3], lambda: Taken(page(b"x" * 300), 1))
    assert [cache.get(key) is not None for key in keys] == [True, False, True, True]
    assert cache.size <= 4000


def test_what_is_too_large_is_not_kept() -> None:
    cache = listening(largest=2000)
    cache.answer(KEY, lambda: Taken(page(b"x" * 2000), 1))
    assert (len(cache), cache.size) == (0, 0)


def test_a_refusal_is_not_kept(catalogue: Catalogue) -> None:
    cache = listening()

    def refuse() -> Taken:
        raise ServiceDown(service="catalog")

    with pytest.raises(ServiceDown):
        cache.answer(KEY, refuse)
    assert cache.answer(KEY, catalogue).body == b"version 1"


class Gate:
    """A question that waits for its answer until `open` is set."""

    def __init__(self, answer: Callable[[], Taken]) -> None:
        self.open, self.begun, self._answer = threading.Event(), threading.Event(), answer
        self.asked = 0

    def __call__(self) -> Taken:
        self.asked += 1
        self.begun.set()
        assert self.open.wait(10)
        return self._answer()


def together(cache: Cache, gate: Gate, number: int) -> tuple[list[threading.Thread], list[Any]]:
    """So many who ask at once; those who come after the first wait for it."""
    results: list[Any] = []

    def ask() -> None:
        try:
            results.append(cache.answer(KEY, gate).body)
        except Exception as error:  # what it is, the test looks at
            results.append(error)

    threads = [threading.Thread(target=ask) for _ in range(number)]
    for thread in threads:
        thread.start()
    eventually(lambda: cache.figures.asked + cache.figures.joined == number)
    return threads, results


def test_of_many_who_ask_at_once_one_does(catalogue: Catalogue) -> None:
    cache, gate = listening(), Gate(catalogue)
    threads, results = together(cache, gate, 10)
    gate.open.set()
    for thread in threads:
        thread.join()
    assert results == [b"version 1"] * 10
    assert (gate.asked, cache.figures.joined) == (1, 9)


def test_all_of_them_hear_its_refusal() -> None:
    def refuse() -> Taken:
        raise ServiceDown(service="catalog")

    cache, gate = listening(), Gate(refuse)
    threads, results = together(cache, gate, 5)
    gate.open.set()
    for thread in threads:
        thread.join()
    assert [type(result) for result in results] == [ServiceDown] * 5
    assert gate.asked == 1


def test_who_comes_after_a_change_does_not_join_a_question_from_before_it(catalogue: Catalogue) -> None:
    cache, gate = listening(), Gate(catalogue)
    threads, results = together(cache, gate, 1)
    assert gate.begun.wait(10)
    cache.changed(2)
    assert cache.answer(KEY, Catalogue(2)).body == b"version 2"
    gate.open.set()
    threads[0].join()
    assert results == [b"version 1"]
    kept = cache.get(KEY)
    assert kept is not None
    assert kept.body == b"version 2"


class Killed(BaseException):
    """As a greenlet is ended."""


def test_when_who_asks_is_killed_another_asks(catalogue: Catalogue) -> None:
    def die() -> Taken:
        raise Killed

    cache, gate = listening(), Gate(die)
    outcomes: list[Any] = []

    def first() -> None:
        try:
            cache.answer(KEY, gate)
        except Killed:
            outcomes.append("killed")

    asking = threading.Thread(target=first)
    asking.start()
    assert gate.begun.wait(10)
    joining = threading.Thread(target=lambda: outcomes.append(cache.answer(KEY, catalogue).body))
    joining.start()
    eventually(lambda: cache.figures.joined == 1)
    gate.open.set()
    asking.join()
    joining.join()
    assert sorted(outcomes, key=str) == [b"version 1", "killed"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a=1&b=2", "b=2&a=1", True),
        ("a=1&a=2", "a=1", True),
        ("a=1&&b=", "b=&a=1", True),
        ("q=%E5%A9%9A", "q=\xe5\xa9\x9a", True),
        ("q=a+b", "q=a%20b", True),
        ("q=1", "q=2", False),
        ("q=a%26b=1", "q=a&b=1", False),
        ("q=%FF", "q=%EF%BF%BD", False),
        ("q=", "", False),
    ],
)
def test_queries_that_mean_the_same(one: str, other: str, same: bool) -> None:
    assert (canonical(one) == canonical(other)) == same


def test_a_key_has_path_query_and_language() -> None:
    environ = {"PATH_INFO": "/x", "QUERY_STRING": "b=2&a=1", "HTTP_ACCEPT_LANGUAGE": "zh-TW"}
    assert key_of(environ) == ("/x", "a=1&b=2", "zh-Hant")
    assert key_of({"PATH_INFO": "/x"}) == ("/x", "", "zh-Hans")


@pytest.mark.parametrize(
    ("header", "same"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ('"b",W/"a"', True),
        ("*", True),
        (" * ", True),
        ('"b"', False),
        ("a", False),
        ("", False),
        ('"a', False),
        ('"aa", "ba"', False),
        ('"x, "', False),
    ],
)
def test_etags_are_compared_weakly(header: str, same: bool) -> None:
    assert matches(header, '"a"') == same
