"""Places that are given up: they come back to their slots later, or at once, and always by the same way.

They stay taken until then, so that nobody can get one before the waiting list was asked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from kernel.clock import to_micros
from kernel.ids import new_id
from services.appointment.application.locked import change_locked
from services.appointment.application.rows import BookingRow, ReturnRow
from services.appointment.application.tools import Tools
from services.appointment.domain.booking import State


def give_up(tools: Tools, tx: sa.Connection, slots: Iterable[int], due: datetime | None = None) -> None:
    """A place of each of these comes back: at `due`, or at once."""
    due_at = to_micros(due or tools.clock.now())
    tools.store.add_returns(tx, [ReturnRow(new_id(), slot, due_at) for slot in slots])


def give_up_secretly(tools: Tools, tx: sa.Connection, slots: Iterable[int]) -> None:
    """They come back when nobody can foresee, so that none can be passed on to a buyer."""
    give_up(tools, tx, slots, tools.clock.now() + tools.return_delay())


def give_up_hold(tools: Tools, tx: sa.Connection, hold: BookingRow) -> BookingRow:
    """The hold, which is locked, is ended by its visitor; its places come back as those of a cancelled booking do."""
    after = change_locked(tools, tx, hold, replace(hold, state=State.EXPIRED))
    give_up_secretly(tools, tx, tools.store.drop_places(tx, [hold.number]))
    return after


def release(tools: Tools, tx: sa.Connection, holds: Sequence[BookingRow]) -> None:
    """End these holds, which are locked."""
    for row in holds:
        change_locked(tools, tx, row, replace(row, state=State.EXPIRED))
    give_up(tools, tx, tools.store.drop_places(tx, [row.number for row in holds]))
