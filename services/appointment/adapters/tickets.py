"""Tickets and the days of queues, in tables.

Every change of a ticket names the version and the state in which it was seen: whoever comes second changes nothing.
"""

import re
from collections.abc import Collection
from datetime import date
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from services.appointment.adapters.sql import among, lock_rows, text, values_of
from services.appointment.application.queue_rows import Named, TicketRow
from services.appointment.domain.tickets import State

_ORDER = (
    "id",
    "version",
    "state",
    "hall",
    "day",
    "group_no",
    "number",
    "kind",
    "booking",
    "identity",
    "priority",
    "people",
    "rank",
    "low",
    "high",
    "issued_at",
    "first_called_at",
    "called_at",
    "at_window",
    "last_window",
    "until",
    "ended_at",
)
_NAMES = ", ".join(_ORDER)
_CHANGED = tuple(
    name for name in _ORDER if name in {"version", "state", "group_no", "rank", "at_window", "last_window"}
)
_CHANGED += ("first_called_at", "called_at", "until", "ended_at")
_COLUMNS = {"day": sa.Date()}
LIVE = "state IN ('waiting', 'called', 'parked')"


@lru_cache(maxsize=100)
def _text(query: str) -> Any:
    """A statement that is given days as dates."""
    return text(query, tuple(sorted(set(re.findall(r":(day|before)\b", query)))))


@lru_cache(maxsize=100)
def _whole(query: str) -> Any:
    """The same of one that selects whole tickets."""
    return _text(query).columns(**_COLUMNS)


def _select(condition: str) -> str:
    return f"SELECT {_NAMES} FROM ticket WHERE {condition}"


_NAMED = sa.text("SELECT no, id, name, hall_name FROM business_group WHERE hall = :hall ORDER BY no")
_BEGIN_DAY = _text(
    "INSERT INTO queue_day (group_no, day, issued, walk_ins) VALUES (:group_no, :day, 0, 0)"
    " ON CONFLICT (group_no, day) DO NOTHING"
)
_DAY = "SELECT walk_ins FROM queue_day WHERE group_no = :group_no AND day = :day"
_COUNT = _text(
    "UPDATE queue_day SET issued = issued + 1, walk_ins = walk_ins + :walk_ins"
    " WHERE group_no = :group_no AND day = :day RETURNING issued"
)
_ADD = _text(f"INSERT INTO ticket ({_NAMES}) VALUES ({', '.join(':' + name for name in _ORDER)})")
_CHANGE = sa.text(
    f"UPDATE ticket SET {', '.join(f'{name} = :{name}' for name in _CHANGED)}"
    " WHERE id = :id AND version = :seen_version AND state = :seen_state"
)
_WAITING = (
    "SELECT group_no, count(*) FROM ticket WHERE state = 'waiting' AND day = :day AND {groups}"
    " AND (rank < :rank OR (rank = :rank AND id < :id)) GROUP BY group_no"
)
_COMING = _text(
    "SELECT starts FROM booking WHERE hall = :hall AND day = :day AND group_no = :group_no AND state = 'booked'"
    " AND starts BETWEEN :first AND :last"
)
_ARRIVALS = _text(
    "SELECT count(*) FROM ticket WHERE group_no = :group_no AND day = :day AND issued_at >= :since AND kind = 'walk_in'"
)
_SERVICES = sa.text(
    "SELECT ended_at - called_at FROM ticket WHERE group_no = :group_no AND state = 'finished'"
    " ORDER BY ended_at DESC LIMIT :limit"
)
_BUSY = sa.text("SELECT at_window FROM ticket WHERE hall = :hall AND state = 'called'")
_DUE = sa.text("SELECT id FROM ticket WHERE state = 'parked' AND until <= :now ORDER BY until, id LIMIT :limit")
_LEFT = _text(f"SELECT id FROM ticket WHERE {LIVE} AND day < :before ORDER BY day, id LIMIT :limit")
_POSITION = sa.text("SELECT position FROM log_head")
_MINUTE = 60_000_000  # microseconds


class TicketTables:
    """What `application.queue_ports.TicketStore` promises."""

    def named(self, tx: sa.Connection, hall: str) -> list[Named]:
        return [Named(*row) for row in tx.execute(_NAMED, {"hall": hall})]

    def lock_day(self, tx: sa.Connection, group_no: int, day: date) -> int:
        bound, query = {"group_no": group_no, "day": day}, _text(_DAY + lock_rows(tx))
        given = tx.execute(query, bound).scalar_one_or_none()
        if given is None:  # the first of the day makes it; of several, all then wait for one row
            tx.execute(_BEGIN_DAY, bound)
            given = tx.execute(query, bound).scalar_one()
        return int(given)

    def count_ticket(self, tx: sa.Connection, group_no: int, day: date, walk_ins: int) -> int:
        return int(tx.execute(_COUNT, {"group_no": group_no, "day": day, "walk_ins": walk_ins}).scalar_one())

    def add_ticket(self, tx: sa.Connection, row: TicketRow) -> None:
        tx.execute(_ADD, {**vars(row), "state": row.state.value})

    def ticket(self, tx: sa.Connection, id: str, lock: bool = False) -> TicketRow | None:
        return _one(tx, _select("id = :id") + (lock_rows(tx) if lock else ""), id=id)

    def ticket_of_booking(self, tx: sa.Connection, booking: str) -> TicketRow | None:
        return _one(tx, _select("booking = :booking"), booking=booking)

    def live_ticket(self, tx: sa.Connection, group_no: int, day: date, identity: str) -> TicketRow | None:
        condition = f"group_no = :group_no AND day = :day AND identity = :identity AND {LIVE}"
        return _one(tx, _select(condition), group_no=group_no, day=day, identity=identity)

    def next_ticket(self, tx: sa.Connection, day: date, groups: Collection[int]) -> TicketRow | None:
        # Whoever else calls at this moment holds the row of the one it calls: we take the one behind it, and do not
        # wait. On SQLite the writing transaction itself is the lock.
        condition = f"state = 'waiting' AND day = :day AND {among(tx, 'group_no', 'groups', 'int')}"
        query = _select(condition) + " ORDER BY rank, id LIMIT 1" + lock_rows(tx, "SKIP LOCKED")
        return _one(tx, query, day=day, groups=values_of(tx, groups))

    def change_ticket(self, tx: sa.Connection, seen: TicketRow, row: TicketRow) -> bool:
        values = {name: getattr(row, name) for name in ("id", *_CHANGED)} | {"state": row.state.value}
        bound = {**values, "seen_version": seen.version, "seen_state": seen.state.value}
        return tx.execute(_CHANGE, bound).rowcount == 1

    def at_window(self, tx: sa.Connection, hall: str, window: str) -> TicketRow | None:
        return _one(tx, _select("hall = :hall AND at_window = :window AND state = 'called'"), hall=hall, window=window)

    def busy(self, tx: sa.Connection, hall: str) -> set[str]:
        return set(tx.execute(_BUSY, {"hall": hall}).scalars())

    def live_tickets(self, tx: sa.Connection, hall: str, day: date) -> list[TicketRow]:
        return _all(tx, _select(f"hall = :hall AND day = :day AND {LIVE}") + " ORDER BY rank, id", hall=hall, day=day)

    def last_calls(self, tx: sa.Connection, hall: str, day: date, limit: int) -> list[TicketRow]:
        condition = "hall = :hall AND day = :day AND called_at IS NOT NULL"
        query = _select(condition) + " ORDER BY called_at DESC, id LIMIT :limit"
        return _all(tx, query, hall=hall, day=day, limit=limit)

    def waiting(self, tx: sa.Connection, day: date, groups: Collection[int], rank: int, id: str) -> dict[int, int]:
        query = _text(_WAITING.format(groups=among(tx, "group_no", "groups", "int")))
        rows = tx.execute(query, {"day": day, "groups": values_of(tx, groups), "rank": rank, "id": id})
        return {row[0]: row[1] for row in rows}

    def coming(self, tx: sa.Connection, hall: str, group_no: int, day: date, first: int, last: int) -> list[int]:
        bound = {"hall": hall, "group_no": group_no, "day": day, "first": first, "last": last}
        return list(tx.execute(_COMING, bound).scalars())

    def arrivals(self, tx: sa.Connection, group_no: int, day: date, since: int) -> int:
        return int(tx.execute(_ARRIVALS, {"group_no": group_no, "day": day, "since": since}).scalar_one())

    def services(self, tx: sa.Connection, group_no: int, limit: int) -> list[float]:
        rows = tx.execute(_SERVICES, {"group_no": group_no, "limit": limit}).scalars()
        return [took / _MINUTE for took in rows]

    def due_tickets(self, tx: sa.Connection, now: int, limit: int) -> list[str]:
        return list(tx.execute(_DUE, {"now": now, "limit": limit}).scalars())

    def position(self, tx: sa.Connection) -> int:
        return int(tx.execute(_POSITION).scalar_one())

    def left_over(self, tx: sa.Connection, before: date, limit: int) -> list[str]:
        return list(tx.execute(_LEFT, {"before": before, "limit": limit}).scalars())


def _all(tx: sa.Connection, query: str, **bound: Any) -> list[TicketRow]:
    return [_row(*row) for row in tx.execute(_whole(query), bound)]


def _one(tx: sa.Connection, query: str, **bound: Any) -> TicketRow | None:
    found = _all(tx, query, **bound)
    return found[0] if found else None


def _row(*values: Any) -> TicketRow:
    named = dict(zip(_ORDER, values, strict=True))
    return TicketRow(**{**named, "state": State(named["state"])})
