"""Visitors, bookings and the places they have, in tables.

Every change of a booking names the version and the state in which it was seen: whoever comes second changes nothing.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from kernel.clock import to_micros
from services.appointment.adapters.sql import among, joined, lock_rows, on_postgresql, pairs, split, text, values_of
from services.appointment.application.ports import Range
from services.appointment.application.rows import BookingRow, ReturnRow
from services.appointment.domain.booking import State
from services.appointment.domain.slots import GROUP_BITS, Slot
from services.appointment.domain.times import day_of, minute_of

_NAMES = (
    "number, version, state, hall, group_no, day, starts, ends, people, items, identity, mobile, visitor, account,"
    " language, contact, held_until, made_at, instead_of, closed, remind_at, excused,"
    " moves, unseen"
)
_DAYS = [sa.bindparam("first", type_=sa.Date), sa.bindparam("last", type_=sa.Date)]
_ORDER = [name.strip() for name in _NAMES.split(",")]
_NEW = [name for name in _ORDER if name not in ("closed", "excused", "moves", "unseen")]  # no booking begins so
_ADD = sa.text(f"INSERT INTO booking ({', '.join(_NEW)}) VALUES ({', '.join(':' + name for name in _NEW)})").bindparams(
    sa.bindparam("day", type_=sa.Date)
)
_TYPES = {"version": "int", "group_no": "int", "day": "date", "starts": "int", "ends": "int", "people": "int"} | {
    "contact": "bytea",
    "held_until": "bigint",
    "made_at": "bigint",
    "remind_at": "bigint",
}
_ADD_ALL = sa.text(
    f"INSERT INTO booking ({', '.join(_NEW)}) SELECT * FROM unnest("
    + ", ".join(split(name, _TYPES.get(name, "text")) for name in _NEW)
    + ")"
)
_OF = (
    f"SELECT {_NAMES} FROM booking WHERE {{identity}} AND day BETWEEN :first AND :last"
    f" UNION SELECT {_NAMES} FROM booking WHERE {{mobile}} AND day BETWEEN :first AND :last"
)
_FIND = f"SELECT {_NAMES} FROM booking WHERE number = :number"
_CHANGE = sa.text(
    "UPDATE booking SET state = :state, version = :version, day = :day, starts = :starts, ends = :ends,"
    " held_until = :held_until, closed = :closed, remind_at = :remind_at, excused = :excused,"
    " moves = :moves, unseen = :unseen,"
    # Nobody is told anything about a hold that has ended.
    " contact = CASE WHEN :over THEN NULL ELSE contact END"
    " WHERE number = :number AND version = :seen_version AND state = :seen_state"
).bindparams(sa.bindparam("day", type_=sa.Date))
_CHANGED = (
    *("number", "version", "day", "starts", "ends", "held_until"),
    *("closed", "remind_at", "excused", "moves", "unseen"),
)
_OVER = "SELECT number FROM booking WHERE state = 'held' AND held_until <= :now ORDER BY number LIMIT :limit"
_EXPIRE = (
    "UPDATE booking SET state = 'expired', contact = NULL"
    " WHERE state = 'held' AND held_until <= :now AND {numbers} RETURNING number"
)
# Visits of days that are over for which nobody came.
MISSED = (
    "FROM (SELECT number, day FROM booking WHERE state = 'booked' AND day < :before AND NOT closed"
    " UNION ALL SELECT b.number, b.day FROM booking b JOIN ticket t ON t.booking = b.number"
    " WHERE b.state = 'checked_in' AND b.unseen AND b.day < :before AND NOT b.closed AND t.state = 'missed') AS missed"
)
_MISSED = sa.text(f"SELECT number {MISSED} ORDER BY day, number LIMIT :limit").bindparams(
    sa.bindparam("before", type_=sa.Date)
)
# Closed visits whose time has come, and for which nothing is held any more.
CLOSED_UNTIL = (
    "FROM booking b WHERE state = 'booked' AND closed AND (day < :today OR day = :today AND starts <= :minute)"
    " AND NOT EXISTS (SELECT 1 FROM booking h WHERE h.instead_of = b.number AND h.state = 'held'"
    " AND h.held_until > :now)"
)
_CLOSED = sa.text(f"SELECT number {CLOSED_UNTIL} ORDER BY day, number LIMIT :limit").bindparams(
    sa.bindparam("today", type_=sa.Date)
)
_TO_REMIND = (
    "FROM booking WHERE state = 'booked' AND remind_at IS NOT NULL AND remind_at <= :now"
    " ORDER BY remind_at, number LIMIT :limit"
)
_INSTEAD = f"SELECT {_NAMES} FROM booking WHERE instead_of = :number AND state = 'held' ORDER BY day, starts, number"
_OWN = (
    "FROM booking WHERE {whose} AND state <> 'expired'"
    " AND (state <> 'held' OR (held_until > :now AND instead_of IS NULL))"
)
_ON = "FROM booking WHERE hall = :hall AND day = :day AND state <> 'expired' AND state <> 'held'"
_ON_COUNT = sa.text(f"SELECT count(*) {_ON}").bindparams(sa.bindparam("day", type_=sa.Date))
_ON_PAGE = (
    sa.text(f"SELECT {_NAMES} {_ON} ORDER BY starts, number LIMIT :limit OFFSET :offset")
    .bindparams(sa.bindparam("day", type_=sa.Date))
    .columns(day=sa.Date())
)
_IN = (
    f"SELECT {', '.join('b.' + name.strip() for name in _NAMES.split(','))}, s.id, s.minutes, s.capacity - s.taken,"
    " s.closed FROM booking b JOIN booking_slot p ON p.booking = b.number JOIN slot s ON s.id = p.slot"
    " WHERE b.group_no = :group_no AND b.hall = (SELECT hall FROM business_group WHERE no = :group_no)"
    " AND b.day >= :since AND b.state IN ('held', 'booked') ORDER BY b.day, b.starts, b.number, s.id"
)
_PLAN_ANEW = sa.text("SET LOCAL plan_cache_mode = force_custom_plan")
_NEW_VISITOR = sa.text("INSERT INTO visitor (key, reference) VALUES (:key, :reference)")
_ADD_RETURN = sa.text("INSERT INTO place_return (id, slot, due_at) VALUES (:id, :slot, :due_at)")
_DUE_GROUPS = "SELECT DISTINCT slot >> {bits:d} FROM place_return WHERE due_at <= :now ORDER BY 1"
_DUE = (
    "DELETE FROM place_return WHERE id IN (SELECT id FROM place_return WHERE due_at <= :now"
    " AND slot BETWEEN :low AND :high ORDER BY due_at, id LIMIT :limit) RETURNING id, slot, due_at"
)
_COLUMNS = {"day": sa.Date()}


class BookingTables:
    """What `application.ports.BookingStore` promises."""

    def lock_visitors(self, tx: sa.Connection, keys: Mapping[str, str]) -> tuple[dict[str, str], set[str]]:
        if on_postgresql(tx):
            # A plan that was made and kept while a table was small reads all of it when it is not.
            tx.execute(_PLAN_ANEW)
        # In one order everywhere, so that two who lock the same ones cannot each wait for the other.
        ordered = sorted(keys)
        new = self._add_visitors(tx, [(key, keys[key]) for key in ordered])
        known = [key for key in ordered if key not in new]
        if not known:
            return dict(keys), new
        query = f"SELECT key, reference FROM visitor WHERE {among(tx, 'key', 'keys')} ORDER BY key" + lock_rows(tx)
        found = {row[0]: row[1] for row in tx.execute(text(query), {"keys": values_of(tx, known)})}
        # There a moment ago, and forgotten before we had them: they are new.
        lost = {key: keys[key] for key in known if key not in found}
        again, made = self.lock_visitors(tx, lost) if lost else ({}, set[str]())
        return {**keys, **found, **again}, new | made

    def _add_visitors(self, tx: sa.Connection, visitors: Sequence[tuple[str, str]]) -> set[str]:
        if on_postgresql(tx):
            query = (
                f"INSERT INTO visitor (key, reference) SELECT a, b FROM {pairs(('text', 'text'))} ORDER BY n"
                " ON CONFLICT (key) DO NOTHING RETURNING key"
            )
            bound = {"a": joined(key for key, _ in visitors), "b": joined(reference for _, reference in visitors)}
            return set(tx.execute(text(query), bound).scalars())
        query = f"SELECT key FROM visitor WHERE {among(tx, 'key', 'keys')}"
        known = set(tx.execute(sa.text(query), {"keys": values_of(tx, [key for key, _ in visitors])}).scalars())
        new = [{"key": key, "reference": reference} for key, reference in visitors if key not in known]
        if new:
            tx.execute(_NEW_VISITOR, new)
        return {one["key"] for one in new}

    def drop_visitors(self, tx: sa.Connection, keys: Collection[str]) -> None:
        query = f"DELETE FROM visitor WHERE {among(tx, 'key', 'keys')}"
        tx.execute(text(query), {"keys": values_of(tx, keys)})

    def bookings_of(
        self, tx: sa.Connection, identities: Collection[str], mobiles: Collection[str], first: date, last: date
    ) -> list[BookingRow]:
        # Two halves, each read from its own index.
        query = _OF.format(identity=among(tx, "identity", "identities"), mobile=among(tx, "mobile", "mobiles"))
        bound = {"identities": values_of(tx, identities), "mobiles": values_of(tx, mobiles)}
        statement = text(query, ("first", "last"), ("day",))
        return [_row(*row) for row in tx.execute(statement, {**bound, "first": first, "last": last})]

    def add_bookings(self, tx: sa.Connection, rows: Sequence[BookingRow]) -> None:
        written = [{**vars(row), "state": row.state.value, "items": json.dumps(row.items)} for row in rows]
        if on_postgresql(tx) and written:  # one statement for all is several times cheaper than one for each
            tx.execute(_ADD_ALL, {name: joined(map(_text, column)) for name, column in _columns(written)})
        elif written:
            tx.execute(_ADD, written)

    def add_places(self, tx: sa.Connection, places: Sequence[tuple[str, int]]) -> None:
        if not places:
            return
        if on_postgresql(tx):
            bound = {"a": joined(booking for booking, _ in places), "b": joined(slot for _, slot in places)}
            query = f"INSERT INTO booking_slot (booking, slot) SELECT a, b FROM {pairs(('text', 'bigint'))}"
            tx.execute(text(query), bound)
        else:
            query = "INSERT INTO booking_slot (booking, slot) VALUES (:a, :b)"
            tx.execute(sa.text(query), [{"a": booking, "b": slot} for booking, slot in places])

    def drop_places(self, tx: sa.Connection, bookings: Collection[str]) -> list[int]:
        query = f"DELETE FROM booking_slot WHERE {among(tx, 'booking', 'bookings')} RETURNING slot"
        return sorted(tx.execute(sa.text(query), {"bookings": values_of(tx, bookings)}).scalars())

    def booking(self, tx: sa.Connection, number: str, lock: bool = False) -> BookingRow | None:
        statement = sa.text(_FIND + (lock_rows(tx) if lock else "")).columns(**_COLUMNS)
        row = tx.execute(statement, {"number": number}).one_or_none()
        return None if row is None else _row(*row)

    def change_booking(self, tx: sa.Connection, seen: BookingRow, row: BookingRow) -> bool:
        values = {name: getattr(row, name) for name in _CHANGED} | {"state": str(row.state)}
        bound = {**values, "seen_version": seen.version, "seen_state": str(seen.state)}
        return tx.execute(_CHANGE, {**bound, "over": row.state is State.EXPIRED}).rowcount == 1

    def expire(self, tx: sa.Connection, now: int, limit: int) -> list[str]:
        over = tx.execute(sa.text(_OVER + lock_rows(tx, "SKIP LOCKED")), {"now": now, "limit": limit}).scalars().all()
        if not over:
            return []
        query = sa.text(_EXPIRE.format(numbers=among(tx, "number", "numbers")))
        return list(tx.execute(query, {"now": now, "numbers": values_of(tx, over)}).scalars())

    def add_returns(self, tx: sa.Connection, rows: Sequence[ReturnRow]) -> None:
        if rows:
            tx.execute(_ADD_RETURN, [vars(row) for row in rows])

    def due_groups(self, tx: sa.Connection, now: int) -> list[int]:
        return list(tx.execute(sa.text(_DUE_GROUPS.format(bits=GROUP_BITS)), {"now": now}).scalars())

    def due_returns(self, tx: sa.Connection, ids: Range, now: int, limit: int) -> list[ReturnRow]:
        bound = {"now": now, "low": ids[0], "high": ids[1], "limit": limit}
        return [ReturnRow(*row) for row in tx.execute(sa.text(_DUE), bound)]

    def own_bookings(
        self, tx: sa.Connection, account: str | None, mobile: str | None, now: int, limit: int, offset: int
    ) -> tuple[list[BookingRow], int]:
        whose = "account = :whose" if account is not None else "mobile = :whose AND account IS NULL"
        source, bound = _OWN.format(whose=whose), {"whose": account or mobile, "now": now}
        total = tx.execute(sa.text(f"SELECT count(*) {source}"), bound).scalar_one()
        page = f"SELECT {_NAMES} {source} ORDER BY day DESC, starts DESC, number LIMIT :limit OFFSET :offset"
        rows = tx.execute(sa.text(page).columns(**_COLUMNS), {**bound, "limit": limit, "offset": offset})
        return [_row(*row) for row in rows], total

    def bookings_on(
        self, tx: sa.Connection, hall: str, day: date, limit: int, offset: int
    ) -> tuple[list[BookingRow], int]:
        bound = {"hall": hall, "day": day}
        total = tx.execute(_ON_COUNT, bound).scalar_one()
        rows = tx.execute(_ON_PAGE, {**bound, "limit": limit, "offset": offset})
        return [_row(*row) for row in rows], total

    def bookings_in(self, tx: sa.Connection, group_no: int, since: date) -> list[tuple[BookingRow, list[Slot]]]:
        statement = sa.text(_IN).bindparams(sa.bindparam("since", type_=sa.Date)).columns(**_COLUMNS)
        rows = tx.execute(statement, {"group_no": group_no, "since": since}).all()
        found = []
        for _, places in groupby(rows, lambda row: row[0]):
            of_it = list(places)
            slots = [Slot(row[-4], row[-3], row[-2], bool(row[-1])) for row in of_it]
            found.append((_row(*of_it[0][:-4]), slots))
        return found

    def places_of(self, tx: sa.Connection, number: str) -> list[int]:
        rows = tx.execute(sa.text("SELECT slot FROM booking_slot WHERE booking = :number"), {"number": number})
        return sorted(rows.scalars())

    def held_instead(self, tx: sa.Connection, number: str, lock: bool = False) -> list[BookingRow]:
        statement = sa.text(_INSTEAD + (lock_rows(tx) if lock else "")).columns(**_COLUMNS)
        return [_row(*row) for row in tx.execute(statement, {"number": number})]

    def to_remind(self, tx: sa.Connection, now: int, limit: int) -> list[str]:
        return list(tx.execute(sa.text(f"SELECT number {_TO_REMIND}"), {"now": now, "limit": limit}).scalars())

    def lock_to_remind(self, tx: sa.Connection, now: int, limit: int) -> list[BookingRow]:
        query = f"SELECT {_NAMES} {_TO_REMIND}" + lock_rows(tx, "SKIP LOCKED")
        statement = sa.text(query).columns(**_COLUMNS)
        return [_row(*row) for row in tx.execute(statement, {"now": now, "limit": limit})]

    def closed_until(self, tx: sa.Connection, now: datetime, limit: int) -> list[str]:
        bound = {"today": day_of(now), "minute": minute_of(now), "now": to_micros(now), "limit": limit}
        return list(tx.execute(_CLOSED, bound).scalars())

    def missed(self, tx: sa.Connection, before: date, limit: int) -> list[str]:
        return list(tx.execute(_MISSED, {"before": before, "limit": limit}).scalars())


def _columns(written: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Any]]]:
    return [(name, [one[name] for one in written]) for name in _NEW]


def _text(value: Any) -> Any:
    return f"\\x{value.hex()}" if isinstance(value, bytes) else value


def _row(*values: Any) -> BookingRow:
    named = dict(zip(_ORDER, values, strict=True))
    contact = named["contact"]
    named |= {"state": State(named["state"]), "items": tuple(json.loads(named["items"]))}
    named |= {name: bool(named[name]) for name in ("closed", "excused", "unseen")}
    return BookingRow(**{**named, "contact": None if contact is None else bytes(contact)})
