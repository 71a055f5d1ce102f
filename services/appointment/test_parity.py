"""What verification says that the log of visits implies is what booking has written."""

from services.appointment.adapters.parity import BOOKINGS
from services.appointment.testing import Desk


def test_the_implied_rows_are_the_tables(desk: Desk) -> None:
    desk.schedule(capacity=9)
    numbers = [desk.book(number)["number"] for number in range(1, 5)]
    desk.move(numbers[1], 2, time="10:00")
    desk.cancel(numbers[2], 3)
    desk.hold(9)
    desk.advance(days=3)
    desk.app.sweeping.missed()
    columns = ", ".join(BOOKINGS.columns)
    rows = desk.query(f"SELECT {columns} FROM booking WHERE {BOOKINGS.where} ORDER BY number")
    held = [tuple(str(value) for value in row) for row in rows]
    streams = desk.tools.log.streams([row[0] for row in rows])
    implied = [tuple(map(str, row)) for number in sorted(streams) for row in BOOKINGS.implied(streams[number])]
    assert held == implied
    assert {row[2] for row in held} >= {"cancelled", "no_show"}
    assert list(BOOKINGS.implied([])) == []
