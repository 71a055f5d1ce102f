"""Slots in a table. What keeps them from overbooking is here: row locks in one order, a conditional update, a CHECK."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from services.appointment.adapters.sql import among, joined, lock_rows, on_postgresql, pairs, text, values_of
from services.appointment.application.ports import Range
from services.appointment.application.rows import SlotRow
from services.appointment.domain.slots import Slot

_TAKE = sa.text("UPDATE slot SET taken = taken + :count WHERE id = :id AND NOT closed AND taken + :count <= capacity")
_TAKE_ALL = (
    "UPDATE slot SET taken = taken + b FROM {pairs} WHERE slot.id = pair.a AND NOT closed AND taken + b <= capacity"
)
# What had shrunk below what was taken goes on shrinking with each place that comes back.
_GIVE_BACK = sa.text(
    "UPDATE slot SET taken = taken - :count,"
    " capacity = CASE WHEN taken - :count > planned THEN taken - :count ELSE planned END WHERE id = :id"
)
# What is taken stays, even where the slot is planned smaller.
_ANEW = (
    "ON CONFLICT (id) DO UPDATE SET minutes = excluded.minutes, planned = excluded.planned, closed = excluded.closed,"
    " capacity = CASE WHEN slot.taken > excluded.planned THEN slot.taken ELSE excluded.planned END"
)
_PUT = sa.text(
    "INSERT INTO slot (id, minutes, planned, capacity, taken, closed)"
    " VALUES (:id, :minutes, :planned, :planned, 0, :closed)"
    f" {_ANEW}"
)
_PUT_ALL = sa.text(
    "INSERT INTO slot (id, minutes, planned, capacity, taken, closed) SELECT id, minutes, planned, planned, 0, closed"
    " FROM unnest(CAST(:ids AS bigint[]), CAST(:minutes AS int[]), CAST(:planned AS int[]), CAST(:closed AS boolean[]))"
    " AS new(id, minutes, planned, closed)"
    f" {_ANEW}"
)
_PLANNED = "SELECT id, minutes, planned, closed FROM slot WHERE id BETWEEN :low AND :high ORDER BY id"
_SLOTS = "SELECT id, minutes, capacity - taken, closed FROM slot WHERE {among} ORDER BY id"


class SlotTables:
    """What `application.ports.SlotStore` promises."""

    def lock_slots(self, tx: sa.Connection, ids: Collection[int]) -> dict[int, Slot]:
        # All in one order, so that two who want the same ones cannot each wait for the other.
        return {slot.id: slot for slot in self._read(tx, ids, lock_rows(tx))}

    def slots(self, tx: sa.Connection, ids: Collection[int]) -> list[Slot]:
        return self._read(tx, ids, "")

    def _read(self, tx: sa.Connection, ids: Collection[int], lock: str) -> list[Slot]:
        if not ids:
            return []
        query = _SLOTS.format(among=among(tx, "id", "ids", "bigint")) + lock
        rows = tx.execute(text(query), {"ids": values_of(tx, ids)})
        return [Slot(row[0], row[1], row[2], bool(row[3])) for row in rows]

    def take(self, tx: sa.Connection, places: Mapping[int, int]) -> bool:
        if not places:
            return True
        if on_postgresql(tx):
            query = _TAKE_ALL.format(pairs=pairs(("bigint", "int")))
            bound = {"a": joined(places), "b": joined(places.values())}
            return tx.execute(text(query), bound).rowcount == len(places)
        return all(tx.execute(_TAKE, {"id": id, "count": count}).rowcount == 1 for id, count in places.items())

    def give_back(self, tx: sa.Connection, places: Mapping[int, int]) -> None:
        if places:
            self.lock_slots(tx, places)
            tx.execute(_GIVE_BACK, [{"id": id, "count": count} for id, count in sorted(places.items())])

    def planned(self, tx: sa.Connection, ids: Range) -> list[SlotRow]:
        rows = tx.execute(sa.text(_PLANNED + lock_rows(tx)), {"low": ids[0], "high": ids[1]})
        return [SlotRow(id=row[0], minutes=row[1], planned=row[2], closed=bool(row[3])) for row in rows]

    def put_slots(self, tx: sa.Connection, rows: Sequence[SlotRow]) -> None:
        ordered = sorted(rows, key=lambda row: row.id)
        if not ordered:
            return
        if not on_postgresql(tx):
            tx.execute(_PUT, [vars(row) for row in ordered])
            return
        columns: dict[str, list[Any]] = {name: [getattr(row, name) for row in ordered] for name in vars(ordered[0])}
        tx.execute(_PUT_ALL, {**columns, "ids": columns.pop("id")})

    def open_slots(self, tx: sa.Connection, ranges: Iterable[Range]) -> list[Slot]:
        wanted = sorted(ranges)
        if not wanted:
            return []
        # One condition for each range, and each is read from the key's index.
        conditions = " OR ".join(f"(id BETWEEN {low:d} AND {high:d})" for low, high in wanted)
        query = f"SELECT id, minutes, capacity - taken FROM slot WHERE ({conditions}) AND NOT closed ORDER BY id"
        return [Slot(*row) for row in tx.exec_driver_sql(query).all()]
