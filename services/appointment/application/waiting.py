"""The waiting list as people meet it: they join where nothing is free, look where they stand, and leave.

Who joins waits at every group that handles the items, and holds the locks of all of them, under which no place comes
back: whatever comes back later is offered here first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from kernel.clock import format_time, from_micros, to_micros
from kernel.contracts.appointment_refusals import (
    BeyondClosing,
    EntryOver,
    OutsideWindow,
    StillFree,
    UnknownEntry,
    UnknownHall,
    WaitingLimit,
)
from kernel.errors import Refusal
from kernel.ids import new_code, new_id
from services.appointment.application.booking import NUMBER_LENGTH
from services.appointment.application.free_slots import NEXT
from services.appointment.application.locked import change_entries_locked, lock_visitors_of
from services.appointment.application.once import Said, once
from services.appointment.application.people import Caller, person_of
from services.appointment.application.releasing import release
from services.appointment.application.rows import BookingRow, EntryRow
from services.appointment.application.saying import named
from services.appointment.application.standing import Standing, standing
from services.appointment.application.tools import Tools
from services.appointment.domain.halls import Group, Hall
from services.appointment.domain.rules import Visit, check_limits, window
from services.appointment.domain.slots import Slot, id_range, runs
from services.appointment.domain.times import day_of, hhmm, instant, minutes_of
from services.appointment.domain.waiting import Entry, Wanted, state_at

_DAY = timedelta(days=1)


class Waiting:
    """Handlers of `join_waiting`, `own_waiting`, `waiting_entry` and `leave_waiting`; forms: `contracts.waiting`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def join(self, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
        """`request`: loaded `JoinWaiting`. Raises StillFree, WaitingLimit, and why nothing could be booked then."""
        entry, key = self._entry(caller, request), request.get("idempotency_key")
        return once(self._tools, caller.name, key, _asked(request, entry), lambda tx: self._join(tx, entry))

    def _join(self, tx: sa.Connection, entry: EntryRow) -> Said:
        store = self._tools.store
        hall, groups = self._locked(tx, entry)
        references, _ = store.lock_visitors(tx, {one: new_id() for one in (entry.identity, entry.mobile)})
        place = store.next_place(tx, hall.id)  # by no clock, which may be put back
        entry = replace(entry, group_no=groups[0].no, visitor=references[entry.identity], place=place)
        self._check(tx, entry, hall, groups)
        if entry.contact is not None:
            entry = replace(entry, contact=self._tools.vault.seal(tx, entry.visitor, entry.contact))
        store.add_entry(tx, entry)
        return self._shown(tx, entry, groups), ()

    def _locked(self, tx: sa.Connection, entry: EntryRow) -> tuple[Hall, Sequence[Group]]:
        """The hall, and those of its groups for which the entry waits, as they stay until the transaction ends."""
        for group in self._hall(tx, entry).groups_for(entry.items):  # by number, as all who lock several
            self._tools.store.lock_group(tx, group.no)
        hall = self._hall(tx, entry)  # once more: the wait may have been for a new schedule
        return hall, hall.groups_for(entry.items)

    def page(self, caller: Caller, page: int, page_size: int) -> dict[str, Any]:
        """In the form of `kernel.contracts.waiting.WaitingEntries`."""
        store, start = self._tools.store, (page - 1) * page_size
        with self._tools.database.read() as tx:
            rows, total = store.own_entries(tx, caller.account, caller.mobile, page_size, start)
            items = [self._shown(tx, row, self._groups(tx, row)) for row in rows]
        return {"items": items, "total": total, "page": page, "page_size": page_size}

    def show(self, caller: Caller, number: str) -> dict[str, Any]:
        """Raises UnknownEntry."""
        with self._tools.database.read() as tx:
            row = _own(self._tools.store.entry(tx, number), caller)
            return self._shown(tx, row, self._groups(tx, row))

    def leave(self, caller: Caller, number: str) -> dict[str, Any]:
        """What was offered goes to the next; who has left has left. Raises UnknownEntry, EntryOver."""
        store = self._tools.store
        with self._tools.database.write() as tx:
            row = _own(store.entry(tx, number), caller)
            lock_visitors_of(self._tools, tx, [row])
            row = _own(store.entry(tx, number, lock=True), caller)
            hold = None if row.booking is None else store.booking(tx, row.booking, lock=True)
            groups = self._groups(tx, row)
            return self._shown(tx, self._left(tx, row, groups, hold), groups)

    def _left(self, tx: sa.Connection, row: EntryRow, groups: Sequence[Group], hold: BookingRow | None) -> EntryRow:
        state = self._state(row, groups, hold)
        if state == Entry.LEFT:
            return row
        if state not in (Entry.WAITING, Entry.OFFERED):
            raise EntryOver(state)
        if hold is not None:
            release(self._tools, tx, [hold])
        after = replace(row, state=Entry.LEFT)
        change_entries_locked(self._tools, tx, [(row, after)])
        return after

    def _entry(self, caller: Caller, request: Mapping[str, Any]) -> EntryRow:
        person = person_of(self._tools.vault, caller, request["visitor"])
        return EntryRow(
            number=new_code(NUMBER_LENGTH),
            version=0,
            state=Entry.WAITING,
            hall=request["hall"],
            group_no=0,
            first_day=request["first_day"],
            last_day=request["last_day"],
            since=minutes_of(request["since"]),
            until=minutes_of(request["until"]),
            people=request["people"],
            items=tuple(request["items"]),
            identity=person.identity,
            mobile=person.mobile,
            visitor="",
            account=caller.account,
            language=request["language"],
            contact=person.contact,
            place=0,
            made_at=to_micros(self._tools.clock.now()),
        )

    def _hall(self, tx: sa.Connection, entry: EntryRow) -> Hall:
        hall = self._tools.store.halls(tx, {entry.hall}).get(entry.hall)
        if hall is None:
            raise UnknownHall(hall=entry.hall)
        return hall

    def _groups(self, tx: sa.Connection, entry: EntryRow) -> Sequence[Group]:
        """Where it waits: at all that handle its items, or where it joined if the catalogue has none any more."""
        hall = self._tools.store.halls(tx, {entry.hall}).get(entry.hall)
        found = [] if hall is None else [group for group in hall.groups if group.handles(entry.items)]
        return found or [self._tools.store.place(tx, entry.group_no)[1]]

    def _check(self, tx: sa.Connection, entry: EntryRow, hall: Hall, groups: Sequence[Group]) -> None:
        """Under the locks of groups and visitors."""
        now = self._tools.clock.now()
        minutes = _shortest(entry, groups).minutes
        if entry.until - entry.since < minutes:
            raise BeyondClosing(minutes=minutes)
        first, last = window(hall.rule, day_of(now))
        if not first <= entry.first_day <= entry.last_day <= last:
            raise OutsideWindow(first=first.isoformat(), last=last.isoformat())
        has = self._standing(tx, entry, hall, now)
        found = [visit for group in groups for visit in self._free(tx, group, entry.wanted(group.schedule), now)]
        free = sorted({(visit.day, visit.starts) for visit in found if has.allows(entry, hall, visit)})
        if free:
            raise StillFree([{"date": day.isoformat(), "time": hhmm(starts)} for day, starts in free[:NEXT]])

    def _standing(self, tx: sa.Connection, entry: EntryRow, hall: Hall, now: datetime) -> Standing:
        """Of somebody who may wait, and whom something could be offered on one of the days."""
        store, most = self._tools.store, hall.rule.waiting_entries
        if store.open_entries(tx, hall.id, entry.identity, entry.mobile, day_of(now)) >= most:
            raise WaitingLimit(most=most)
        days = [entry.first_day + number * _DAY for number in range((entry.last_day - entry.first_day).days + 1)]
        has = standing(store, tx, [entry], days, now)
        has.check_block(entry, hall.id)
        has.check_given_up(entry, hall)
        refused = []
        for day in days:
            others = [one.visit for one in has.visits if one.hall == hall.id and one.counts_at(now)]
            try:
                check_limits(hall.rule, Visit(day, 0, 0), others)
            except Refusal as refusal:
                refused.append(refusal)
        if len(refused) == len(days):
            raise refused[0]
        return has

    def _free(self, tx: sa.Connection, group: Group, wanted: Wanted, now: datetime) -> list[Visit]:
        slots = self._tools.store.open_slots(tx, [id_range(group.no, wanted.first_day, wanted.last_day)])
        found = runs(_inside(slots, wanted, now), wanted.minutes)
        return [Visit(slot.day, slot.start, ends) for slot, ends, _ in found]

    def _state(self, row: EntryRow, groups: Sequence[Group], hold: BookingRow | None) -> str:
        now, state = self._tools.clock.now(), None if hold is None else hold.state
        return state_at(row.state, _shortest(row, groups), state, now, hold is not None and hold.holds_at(now))

    def _shown(self, tx: sa.Connection, row: EntryRow, groups: Sequence[Group]) -> dict[str, Any]:
        hold = None if row.booking is None else self._tools.store.booking(tx, row.booking)
        group = groups[0] if hold is None else self._tools.store.place(tx, hold.group_no)[1]
        state = self._state(row, groups, hold)
        held = hold.held_until if hold is not None and state == Entry.OFFERED else None
        return {
            "number": row.number,
            "state": state,
            **named(row, group),
            "first_day": row.first_day.isoformat(),
            "last_day": row.last_day.isoformat(),
            "since": hhmm(row.since),
            "until": hhmm(row.until),
            "ahead": self._tools.store.entries_before(tx, row, groups) if state == Entry.WAITING else 0,
            "booking": row.booking,
            "starts_at": None if hold is None else format_time(hold.starts_at),
            "ends_at": None if hold is None else format_time(hold.ends_at),
            "held_until": None if held is None else format_time(from_micros(held)),
        }


def _asked(request: Mapping[str, Any], entry: EntryRow) -> dict[str, Any]:
    said = {name: request[name] for name in ("hall", "items", "people", "since", "until")}
    days = [request["first_day"].isoformat(), request["last_day"].isoformat()]
    return {**said, "days": days, "by": [entry.identity, entry.mobile], "what": "wait"}


def _own(row: EntryRow | None, caller: Caller) -> EntryRow:
    """The caller's entry. Raises UnknownEntry, also for another's."""
    if row is None or not caller.has(row):
        raise UnknownEntry
    return row


def _shortest(entry: EntryRow, groups: Iterable[Group]) -> Wanted:
    """What would do at the group where the visit takes the least time."""
    return min((entry.wanted(group.schedule) for group in groups), key=lambda wanted: wanted.minutes)


def _inside(slots: Iterable[Slot], wanted: Wanted, now: datetime) -> list[Slot]:
    """Those that begin later, and lie between the hours that are wanted."""
    return [
        slot
        for slot in slots
        if wanted.since <= slot.start and slot.end <= wanted.until and instant(slot.day, slot.start) > now
    ]
