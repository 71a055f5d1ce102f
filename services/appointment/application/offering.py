"""Places that come back: each goes to the first on the waiting list whom it fits, or else to everybody.

All in one transaction under the group's lock: there is no moment in between at which somebody else could take it. Who
waits at several groups is offered one place: the entry's own lock decides between them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from kernel.clock import from_micros, to_micros
from kernel.contracts.visit_facts import VisitOffered
from kernel.ids import new_code
from services.appointment.application.booking import NUMBER_LENGTH
from services.appointment.application.locked import add_with_places, change_entries_locked, lock_visitors_of
from services.appointment.application.one_by_one import one_by_one
from services.appointment.application.rows import BookingRow, EntryRow, hold_of
from services.appointment.application.saying import BY_CLOCK, append_last, append_to
from services.appointment.application.standing import Standing, standing
from services.appointment.application.tools import Tools
from services.appointment.domain.halls import Group, Hall
from services.appointment.domain.slots import Slot, all_of
from services.appointment.domain.waiting import Entry, Fit, fits, offered_until

AT_ONCE = 500  # places of a group in one transaction
Offer = tuple[EntryRow, BookingRow, Fit]


class Offering:
    """To be called every few seconds, by any number of processes."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def returns(self) -> int:
        """Places whose time has come are offered, or are free again; how many."""
        with self._tools.database.single() as tx:
            groups = self._tools.store.due_groups(tx, to_micros(self._tools.clock.now()))
        return one_by_one("places of group", groups, self._returns).done

    def _returns(self, group_no: int) -> int:
        store = self._tools.store
        with self._tools.database.write() as tx:
            store.lock_group(tx, group_no)
            now = self._tools.clock.now()
            freed = Counter(row.slot for row in store.due_returns(tx, all_of(group_no), to_micros(now), AT_ONCE))
            if freed:
                self._write(tx, self._offers(tx, group_no, freed, now))
        return freed.total()

    def _offers(self, tx: sa.Connection, group_no: int, freed: Mapping[int, int], now: datetime) -> list[Offer]:
        store, days = self._tools.store, sorted(Slot(id, 1, 0).day for id in freed)
        hall, group = store.place(tx, group_no)
        entries = [] if group.retired else self._locked(tx, group, freed, days)
        slots = set(freed).union(*(fit.slots for one in entries for fit in _fits(one, group, freed)))
        store.lock_slots(tx, slots)
        # Free for a moment that nobody sees, and fewer than came back where the slot has shrunk.
        store.give_back(tx, freed)
        if not entries:
            return []
        has, there = standing(store, tx, entries, days, now), store.slots(tx, slots)
        return list(_Choosing(hall, group, there, freed, has).offers(entries))

    def _locked(
        self, tx: sa.Connection, group: Group, freed: Mapping[int, int], days: Sequence[date]
    ) -> list[EntryRow]:
        """Who waits for any of these, and goes on waiting until the transaction ends."""
        store = self._tools.store
        waiting = [one for one in store.entries_in(tx, group, days[0], days[-1]) if _fits(one, group, freed)]
        if not waiting:
            return []
        lock_visitors_of(self._tools, tx, waiting)
        return store.lock_entries(tx, [one.number for one in waiting])

    def _write(self, tx: sa.Connection, offers: Sequence[Offer]) -> None:
        if not offers:
            return
        add_with_places(self._tools, tx, [(hold, fit.slots) for _, hold, fit in offers])
        change_entries_locked(self._tools, tx, [(entry, _offered(entry, hold)) for entry, hold, _ in offers])
        groups = {hold.group_no: self._tools.store.place(tx, hold.group_no)[1] for _, hold, _ in offers}
        said = [(entry, _fact(hold, groups[hold.group_no])) for entry, hold, _ in offers]
        append_last(self._tools, tx, [append_to(entry.number, entry.version, [fact]) for entry, fact in said])


class _Choosing:
    """Who gets what, decided in memory on what is locked."""

    def __init__(
        self, hall: Hall, group: Group, slots: Sequence[Slot], freed: Mapping[int, int], has: Standing
    ) -> None:
        self._hall, self._group, self._has = hall, group, has
        length = group.schedule.slot_minutes
        usable = [slot for slot in slots if not slot.closed and slot.minutes == length]
        self._free = Counter({slot.id: slot.free for slot in usable})
        self._freed = Counter(freed)

    def offers(self, entries: Sequence[EntryRow]) -> Iterator[Offer]:
        """The oldest entry first; each is offered the earliest time that does."""
        for entry in entries:
            fit = next((one for one in _fits(entry, self._group, +self._freed) if self._may(entry, one)), None)
            if fit is not None:
                self._free.subtract(fit.slots)
                self._freed.subtract(fit.slots)
                hold = self._hold(entry, fit)
                self._has.visits.append(hold)
                yield entry, hold, fit

    def _may(self, entry: EntryRow, fit: Fit) -> bool:
        there = all(self._free[slot] > 0 for slot in fit.slots)
        return there and self._has.allows(entry, self._hall, fit.visit)

    def _hold(self, entry: EntryRow, fit: Fit) -> BookingRow:
        now = self._has.now
        hold = hold_of(entry, new_code(NUMBER_LENGTH), entry.visitor, self._group.no, fit.visit, now)
        until = offered_until(now, timedelta(minutes=self._hall.rule.offer_minutes))
        return replace(hold, contact=entry.contact, held_until=to_micros(min(until, hold.starts_at)))


def _fits(entry: EntryRow, group: Group, freed: Mapping[int, int]) -> list[Fit]:
    return fits(entry.wanted(group.schedule), group.no, group.schedule.slot_minutes, freed)


def _offered(entry: EntryRow, hold: BookingRow) -> EntryRow:
    return replace(entry, state=Entry.OFFERED, version=entry.version + 1, booking=hold.number)


def _fact(hold: BookingRow, group: Group) -> VisitOffered:
    return VisitOffered(
        occurred_at=from_micros(hold.made_at),
        by=BY_CLOCK,
        hall=hold.hall,
        booking=hold.number,
        hall_name=group.hall_name,
        group=group.id,
        group_name=group.name,
        visitor=hold.visitor,
        account=hold.account,
        language=hold.language,
        starts_at=hold.starts_at,
        ends_at=hold.ends_at,
        held_until=from_micros(hold.held_until or hold.made_at),
    )
