"""Visits that the hall cannot keep: other times are held for them, and they are whole again if it can after all.

Found by a sweep over groups that were planned anew, not by the request that closes: staff do not wait for it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from kernel.clock import to_micros
from kernel.contracts.visit_facts import VisitCancelled, VisitClosed, VisitFact, VisitReopened
from kernel.ids import new_code
from services.appointment.application.booking import NUMBER_LENGTH
from services.appointment.application.locked import add_with_places, change_locked, lock_visitors_of
from services.appointment.application.one_by_one import one_by_one
from services.appointment.application.releasing import give_up, release
from services.appointment.application.rows import BookingRow, MarkRow, reminder, until
from services.appointment.application.saying import BY_CLOCK, append_last, append_to
from services.appointment.application.standing import standing
from services.appointment.application.tools import Tools
from services.appointment.domain.booking import State, decide
from services.appointment.domain.halls import Group, Hall
from services.appointment.domain.nearby import apart, nearest
from services.appointment.domain.rules import Visit, window
from services.appointment.domain.schedule import visit_minutes
from services.appointment.domain.slots import Slot, id_range, keep, needed_ids, runs
from services.appointment.domain.times import day_of, instant

OFFERED = 3  # times that are held for somebody who was closed out
_LOOKED_AT = 12  # of the best: some are taken while we look
_AT_ONCE = 500
_AGAIN = 60  # seconds until a mark that is kept for a hold would be late
# Why, where no closure but another schedule has taken the time.
_HOURS_CHANGED = {"zh-Hans": "办理时间调整", "zh-Hant": "辦理時間調整", "en": "a change of opening hours"}


class Closings:
    """To be called every few seconds, by any number of processes."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def closures(self) -> int:
        """Bookings without their times are told so and offered others, or told that they have them again; how many."""
        with self._tools.database.single() as tx:
            marks = self._tools.store.replanned(tx)
        return one_by_one("group planned anew", marks, self._look_through).done

    def _look_through(self, mark: MarkRow) -> int:
        now, store = self._tools.clock.now(), self._tools.store
        with self._tools.database.read() as tx:
            found = store.bookings_in(tx, mark.group_no, day_of(now))
        changed = [
            row for row, slots in found if row.starts_at > now and keep(slots, row.starts, row.ends) == row.closed
        ]
        booked = [row.number for row in changed if row.state is State.BOOKED]
        settled, failed = one_by_one("booking without its time", booked, self.settle)
        # A hold without its time may be confirmed at this very moment: it is looked at again until it is over.
        if any(row.holds_at(now) and row.instead_of is None for row in changed):
            self._look_again(mark, now)
        elif not failed:
            with self._tools.database.write() as tx:
                store.forget_replanned(tx, mark.group_no, mark.mark)
        return settled

    def _look_again(self, mark: MarkRow, now: datetime) -> None:
        """Nobody is to think that it is late. Written now and then only: this comes every few seconds."""
        if mark.due_at is None or mark.due_at <= to_micros(now):
            with self._tools.database.write() as tx:
                self._tools.store.defer_replanned(tx, mark.group_no, until(now, _AGAIN))

    def settle(self, number: str) -> bool:
        """This one, if it has lost its time or has it again; whether it had."""
        with self._tools.database.write() as tx:
            row = self._locked(tx, number)
            now = self._tools.clock.now()
            if row is None or row.starts_at <= now:
                return False
            hall, group = self._tools.store.place(tx, row.group_no)
            choices = [] if row.closed else self._choices(tx, row, hall, group, now)
            instead = self._tools.store.held_instead(tx, number, lock=True)
            places = self._tools.store.places_of(tx, number)
            # Planning holds these locks while it closes or opens: from here on the slots stay as we see them.
            slots = self._tools.store.lock_slots(tx, {*places, *(slot for _, ids in choices for slot in ids)})
            if keep([slots[id] for id in places], row.starts, row.ends) is not row.closed:
                return False
            if row.closed:
                said = self._reopen(tx, row, hall, instead, now)
            else:
                said = self._close(tx, row, hall, _free(choices, slots), now)
            append_last(self._tools, tx, [append_to(number, row.version, [said])])
        return True

    def _locked(self, tx: sa.Connection, number: str) -> BookingRow | None:
        """The visitor first, as everybody does who looks at what somebody has. None if it is booked no more."""
        store = self._tools.store
        row = store.booking(tx, number)
        if row is not None:
            lock_visitors_of(self._tools, tx, [row])
            row = store.booking(tx, number, lock=True)
        return row if row is not None and row.state is State.BOOKED else None

    def _choices(
        self, tx: sa.Connection, row: BookingRow, hall: Hall, group: Group, now: datetime
    ) -> list[tuple[Visit, tuple[int, ...]]]:
        """Times that would do, with their slots, the best first; no two of them overlap."""
        first, last = window(hall.rule, day_of(now))
        if group.retired:
            return []
        minutes, length = visit_minutes(group.schedule, row.items, row.people), group.schedule.slot_minutes
        slots = self._tools.store.open_slots(tx, [id_range(group.no, first, last)])
        visits = nearest((Visit(slot.day, slot.start, ends) for slot, ends, _ in runs(slots, minutes)), row.visit)
        has = standing(self._tools.store, tx, [row], [first, last], now)
        chosen: list[Visit] = []
        for visit in visits:
            if len(chosen) < _LOOKED_AT and apart(visit, chosen) and has.allows(row, hall, visit, row.number):
                chosen.append(visit)
        return [(one, needed_ids(group.no, one.day, one.starts, minutes, length)) for one in chosen]

    def _close(
        self,
        tx: sa.Connection,
        row: BookingRow,
        hall: Hall,
        choices: Sequence[tuple[Visit, tuple[int, ...]]],
        now: datetime,
    ) -> VisitFact:
        reason, by = self._why(tx, row)
        starts = [instant(visit.day, visit.starts) for visit, _ in choices]
        held_until = min([now + timedelta(minutes=hall.rule.closure_hold_minutes), *starts]) if starts else None
        fact = VisitClosed(
            occurred_at=now, by=by, hall=row.hall, reason=reason, offered=tuple(sorted(starts)), held_until=held_until
        )
        self._change(tx, row, replace(row, closed=True, remind_at=None), fact, hall)
        if held_until is not None:
            add_with_places(self._tools, tx, [(_hold(row, visit, held_until, now), slots) for visit, slots in choices])
        return fact

    def _reopen(
        self, tx: sa.Connection, row: BookingRow, hall: Hall, instead: Sequence[BookingRow], now: datetime
    ) -> VisitFact:
        fact = VisitReopened(occurred_at=now, by=BY_CLOCK, hall=row.hall, starts_at=row.starts_at, ends_at=row.ends_at)
        self._change(tx, row, replace(row, closed=False, remind_at=reminder(row.day, now)), fact, hall)
        release(self._tools, tx, instead)
        return fact

    def _change(self, tx: sa.Connection, row: BookingRow, after: BookingRow, fact: VisitFact, hall: Hall) -> None:
        decide(row.as_booking(), fact, hall.rule)
        change_locked(self._tools, tx, row, replace(after, version=row.version + 1))

    def _why(self, tx: sa.Connection, row: BookingRow) -> tuple[str, str]:
        """The reason, and who says so."""
        for one in self._tools.store.closures(tx, row.hall, row.day):
            if one.group_no in (None, row.group_no) and one.covers(row.visit):
                return one.reason, one.made_by
        return _HOURS_CHANGED[row.language], BY_CLOCK

    def ended(self) -> int:
        """Closed visits whose time has come are cancelled, once nothing is held for them any more; how many."""
        with self._tools.database.single() as tx:
            numbers = self._tools.store.closed_until(tx, self._tools.clock.now(), _AT_ONCE)
        return one_by_one("closed visit", numbers, self.end).done

    def end(self, number: str) -> bool:
        """This one, if its time has come; whether it had."""
        with self._tools.database.write() as tx:
            row = self._locked(tx, number)
            return row is not None and row.closed and self._ends(tx, row)

    def _ends(self, tx: sa.Connection, row: BookingRow) -> bool:
        now, store = self._tools.clock.now(), self._tools.store
        instead = store.held_instead(tx, row.number, lock=True)
        if row.starts_at > now or any(one.holds_at(now) for one in instead):
            return False
        release(self._tools, tx, instead)
        cancel_closed(self._tools, tx, row)
        return True


def cancel_closed(tools: Tools, tx: sa.Connection, row: BookingRow) -> None:
    """Nobody has missed a visit that the hall could not keep."""
    fact = VisitCancelled(occurred_at=tools.clock.now(), by=BY_CLOCK, hall=row.hall, cause="closure")
    change_locked(tools, tx, row, replace(row, state=State.CANCELLED, version=row.version + 1, remind_at=None))
    give_up(tools, tx, tools.store.drop_places(tx, [row.number]))
    append_last(tools, tx, [append_to(row.number, row.version, [fact])])


def _free(
    choices: Sequence[tuple[Visit, tuple[int, ...]]], slots: dict[int, Slot]
) -> list[tuple[Visit, tuple[int, ...]]]:
    """The first of those that are still free, now that nobody else can take them; in the order of their times."""
    there = [
        (visit, ids)
        for visit, ids in choices
        if all(id in slots and slots[id].free > 0 for id in ids)
        and keep([slots[id] for id in ids], visit.starts, visit.ends)
    ]
    return sorted(there[:OFFERED], key=lambda one: one[1])


def _hold(row: BookingRow, visit: Visit, held_until: datetime, now: datetime) -> BookingRow:
    there = replace(row, day=visit.day, starts=visit.starts, ends=visit.ends, made_at=to_micros(now), remind_at=None)
    held = replace(there, state=State.HELD, version=0, held_until=to_micros(held_until), closed=False)
    return replace(held, number=new_code(NUMBER_LENGTH), instead_of=row.number)
