"""What persons have at halls, and whether the rules let them have one more. Read under their locks, or it may be old.

The same identity number or the same mobile is one person.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Protocol

import sqlalchemy as sa

from kernel.errors import Refusal
from services.appointment.application.ports import Store
from services.appointment.application.rows import BlockRow, BookingRow, EntryRow
from services.appointment.domain.halls import Group, Hall
from services.appointment.domain.rules import Visit, check_block, check_given_up, check_limits, check_time, span_of
from services.appointment.domain.times import day_of
from services.appointment.domain.waiting import Entry

_AHEAD = timedelta(days=120)  # no hall's window reaches further: 60 days, or 60 working days


class Known(Protocol):
    """Somebody who is known by visitor keys."""

    @property
    def identity(self) -> str: ...

    @property
    def mobile(self) -> str: ...


@dataclass(frozen=True)
class Standing:
    """Visits, with those just taken, and blocks."""

    visits: list[BookingRow]
    blocks: list[BlockRow]
    now: datetime

    def check(self, who: Known, hall: Hall, visit: Visit, beside: str | None = None) -> None:
        """Whether `who` may have `visit`, the booking `beside` not counted. Raises Blocked and what limits raise."""
        self.check_block(who, hall.id)
        others = [one for one in self._of(who, hall) if one.number != beside]
        check_limits(hall.rule, visit, [one.visit for one in others if one.counts_at(self.now)])

    def check_given_up(self, who: Known, hall: Hall) -> None:
        """Raises GivenUpTooOften."""
        check_given_up(hall.rule, sum(one.given_up_on(self.now) for one in self._of(who, hall)))

    def _of(self, who: Known, hall: Hall) -> list[BookingRow]:
        return [one for one in self.visits if one.hall == hall.id and is_one(one, who)]

    def check_block(self, who: Known, hall: str) -> None:
        """Raises Blocked."""
        blocks = [one.until for one in self.blocks if one.hall == hall and is_one(one, who)]
        check_block(blocks, day_of(self.now))

    def allows(self, who: Known, hall: Hall, visit: Visit, beside: str | None = None) -> bool:
        """Whether `visit` could be booked now by `who`, if there is a place."""
        try:
            check_time(hall.rule, visit, self.now)
            self.check(who, hall, visit, beside)
        except Refusal:
            return False
        return True


def standing(
    store: Store, tx: sa.Connection, people: Collection[Known], days: Iterable[date], now: datetime
) -> Standing:
    """Of these people, for visits on these days; and what they have on all days that can be booked."""
    today = day_of(now)
    spans = [span_of(day) for day in days] + [(today, today + _AHEAD)]
    first, last = min(first for first, _ in spans), max(last for _, last in spans)
    identities, mobiles = {one.identity for one in people}, {one.mobile for one in people}
    visits = store.bookings_of(tx, identities, mobiles, first, last)
    return Standing(visits, store.blocks_of(tx, identities | mobiles, today), now)


def booked_now(
    entries: Iterable[EntryRow], booked: Collection[tuple[BookingRow, Group]]
) -> list[tuple[EntryRow, EntryRow]]:
    """Changes of the entries, which wait, whose persons have booked the same there, on one of their days."""
    return [
        (entry, replace(entry, state=Entry.BOOKED))
        for entry in entries
        if any(_ends(entry, row, group) and is_one(entry, row) for row, group in booked)
    ]


def _ends(entry: EntryRow, row: BookingRow, group: Group) -> bool:
    """Whether this booking, at this group, is what is waited for. One for another day is a fall-back."""
    return row.hall == entry.hall and group.handles(entry.items) and entry.covers(row.day)


def is_one(one: Known, other: Known) -> bool:
    """Whether both are the same person."""
    return one.identity == other.identity or one.mobile == other.mobile
