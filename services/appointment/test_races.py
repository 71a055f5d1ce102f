"""Many at once: never more bookings than places, never more than a person may have, each thing once.

Each guard has a control beside it: without it the same test sees the damage.
"""

import json
import sys
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from kernel.contracts.appointment_refusals import (
    AlreadyBooked,
    Full,
    HoldExpired,
    LimitReached,
    NotInThatState,
)
from kernel.database import Database, open_url
from kernel.errors import Refusal
from kernel.idempotency import KeyReused
from kernel.testing import Process
from services.appointment.bootstrap import Tables
from services.appointment.domain.slots import Slot
from services.appointment.testing import TUESDAY, WEDNESDAY, Desk, visitor

Outcome = dict[str, Any] | Refusal


def outcomes(calls: list[Callable[[], Any]], threads: int = 0) -> list[Outcome]:
    """What came of each, all begun at the same moment. Anything but a refusal is raised."""
    barrier = threading.Barrier(threads or len(calls))

    def run(call: Callable[[], Any], waits: bool) -> Outcome:
        if waits:
            barrier.wait(30)
        try:
            answer: Outcome = call()
        except Refusal as refusal:
            return refusal
        return answer

    with ThreadPoolExecutor(barrier.parties) as pool:
        begun = [pool.submit(run, call, place < barrier.parties) for place, call in enumerate(calls)]
        return [future.result(120) for future in begun]


def tally(found: list[Outcome]) -> Counter[str]:
    return Counter(one.code if isinstance(one, Refusal) else "booked" for one in found)


@contextmanager
def several(desk: Desk, count: int) -> Iterator[list[Desk]]:
    """As many processes would be: each with its own connections and its own groups."""
    with ExitStack() as stack:
        desks = []
        for _ in range(count):
            database = _again(desk.database)
            stack.callback(database.close)
            desks.append(desk.another(database=database))
        yield desks


def _again(database: Database) -> Database:
    return open_url(database.engine.url.render_as_string(hide_password=False), database.owner)


def test_two_hundred_for_ten_places(desk: Desk) -> None:
    desk.schedule(capacity=10)
    found = outcomes([lambda n=n: desk.book(n) for n in range(200)])
    assert tally(found) == {"booked": 10, "full": 190}
    assert all(len(one.params["next"]) == 3 for one in found if isinstance(one, Full))
    assert all(
        one.params["next"][0] == {"date": "2026-02-10", "time": "09:30"} for one in found if isinstance(one, Full)
    )
    assert len({one["number"] for one in found if isinstance(one, dict)}) == 10
    desk.check()


def test_holds_and_bookings_share_the_places(desk: Desk) -> None:
    desk.schedule(capacity=10)
    found = outcomes([lambda n=n: (desk.hold if n % 2 else desk.book)(n) for n in range(60)])
    assert tally(found) == {"booked": 10, "full": 50}
    desk.check()


PERSON = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from kernel.clock import FrozenClock
from kernel.database import open_url
from kernel.errors import Refusal
from services.appointment.testing import MORNING, Desk
url, owner, first, last, report = sys.argv[1:]
desk = Desk(open_url(url, owner), FrozenClock(MORNING))
def attempt(number):
    try:
        return desk.book(number)["number"]
    except Refusal as refusal:
        return [refusal.code, len(refusal.params.get("next", []))]
with ThreadPoolExecutor(64) as pool:
    answers = list(pool.map(attempt, range(int(first), int(last))))
with open(report, "w") as file:
    json.dump(answers, file)
print("ready", flush=True)
"""


def test_two_processes_two_thousand_for_fifty_places(postgres_url: str, unique_name: str, tmp_path: Path) -> None:
    desk = Desk.new(open_url(postgres_url, unique_name))
    desk.schedule(capacity=50)
    with ExitStack() as stack:
        started = []
        for half, (first, last) in enumerate(((0, 1000), (1000, 2000))):
            argv = [sys.executable, "-c", PERSON, postgres_url, unique_name, first, last, tmp_path / f"{half}.json"]
            process = Process([str(word) for word in argv], log=tmp_path / f"{half}.log")
            started.append(stack.enter_context(process))
        for process in started:
            process.wait_for_line("ready", 120)
    answers = [one for half in (0, 1) for one in json.loads((tmp_path / f"{half}.json").read_text())]
    assert Counter("booked" if isinstance(one, str) else tuple(one) for one in answers) == {
        "booked": 50,
        ("full", 3): 1950,
    }
    desk.check()
    desk.database.close()


class Meeting:
    """Lets nobody pass until all are there, or have waited long enough to see that the others cannot come."""

    def __init__(self, parties: int) -> None:
        self._barrier = threading.Barrier(parties)

    def wait(self) -> None:
        if not self._barrier.broken:
            try:
                self._barrier.wait(2)
            except threading.BrokenBarrierError:
                return


class SeenTogether(Tables):
    """The real tables; but who has looked at slots, or at what a person has, waits for the others to have looked."""

    def __init__(self, meeting: Meeting) -> None:
        self._meeting = meeting

    def lock_slots(self, tx: sa.Connection, ids: Collection[int]) -> dict[int, Slot]:
        found = super().lock_slots(tx, ids)
        self._meeting.wait()
        return found


class WithoutSlotGuard(SeenTogether):
    """Looks without a lock, and takes without a condition."""

    def lock_slots(self, tx: sa.Connection, ids: Collection[int]) -> dict[int, Slot]:
        rows = tx.execute(
            sa.text("SELECT id, minutes, capacity - taken, closed FROM slot WHERE id = ANY(:ids)"), {"ids": list(ids)}
        )
        found = {row[0]: Slot(*row) for row in rows}
        self._meeting.wait()
        return found

    def take(self, tx: sa.Connection, places: Mapping[int, int]) -> bool:
        for id, count in places.items():
            tx.execute(sa.text("UPDATE slot SET taken = taken + :count WHERE id = :id"), {"id": id, "count": count})
        return True


class PersonSeenTogether(Tables):
    """The real tables; but who has looked at what a person has waits for the others to have looked."""

    def __init__(self, meeting: Meeting) -> None:
        self._meeting = meeting

    def bookings_of(self, *args: Any) -> Any:
        found = super().bookings_of(*args)
        self._meeting.wait()
        return found


class WithoutVisitorGuard(PersonSeenTogether):
    """Locks no visitor."""

    def lock_visitors(self, tx: sa.Connection, keys: Mapping[str, str]) -> tuple[dict[str, str], set[str]]:
        return dict(keys), set()


def booked_at_once(desk: Desk, store: type[SeenTogether]) -> int:
    """How many of four get a place who look at the slots at the same moment."""
    if store is WithoutSlotGuard:
        with desk.database.write() as tx:
            tx.execute(sa.text("ALTER TABLE slot DROP CONSTRAINT slot_not_overbooked"))
    meeting = Meeting(4)
    with several(desk, 4) as desks:
        calls = [lambda one=one, n=n: one.another(store(meeting)).book(n) for n, one in enumerate(desks)]
        return tally(outcomes(calls))["booked"]


@pytest.mark.parametrize(("store", "most"), [(SeenTogether, 1), (WithoutSlotGuard, 4)])
def test_without_the_guard_of_the_slots_they_are_overbooked(
    on_postgresql: Desk, store: type[SeenTogether], most: int
) -> None:
    desk = on_postgresql
    desk.schedule(capacity=1)
    assert booked_at_once(desk, store) == most
    assert (desk.overbooked() != []) is (store is WithoutSlotGuard)


def test_the_last_guard_alone_keeps_the_places(on_postgresql: Desk) -> None:
    """Without lock and condition, the CHECK still refuses: somebody sees an error, nobody a place that is not there."""
    desk = on_postgresql
    desk.schedule(capacity=1)
    meeting = Meeting(2)

    def book(one: Desk, number: int) -> Any:
        try:
            return one.another(WithoutSlotGuard(meeting)).book(number)
        except sa.exc.IntegrityError:
            return {"number": None}

    with several(desk, 2) as desks:
        found = outcomes([lambda one=one, n=n: book(one, n) for n, one in enumerate(desks)])
    assert sorted(str(one["number"]) for one in found if isinstance(one, dict)).count("None") == 1
    desk.check()


@pytest.mark.parametrize(("store", "most"), [(PersonSeenTogether, 1), (WithoutVisitorGuard, 4)])
def test_without_the_guard_of_the_visitor_limits_are_exceeded(
    on_postgresql: Desk, store: type[PersonSeenTogether], most: int
) -> None:
    meeting = Meeting(4)
    with several(on_postgresql, 4) as desks:
        calls = [
            lambda one=one, n=n: one.another(store(meeting)).book(
                n, visitor=visitor(1, mobile=n), time=f"{9 + n}:00".zfill(5) if n < 3 else "14:00"
            )
            for n, one in enumerate(desks)
        ]
        assert tally(outcomes(calls))["booked"] == most


DAYS = [TUESDAY, WEDNESDAY, date(2026, 2, 12), date(2026, 2, 13), date(2026, 2, 14)]


@pytest.mark.parametrize("same", ["identity number", "mobile"])
def test_limits_hold_under_a_race(desk: Desk, same: str) -> None:
    """One person under many accounts: a day once, a week twice, whichever way they are told to be one."""

    def who(number: int) -> dict[str, str]:
        return visitor(1, mobile=number) if same == "identity number" else visitor(number, mobile=1)

    desk.schedule(capacity=100)
    with several(desk, 2) as desks:
        calls = [lambda n=n: desks[n % 2].book(n, visitor=who(n), date=DAYS[n % 5], time="10:00") for n in range(1, 61)]
        found = outcomes(calls)
    assert tally(found)["booked"] == 2
    assert {type(one) for one in found if isinstance(one, Refusal)} <= {AlreadyBooked, LimitReached}
    assert len({one["starts_at"] for one in found if isinstance(one, dict)}) == 2
    desk.check()


def test_a_double_click_books_once(desk: Desk) -> None:
    with several(desk, 2) as desks:
        found = outcomes([lambda n=n: desks[n % 2].book(1, idempotency_key="click") for n in range(20)])
    assert len({json.dumps(one, sort_keys=True) for one in found if isinstance(one, dict)}) == 1
    assert tally(found) == {"booked": 20}
    assert sum(desk.taken().values()) == 1
    desk.check()


def test_one_key_for_two_kinds_of_requests_at_once_is_good_for_one(desk: Desk) -> None:
    desk.schedule(capacity=20)
    with several(desk, 2) as (first, second):
        for number in range(10):
            had = desk.book(number, time="09:00")["number"]
            calls: list[Callable[[], Any]] = [
                lambda n=number: first.book(n, date=WEDNESDAY, idempotency_key="same"),
                lambda n=number, b=had: second.cancel(b, n, "same"),
            ]
            found = outcomes(calls)
            assert sorted(type(one) for one in found if isinstance(one, Refusal)) == [KeyReused]
            assert (desk.booking(had).state == "cancelled") is isinstance(found[0], KeyReused)
    desk.check()


def test_two_tabs_book_once(desk: Desk) -> None:
    found = outcomes([lambda n=n: desk.book(1, idempotency_key=f"tab-{n}") for n in range(10)])
    assert tally(found) == {"booked": 1, "already_booked": 9}


def test_a_hold_that_ends_while_it_is_confirmed_is_one_or_the_other(desk: Desk) -> None:
    """Just in time for the confirmation, and over for a sweeper whose clock is a little ahead."""
    desk.schedule(capacity=4)
    held = [desk.hold(number) for number in range(4)]
    desk.advance(seconds=299)
    with several(desk, 2) as (first, second):
        ahead = Desk(second.database, type(desk.clock)("2026-02-09T08:05:00+08:00"))  # type: ignore[call-arg]
        calls: list[Callable[[], Any]] = [lambda n=n: first.confirm(held[n]["number"], n) for n in range(4)]
        found = outcomes([*calls, lambda: {"swept": ahead.app.sweeping.holds()}])
        ahead.sweep()
    swept = found.pop()
    assert isinstance(swept, dict)
    assert {type(one) for one in found if isinstance(one, Refusal)} <= {HoldExpired}
    assert tally(found)["booked"] == 4 - swept["swept"] == sum(desk.taken().values())
    desk.check()


def test_cancelled_and_moved_at_once_is_one_or_the_other(desk: Desk) -> None:
    desk.schedule(capacity=20)
    with several(desk, 2) as (first, second):
        for number in range(1, 6):
            booking = desk.book(number)["number"]
            found = outcomes(
                [lambda b=booking, n=number: first.cancel(b, n), lambda b=booking, n=number: second.move(b, n)]
            )
            refused = [one for one in found if isinstance(one, Refusal)]
            assert {type(one) for one in refused} <= {NotInThatState}
            assert desk.booking(booking).state == "cancelled"
            assert [fact.TYPE for fact in desk.facts(booking)][1:] in (
                ["visit.cancelled"],
                ["visit.moved", "visit.cancelled"],
            )
            desk.check()


def test_moves_in_opposite_directions_both_succeed_or_are_refused(desk: Desk) -> None:
    desk.schedule(capacity=2)
    here = [desk.book(n)["number"] for n in (1, 2)]
    there = [desk.book(n, date=WEDNESDAY)["number"] for n in (3, 4)]
    with several(desk, 2) as (first, second):
        found = outcomes(
            [
                *(lambda b=b, n=n: first.move(b, n) for n, b in enumerate(here, 1)),
                *(lambda b=b, n=n: second.move(b, n, day=TUESDAY) for n, b in enumerate(there, 3)),
            ]
        )
    assert tally(found) == {"full": 4}, "places come back later, so both days are full"
    desk.check()


def test_a_slot_closed_while_it_is_booked(desk: Desk) -> None:
    """Whoever was before the closure is named in its answer; whoever comes after is refused."""
    desk.schedule(capacity=50)
    with several(desk, 2) as (first, second):
        calls: list[Callable[[], Any]] = [lambda n=n: first.book(n, date=WEDNESDAY) for n in range(30)]
        calls.insert(15, second.shut)
        found = outcomes(calls)
    shut = found.pop(15)
    assert isinstance(shut, dict)
    assert set(tally(found)) <= {"booked", "closed"}
    assert {one["number"] for one in shut["hit"]} == {one["number"] for one in found if isinstance(one, dict)}
    desk.check()
