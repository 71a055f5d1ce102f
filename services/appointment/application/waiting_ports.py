"""What the waiting list, blocks, appeals and the forgetting of all these need of their store, beside what `ports` has.

Every method works in the transaction that it is given, and commits nothing.
"""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Protocol

import sqlalchemy as sa

from services.appointment.application.rows import AppealRow, BlockRow, EntryRow, MarkRow, StaleRow
from services.appointment.domain.halls import Group
from services.appointment.domain.keeping import Stale


class BlockStore(Protocol):
    """Blocks that missed visits brought, and appeals against them."""

    def blocks_of(self, tx: sa.Connection, keys: Collection[str], today: date) -> list[BlockRow]:
        """Blocks of these visitor keys that are neither over nor lifted."""
        ...

    def add_block(self, tx: sa.Connection, row: BlockRow) -> None: ...

    def lift_block(self, tx: sa.Connection, booking: str, at: int, by: str) -> None: ...

    def add_appeal(self, tx: sa.Connection, row: AppealRow) -> None: ...

    def appeal(self, tx: sa.Connection, id: str) -> AppealRow | None: ...

    def appealed(self, tx: sa.Connection, booking: str) -> bool:
        """Whether an appeal against the block of this no-show is open. Nobody else files one in the meantime."""
        ...

    def decide_appeal(self, tx: sa.Connection, row: AppealRow) -> None:
        """Its state and what belongs to it, if it is open."""
        ...

    def grant_appeals(self, tx: sa.Connection, booking: str, at: int, by: str) -> None:
        """Those open against the block of this no-show, which is lifted."""
        ...

    def appeals(
        self, tx: sa.Connection, hall: str, state: str | None, limit: int, offset: int
    ) -> tuple[list[AppealRow], int]:
        """Of a hall, the oldest first, and how many there are."""
        ...


class ForgettingStore(Protocol):
    """What tells of a person and is needed no more."""

    def stale(self, tx: sa.Connection, what: Stale, limit: int) -> list[StaleRow]:
        """Some of it."""
        ...

    def forget(self, tx: sa.Connection, what: Stale, ids: Collection[str]) -> int:
        """These of it, whose visitors are locked; how many there still were."""
        ...

    def drop_unknown_visitors(self, tx: sa.Connection, keys: Collection[str]) -> dict[str, str]:
        """Those of these to whom nothing refers, with their references. The caller has locked them."""
        ...


class WaitingStore(Protocol):
    """The waiting list, and groups that were planned anew."""

    def lock_group(self, tx: sa.Connection, no: int) -> None:
        """Nobody else plans it, offers its places or joins its list until the transaction ends."""
        ...

    def next_place(self, tx: sa.Connection, hall: str) -> int:
        """Behind all who ever joined at groups that the caller has locked: no other's place is the same there."""
        ...

    def add_entry(self, tx: sa.Connection, row: EntryRow) -> None: ...

    def entry(self, tx: sa.Connection, number: str, lock: bool = False) -> EntryRow | None: ...

    def own_entries(
        self, tx: sa.Connection, account: str | None, mobile: str | None, limit: int, offset: int
    ) -> tuple[list[EntryRow], int]:
        """The last first, and how many there are: of an account, or of a guest by the key of the mobile."""
        ...

    def entries_in(self, tx: sa.Connection, group: Group, first: date, last: date) -> list[EntryRow]:
        """Those that wait for any of these days and for what the group handles, the oldest first."""
        ...

    def lock_entries(self, tx: sa.Connection, numbers: Collection[str]) -> list[EntryRow]:
        """Those of these that still wait, the oldest first."""
        ...

    def lock_entries_of(
        self, tx: sa.Connection, identities: Collection[str], mobiles: Collection[str]
    ) -> list[EntryRow]:
        """Those of these persons that wait. The caller has locked the visitors."""
        ...

    def open_entries(self, tx: sa.Connection, hall: str, identity: str, mobile: str, today: date) -> int:
        """How many the person has at the hall that wait, or are offered a time."""
        ...

    def entries_before(self, tx: sa.Connection, row: EntryRow, groups: Collection[Group]) -> int:
        """How many wait for longer for any of the same days, and for what one of these groups of its hall handles."""
        ...

    def change_entries(self, tx: sa.Connection, changes: Sequence[tuple[EntryRow, EntryRow]]) -> bool:
        """From what was seen to what is now; False where one is not as seen, and the caller must roll back."""
        ...

    def mark_replanned(self, tx: sa.Connection, group_no: int, mark: str, at: int) -> None:
        """The group's bookings are to be looked at, since the first such mark."""
        ...

    def replanned(self, tx: sa.Connection) -> list[MarkRow]: ...

    def defer_replanned(self, tx: sa.Connection, group_no: int, until: int) -> None:
        """They were looked at, and are to be once more: it is not late until then."""
        ...

    def forget_replanned(self, tx: sa.Connection, group_no: int, mark: str) -> None:
        """Unless it was marked anew."""
        ...
