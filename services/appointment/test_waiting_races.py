"""What happens by itself, in several processes and beside those who book: each thing once, and nothing in between.

Each guard has a control beside it: without it the same test sees the damage.
"""

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from kernel.clock import FrozenClock
from kernel.contracts.appointment_refusals import Closed, EntryOver, Full, HoldExpired, StillFree
from kernel.contracts.visit_facts import VisitClosed, VisitOffered, VisitReminded
from kernel.errors import Refusal
from services.appointment.application.offering import Offering
from services.appointment.bootstrap import Tables
from services.appointment.domain.slots import Slot, all_of
from services.appointment.test_races import Meeting, outcomes, several, tally
from services.appointment.testing import TUESDAY, WEDNESDAY, Desk


def due(desk: Desk, number: int = 1) -> None:
    """The place of this person's only booking is about to come back."""
    ((booking,),) = desk.query("SELECT number FROM booking WHERE account = :a AND state = 'booked'", a=f"a-{number}")
    desk.cancel(booking, number)
    desk.advance(seconds=desk.delay)


class InTwoSteps(Offering):
    """Gives the places back, and asks the list afterwards."""

    def __init__(self, desk: Desk, between: Callable[[], Any]) -> None:
        super().__init__(desk.tools)
        self._desk, self._between = desk, between

    def _returns(self, group_no: int) -> int:
        store, now = self._tools.store, self._tools.clock.now()
        with self._tools.database.write() as tx:
            freed = Counter(row.slot for row in store.due_returns(tx, all_of(group_no), 2**62, 500))
            store.give_back(tx, freed)
        self._between()
        with self._tools.database.write() as tx:
            self._write(tx, self._offers(tx, group_no, freed, now))
        return freed.total()


def test_nobody_gets_a_place_between_its_coming_back_and_its_being_offered(desk: Desk) -> None:
    desk.schedule(capacity=1)
    desk.book(1)
    entry = desk.join(2)["number"]
    due(desk)
    with several(desk, 3) as (first, second, third):
        sweeps = [lambda one=one: {"swept": one.app.offering.returns()} for one in (first, second, third)]
        books = [lambda n=n: (first, second, third)[n % 3].book(n) for n in range(10, 40)]
        found = outcomes([*sweeps, *books])
    assert [one["swept"] for one in found[:3] if isinstance(one, dict)].count(1) == 1
    assert tally(found[3:]) == {"full": 30}
    assert desk.entry(entry, 2)["state"] == "offered"
    desk.check()


def test_in_two_steps_somebody_else_would_get_it(desk: Desk) -> None:
    """The control: what the transaction is for."""
    desk.schedule(capacity=1)
    desk.book(1)
    desk.join(2)
    due(desk)
    got: list[str] = []
    try:
        InTwoSteps(desk, lambda: got.append(desk.book(3)["state"])).returns()
    except (RuntimeError, sa.exc.IntegrityError):
        got.append("and the offer failed")
    assert got[0] == "booked"


class SeenFull(Tables):
    """The real tables; but who has looked whether anything is free waits until others have had their turn."""

    def __init__(self, meeting: Meeting) -> None:
        self._meeting = meeting

    def open_slots(self, *args: Any) -> list[Slot]:
        found = super().open_slots(*args)
        self._meeting.wait()
        self._meeting.wait()
        return found


class WithoutGroupGuard(SeenFull):
    """Locks no group."""

    def lock_group(self, tx: sa.Connection, no: int) -> None:
        return None


class ReturningWithoutGuard(Tables):
    """Locks no group, and comes in between."""

    def lock_group(self, tx: sa.Connection, no: int) -> None:
        return None


@pytest.mark.parametrize("guarded", [True, False])
def test_who_joins_while_a_place_comes_back_is_offered_it_or_told_it_is_free(
    on_postgresql: Desk, guarded: bool
) -> None:
    """Without the group's lock: somebody waits for a place that is free."""
    desk = on_postgresql
    desk.schedule(capacity=1)
    desk.book(1)
    due(desk)
    meeting = Meeting(2)

    def come_back(one: Desk) -> Any:
        meeting.wait()
        swept = one.app.offering.returns()
        meeting.wait()
        return {"swept": swept}

    joins = SeenFull(meeting) if guarded else WithoutGroupGuard(meeting)
    with several(desk, 2) as (first, second):
        returns = second if guarded else second.another(ReturningWithoutGuard())
        found = outcomes([lambda: first.another(joins).join(2), lambda: come_back(returns)])
    joined = found[0]
    if guarded:
        desk.sweep()
        assert isinstance(joined, StillFree) or desk.entry(joined["number"], 2)["state"] == "offered"
    else:
        assert isinstance(joined, dict)
        assert desk.entry(joined["number"], 2)["state"] == "waiting"
        assert desk.book(3)["state"] == "booked"


def everything(desk: Desk) -> dict[str, Any]:
    desk.sweep()
    desk.app.sweeping.missed()
    return {"state": "swept"}


def sweep_at_once(desk: Desk, processes: int = 3, each: int = 2) -> None:
    with several(desk, processes) as desks:
        outcomes([lambda one=one: everything(one) for one in desks for _ in range(each)])


def said(desk: Desk, numbers: Iterable[str], fact: type[Any]) -> list[int]:
    """How often of each."""
    return [sum(isinstance(one, fact) for one in desk.facts(number)) for number in numbers]


def test_each_place_is_offered_once_by_however_many_sweepers(desk: Desk) -> None:
    desk.schedule(capacity=3)
    held = [desk.hold(n, time=time)["number"] for n, time in enumerate(("09:00", "09:00", "09:00"), 1)]
    entries = [desk.join(n)["number"] for n in range(10, 15)]
    desk.advance(seconds=300)
    sweep_at_once(desk)
    sweep_at_once(desk)
    assert said(desk, entries, VisitOffered) == [1, 1, 1, 0, 0]
    assert all(desk.booking(number).state == "expired" for number in held)
    desk.check()


def test_each_closed_visit_is_told_once_by_however_many_sweepers(desk: Desk) -> None:
    desk.schedule(capacity=2)
    numbers = [desk.book(n, date=WEDNESDAY, time=f"{9 + n % 3}:00".zfill(5))["number"] for n in range(6)]
    desk.shut()
    sweep_at_once(desk)
    assert said(desk, numbers, VisitClosed) == [1] * 6
    times = Counter(one for number in numbers for one in _offered(desk, number))
    assert sum(times.values()) == 18
    assert max(times.values()) <= 2
    desk.check()


def _offered(desk: Desk, number: str) -> Iterator[Any]:
    for fact in desk.facts(number):
        if isinstance(fact, VisitClosed):
            yield from fact.offered


def test_each_visit_is_reminded_of_once_by_however_many_sweepers(desk: Desk) -> None:
    desk.schedule(capacity=20)
    numbers = [desk.book(n, date=WEDNESDAY)["number"] for n in range(20)]
    desk.advance(days=1, hours=2)
    sweep_at_once(desk)
    assert said(desk, numbers, VisitReminded) == [1] * 20
    desk.check()


def test_closed_visits_end_once_by_however_many_sweepers(desk: Desk) -> None:
    numbers = [desk.book(n, date=WEDNESDAY)["number"] for n in range(3)]
    desk.shut()
    desk.sweep()
    desk.advance(days=3)
    sweep_at_once(desk)
    sweep_at_once(desk)
    assert {[fact.TYPE for fact in desk.facts(number)][-1] for number in numbers} == {"visit.cancelled"}
    assert {len(desk.facts(number)) for number in numbers} == {3}
    assert desk.taken() == {}
    desk.check()


def ahead(desk: Desk, other: Desk, **by: float) -> Desk:
    """The same as another process would be whose clock is a little ahead."""
    clock = FrozenClock(desk.clock.now())
    clock.advance(timedelta(**by))
    return Desk(other.database, clock)


@pytest.mark.parametrize("attempt", range(3))
def test_a_move_to_what_is_held_while_it_lapses_is_one_or_the_other(desk: Desk, attempt: int) -> None:
    desk.schedule(capacity=1)
    booking = desk.book(1, date=WEDNESDAY)["number"]
    desk.shut()
    desk.sweep()
    with several(desk, 2) as (first, second):
        late = ahead(desk, second, hours=24)
        calls = [lambda: first.move(booking, day=TUESDAY), lambda: {"swept": late.app.sweeping.holds()}]
        moved = outcomes(calls)[0]
    assert isinstance(moved, Full | dict)
    assert desk.booking(booking).closed is isinstance(moved, Full)
    desk.check()


@pytest.mark.parametrize("other", ["leave", "lapse"])
def test_an_offer_that_is_confirmed_while_it_ends_is_one_or_the_other(desk: Desk, other: str) -> None:
    desk.schedule(capacity=1)
    desk.book(1)
    entry = desk.join(2)["number"]
    due(desk)
    desk.sweep()
    hold = desk.entry(entry, 2)["booking"]
    with several(desk, 2) as (first, second):
        late = ahead(desk, second, minutes=31)
        ends = {"leave": lambda: second.leave(entry, 2), "lapse": lambda: {"swept": late.app.sweeping.holds()}}[other]
        confirmed, ended = outcomes([lambda: first.confirm(hold, 2), ends])
    if isinstance(confirmed, dict):
        assert isinstance(ended, EntryOver) or ended == {"swept": 0}
        assert desk.entry(entry, 2)["state"] == "booked"
    else:
        assert isinstance(confirmed, HoldExpired)
        assert desk.entry(entry, 2)["state"] in ("left", "lapsed")
    desk.check()


def test_holds_confirmed_while_their_slot_is_closed_are_refused_or_told(desk: Desk) -> None:
    desk.schedule(capacity=30)
    held = [desk.hold(n, date=WEDNESDAY)["number"] for n in range(20)]
    with several(desk, 3) as (first, second, third):
        calls: list[Callable[[], Any]] = [lambda n=n: (first, second)[n % 2].confirm(held[n], n) for n in range(20)]
        calls.insert(10, third.shut)
        calls += [lambda: everything(third)] * 2
        found = outcomes(calls)
    shut = found.pop(10)
    assert isinstance(shut, dict)
    booked = [one["number"] for one in found[:20] if isinstance(one, dict)]
    assert {type(one) for one in found[:20] if isinstance(one, Refusal)} <= {Closed}
    desk.sweep()
    assert said(desk, booked, VisitClosed) == [1] * len(booked)
    desk.check()


def anything(desk: Desk, chance: random.Random) -> Any:
    """One thing that a person, staff or the clock may do."""
    number = chance.randrange(12)
    time, day = f"{chance.randrange(9, 12)}:{chance.choice(('00', '30'))}".zfill(5), chance.choice((TUESDAY, WEDNESDAY))
    mine = desk.query("SELECT number FROM booking WHERE account = :a AND instead_of IS NULL", a=f"a-{number}")
    waits = desk.query("SELECT number FROM waiting WHERE account = :a", a=f"a-{number}")
    booking = chance.choice(mine)[0] if mine else "none"
    acts: list[Callable[[], Any]] = [
        lambda: desk.book(number, date=day, time=time, people=chance.randrange(1, 3)),
        lambda: desk.hold(number, date=day, time=time),
        lambda: desk.confirm(booking, number),
        lambda: desk.cancel(booking, number),
        lambda: desk.move(booking, number, day=day, time=time),
        lambda: desk.join(number, last_day=WEDNESDAY, until="11:30", people=chance.randrange(1, 3)),
        lambda: desk.leave(chance.choice(waits)[0] if waits else "none", number),
        lambda: desk.sweep(),
        lambda: desk.schedule(capacity=chance.randrange(1, 4)),
        lambda: desk.shut(since="09:00", until=chance.choice(("10:00", "12:00"))),
        lambda: desk.app.planning.reopen("tianhe", _any_closure(desk, chance), "staff-2"),
        lambda: desk.app.planning.ahead(),
    ]
    return chance.choices(acts, weights=[6, 4, 4, 3, 4, 3, 1, 4, 1, 1, 1, 1])[0]()


def _any_closure(desk: Desk, chance: random.Random) -> str:
    closures = desk.query("SELECT id FROM closure")
    return str(chance.choice(closures)[0]) if closures else "none"


def many_things(desk: Desk, seed: int, count: int) -> Collection[str]:
    """What was refused; anything but a refusal, such as a deadlock, is raised."""
    chance, refused = random.Random(seed), []
    for _ in range(count):
        try:
            anything(desk, chance)
        except Refusal as refusal:
            refused.append(refusal.code)
    return refused


def test_whatever_is_done_at_once_nobody_waits_for_ever_and_all_agree(desk: Desk) -> None:
    """No deadlock in any order of anything, and in the end tables, places and log say the same."""
    desk.schedule(capacity=2)
    desk.delay = 0
    with several(desk, 4) as desks:
        for one in desks:
            one.delay = 0
        outcomes([lambda one=one, n=n: {"refused": many_things(one, n, 40)} for n, one in enumerate(desks * 2)])
    desk.sweep()
    desk.check()
    assert desk.query("SELECT count(*) FROM booking")[0][0] > 20
