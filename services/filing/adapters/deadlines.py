"""When the clock has to look at which case, in a table."""

from collections.abc import Sequence

import sqlalchemy as sa

from services.filing.application.rows import LookRow

_SET = sa.text(
    "INSERT INTO clock_look (serial, look_at) VALUES (:serial, :look_at)"
    " ON CONFLICT (serial) DO UPDATE SET look_at = excluded.look_at"
)
_DUE = sa.text("SELECT serial, look_at FROM clock_look WHERE look_at <= :now ORDER BY look_at LIMIT :limit")
# Only as it was seen: what was set in between stands for something newer.
_DONE = sa.text("DELETE FROM clock_look WHERE serial = :serial AND look_at = :look_at")
_AGAIN = sa.text("UPDATE clock_look SET look_at = :again WHERE serial = :serial AND look_at = :look_at")


class DeadlineTables:
    """What `application.ports.DeadlineStore` promises."""

    def set_looks(self, tx: sa.Connection, rows: Sequence[LookRow]) -> None:
        if rows:
            # All in one order, so that two who set the same ones cannot each wait for the other.
            tx.execute(_SET, [vars(row) for row in sorted(rows, key=lambda row: row.serial)])

    def looks(self, tx: sa.Connection, now: int, limit: int) -> list[LookRow]:
        return [LookRow(**row) for row in tx.execute(_DUE, {"now": now, "limit": limit}).mappings()]

    def look_again(self, tx: sa.Connection, seen: LookRow, again: int | None) -> bool:
        if again is None:
            return tx.execute(_DONE, vars(seen)).rowcount == 1
        return tx.execute(_AGAIN, {**vars(seen), "again": again}).rowcount == 1
