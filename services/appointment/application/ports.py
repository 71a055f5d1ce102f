"""What handlers need of the world: a store for what is kept beside the log.

Every method of a store works in the transaction that it is given, and commits nothing. Locks are taken in one order by
everybody: groups, then visitors, entries on the waiting list, bookings, slots, and the log's head last; each kind by
key. What `queue_ports` has comes before all of these (windows), or between slots and head (days of queues, then
tickets). Who does not wait for a lock (SKIP LOCKED) may have it out of turn.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol

import sqlalchemy as sa

from services.appointment.application.queue_ports import QueueStore
from services.appointment.application.rows import BookingRow, ClosureRow, ReturnRow, SlotRow
from services.appointment.application.waiting_ports import BlockStore, ForgettingStore, WaitingStore
from services.appointment.domain.halls import Group, GroupNamed, Hall
from services.appointment.domain.rules import HallRule
from services.appointment.domain.slots import Slot

Range = tuple[int, int]  # the lowest and the highest id of slots


class HallStore(Protocol):
    """Halls, their groups, rules, schedules and closures."""

    def halls(self, tx: sa.Connection, ids: Collection[str] | None) -> dict[str, Hall]:
        """Those of these that have groups; all with None."""
        ...

    def rules(self, tx: sa.Connection) -> dict[str, HallRule]:
        """Of all halls, also of those that the catalogue has no more."""
        ...

    def retired(self, tx: sa.Connection, hall: str, since: date) -> tuple[Group, ...]:
        """Groups that the catalogue has no more, in which something is booked for that day or later."""
        ...

    def place(self, tx: sa.Connection, group_no: int) -> tuple[Hall, Group]:
        """Where a booking is: the group, whether the catalogue still has it or not, and a hall of this group alone."""
        ...

    def lock_hall(self, tx: sa.Connection, id: str) -> None:
        """Nobody else plans it until the transaction ends."""
        ...

    def set_groups(self, tx: sa.Connection, hall: str, groups: Sequence[GroupNamed]) -> None:
        """By their ids, these are the hall's groups now; those that it had beside them are retired."""
        ...

    def set_schedule(self, tx: sa.Connection, group_no: int, document: str, at: int, by: str) -> None: ...

    def set_rule(self, tx: sa.Connection, hall: str, document: str, at: int, by: str) -> None: ...

    def add_closure(self, tx: sa.Connection, row: ClosureRow) -> None: ...

    def withdraw_closure(self, tx: sa.Connection, hall: str, id: str, at: int, by: str) -> bool:
        """It stands no more; who took it back first stays written. Whether there ever was one."""
        ...

    def closures(self, tx: sa.Connection, hall: str, since: date) -> list[ClosureRow]:
        """Those that stand, and are not over on that day."""
        ...


class SlotStore(Protocol):
    """Slots, by id."""

    def lock_slots(self, tx: sa.Connection, ids: Collection[int]) -> dict[int, Slot]:
        """Those that exist, and nobody else takes or gives back a place of them until the transaction ends."""
        ...

    def slots(self, tx: sa.Connection, ids: Collection[int]) -> list[Slot]:
        """Those that exist, by id, as they are seen without waiting for anybody."""
        ...

    def take(self, tx: sa.Connection, places: Mapping[int, int]) -> bool:
        """Take so many places of each; False where one has not so many, and the caller must roll back."""
        ...

    def give_back(self, tx: sa.Connection, places: Mapping[int, int]) -> None:
        """So many places of each; locks the slots itself."""
        ...

    def planned(self, tx: sa.Connection, ids: Range) -> list[SlotRow]:
        """Slots as they were planned, locked."""
        ...

    def put_slots(self, tx: sa.Connection, rows: Sequence[SlotRow]) -> None:
        """Make or change them. No place that is taken is taken away from who has it: capacity shrinks later."""
        ...

    def open_slots(self, tx: sa.Connection, ranges: Iterable[Range]) -> list[Slot]:
        """Those in these ranges that are not closed, by id; full ones, too."""
        ...


class BookingStore(Protocol):
    """Visitors, bookings, and the places that they have."""

    def lock_visitors(self, tx: sa.Connection, keys: Mapping[str, str]) -> tuple[dict[str, str], set[str]]:
        """Keys and the references that new ones are given: each one's reference, and those that are new.

        Nobody else books for any of these until the transaction ends.
        """
        ...

    def drop_visitors(self, tx: sa.Connection, keys: Collection[str]) -> None: ...

    def bookings_of(
        self, tx: sa.Connection, identities: Collection[str], mobiles: Collection[str], first: date, last: date
    ) -> list[BookingRow]:
        """All of these persons in these days, whatever became of them."""
        ...

    def add_bookings(self, tx: sa.Connection, rows: Sequence[BookingRow]) -> None: ...

    def add_places(self, tx: sa.Connection, places: Sequence[tuple[str, int]]) -> None:
        """(booking, slot): who has which."""
        ...

    def drop_places(self, tx: sa.Connection, bookings: Collection[str]) -> list[int]:
        """They have none any more; the slots of those that they had, which are still taken."""
        ...

    def booking(self, tx: sa.Connection, number: str, lock: bool = False) -> BookingRow | None:
        """With `lock`, nobody else changes it until the transaction ends."""
        ...

    def change_booking(self, tx: sa.Connection, seen: BookingRow, row: BookingRow) -> bool:
        """Its state, version and times, if it stands as seen; False where not, and the caller must roll back."""
        ...

    def expire(self, tx: sa.Connection, now: int, limit: int) -> list[str]:
        """Holds that are over become expired; their numbers. Those that somebody is confirming are left."""
        ...

    def add_returns(self, tx: sa.Connection, rows: Sequence[ReturnRow]) -> None: ...

    def due_groups(self, tx: sa.Connection, now: int) -> list[int]:
        """Groups to whose slots places are to come back."""
        ...

    def due_returns(self, tx: sa.Connection, ids: Range, now: int, limit: int) -> list[ReturnRow]:
        """Taken out: those to these slots whose time has come. The caller has locked the group."""
        ...

    def own_bookings(
        self, tx: sa.Connection, account: str | None, mobile: str | None, now: int, limit: int, offset: int
    ) -> tuple[list[BookingRow], int]:
        """Without holds that are over, and those for a closed visit; the latest visit first, and how many there are."""
        ...

    def bookings_on(
        self, tx: sa.Connection, hall: str, day: date, limit: int, offset: int
    ) -> tuple[list[BookingRow], int]:
        """A hall's, without holds, by time, and how many there are."""
        ...

    def bookings_in(self, tx: sa.Connection, group_no: int, since: date) -> list[tuple[BookingRow, list[Slot]]]:
        """Those held or booked from that day on, with the slots they have."""
        ...

    def places_of(self, tx: sa.Connection, number: str) -> list[int]:
        """The slots that a booking has."""
        ...

    def held_instead(self, tx: sa.Connection, number: str, lock: bool = False) -> list[BookingRow]:
        """Holds for the visitor of a closed booking, which is locked if these are to be."""
        ...

    def to_remind(self, tx: sa.Connection, now: int, limit: int) -> list[str]:
        """Those of whose visit is to be told by now."""
        ...

    def lock_to_remind(self, tx: sa.Connection, now: int, limit: int) -> list[BookingRow]:
        """The same, locked. What somebody else has locked is left."""
        ...

    def closed_until(self, tx: sa.Connection, now: datetime, limit: int) -> list[str]:
        """Closed, neither moved nor cancelled, their time has come, and nothing is held for them any more."""
        ...

    def missed(self, tx: sa.Connection, before: date, limit: int) -> list[str]:
        """Of days before, not closed: never checked in; or checked in unseen, and not there when called."""
        ...


class Documents(Protocol):
    """Files about a booking, which is in the form of `kernel.contracts.appointment.Appointment`."""

    def calendar(self, booking: dict[str, Any], version: int, now: datetime, language: str) -> str:
        """iCalendar; `version` grows with each change of the booking. Raises NotInThatState."""
        ...

    def qr(self, number: str) -> str:
        """SVG."""
        ...


class Store(HallStore, SlotStore, BookingStore, BlockStore, WaitingStore, ForgettingStore, QueueStore, Protocol):
    """All that is kept beside the log."""
