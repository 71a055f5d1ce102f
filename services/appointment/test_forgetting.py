"""What tells of a person goes once nothing needs it, and not a day before."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from kernel.contracts.appointment_refusals import Blocked, UnknownBooking, UnknownEntry
from services.appointment.adapters.parity import BOOKINGS, TICKETS
from services.appointment.adapters.standing import standing
from services.appointment.application import forgetting
from services.appointment.bootstrap import Tables
from services.appointment.test_parity import compared
from services.appointment.testing import Desk, visitor, waiting_wish, wish

# All that is kept of somebody, by table and column, and what stands where it is nobody's any more.
PERSONAL = [
    *((table, column, "") for table in ("booking", "waiting", "appeal", "block") for column in ("identity", "mobile")),
    *((table, column, no) for table in ("booking", "waiting") for column, no in (("contact", b""), ("account", ""))),
    *(("visitor", "key", ""), ("vault_key", "person", ""), ("idempotency", "person", ""), ("ticket", "identity", "")),
]


def kept(desk: Desk) -> dict[str, int]:
    """How many rows still tell of somebody, by what they tell."""
    counts = {
        f"{table}.{column}": desk.query(f"SELECT count(nullif({column}, :no)) FROM {table}", no=no)[0][0]
        for table, column, no in PERSONAL
    }
    return {name: count for name, count in counts.items() if count}


def guest(desk: Desk, number: int) -> Any:
    return desk.caller(None, visitor(number)["mobile"])


def passed(desk: Desk, days: int) -> None:
    """So many days later, with all that happens by itself in the meantime."""
    desk.advance(days=days)
    desk.sweep()
    desk.app.look_back()


def due(desk: Desk) -> tuple[int, float]:
    timer = standing(desk.database, desk.clock.now())["timers"]["personal_data"]
    return timer["due"], timer["oldest_due_seconds"]


def test_a_hold_that_has_ended_keeps_nobodys_name_and_a_week_later_nothing(desk: Desk) -> None:
    held = desk.app.bookings.hold(guest(desk, 1), wish(1, idempotency_key="k"))["number"]
    assert kept(desk)["booking.contact"] == 1
    desk.advance(minutes=6)
    desk.sweep()
    assert desk.booking(held).contact is None
    passed(desk, 7)
    assert kept(desk)["visitor.key"] == 2
    passed(desk, 1)
    assert (kept(desk), desk.booking(held)) == ({}, None)
    desk.check()


def test_a_visit_that_was_served_is_nobodys_after_ninety_days_and_the_log_still_rebuilds_it(desk: Desk) -> None:
    desk.schedule(capacity=9, window_quota=3)
    served = desk.app.bookings.book(guest(desk, 1), wish(1, time="10:00", idempotency_key="k"))["number"]
    cancelled = desk.book(2)["number"]
    desk.cancel(cancelled, 2)
    desk.on("2026-02-10T10:00")
    desk.window()
    desk.check_in_at_desk(1, served, priority="disabled")
    desk.call_next()
    desk.at_window("finish")
    passed(desk, 90)
    assert kept(desk)["booking.identity"] == 2
    assert desk.query("SELECT priority FROM ticket") == [("none",)], "which mattered on its day alone"
    passed(desk, 1)
    assert kept(desk) == {}
    assert {row[2] for row in compared(desk, BOOKINGS)} == {"served", "cancelled"}
    assert {row[2] for row in compared(desk, TICKETS)} == {"finished"}
    desk.check()
    with pytest.raises(UnknownBooking):
        desk.app.own_bookings.show(guest(desk, 1), served)
    with pytest.raises(UnknownBooking):
        desk.app.contacts.find(served)


def test_whoever_comes_again_after_that_is_somebody_new(desk: Desk) -> None:
    first = desk.app.bookings.book(guest(desk, 1), wish(1))["number"]
    passed(desk, 183)
    assert kept(desk) == {}
    desk.app.planning.ahead()
    second = desk.app.bookings.book(guest(desk, 1), wish(1, date=date(2026, 8, 12)))["number"]
    assert desk.app.contacts.find(second)["mobile"] == visitor(1)["mobile"]
    assert desk.booking(first).visitor != desk.booking(second).visitor
    desk.check()


def test_a_visitor_with_something_newer_stays(desk: Desk) -> None:
    desk.app.bookings.hold(guest(desk, 1), wish(1))
    desk.advance(minutes=6)
    number = desk.app.bookings.book(guest(desk, 1), wish(1))["number"]
    passed(desk, 9)
    assert kept(desk)["visitor.key"] == 2
    assert desk.app.contacts.find(number)["mobile"] == visitor(1)["mobile"]


def test_an_entry_on_a_waiting_list_and_what_it_was_offered_go_a_month_after_its_last_day(desk: Desk) -> None:
    desk.schedule(capacity=1)
    number = desk.book(1)["number"]
    entry = desk.app.waiting.join(guest(desk, 2), waiting_wish(2))["number"]
    desk.cancel(number)
    desk.advance(seconds=100)
    desk.sweep()
    passed(desk, 31)
    assert desk.app.waiting.show(guest(desk, 2), entry)["state"] == "lapsed"
    passed(desk, 1)
    with pytest.raises(UnknownEntry):
        desk.app.waiting.show(guest(desk, 2), entry)
    assert kept(desk)["visitor.key"] == 2, "of the one who cancelled"
    assert desk.query("SELECT state FROM booking") == [("cancelled",)]


def test_what_was_missed_is_kept_for_as_long_as_it_may_count(desk: Desk) -> None:
    desk.rule(no_show_days=10, blocked_days=20)
    number = desk.book(1)["number"]
    passed(desk, 32)
    assert desk.app.appeals.excuse("tianhe", number, "staff-1")["excused"]
    passed(desk, 1)
    assert kept(desk) == {}
    with pytest.raises(UnknownBooking):
        desk.app.appeals.excuse("tianhe", number, "staff-1")
    desk.check()


@pytest.mark.parametrize("decided", [False, True])
def test_a_block_with_its_appeal_outlives_what_the_rule_says_today(desk: Desk, decided: bool) -> None:
    desk.rule(no_shows=1)
    number = desk.app.bookings.book(guest(desk, 1), wish(1))["number"]
    passed(desk, 2)
    asked = {"hall": "tianhe", "reason": "住院", "visitor": visitor(1), "idempotency_key": "k"}
    appeal = desk.app.appeals.file(guest(desk, 1), asked)["id"]
    if decided:
        desk.app.appeals.decide("tianhe", appeal, {"granted": False, "sentence": "无证明。"}, "staff-1")
    desk.rule(no_show_days=1, blocked_days=1)
    passed(desk, 150)
    assert desk.app.appeals.show(guest(desk, 1), appeal)["state"] == ("dismissed" if decided else "open")
    (filed,) = desk.app.appeals.of_hall("tianhe", None, 1, 20)["items"]
    assert (filed["reason"], [one["number"] for one in filed["missed"]]) == ("住院", [number])
    passed(desk, 1)
    assert (kept(desk) == {}) is decided, "nobody has decided it yet"
    desk.check()


def test_a_block_is_never_lifted_by_forgetting(desk: Desk) -> None:
    desk.book(1)
    passed(desk, 2)
    desk.app.planning.ahead()
    desk.book(1, date=date(2026, 2, 12))
    for _ in range(91):
        passed(desk, 1)
        desk.app.planning.ahead()
    with pytest.raises(Blocked):
        desk.book(1, date=date(2026, 5, 14))


def test_more_than_one_transaction_takes_goes_as_well(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "_AT_ONCE", 2)
    desk.schedule(capacity=9)
    for number in range(1, 6):
        desk.hold(number)
    desk.advance(days=8)
    desk.sweep()
    assert (desk.app.forgetting.turn(), desk.app.forgetting.turn(), kept(desk)) == (5, 0, {})


def test_what_is_not_forgotten_in_time_is_told(desk: Desk) -> None:
    desk.schedule(capacity=20, window_quota=10)
    desk.hold(1)
    desk.on("2026-02-10T10:00")
    desk.take(2)
    desk.on("2026-02-11T00:10")
    desk.sweep()
    desk.app.queue_day.close()
    assert due(desk) == (1, 600.0), "the ticket"
    desk.app.look_back()
    desk.on("2026-02-17T00:30")
    assert due(desk) == (1, 1800.0), "the hold"
    desk.app.look_back()
    assert due(desk) == (0, 0.0)


class Interrupting(Tables):
    """Something happens between the two statements that lock visitors."""

    def __init__(self, happens: Callable[[], Any]) -> None:
        self._happens = [happens]

    def _add_visitors(self, tx: sa.Connection, visitors: Sequence[tuple[str, str]]) -> set[str]:
        new = super()._add_visitors(tx, visitors)
        if self._happens:
            self._happens.pop()()
        return new


def test_somebody_forgotten_at_the_moment_of_booking_is_somebody_new(desk: Desk) -> None:
    if desk.database.dialect == "sqlite":
        return  # nobody comes in between there
    desk.app.bookings.hold(guest(desk, 1), wish(1))
    desk.advance(days=8)
    desk.sweep()
    desk.app.planning.ahead()
    store = Interrupting(desk.app.forgetting.turn)
    number = desk.another(store).app.bookings.book(guest(desk, 1), wish(1, date=date(2026, 2, 24)))["number"]
    row = desk.booking(number)
    known = dict(map(tuple, desk.query("SELECT key, reference FROM visitor")))
    assert (set(known), known[row.identity]) == ({row.identity, row.mobile}, row.visitor)
    assert desk.app.contacts.find(number)["mobile"] == visitor(1)["mobile"]
    desk.check()
