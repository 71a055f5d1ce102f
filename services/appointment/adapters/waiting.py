"""The waiting list in a table, and which groups have bookings to be looked at after a change of plan."""

import json
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from services.appointment.adapters.sql import among, lock_rows, text, values_of
from services.appointment.application.rows import EntryRow, MarkRow
from services.appointment.domain.halls import Group
from services.appointment.domain.waiting import Entry

_NAMES = (
    "number, version, state, hall, group_no, first_day, last_day, since, until, people, items, identity, mobile,"
    " visitor, account, language, contact, booking, place, made_at"
)
_ORDER = [name.strip() for name in _NAMES.split(",")]
_DATES = {"first_day": sa.Date(), "last_day": sa.Date()}
_DAYS = [sa.bindparam("first", type_=sa.Date), sa.bindparam("last", type_=sa.Date)]
_ADD = sa.text(f"INSERT INTO waiting ({_NAMES}) VALUES ({', '.join(':' + name for name in _ORDER)})").bindparams(
    sa.bindparam("first_day", type_=sa.Date), sa.bindparam("last_day", type_=sa.Date)
)
_FIND = f"SELECT {_NAMES} FROM waiting WHERE number = :number"
_WAIT = f"SELECT {_NAMES} FROM waiting WHERE state = 'waiting'"
# Of all groups of the hall: where else an entry waits than where it joined, what it is for tells.
_AT_HALL = "group_no IN (SELECT no FROM business_group WHERE hall = :hall)"
_IN = f"{_WAIT} AND {_AT_HALL} AND first_day <= :last AND last_day >= :first ORDER BY place, number"
_NEXT_PLACE = sa.text(
    "SELECT coalesce(max(last), 0) + 1 FROM (SELECT (SELECT max(place) FROM waiting w WHERE w.group_no = g.no) AS last"
    " FROM business_group g WHERE g.hall = :hall) of_each"
)
_CHANGE = sa.text(
    "UPDATE waiting SET state = :state, version = :version, booking = :booking"
    " WHERE number = :number AND state = :seen_state AND version = :seen_version"
)
_OPEN = (
    "SELECT count(*) FROM waiting w LEFT JOIN booking b ON b.number = w.booking WHERE w.hall = :hall AND w.last_day >="
    " :first AND (w.state = 'waiting' OR b.state = 'held') AND (w.identity = :identity OR w.mobile = :mobile)"
)
_BEFORE = sa.text(
    f"SELECT items, count(*) FROM waiting WHERE state = 'waiting' AND {_AT_HALL} AND first_day <= :last"
    " AND last_day >= :first AND place < :place GROUP BY items"
).bindparams(*_DAYS)
_MARK = sa.text(
    "INSERT INTO replanned (group_no, mark, due_at) VALUES (:group_no, :mark, :at)"
    " ON CONFLICT (group_no) DO UPDATE SET mark = excluded.mark"
)


class WaitingTables:
    """What `application.waiting_ports.WaitingStore` promises."""

    def lock_group(self, tx: sa.Connection, no: int) -> None:
        tx.execute(sa.text("SELECT no FROM business_group WHERE no = :no" + lock_rows(tx)), {"no": no}).all()

    def next_place(self, tx: sa.Connection, hall: str) -> int:
        found: int = tx.execute(_NEXT_PLACE, {"hall": hall}).scalar_one()
        return found

    def add_entry(self, tx: sa.Connection, row: EntryRow) -> None:
        tx.execute(_ADD, {**vars(row), "state": str(row.state), "items": json.dumps(row.items)})

    def entry(self, tx: sa.Connection, number: str, lock: bool = False) -> EntryRow | None:
        statement = sa.text(_FIND + (lock_rows(tx) if lock else "")).columns(**_DATES)
        row = tx.execute(statement, {"number": number}).one_or_none()
        return None if row is None else _row(*row)

    def own_entries(
        self, tx: sa.Connection, account: str | None, mobile: str | None, limit: int, offset: int
    ) -> tuple[list[EntryRow], int]:
        whose = "account = :whose" if account is not None else "mobile = :whose AND account IS NULL"
        source, bound = f"FROM waiting WHERE {whose}", {"whose": account or mobile}
        total = tx.execute(sa.text(f"SELECT count(*) {source}"), bound).scalar_one()
        page = f"SELECT {_NAMES} {source} ORDER BY made_at DESC, number LIMIT :limit OFFSET :offset"
        rows = tx.execute(sa.text(page).columns(**_DATES), {**bound, "limit": limit, "offset": offset})
        return [_row(*row) for row in rows], total

    def entries_in(self, tx: sa.Connection, group: Group, first: date, last: date) -> list[EntryRow]:
        statement = sa.text(_IN).bindparams(*_DAYS).columns(**_DATES)
        rows = tx.execute(statement, {"hall": group.hall, "first": first, "last": last})
        return [entry for entry in (_row(*row) for row in rows) if group.handles(entry.items)]

    def lock_entries(self, tx: sa.Connection, numbers: Collection[str]) -> list[EntryRow]:
        query = f"{_WAIT} AND {among(tx, 'number', 'numbers')} ORDER BY number" + lock_rows(tx)
        rows = tx.execute(sa.text(query).columns(**_DATES), {"numbers": values_of(tx, numbers)})
        return sorted((_row(*row) for row in rows), key=lambda row: (row.place, row.number))

    def lock_entries_of(
        self, tx: sa.Connection, identities: Collection[str], mobiles: Collection[str]
    ) -> list[EntryRow]:
        whose = f"({among(tx, 'identity', 'identities')} OR {among(tx, 'mobile', 'mobiles')})"
        statement = text(f"{_WAIT} AND {whose} ORDER BY number" + lock_rows(tx), dates=tuple(_DATES))
        bound = {"identities": values_of(tx, identities), "mobiles": values_of(tx, mobiles)}
        return [_row(*row) for row in tx.execute(statement, bound)]

    def open_entries(self, tx: sa.Connection, hall: str, identity: str, mobile: str, today: date) -> int:
        bound = {"hall": hall, "identity": identity, "mobile": mobile, "first": today}
        found: int = tx.execute(sa.text(_OPEN).bindparams(_DAYS[0]), bound).scalar_one()
        return found

    def entries_before(self, tx: sa.Connection, row: EntryRow, groups: Collection[Group]) -> int:
        bound = {"hall": row.hall, "first": row.first_day, "last": row.last_day, "place": row.place}
        found = tx.execute(_BEFORE, bound)
        return sum(many for items, many in found if any(group.handles(json.loads(items)) for group in groups))

    def change_entries(self, tx: sa.Connection, changes: Sequence[tuple[EntryRow, EntryRow]]) -> bool:
        return all(tx.execute(_CHANGE, _changed(seen, row)).rowcount == 1 for seen, row in changes)

    def mark_replanned(self, tx: sa.Connection, group_no: int, mark: str, at: int) -> None:
        tx.execute(_MARK, {"group_no": group_no, "mark": mark, "at": at})

    def replanned(self, tx: sa.Connection) -> list[MarkRow]:
        rows = tx.execute(sa.text("SELECT group_no, mark, due_at FROM replanned ORDER BY group_no"))
        return [MarkRow(*row) for row in rows]

    def defer_replanned(self, tx: sa.Connection, group_no: int, until: int) -> None:
        query = "UPDATE replanned SET due_at = :until WHERE group_no = :group_no"
        tx.execute(sa.text(query), {"group_no": group_no, "until": until})

    def forget_replanned(self, tx: sa.Connection, group_no: int, mark: str) -> None:
        query = "DELETE FROM replanned WHERE group_no = :group_no AND mark = :mark"
        tx.execute(sa.text(query), {"group_no": group_no, "mark": mark})


def _changed(seen: EntryRow, row: EntryRow) -> dict[str, Any]:
    values = {"number": row.number, "state": str(row.state), "version": row.version, "booking": row.booking}
    return {**values, "seen_state": str(seen.state), "seen_version": seen.version}


def _row(*values: Any) -> EntryRow:
    named = dict(zip(_ORDER, values, strict=True))
    contact = named["contact"]
    named |= {"state": Entry(named["state"]), "items": tuple(json.loads(named["items"]))}
    return EntryRow(**{**named, "contact": None if contact is None else bytes(contact)})
