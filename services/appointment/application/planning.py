"""Slots made ahead, and made anew when a schedule, a rule, a closure or the catalogue changes; with whom that hits.

Takes no place from who has it: a slot that shrinks keeps its bookings, one that goes is closed, and they are named.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from kernel.clock import format_time, to_micros
from kernel.contracts.appointment_refusals import UnknownClosure, UnknownHall
from kernel.ids import new_id
from services.appointment.application.once import Said, once
from services.appointment.application.one_by_one import one_by_one
from services.appointment.application.releasing import give_up
from services.appointment.application.rows import ClosureRow, EntryRow, SlotRow
from services.appointment.application.tools import Tools
from services.appointment.domain.halls import Group, GroupNamed, Hall, continued, groups_of
from services.appointment.domain.rules import window
from services.appointment.domain.schedule import Closing, document_of, slots_on
from services.appointment.domain.slots import Slot, id_range, keep, slot_id
from services.appointment.domain.times import day_of, hhmm, minutes_of

_DAY = timedelta(days=1)
_FAR = timedelta(days=400)  # beyond every day that was ever planned


class Planning:
    """Handlers of what a hall's staff set; answers are `kernel.contracts.closures.Replanned`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def adopt(self, halls: Sequence[Mapping[str, Any]]) -> None:
        """All halls as catalog tells them (`BookableHall`): their groups are made and planned, or retired."""
        named = {hall["id"]: groups_of(hall) for hall in halls}
        with self._tools.database.single() as tx:
            gone = set(self._tools.store.halls(tx, None)) - set(named)
        for id in sorted([*named, *gone]):
            self._adopt(id, named.get(id, []))

    def _adopt(self, id: str, groups: Sequence[GroupNamed]) -> None:
        with self._tools.database.write() as tx:
            store = self._tools.store
            store.lock_hall(tx, id)
            before, ids = store.halls(tx, [id]).get(id), {one.name: one.id for one in store.named(tx, id)}
            store.set_groups(tx, id, continued(groups, ids, () if before is None else before.groups))
            known = store.halls(tx, [id])
            if id in known:
                self._plan(tx, known[id])

    def ahead(self) -> None:
        """For all halls, for as long as people may book and a day; to be called at least once a day."""
        with self._tools.database.single() as tx:
            halls = sorted(self._tools.store.halls(tx, None))
        one_by_one("slots of hall", halls, self._ahead)

    def _ahead(self, id: str) -> int:
        with self._tools.database.write() as tx:
            self._tools.store.lock_hall(tx, id)
            hall = self._tools.store.halls(tx, [id]).get(id)
            # None where the catalogue has it no more, since a moment ago.
            return 0 if hall is None else self._plan(tx, hall)

    def schedules(self, id: str) -> dict[str, Any]:
        """In the form of `kernel.contracts.appointment.ScheduleList`. Raises UnknownHall."""
        with self._tools.database.single() as tx:
            groups = self._hall(tx, id).groups
        items = [
            {
                "group": group.id,
                "name": group.name,
                "items": list(group.items),
                "schedule": document_of(group.schedule),
            }
            for group in groups
        ]
        return {"items": items, "total": len(items)}

    def rule(self, id: str) -> dict[str, Any]:
        """In the form of `kernel.contracts.appointment.HallRule`. Raises UnknownHall."""
        with self._tools.database.single() as tx:
            return asdict(self._hall(tx, id).rule)

    def closures(self, id: str) -> dict[str, Any]:
        """In the form of `kernel.contracts.closures.ClosureList`. Raises UnknownHall."""
        with self._tools.database.single() as tx:
            names = {group.no: group.id for group in self._hall(tx, id).groups}
            rows = self._tools.store.closures(tx, id, day_of(self._tools.clock.now()))
        items = [_shown(row, names) for row in rows if row.group_no is None or row.group_no in names]
        return {"items": items, "total": len(items)}

    def set_schedule(self, hall: str, group: str, document: Mapping[str, Any], by: str) -> dict[str, Any]:
        """`document`: loaded `kernel.contracts.appointment.Schedule`. Raises UnknownHall, UnknownGroup."""
        with self._tools.database.write() as tx:
            self._tools.store.lock_hall(tx, hall)
            no = self._hall(tx, hall).group(group).no
            self._tools.store.set_schedule(tx, no, orjson.dumps(document).decode(), self._now(), by)
            return self._replanned(tx, hall)

    def set_rule(self, hall: str, document: Mapping[str, Any], by: str) -> dict[str, Any]:
        """`document`: loaded `kernel.contracts.appointment.HallRule`. Raises UnknownHall."""
        with self._tools.database.write() as tx:
            self._tools.store.lock_hall(tx, hall)
            self._hall(tx, hall)
            self._tools.store.set_rule(tx, hall, orjson.dumps(document).decode(), self._now(), by)
            return self._replanned(tx, hall)

    def close(self, hall: str, closure: Mapping[str, Any], by: str, key: str | None = None) -> dict[str, Any]:
        """`closure`: loaded `kernel.contracts.closures.Closure`. Raises UnknownHall, UnknownGroup."""
        return once(self._tools, by, key, _asked(hall, closure), lambda tx: self._close(tx, hall, closure, by))

    def _close(self, tx: sa.Connection, hall: str, closure: Mapping[str, Any], by: str) -> Said:
        self._tools.store.lock_hall(tx, hall)
        found = self._hall(tx, hall)
        no = None if closure["group"] is None else found.group(closure["group"]).no
        self._tools.store.add_closure(tx, self._closure(hall, no, closure, by))
        return self._replanned(tx, hall), ()

    def reopen(self, hall: str, closure: str, by: str) -> dict[str, Any]:
        """A closure is taken back; once more, nothing changes. Raises UnknownHall, UnknownClosure."""
        with self._tools.database.write() as tx:
            self._tools.store.lock_hall(tx, hall)
            self._hall(tx, hall)
            if not self._tools.store.withdraw_closure(tx, hall, closure, self._now(), by):
                raise UnknownClosure
            return self._replanned(tx, hall)

    def hit(self, hall: str) -> dict[str, Any]:
        """In the form of `kernel.contracts.closures.HitList`. Raises UnknownHall."""
        with self._tools.database.read() as tx:
            items = self._hit(tx, self._booked_in(tx, self._hall(tx, hall)))
        return {"items": items, "total": len(items)}

    def _closure(self, hall: str, no: int | None, closure: Mapping[str, Any], by: str) -> ClosureRow:
        return ClosureRow(
            id=new_id(),
            hall=hall,
            group_no=no,
            first_day=closure["first_day"],
            last_day=closure["last_day"],
            since=minutes_of(closure["since"]),
            until=minutes_of(closure["until"]),
            reason=closure["reason"],
            made_at=self._now(),
            made_by=by,
        )

    def _hall(self, tx: sa.Connection, id: str) -> Hall:
        hall = self._tools.store.halls(tx, [id]).get(id)
        if hall is None:
            raise UnknownHall(hall=id)
        return hall

    def _now(self) -> int:
        return to_micros(self._tools.clock.now())

    def _replanned(self, tx: sa.Connection, id: str) -> dict[str, Any]:
        hall = self._hall(tx, id)
        open_slots = self._plan(tx, hall)
        return {"open_slots": open_slots, "hit": self._hit(tx, self._booked_in(tx, hall))}

    def _plan(self, tx: sa.Connection, hall: Hall) -> int:
        """Write what differs; how many slots are open now."""
        today = day_of(self._tools.clock.now())
        last = window(hall.rule, today)[1] + _DAY
        closures = self._tools.store.closures(tx, hall.id, today)
        open_slots = 0
        for group in self._booked_in(tx, hall):
            until = today if group.retired else last  # what is booked there stays, and is closed like everything else
            count = self._plan_group(tx, group, closings_of(closures, group.no), today, until)
            open_slots += 0 if group.retired else count
        return open_slots

    def _booked_in(self, tx: sa.Connection, hall: Hall) -> list[Group]:
        """The hall's groups, and those that the catalogue has no more as long as something is booked in them."""
        retired = self._tools.store.retired(tx, hall.id, day_of(self._tools.clock.now()))
        return sorted([*hall.groups, *retired], key=lambda group: group.no)

    def _plan_group(self, tx: sa.Connection, group: Group, closings: Sequence[Closing], today: date, last: date) -> int:
        """Days beyond `last` that were planned once stay as their schedule has it now."""
        there = {row.id: row for row in self._tools.store.planned(tx, id_range(group.no, today, today + _FAR))}
        known = max((Slot(id, 1, 0).day for id in there), default=last)
        wanted = {row.id: row for row in _wanted(group, closings, today, max(last, known))}
        gone = [_shut(row) for id, row in there.items() if id not in wanted and not row.closed]
        changed = [*(row for id, row in wanted.items() if there.get(id) != row), *gone]
        self._put(tx, group, changed)
        if any(_cut_anew(there.get(row.id), row) for row in changed):
            self._tools.store.mark_replanned(tx, group.no, new_id(), self._now())
        return sum(not row.closed for row in wanted.values())

    def _put(self, tx: sa.Connection, group: Group, changed: Sequence[SlotRow]) -> None:
        """Places that are new go first to those who wait for them, by the way of those that come back."""
        store = self._tools.store
        if not changed:
            return
        days = [Slot(row.id, 1, 0).day for row in changed]
        waiting = store.entries_in(tx, group, min(days), max(days))
        before = store.lock_slots(tx, [row.id for row in changed]) if waiting else {}
        store.put_slots(tx, changed)
        if waiting:
            after = store.lock_slots(tx, [row.id for row in changed])
            new = {id: _open(slot) - _open(before.get(id)) for id, slot in after.items()}
            kept = {id: min(count, _wanting(waiting, after[id])) for id, count in new.items()}
            self._keep(tx, {id: count for id, count in kept.items() if count > 0})

    def _keep(self, tx: sa.Connection, places: Mapping[int, int]) -> None:
        if not self._tools.store.take(tx, places):
            raise RuntimeError("places that were just made could not be kept")
        give_up(self._tools, tx, Counter(places).elements())

    def _hit(self, tx: sa.Connection, groups: Iterable[Group]) -> list[dict[str, Any]]:
        now = self._tools.clock.now()
        found = [
            (group, row)
            for group in groups
            for row, slots in self._tools.store.bookings_in(tx, group.no, day_of(now))
            if row.starts_at > now and row.stands_at(now) and not keep(slots, row.starts, row.ends)
        ]
        return [
            {
                "number": row.number,
                "group": group.id,
                "starts_at": format_time(row.starts_at),
                "ends_at": format_time(row.ends_at),
                "told": row.closed,
            }
            for group, row in found
        ]


def _asked(hall: str, closure: Mapping[str, Any]) -> dict[str, Any]:
    days = {name: closure[name].isoformat() for name in ("first_day", "last_day")}
    return {"close": hall, **{name: closure[name] for name in ("group", "since", "until", "reason")}, **days}


def _shown(row: ClosureRow, names: Mapping[int, str]) -> dict[str, Any]:
    return {
        "id": row.id,
        "group": None if row.group_no is None else names[row.group_no],
        "first_day": row.first_day.isoformat(),
        "last_day": row.last_day.isoformat(),
        "since": hhmm(row.since),
        "until": hhmm(row.until),
        "reason": row.reason,
    }


def closings_of(closures: Iterable[ClosureRow], group_no: int) -> list[Closing]:
    return [one.closing for one in closures if one.group_no in (None, group_no)]


def _wanted(group: Group, closings: Sequence[Closing], first: date, last: date) -> Iterable[SlotRow]:
    for number in range((last - first).days + 1):
        day = first + number * _DAY
        for slot in slots_on(group.schedule, day, closings):
            id = slot_id(group.no, day, slot.start)
            yield SlotRow(id=id, minutes=slot.minutes, planned=slot.places, closed=slot.closed)


def _shut(row: SlotRow) -> SlotRow:
    return SlotRow(id=row.id, minutes=row.minutes, planned=row.planned, closed=True)


def _cut_anew(before: SlotRow | None, row: SlotRow) -> bool:
    """Whether somebody's booking may have lost its time by this, or have it again."""
    return before is not None and (before.closed, before.minutes) != (row.closed, row.minutes)


def _open(slot: Slot | None) -> int:
    """Places that anybody can take."""
    return 0 if slot is None or slot.closed else slot.free


def _wanting(entries: Iterable[EntryRow], slot: Slot) -> int:
    """How many of these a place there could be for."""
    return sum(
        one.first_day <= slot.day <= one.last_day and one.since <= slot.start and slot.end <= one.until
        for one in entries
    )
