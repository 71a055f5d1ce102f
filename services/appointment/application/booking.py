"""Booking and holding a time: directly, or first held and then confirmed. All of it, or nothing.

Callers of one process that wait at the same moment share a transaction, so that a hot slot's lock costs one commit.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from kernel.contracts.appointment_refusals import Closed, Full, HoldExpired, NotInThatState, UnknownBooking
from kernel.contracts.visit_facts import VisitBooked
from kernel.errors import Refusal
from kernel.eventlog.grouping import Grouped
from kernel.idempotency import Asked
from kernel.ids import new_code
from kernel.vault import Vault
from services.appointment.application.free_slots import FreeTimes
from services.appointment.application.full_times import FullTimes
from services.appointment.application.locked import lock_visitors_of
from services.appointment.application.once import Said, once
from services.appointment.application.people import Caller, check_visitor, own, person_of
from services.appointment.application.rows import BookingRow, EntryRow, reminder
from services.appointment.application.saying import append_to, booked, shown
from services.appointment.application.standing import booked_now, standing
from services.appointment.application.taking import Outcome, Wish, take_all
from services.appointment.application.tools import Tools
from services.appointment.domain.booking import State, decide
from services.appointment.domain.halls import Group, Hall
from services.appointment.domain.slots import keep
from services.appointment.domain.times import day_of, minutes_of

NUMBER_LENGTH = 12  # characters of 5 bits: nobody guesses one
_GROUP = 64  # wishes that share a commit at most


class Bookings:
    """Handlers of `book`, `hold` and `confirm`; answers are `kernel.contracts.appointment.Appointment` or `Held`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._full = FullTimes(tools, FreeTimes(tools))
        self._grouped = Grouped[Wish, Outcome](lambda wishes: take_all(tools, wishes), _GROUP)

    def book(self, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
        """Raises what `take` raises."""
        return self._take(self.wish("book", caller, request))

    def hold(self, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
        """The places are taken for others until the hold is over. Raises what `book` raises."""
        return self._take(self.wish("hold", caller, request))

    def known(self, kind: str, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """What needs neither a lock nor accounts: the answer of a repeated request, else None. `kind`: book or hold.

        Raises KeyReused; and Full, where that was found a moment ago: most of a crowd is answered here.
        """
        asked = _asked(self._tools.vault, kind, caller, request)
        wanted = (
            request["hall"],
            tuple(request["items"]),
            request["people"],
            request["date"],
            minutes_of(request["time"]),
        )
        times = self._full.told(wanted)
        if times is None:
            return None  # it must be tried, and a repeat is found then
        answer = self._answered(asked) if asked else None
        if answer is None:
            raise Full(times)
        return answer

    def _answered(self, asked: Asked) -> dict[str, Any] | None:
        with self._tools.database.read() as tx:
            (answer,) = self._tools.idempotency.replay_all(tx, [asked])
        if isinstance(answer, Refusal):
            raise answer
        return answer

    def check_visitor(self, caller: Caller, visitor: Mapping[str, Any] | None) -> None:
        """What a request says of who comes. Raises InvalidInput."""
        check_visitor(self._tools.vault, caller, visitor, day_of(self._tools.clock.now()))

    def wish(self, kind: str, caller: Caller, request: Mapping[str, Any]) -> Wish:
        """What a request with its visitor comes to. `kind`: book or hold."""
        person = person_of(self._tools.vault, caller, request["visitor"])
        return Wish(
            number=new_code(NUMBER_LENGTH),
            identity=person.identity,
            mobile=person.mobile,
            account=caller.account,
            contact=person.contact,
            hall=request["hall"],
            items=tuple(request["items"]),
            people=request["people"],
            day=request["date"],
            starts=minutes_of(request["time"]),
            language=request["language"],
            hold=kind == "hold",
            asked=_asked(self._tools.vault, kind, caller, request),
        )

    def _take(self, wish: Wish) -> dict[str, Any]:
        outcome = self._grouped.submit(wish, 1)
        if isinstance(outcome, Full):
            # Looked up by those who were refused, not under the locks that the others wait for.
            raise Full(self._full.find((wish.hall, wish.items, wish.people, wish.day, wish.starts)))
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome

    def confirm(self, caller: Caller, number: str, key: str | None) -> dict[str, Any]:
        """What was held is booked; confirmed before, it is the same booking. Raises HoldExpired, UnknownBooking."""
        return once(self._tools, caller.name, key, {"confirm": number}, lambda tx: self._confirm(tx, caller, number))

    def _confirm(self, tx: sa.Connection, caller: Caller, number: str) -> Said:
        row, entries = self._locked(tx, caller, number)
        hall, group = self._tools.store.place(tx, row.group_no)
        if row.state is State.BOOKED:
            return shown(row, group, hall.rule), ()
        row = self._booked(tx, row, hall, group)
        self._tools.store.change_entries(tx, booked_now(entries, [(row, group)]))
        return shown(row, group, hall.rule), [append_to(number, 0, [self._fact(row, hall, group)])]

    def _locked(self, tx: sa.Connection, caller: Caller, number: str) -> tuple[BookingRow, list[EntryRow]]:
        """The booking, and what its person waits for."""
        store = self._tools.store
        row = own(store.booking(tx, number), caller)
        if row.instead_of is not None:  # held for a closed booking, which is moved there
            raise UnknownBooking
        lock_visitors_of(self._tools, tx, [row])
        entries = store.lock_entries_of(tx, {row.identity}, {row.mobile})
        return own(store.booking(tx, number, lock=True), caller), entries

    def _booked(self, tx: sa.Connection, row: BookingRow, hall: Hall, group: Group) -> BookingRow:
        now = self._tools.clock.now()
        if row.state is State.EXPIRED or (row.state is State.HELD and not row.holds_at(now)):
            raise HoldExpired
        if row.state is not State.HELD:
            raise NotInThatState(str(row.state))
        if not self._keeps(tx, row, group):
            raise Closed
        # The clock of another process may have let the person book something else meanwhile.
        standing(self._tools.store, tx, [row], [row.day], now).check(row, hall, row.visit, row.number)
        decide(row.as_booking(), self._fact(row, hall, group), hall.rule)
        after = replace(row, state=State.BOOKED, version=1, remind_at=reminder(row.day, now))
        # Guarded by the state once more: a sweep that came first has given the places away.
        if not self._tools.store.change_booking(tx, row, after):
            raise HoldExpired
        return after

    def _keeps(self, tx: sa.Connection, row: BookingRow, group: Group) -> bool:
        """As far as can be seen without waiting: whom a closure overtakes here is told of it afterwards."""
        slots = self._tools.store.slots(tx, self._tools.store.places_of(tx, row.number))
        return not group.retired and keep(slots, row.starts, row.ends)

    def _fact(self, row: BookingRow, hall: Hall, group: Group) -> VisitBooked:
        return booked(row, hall, group, row.by, self._tools.clock.now())


def _asked(vault: Vault, kind: str, caller: Caller, request: Mapping[str, Any]) -> Asked | None:
    """What is the same request, under its key. Whose visit it is an account says by itself."""
    key = request.get("idempotency_key")
    if key is None:
        return None
    said = {name: request[name] for name in ("hall", "items", "people", "time")}
    said |= {"date": request["date"].isoformat(), "what": kind}
    if caller.account is None:
        person = person_of(vault, caller, request["visitor"])
        said["by"] = [person.identity, person.mobile]
    return Asked(caller.name, key, said)
