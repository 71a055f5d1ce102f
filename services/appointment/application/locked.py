"""What a transaction has locked, and what it does with it.

Nobody else changes it in the meantime: where a row is not as it was seen, a lock is missing, and all is rolled back.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from services.appointment.application.rows import AppealRow, BookingRow, EntryRow
from services.appointment.application.tools import Tools


def lock_visitors_of(tools: Tools, tx: sa.Connection, rows: Iterable[BookingRow | EntryRow | AppealRow]) -> None:
    """All of these, whose visitors are known. Visitors come before bookings, as with all who count what they have."""
    tools.store.lock_visitors(tx, {key: row.visitor for row in rows for key in (row.identity, row.mobile)})


def change_locked(tools: Tools, tx: sa.Connection, row: BookingRow, after: BookingRow) -> BookingRow:
    """The booking, or the hold, as it is from now on."""
    if not tools.store.change_booking(tx, row, after):
        raise RuntimeError(f"a booking that was locked has changed: {row.number}")
    return after


def change_entries_locked(tools: Tools, tx: sa.Connection, changes: Sequence[tuple[EntryRow, EntryRow]]) -> None:
    """Entries of the waiting list, from what was seen to what is now."""
    if not tools.store.change_entries(tx, changes):
        raise RuntimeError(f"an entry that was locked has changed: {', '.join(row.number for row, _ in changes)}")


def add_with_places(tools: Tools, tx: sa.Connection, new: Sequence[tuple[BookingRow, Sequence[int]]]) -> None:
    """Bookings and holds, with the slots that each takes a place of: they are locked, and have it."""
    if not tools.store.take(tx, Counter(slot for _, slots in new for slot in slots)):
        raise RuntimeError("places that were locked and free could not be taken")
    tools.store.add_bookings(tx, [row for row, _ in new])
    tools.store.add_places(tx, [(row.number, slot) for row, slots in new for slot in slots])
