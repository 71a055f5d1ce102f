"""What people do with their bookings: look at them, cancel them, move them. Another's is one that does not exist.

A place that is given up comes back after a while that nobody can foresee, so that it cannot be passed on to a buyer.
"""

from collections import Counter
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from kernel.clock import to_micros
from kernel.contracts.appointment_refusals import Closed, Full, NotInThatState
from kernel.contracts.visit_facts import VisitCancelled, VisitFact, VisitMoved
from services.appointment.application.free_slots import FreeTimes
from services.appointment.application.locked import change_locked, lock_visitors_of
from services.appointment.application.once import Said, once
from services.appointment.application.people import Caller, own
from services.appointment.application.releasing import give_up, give_up_hold, give_up_secretly, release
from services.appointment.application.rows import BookingRow, reminder
from services.appointment.application.saying import append_to, shown
from services.appointment.application.standing import standing
from services.appointment.application.taking import Plan, check_places, plan_of
from services.appointment.application.tools import Tools
from services.appointment.domain.booking import State, decide, evolve
from services.appointment.domain.halls import Group, Hall
from services.appointment.domain.rules import HallRule, cancel_before
from services.appointment.domain.times import minutes_of


class OwnBookings:
    """Handlers of `appointment`, `own_appointments`, `cancel` and `move`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._free = FreeTimes(tools)

    def show(self, caller: Caller, number: str) -> dict[str, Any]:
        """Raises UnknownBooking."""
        return self.look(caller, number)[0]

    def look(self, caller: Caller, number: str) -> tuple[dict[str, Any], int]:
        """The booking in the form of `Appointment`, and its version. Raises UnknownBooking."""
        with self._tools.database.read() as tx:
            row = own(self._tools.store.booking(tx, number), caller)
            return self._shown(tx, row), row.version

    def _shown(self, tx: sa.Connection, row: BookingRow) -> dict[str, Any]:
        store, now = self._tools.store, self._tools.clock.now()
        hall, group = store.place(tx, row.group_no)
        instead = [one for one in store.held_instead(tx, row.number) if one.holds_at(now)] if row.closed else []
        return shown(row, group, hall.rule, instead)

    def page(self, caller: Caller, page: int, page_size: int) -> dict[str, Any]:
        """In the form of `kernel.contracts.appointment.AppointmentPage`."""
        store, start = self._tools.store, (page - 1) * page_size
        with self._tools.database.read() as tx:
            now = to_micros(self._tools.clock.now())
            rows, total = store.own_bookings(tx, caller.account, caller.mobile, now, page_size, start)
            items = [self._shown(tx, row) for row in rows]
        return {"items": items, "total": total, "page": page, "page_size": page_size}

    def cancel(self, caller: Caller, number: str, key: str | None) -> dict[str, Any]:
        """A hold is given up. Raises UnknownBooking, TooLate, InThePast, NotInThatState."""
        return once(self._tools, caller.name, key, {"cancel": number}, lambda tx: self._cancel(tx, caller, number))

    def _cancel(self, tx: sa.Connection, caller: Caller, number: str) -> Said:
        store = self._tools.store
        row = own(store.booking(tx, number, lock=True), caller)
        now = self._tools.clock.now()
        hall, group = store.place(tx, row.group_no)
        if row.holds_at(now) and row.instead_of is None:
            return shown(give_up_hold(self._tools, tx, row), group, hall.rule), ()
        fact = VisitCancelled(occurred_at=now, by=row.by, hall=row.hall, cause="visitor")
        after = self._change(tx, row, replace(row, remind_at=None), fact, hall.rule)
        release(self._tools, tx, store.held_instead(tx, number, lock=True))
        give_up_secretly(self._tools, tx, store.drop_places(tx, [number]))
        return shown(after, group, hall.rule), [append_to(number, row.version, [fact])]

    def move(self, caller: Caller, number: str, day: date, time: str, key: str | None) -> dict[str, Any]:
        """Raises UnknownBooking, TooLate, MovedTooOften, NotInThatState, and what a booking at the new time raises."""
        asked, starts = {"move": number, "date": day.isoformat(), "time": time}, minutes_of(time)
        try:
            return once(self._tools, caller.name, key, asked, lambda tx: self._move(tx, caller, number, day, starts))
        except Full:
            row, group = self._at(caller, number)
        # Looked up by who was refused, not under the locks that others wait for.
        raise Full(self._free.next_times(row.hall, row.items, row.people, day, starts, group.id))

    def _at(self, caller: Caller, number: str) -> tuple[BookingRow, Group]:
        with self._tools.database.read() as tx:
            row = own(self._tools.store.booking(tx, number), caller)
            return row, self._tools.store.place(tx, row.group_no)[1]

    def _move(self, tx: sa.Connection, caller: Caller, number: str, day: date, starts: int) -> Said:
        row, hall, group = self._locked(tx, caller, number)
        now = self._tools.clock.now()
        plan = plan_of(hall, group, row.items, row.people, day, starts, now)
        there = _there(row, plan, now)
        fact = _moved(row, there, hall, now)
        after = self._change(tx, row, there, fact, hall.rule)
        self._check_person(tx, row, plan)
        self._exchange(tx, row, plan)
        return shown(after, group, hall.rule), [append_to(row.number, row.version, [fact])]

    def _locked(self, tx: sa.Connection, caller: Caller, number: str) -> tuple[BookingRow, Hall, Group]:
        """The visitor first, then the booking, as everybody does who counts what somebody has."""
        store = self._tools.store
        row = own(store.booking(tx, number), caller)
        lock_visitors_of(self._tools, tx, [row])
        row = own(store.booking(tx, number, lock=True), caller)
        hall, group = store.place(tx, row.group_no)
        if group.retired:
            raise Closed
        return row, hall, group

    def _change(
        self, tx: sa.Connection, row: BookingRow, there: BookingRow, fact: VisitFact, rule: HallRule
    ) -> BookingRow:
        """The row after the fact, at the times of `there`. A hold that was never confirmed is left to end by itself."""
        if row.version == 0:
            raise NotInThatState(str(row.state))
        booking = row.as_booking()
        state = evolve(booking, decide(booking, fact, rule)).state
        return change_locked(self._tools, tx, row, replace(there, state=state, version=row.version + 1))

    def _check_person(self, tx: sa.Connection, row: BookingRow, plan: Plan) -> None:
        """A block keeps nobody from moving whom the hall itself has closed out."""
        store, now = self._tools.store, self._tools.clock.now()
        has = standing(store, tx, [row], [plan.visit.day], now)
        (replace(has, blocks=[]) if row.closed else has).check(row, plan.hall, plan.visit, row.number)

    def _exchange(self, tx: sa.Connection, row: BookingRow, plan: Plan) -> None:
        """What is held for it instead is its own, too. Places that it had not are taken, and others given up."""
        store, now = self._tools.store, self._tools.clock.now()
        instead = [one for one in store.held_instead(tx, row.number, lock=True) if one.holds_at(now)]
        for one in instead:
            change_locked(self._tools, tx, one, replace(one, state=State.EXPIRED))
        had = store.drop_places(tx, [row.number])
        held = store.drop_places(tx, [one.number for one in instead])
        own_places = Counter([*had, *held])
        slots = store.lock_slots(tx, {*own_places, *plan.slots})
        check_places(plan, slots, {slot: -count for slot, count in own_places.items()})
        if not store.take(tx, {slot: 1 for slot in plan.slots if slot not in own_places}):
            raise RuntimeError("places that were locked and free could not be taken")
        store.add_places(tx, [(row.number, slot) for slot in plan.slots])
        kept = Counter(plan.slots)
        give_up_secretly(self._tools, tx, (Counter(had) - kept).elements())
        give_up(self._tools, tx, (Counter(held) - (kept - Counter(had))).elements())


def _there(row: BookingRow, plan: Plan, now: datetime) -> BookingRow:
    visit, remind_at = plan.visit, reminder(plan.visit.day, now)
    there = replace(row, day=visit.day, starts=visit.starts, ends=visit.ends, closed=False, remind_at=remind_at)
    return there if row.closed else replace(there, moves=row.moves + 1)


def _moved(row: BookingRow, there: BookingRow, hall: Hall, now: datetime) -> VisitMoved:
    return VisitMoved(
        occurred_at=now,
        by=row.by,
        hall=row.hall,
        moved_from=row.starts_at,
        starts_at=there.starts_at,
        ends_at=there.ends_at,
        cancel_before=cancel_before(hall.rule, there.starts_at),
    )
