"""What verification says that the log of visits implies is what booking and the hall's day have written."""

from kernel.eventlog.parity import Holding
from services.appointment.adapters.parity import BOOKINGS, TICKETS
from services.appointment.testing import TAX, Desk


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


def compared(desk: Desk, holding: Holding) -> list[tuple[str, ...]]:
    """The rows that there are, which are those that the log implies."""
    columns, key = ", ".join(holding.columns), holding.columns[0]
    rows = desk.query(f"SELECT {columns} FROM {holding.table} WHERE {holding.where} ORDER BY {key}")
    held = [tuple(str(value) for value in row) for row in rows]
    streams = desk.tools.log.streams([row[0] for row in rows])
    assert held == [tuple(map(str, row)) for stream in sorted(streams) for row in holding.implied(streams[stream])]
    return held
