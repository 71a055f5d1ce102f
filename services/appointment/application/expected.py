"""Who is expected at a hall, as its staff see it: bookings of a day by time. Names nobody."""

from collections.abc import Mapping
from typing import Any

from services.appointment.application.saying import shown
from services.appointment.application.tools import Tools


class Expected:
    """Handler of `bookings`; answers are `kernel.contracts.appointment.BookingPage`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def page(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """`request`: loaded `kernel.contracts.appointment.BookingsAsked`. Without holds."""
        page, size, store = request["page"], request["page_size"], self._tools.store
        with self._tools.database.read() as tx:
            rows, total = store.bookings_on(tx, request["hall"], request["date"], size, (page - 1) * size)
            places = {no: store.place(tx, no) for no in {row.group_no for row in rows}}
        items = [shown(row, group, hall.rule) for row in rows for hall, group in [places[row.group_no]]]
        return {"items": items, "total": total, "page": page, "page_size": size}
