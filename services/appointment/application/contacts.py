"""Where guests are reached about their visits, for notify alone. Opens one contact at a time and keeps none."""

from typing import Any

import orjson

from kernel.contracts.appointment_refusals import UnknownBooking
from services.appointment.application.tools import Tools


class Contacts:
    """Handler of `contact_of`; answers are `kernel.contracts.visit_contact.VisitContact`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def find(self, number: str) -> dict[str, Any]:
        """`number`: of a guest's booking, or entry on a waiting list. Raises UnknownBooking, Erased."""
        with self._tools.database.read() as tx:
            row = self._tools.store.booking(tx, number) or self._tools.store.entry(tx, number)
            if row is None or row.contact is None:
                raise UnknownBooking
            contact = orjson.loads(self._tools.vault.open(tx, row.visitor, row.contact))
        return {"mobile": contact["mobile"], "email": None, "language": row.language}
