"""What verification says that the log of visits implies is what booking and the hall's day have written."""

from typing import Any

import pytest

from kernel.contracts.ticket_facts import TicketIssued
from kernel.contracts.visit import dump_visit_fact
from kernel.eventlog.parity import Holding
from services.appointment.adapters.parity import BOOKINGS, TICKETS
from services.appointment.application import saying
from services.appointment.testing import TAX, TUESDAY, Desk


def test_the_implied_rows_are_the_tables(desk: Desk) -> None:
    desk.schedule(capacity=9)
    numbers = [desk.book(number)["number"] for number in range(1, 5)]
    desk.move(numbers[1], 2, time="10:00")
    desk.cancel(numbers[2], 3)
    desk.hold(9)
    desk.advance(days=3)
    desk.app.sweeping.missed()
    held = compared(desk, BOOKINGS)
    assert {row[2] for row in held} >= {"cancelled", "no_show"}
    assert list(BOOKINGS.implied([])) == []


def test_the_implied_tickets_are_the_tables(desk: Desk) -> None:
    desk.schedule(capacity=20, window_quota=10)
    number = desk.book(1, time="10:00")["number"]
    desk.on("2026-02-10T10:00")
    desk.window()
    desk.check_in(number), desk.take(priority="elderly"), desk.take(group=TAX), desk.take(2)
    for end in ("finish", "park", "transfer"):
        desk.advance(minutes=5)
        desk.call_next()
        desk.at_window(end, group=TAX)
    desk.take(3)
    desk.call_next()
    held = compared(desk, TICKETS)
    assert {row[2] for row in held} == {"finished", "parked", "waiting", "called"}
    assert list(TICKETS.implied([])) == list(TICKETS.implied(desk.tools.log.stream(number))) == []


def test_tickets_whose_facts_still_said_why_they_are_ahead_are_those_of_the_log(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.schedule(capacity=20, window_quota=10)
    desk.on("2026-02-10T10:00")
    with monkeypatch.context() as then:
        then.setattr(TicketIssued, "VERSION", 1)
        then.setattr(saying, "dump_visit_fact", lambda fact: {**dump_visit_fact(fact), "priority": "disabled"})
        old = desk.take(priority="disabled")
    new = desk.take(priority="pregnant")
    assert [written(desk, ticket) for ticket in (old, new)] == [(1, "disabled"), (2, None)]
    assert [old["priority"], new["priority"]] == ["disabled", "pregnant"]
    desk.window()
    assert [desk.call_next(), desk.at_window("finish")["ticket"], desk.call_next()] == ["B001", None, "B002"]
    compared(desk, TICKETS)
    desk.check()
    desk.app.follower.catch_up()
    (counted,) = desk.app.statistics.of_hall("tianhe", TUESDAY, TUESDAY)["items"]
    assert (counted["walk_ins"], counted["called"], counted["served"]) == (2, 2, 1)


def written(desk: Desk, ticket: dict[str, Any]) -> tuple[int, str | None]:
    """In which version the log has the ticket's beginning, and why it is ahead, as far as it says so."""
    event = desk.tools.log.stream(ticket["id"])[0]
    return event.version, event.data.get("priority")


def compared(desk: Desk, holding: Holding) -> list[tuple[str, ...]]:
    """The rows that there are, which are those that the log implies."""
    columns, key = ", ".join(holding.columns), holding.columns[0]
    rows = desk.query(f"SELECT {columns} FROM {holding.table} WHERE {holding.where} ORDER BY {key}")
    held = [tuple(str(value) for value in row) for row in rows]
    streams = desk.tools.log.streams([row[0] for row in rows])
    assert held == [tuple(map(str, row)) for stream in sorted(streams) for row in holding.implied(streams[stream])]
    return held
