"""What people do with their bookings: look at them, cancel them, move them. Another's is one that does not exist.

A place that is given up comes back after a while that nobody can foresee, so that it cannot be passed on to a buyer.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import sqlalchemy as sa

from kernel.clock import to_micros
from kernel.contracts.appointment_refusals import Full, NotInThatState
from kernel.contracts.visit_facts import VisitCancelled, VisitFact, VisitMoved
from kernel.ids import new_id
from services.appointment.application.booking import hall_and_group
from services.appointment.application.free_slots import FreeTimes
from services.appointment.application.people import Caller, own
from services.appointment.application.rows import BookingRow, ReturnRow
from services.appointment.application.saying import append_last, append_to, shown
from services.appointment.application.taking import Plan, check_places, plan_of
from services.appointment.application.tools import Tools
from services.appointment.domain.booking import decide, evolve
from services.appointment.domain.halls import Group, Hall
from services.appointment.domain.rules import cancel_before, check_block, check_limits, span_of
from services.appointment.domain.times import day_of, minutes_of


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
            hall, group = hall_and_group(self._tools, tx, row)
        return shown(row, group, hall.rule), row.version

    def page(self, caller: Caller, page: int, page_size: int) -> dict[str, Any]:
        """In the form of `kernel.contracts.appointment.AppointmentPage`."""
        store, start = self._tools.store, (page - 1) * page_size
        with self._tools.database.read() as tx:
            rows, total = store.own_bookings(tx, caller.account, caller.mobile, page_size, start)
            places = [(row, *hall_and_group(self._tools, tx, row)) for row in rows]
        items = [shown(row, group, hall.rule) for row, hall, group in places]
        return {"items": items, "total": total, "page": page, "page_size": page_size}

    def cancel(self, caller: Caller, number: str, reason: str | None, key: str | None) -> dict[str, Any]:
        """Raises UnknownBooking, TooLate, InThePast, NotInThatState."""
        asked = {"cancel": number, "reason": reason}
        with self._tools.database.write() as tx:
            before = self._tools.idempotency.replay(tx, caller.name, key, asked) if key else None
            if before is not None:
                return before
            row = own(self._tools.store.booking(tx, number, lock=True), caller)
            hall, group = hall_and_group(self._tools, tx, row)
            fact = VisitCancelled(
                occurred_at=self._tools.clock.now(), by=_by(row), hall=row.hall, cause="visitor", reason=reason
            )
            after = self._change(tx, row, row, fact, hall, group)
            self._give_up(tx, [slot for _, slot in self._tools.store.drop_places(tx, [number])])
            return self._done(tx, caller, asked, key, (after, hall, group), fact)

    def move(self, caller: Caller, number: str, day: date, time: str, key: str | None) -> dict[str, Any]:
        """Raises UnknownBooking, TooLate, NotInThatState, and what a booking at the new time raises."""
        asked = {"move": number, "date": day.isoformat(), "time": time}
        try:
            with self._tools.database.write() as tx:
                before = self._tools.idempotency.replay(tx, caller.name, key, asked) if key else None
                if before is not None:
                    return before
                row, hall, group = self._locked(tx, caller, number)
                plan = plan_of(hall, group, row.items, row.people, day, minutes_of(time), self._tools.clock.now())
                there = replace(row, day=plan.visit.day, starts=plan.visit.starts, ends=plan.visit.ends)
                fact = _moved(row, there, hall, self._tools)
                after = self._change(tx, row, there, fact, hall, group)
                self._check_person(tx, row, plan)
                self._exchange(tx, row, plan)
                return self._done(tx, caller, asked, key, (after, hall, group), fact)
        except Full:
            found = (row.hall, row.items, row.people)
        raise Full(self._free.next_times(*found, day, minutes_of(time)))

    def _locked(self, tx: sa.Connection, caller: Caller, number: str) -> tuple[BookingRow, Hall, Group]:
        """The visitor first, then the booking, as everybody does who counts what somebody has."""
        store = self._tools.store
        row = own(store.booking(tx, number), caller)
        store.lock_visitors(tx, {row.identity: row.visitor, row.mobile: row.visitor})
        row = own(store.booking(tx, number, lock=True), caller)
        return row, *hall_and_group(self._tools, tx, row)

    def _change(
        self, tx: sa.Connection, row: BookingRow, there: BookingRow, fact: VisitFact, hall: Hall, group: Group
    ) -> BookingRow:
        """The row after the fact, at the times of `there`. A hold that was never confirmed is left to end by itself."""
        if row.version == 0:
            raise NotInThatState(state=str(row.state))
        booking = row.as_booking(group.id)
        state = evolve(booking, decide(booking, fact, hall.rule)).state
        after = replace(there, state=state, version=row.version + 1)
        if not self._tools.store.change_booking(tx, row, after):
            raise RuntimeError(f"a booking that was locked has changed: {row.number}")
        return after

    def _check_person(self, tx: sa.Connection, row: BookingRow, plan: Plan) -> None:
        store, now = self._tools.store, self._tools.clock.now()
        blocks = store.blocks_of(tx, {row.identity, row.mobile}, day_of(now))
        check_block([one.until for one in blocks if one.hall == row.hall], day_of(now))
        others = store.bookings_of(tx, {row.identity}, {row.mobile}, *span_of(plan.visit.day))
        counted = [one for one in others if one.number != row.number and one.hall == row.hall and one.counts_at(now)]
        check_limits(plan.hall.rule, plan.visit, [one.visit for one in counted])

    def _exchange(self, tx: sa.Connection, row: BookingRow, plan: Plan) -> None:
        """Only the places that it had not are taken, and only those that it has no more are given up."""
        store = self._tools.store
        had = {slot for _, slot in store.drop_places(tx, [row.number])}
        slots = store.lock_slots(tx, had | set(plan.slots))
        own_places = dict.fromkeys(had, -1)
        check_places(plan, slots, own_places)
        if not store.take(tx, {slot: 1 for slot in plan.slots if slot not in had}):
            raise RuntimeError("places that were locked and free could not be taken")
        store.add_places(tx, [(row.number, slot) for slot in plan.slots])
        self._give_up(tx, sorted(had - set(plan.slots)))

    def _give_up(self, tx: sa.Connection, slots: Collection[int]) -> None:
        due_at = to_micros(self._tools.clock.now() + self._tools.return_delay())
        self._tools.store.add_returns(tx, [ReturnRow(new_id(), slot, due_at) for slot in slots])

    def _done(
        self,
        tx: sa.Connection,
        caller: Caller,
        asked: Mapping[str, Any],
        key: str | None,
        place: tuple[BookingRow, Hall, Group],
        fact: VisitFact,
    ) -> dict[str, Any]:
        """The last statements: the answer is kept, and the fact appended."""
        row, hall, group = place
        answer = shown(row, group, hall.rule)
        if key:
            self._tools.idempotency.keep(tx, caller.name, key, asked, answer)
        append_last(self._tools, tx, [append_to(row.number, row.version - 1, [fact])])
        return answer


def _moved(row: BookingRow, there: BookingRow, hall: Hall, tools: Tools) -> VisitMoved:
    return VisitMoved(
        occurred_at=tools.clock.now(),
        by=_by(row),
        hall=row.hall,
        moved_from=row.starts_at,
        starts_at=there.starts_at,
        ends_at=there.ends_at,
        cancel_before=cancel_before(hall.rule, there.starts_at),
    )


def _by(row: BookingRow) -> str:
    return row.account or row.visitor
