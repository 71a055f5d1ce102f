"""The hall's staff cancel a visit: for somebody who calls when it is too late to do so alone, or whom nobody can serve.

Its places come back as those that a visitor gives up, so that staff cannot pass one on either.
"""

from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from kernel.contracts.appointment_refusals import UnknownBooking
from kernel.contracts.visit_facts import VisitCancelled
from services.appointment.application.locked import change_locked
from services.appointment.application.once import Said, once
from services.appointment.application.releasing import give_up_secretly, release
from services.appointment.application.saying import append_to, shown
from services.appointment.application.tools import Tools
from services.appointment.domain.booking import State, decide


class HallCancelling:
    """Handler of `cancel_for_visitor`; the answer is `kernel.contracts.appointment.Appointment`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def cancel(self, hall: str, number: str, reason: str, by: str, key: str | None) -> dict[str, Any]:
        """Raises UnknownBooking, also for another hall's, InThePast, NotInThatState."""
        asked = {"cancel": number, "hall": hall, "reason": reason}
        return once(self._tools, by, key, asked, lambda tx: self._cancel(tx, hall, number, reason, by))

    def _cancel(self, tx: sa.Connection, hall: str, number: str, reason: str, by: str) -> Said:
        store = self._tools.store
        row = store.booking(tx, number, lock=True)
        if row is None or row.hall != hall or row.version == 0:  # nobody comes for a hold, and it ends by itself
            raise UnknownBooking
        at, group = store.place(tx, row.group_no)
        fact = VisitCancelled(occurred_at=self._tools.clock.now(), by=by, hall=hall, cause="staff", reason=reason)
        decide(row.as_booking(), fact, at.rule)
        after = replace(row, state=State.CANCELLED, version=row.version + 1, remind_at=None)
        change_locked(self._tools, tx, row, after)
        release(self._tools, tx, store.held_instead(tx, number, lock=True))
        give_up_secretly(self._tools, tx, store.drop_places(tx, [number]))
        return shown(after, group, at.rule), [append_to(number, row.version, [fact])]
