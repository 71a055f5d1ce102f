"""What tells of a person and is needed no more, found in tables, counted, and taken out of them.

Bookings that the log tells of and tickets are kept without it; other rows go.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from kernel.clock import from_micros, to_micros
from services.appointment.adapters.sql import among, text, values_of
from services.appointment.adapters.tickets import LIVE
from services.appointment.application.rows import NOBODY, StaleRow
from services.appointment.domain.keeping import Stale
from services.appointment.domain.times import day_of, instant


@dataclass(frozen=True)
class _Kind:
    """How rows of a kind are found and forgotten. `day`, `moment`: when what they are about was over, the later."""

    id: str
    rows: str  # FROM … WHERE …
    forget: str
    keys: str = "identity, mobile"
    day: str = "NULL"
    moment: str = "NULL"


_BLANK = f"UPDATE booking SET contact = NULL, account = NULL, identity = '{NOBODY}', mobile = '{NOBODY}' WHERE number"
# No order: what is found first goes first, and what went is not looked at again.
_KINDS = {
    "entries": _Kind(
        id="number",
        rows="FROM waiting WHERE last_day < :before",
        day="last_day",
        forget="DELETE FROM waiting WHERE number",
    ),
    "holds": _Kind(
        id="number",
        rows="FROM booking b WHERE state = 'expired' AND held_until < :moment"
        " AND NOT EXISTS (SELECT 1 FROM waiting w WHERE w.booking = b.number)",
        moment="held_until",
        forget="DELETE FROM booking WHERE number",
    ),
    "appeals": _Kind(
        id="a.id",
        rows="FROM appeal a JOIN block k ON k.booking = a.booking"
        " WHERE a.state <> 'open' AND a.decided_at < :moment AND k.until < :before",
        keys="a.identity, a.mobile",
        day="k.until",
        moment="a.decided_at",
        forget="DELETE FROM appeal WHERE id",
    ),
    "blocks": _Kind(
        id="booking",
        rows="FROM block k WHERE until < :before AND NOT EXISTS (SELECT 1 FROM appeal a WHERE a.booking = k.booking)",
        day="until",
        forget="DELETE FROM block WHERE booking",
    ),
    "visits": _Kind(
        id="number",
        rows="FROM booking WHERE state IN ('checked_in', 'served', 'cancelled') AND day < :before"
        f" AND identity <> '{NOBODY}'",
        day="day",
        forget=_BLANK,
    ),
    "missed": _Kind(
        # Whatever the rule says today: a block that is not forgotten, and an appeal, need what they rest on.
        id="number",
        rows=f"FROM booking b WHERE state = 'no_show' AND day < :before AND identity <> '{NOBODY}' AND {{halls}}"
        " AND NOT EXISTS (SELECT 1 FROM block k WHERE k.hall = b.hall AND k.identity = b.identity)"
        " AND NOT EXISTS (SELECT 1 FROM block k WHERE k.hall = b.hall AND k.mobile = b.mobile)"
        " AND NOT EXISTS (SELECT 1 FROM appeal a WHERE a.hall = b.hall AND a.identity = b.identity)"
        " AND NOT EXISTS (SELECT 1 FROM appeal a WHERE a.hall = b.hall AND a.mobile = b.mobile)",
        day="day",
        forget=_BLANK,
    ),
    "tickets": _Kind(
        id="id",
        rows=f"FROM ticket WHERE day < :before AND (identity IS NOT NULL OR priority <> 'none') AND NOT ({LIVE})",
        keys="NULL, NULL",  # whoever has but a ticket is known by no reference
        day="day",
        forget="UPDATE ticket SET identity = NULL, priority = 'none' WHERE id",
    ),
}
# All that refers to a visitor's key.
_KNOWN = " AND ".join(
    f"NOT EXISTS (SELECT 1 FROM {table} WHERE {table}.{column} = visitor.key)"
    for table in ("booking", "waiting", "block", "appeal")
    for column in ("identity", "mobile")
)
_DROP = f"DELETE FROM visitor WHERE {{keys}} AND {_KNOWN} RETURNING key, reference"


class ForgettingTables:
    """What `application.waiting_ports.ForgettingStore` promises."""

    def stale(self, tx: sa.Connection, what: Stale, limit: int) -> list[StaleRow]:
        kind, (rows, bound) = _KINDS[what.kind], _due(tx, what)
        found = tx.execute(_text(f"SELECT {kind.id}, {kind.keys} {rows} LIMIT :limit"), {**bound, "limit": limit})
        return [StaleRow(id, frozenset(key for key in keys if key is not None)) for id, *keys in found]

    def forget(self, tx: sa.Connection, what: Stale, ids: Collection[str]) -> int:
        kind, (rows, bound) = _KINDS[what.kind], _due(tx, what)
        still = f"SELECT {kind.id} {rows} AND {among(tx, kind.id, 'ids')}"  # what was found may have changed since
        return tx.execute(_text(f"{kind.forget} IN ({still})"), {**bound, "ids": values_of(tx, ids)}).rowcount

    def drop_unknown_visitors(self, tx: sa.Connection, keys: Collection[str]) -> dict[str, str]:
        query = _DROP.format(keys=among(tx, "key", "keys"))
        rows = tx.execute(text(query), {"keys": values_of(tx, sorted(keys))}).all()
        return {row[0]: row[1] for row in rows}


def due(tx: sa.Connection, what: Stale) -> tuple[int, datetime | None]:
    """How much of it has to be forgotten, and since when the first has."""
    kind, (rows, bound) = _KINDS[what.kind], _due(tx, what)
    count = tx.execute(_text(f"SELECT count(*) {rows}"), bound).scalar_one()
    if not count:
        return 0, None
    first = _text(f"SELECT {kind.day} AS day, {kind.moment} AS moment {rows} ORDER BY 1, 2 LIMIT 1")
    day, moment = tx.execute(first.columns(day=sa.Date, moment=sa.BigInteger), bound).one()
    return count, instant(_over(day, moment) + what.kept + timedelta(days=1), 0)


def _over(day: date | None, moment: int | None) -> date:
    days = [day, None if moment is None else day_of(from_micros(moment))]
    return max(one for one in days if one is not None)


def _text(query: str) -> Any:
    return text(query, ("before",) if ":before" in query else ())


def _due(tx: sa.Connection, what: Stale) -> tuple[str, dict[str, Any]]:
    rows = _KINDS[what.kind].rows
    given = {"before": what.before, "moment": to_micros(instant(what.before, 0)), "halls": values_of(tx, what.halls)}
    bound = {name: value for name, value in given.items() if f":{name}" in rows or f"{{{name}}}" in rows}
    return rows.format(halls=among(tx, "hall", "halls")), bound
