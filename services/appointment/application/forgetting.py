"""What tells of a person goes once nothing needs it any more: contacts, digests of numbers, what was written, keys.

Bookings and tickets stay, as the log has them; the person that they were of is nobody's any more.
"""

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from kernel.ids import new_id
from services.appointment.application.one_by_one import one_by_one
from services.appointment.application.rows import StaleRow
from services.appointment.application.tools import Tools
from services.appointment.domain.keeping import Stale, stale
from services.appointment.domain.times import day_of

_AT_ONCE = 100  # in one transaction: who books at this moment waits for no more than these


class Forgetting:
    """To be called every few minutes, by any number of processes."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def turn(self) -> int:
        """All that is due; how many rows."""
        with self._tools.database.single() as tx:
            rules = self._tools.store.rules(tx)
        today = day_of(self._tools.clock.now())
        return one_by_one("personal data", stale(rules, today), self._all).done

    def _all(self, what: Stale) -> int:
        total = count = self.some(what)
        while count:
            count = self.some(what)
            total += count
        return total

    def some(self, what: Stale) -> int:
        """As much of it as one transaction takes. Most of the time there is none, and nobody is locked."""
        store = self._tools.store
        with self._tools.database.single() as tx:
            rows = store.stale(tx, what, _AT_ONCE)
        return self._forget(what, rows) if rows else 0

    def _forget(self, what: Stale, rows: Sequence[StaleRow]) -> int:
        keys = {key for one in rows for key in one.keys}
        with self._tools.database.write() as tx:
            # From here on nobody books, waits or appeals under these, so what nothing refers to stays so.
            self._tools.store.lock_visitors(tx, {key: new_id() for key in keys})
            count = self._tools.store.forget(tx, what, [one.id for one in rows])
            self._forget_visitors(tx, keys)
        return count

    def _forget_visitors(self, tx: sa.Connection, keys: Collection[str]) -> None:
        """Those to whom nothing refers any more. Who comes again is somebody new."""
        gone = self._tools.store.drop_unknown_visitors(tx, keys)
        self._tools.idempotency.forget_owners(tx, gone)
        self._tools.vault.forget(tx, [*gone, *gone.values()])
