"""Blocks that missed visits brought, and appeals against them, in tables."""

from collections.abc import Collection
from datetime import date
from typing import Any

import sqlalchemy as sa

from services.appointment.adapters.sql import among, lock_rows, text, values_of
from services.appointment.application.rows import AppealRow, BlockRow

_UNTIL = sa.bindparam("until", type_=sa.Date)
_ADD_BLOCK = sa.text(
    "INSERT INTO block (booking, hall, identity, mobile, until, made_at)"
    " VALUES (:booking, :hall, :identity, :mobile, :until, :made_at)"
).bindparams(_UNTIL)
_BLOCKS = (
    "SELECT booking, hall, identity, mobile, until, made_at FROM block"
    " WHERE until > :today AND lifted_at IS NULL AND ({identity} OR {mobile}) ORDER BY until, booking"
)
_LIFT = sa.text("UPDATE block SET lifted_at = :at, lifted_by = :by WHERE booking = :booking AND lifted_at IS NULL")
_APPEAL = (
    "id, hall, booking, identity, mobile, visitor, account, state, reason, sentence, filed_at, decided_at, decided_by"
)
_ORDER = [name.strip() for name in _APPEAL.split(",")]
_ADD_APPEAL = sa.text(f"INSERT INTO appeal ({_APPEAL}) VALUES ({', '.join(':' + name for name in _ORDER)})")
_READ = (
    f"SELECT {', '.join('a.' + name for name in _ORDER)}, k.until FROM appeal a JOIN block k ON k.booking = a.booking"
)
_OPEN = sa.text("SELECT count(*) FROM appeal WHERE booking = :booking AND state = 'open'")
_DECIDE = sa.text(
    "UPDATE appeal SET state = :state, sentence = :sentence, decided_at = :decided_at, decided_by = :decided_by"
    " WHERE id = :id AND state = 'open'"
)
_GRANT = sa.text(
    "UPDATE appeal SET state = 'granted', decided_at = :at, decided_by = :by"
    " WHERE booking = :booking AND state = 'open'"
)


class BlockTables:
    """What `application.waiting_ports.BlockStore` promises."""

    def blocks_of(self, tx: sa.Connection, keys: Collection[str], today: date) -> list[BlockRow]:
        query = _BLOCKS.format(identity=among(tx, "identity", "keys"), mobile=among(tx, "mobile", "keys"))
        statement = text(query, ("today",), ("until",))
        rows = tx.execute(statement, {"keys": values_of(tx, keys), "today": today})
        return [BlockRow(**row) for row in rows.mappings()]

    def add_block(self, tx: sa.Connection, row: BlockRow) -> None:
        tx.execute(_ADD_BLOCK, vars(row))

    def lift_block(self, tx: sa.Connection, booking: str, at: int, by: str) -> None:
        tx.execute(_LIFT, {"booking": booking, "at": at, "by": by})

    def add_appeal(self, tx: sa.Connection, row: AppealRow) -> None:
        tx.execute(_ADD_APPEAL, {name: getattr(row, name) for name in _ORDER})

    def appeal(self, tx: sa.Connection, id: str) -> AppealRow | None:
        statement = sa.text(f"{_READ} WHERE a.id = :id").columns(until=sa.Date())
        row = tx.execute(statement, {"id": id}).mappings().one_or_none()
        return None if row is None else _appeal(row)

    def appealed(self, tx: sa.Connection, booking: str) -> bool:
        # Two may appeal against the same block who share no key with each other, but each with the block.
        query = "SELECT booking FROM block WHERE booking = :booking" + lock_rows(tx)
        tx.execute(sa.text(query), {"booking": booking}).all()
        return bool(tx.execute(_OPEN, {"booking": booking}).scalar_one())

    def decide_appeal(self, tx: sa.Connection, row: AppealRow) -> None:
        names = ("id", "state", "sentence", "decided_at", "decided_by")
        tx.execute(_DECIDE, {name: getattr(row, name) for name in names})

    def grant_appeals(self, tx: sa.Connection, booking: str, at: int, by: str) -> None:
        tx.execute(_GRANT, {"booking": booking, "at": at, "by": by})

    def appeals(
        self, tx: sa.Connection, hall: str, state: str | None, limit: int, offset: int
    ) -> tuple[list[AppealRow], int]:
        of = "a.hall = :hall" if state is None else "a.hall = :hall AND a.state = :state"
        bound = {"hall": hall} if state is None else {"hall": hall, "state": state}
        total = tx.execute(sa.text(f"SELECT count(*) FROM appeal a WHERE {of}"), bound).scalar_one()
        page = f"{_READ} WHERE {of} ORDER BY a.filed_at, a.id LIMIT :limit OFFSET :offset"
        statement = sa.text(page).columns(until=sa.Date())
        rows = tx.execute(statement, {**bound, "limit": limit, "offset": offset}).mappings()
        return [_appeal(row) for row in rows], total


def _appeal(row: Any) -> AppealRow:
    sentence = row["sentence"]
    sealed = {"reason": bytes(row["reason"]), "sentence": None if sentence is None else bytes(sentence)}
    return AppealRow(**{**row, **sealed})
