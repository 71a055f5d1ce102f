"""Files about a booking, for whoever has it: an entry for a calendar, and the code that is shown at the door.

Another's booking is one that does not exist.
"""

from typing import Any

from services.appointment.application.own_bookings import OwnBookings
from services.appointment.application.people import Caller
from services.appointment.application.ports import Documents
from services.appointment.application.tools import Tools


class Files:
    """Handlers of `calendar` and `qr`; answers are `kernel.contracts.appointment.Document`."""

    def __init__(self, tools: Tools, own_bookings: OwnBookings, documents: Documents) -> None:
        self._tools = tools
        self._own = own_bookings
        self._documents = documents

    def calendar(self, caller: Caller, number: str, language: str) -> dict[str, Any]:
        """Raises UnknownBooking, NotInThatState."""
        booking, version = self._own.look(caller, number)
        content = self._documents.calendar(booking, version, self._tools.clock.now(), language)
        return {"media_type": "text/calendar; charset=utf-8", "name": f"{number}.ics", "content": content}

    def qr(self, caller: Caller, number: str) -> dict[str, Any]:
        """Raises UnknownBooking."""
        booking, _ = self._own.look(caller, number)
        content = self._documents.qr(booking["number"])
        return {"media_type": "image/svg+xml", "name": f"{number}.svg", "content": content}
