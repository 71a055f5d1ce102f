"""Interrupted between any two statements, and at the commit: all of it is there with its fact, or nothing at all."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from kernel.database import Database
from services.appointment.domain.keeping import stale
from services.appointment.domain.times import day_of
from services.appointment.testing import TUESDAY, WEDNESDAY, Desk, visitor, waiting_wish, wish


class Interrupted(BaseException):
    """As if the process had been killed here: nobody catches it and goes on."""


@contextmanager
def interrupted(database: Database, after: int) -> Iterator[None]:
    """Fail at the statement behind so many, commits counted as one."""
    engine, left = database.engine, [after]

    def step(*_: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Interrupted

    names = ("before_cursor_execute", "commit")
    for name in names:
        sa.event.listen(engine, name, step)
    try:
        yield
    finally:
        for name in names:
            sa.event.remove(engine, name, step)


def book(desk: Desk) -> Any:
    return desk.book(9, people=2, idempotency_key="k", date=WEDNESDAY)


def hold(desk: Desk) -> Any:
    return desk.hold(9, people=2, date=WEDNESDAY)


def two_missed(desk: Desk) -> Callable[[], Any]:
    """A visit was missed before; missing this one blocks the person."""
    desk.book(1)
    desk.advance(days=1)
    desk.app.planning.ahead()
    desk.advance(hours=16)
    desk.app.sweeping.missed()
    desk.book(1, date=TUESDAY.replace(day=12))
    desk.advance(days=3)
    return desk.app.sweeping.missed


def confirm(desk: Desk) -> Callable[[], Any]:
    number = desk.hold(1)["number"]
    return lambda: desk.confirm(number, key="k")


def cancel(desk: Desk) -> Callable[[], Any]:
    number = desk.book(1, people=2)["number"]
    return lambda: desk.cancel(number, key="k")


def move(desk: Desk) -> Callable[[], Any]:
    number = desk.book(1, people=2)["number"]
    return lambda: desk.move(number, day=TUESDAY, time="09:30", key="k")


def end_holds(desk: Desk) -> Callable[[], Any]:
    desk.hold(1, people=2)
    desk.advance(seconds=301)
    return desk.app.sweeping.holds


def forget(desk: Desk) -> Callable[[], Any]:
    desk.app.bookings.hold(desk.caller(None, visitor(1)["mobile"]), wish(1, idempotency_key="k"))
    desk.advance(days=9)
    desk.sweep()
    (holds,) = [one for one in stale({}, day_of(desk.clock.now())) if one.kind == "holds"]
    return lambda: desk.app.forgetting.some(holds)


def return_places(desk: Desk) -> Callable[[], Any]:
    desk.cancel(desk.book(1, people=2)["number"])
    desk.advance(seconds=101)
    return desk.app.offering.returns


def full(desk: Desk) -> str:
    """One place in each slot; that of Tuesday at nine has person 1."""
    desk.schedule(capacity=1)
    return str(desk.book(1)["number"])


def offered(desk: Desk) -> str:
    """Person 2 was offered what person 1 had; the entry."""
    number = full(desk)
    entry = str(desk.join(2)["number"])
    desk.cancel(number)
    desk.advance(seconds=100)
    desk.sweep()
    return entry


def join(desk: Desk) -> Callable[[], Any]:
    full(desk)
    return lambda: desk.app.waiting.join(desk.caller(None, "13800000002"), waiting_wish(2, idempotency_key="k"))


def offer(desk: Desk) -> Callable[[], Any]:
    number = full(desk)
    desk.join(2)
    desk.cancel(number)
    desk.advance(seconds=100)
    return desk.app.offering.returns


def leave(desk: Desk) -> Callable[[], Any]:
    entry = offered(desk)
    return lambda: desk.leave(entry, 2)


def confirm_an_offer(desk: Desk) -> Callable[[], Any]:
    entry = offered(desk)
    desk.book(3, time="10:00")
    desk.rule(per_day=2)
    desk.join(2, since="10:00", until="10:30")
    return lambda: desk.confirm(desk.entry(entry, 2)["booking"], 2, key="k")


def grow(desk: Desk) -> Callable[[], Any]:
    full(desk)
    desk.join(2)
    return lambda: desk.schedule(capacity=2)


def close_out(desk: Desk) -> Callable[[], Any]:
    number = desk.book(1, date=WEDNESDAY, people=2)["number"]
    desk.shut()
    return lambda: desk.app.closings.settle(number)


def cancel_by_staff(desk: Desk) -> Callable[[], Any]:
    number = closed_out(desk)
    return lambda: desk.cancel_by_staff(number, key="k")


def closed_out(desk: Desk) -> str:
    number = str(desk.book(1, date=WEDNESDAY, people=2)["number"])
    desk.shut()
    desk.sweep()
    return number


def reopen(desk: Desk) -> Callable[[], Any]:
    number = closed_out(desk)
    desk.app.planning.reopen("tianhe", desk.closure(), "staff-2")
    return lambda: desk.app.closings.settle(number)


def move_to_what_is_held(desk: Desk) -> Callable[[], Any]:
    number = closed_out(desk)
    return lambda: desk.move(number, day=TUESDAY, key="k")


def cancel_closed(desk: Desk) -> Callable[[], Any]:
    number = closed_out(desk)
    return lambda: desk.cancel(number, key="k")


def end_closed(desk: Desk) -> Callable[[], Any]:
    number = closed_out(desk)
    desk.advance(days=2, hours=1)
    return lambda: desk.app.closings.end(number)


def remind(desk: Desk) -> Callable[[], Any]:
    for number in (1, 2):
        desk.book(number, date=WEDNESDAY)
    desk.advance(days=1, hours=2)
    return desk.app.sweeping.remind


def blocked(desk: Desk) -> dict[str, Any]:
    """Person 1, by a single visit missed; the appeal."""
    desk.rule(no_shows=1)
    desk.book(1)
    desk.advance(days=1, hours=16)
    desk.app.sweeping.missed()
    return {"hall": "tianhe", "reason": "住院", "visitor": visitor(1), "idempotency_key": "k"}


def appeal(desk: Desk) -> Callable[[], Any]:
    asked = blocked(desk)
    return lambda: desk.app.appeals.file(desk.caller("a-1"), asked)


def decide(desk: Desk, granted: bool) -> Callable[[], Any]:
    filed = desk.app.appeals.file(desk.caller("a-1"), blocked(desk))
    decision = {"granted": granted, "sentence": "已核实。"}
    return lambda: desk.app.appeals.decide("tianhe", filed["id"], decision, "staff-3")


@pytest.mark.parametrize(
    "made",
    [
        lambda desk: lambda: book(desk),
        lambda desk: lambda: hold(desk),
        confirm,
        cancel,
        move,
        end_holds,
        forget,
        return_places,
        two_missed,
        join,
        offer,
        leave,
        confirm_an_offer,
        grow,
        close_out,
        reopen,
        move_to_what_is_held,
        cancel_closed,
        cancel_by_staff,
        end_closed,
        remind,
        appeal,
        lambda desk: decide(desk, granted=True),
        lambda desk: decide(desk, granted=False),
    ],
    ids=[
        *("book", "hold", "confirm", "cancel", "move", "end_holds", "forget", "return_places", "missed"),
        *("join", "offer", "leave", "confirm_an_offer", "grow", "close_out", "reopen", "move_to_what_is_held"),
        *("cancel_closed", "cancel_by_staff", "end_closed", "remind", "appeal", "grant", "dismiss"),
    ],
)
def test_whole_or_nothing(desk: Desk, made: Callable[[Desk], Callable[[], Any]]) -> None:
    act = made(desk)
    before = desk.traces()
    steps = 0
    while True:
        with interrupted(desk.database, steps):
            try:
                act()
                break
            except Interrupted:
                steps += 1
        assert desk.traces() == before
        desk.check()
    assert steps >= 4
    assert desk.traces() != before
    desk.check()
