"""The tables of guests: codes that were sent, and sessions that they opened."""

from typing import Any

import sqlalchemy as sa

from services.accounts.application.ports import Verification

# One row for a mobile, changed by everybody who wants a code for it: that is the lock.
_LOCK = sa.text(
    "INSERT INTO code_turn (mobile, turns) VALUES (:mobile, 1)"
    " ON CONFLICT (mobile) DO UPDATE SET turns = code_turn.turns + 1"
)
_SENT = sa.text("SELECT made_at FROM verification WHERE mobile = :mobile AND made_at > :since ORDER BY made_at DESC")
_ADD = sa.text(
    "INSERT INTO verification (id, mobile, code, made_at, guesses, used)"
    " VALUES (:id, :mobile, :code, :made_at, 0, false)"
)
_DROP = sa.text("DELETE FROM verification WHERE id = :id")
_COUNT = sa.text(
    "UPDATE verification SET guesses = guesses + 1 WHERE id = :id AND made_at > :since AND NOT used"
    " RETURNING id, mobile, code, made_at, guesses"
)
_USE = sa.text("UPDATE verification SET used = true WHERE id = :id")
_ADD_SESSION = sa.text(
    "INSERT INTO guest_session (token_digest, mobile, expires_at) VALUES (:digest, :mobile, :expires_at)"
)
_END_SESSION = sa.text("DELETE FROM guest_session WHERE token_digest = :digest")
_BY_TOKEN = sa.text("SELECT mobile FROM guest_session WHERE token_digest = :digest AND expires_at > :now")
_CLEAN = (
    "DELETE FROM guest_session WHERE expires_at <= :now",
    "DELETE FROM verification WHERE made_at <= :past",
    "DELETE FROM code_turn WHERE NOT EXISTS (SELECT 1 FROM verification v WHERE v.mobile = code_turn.mobile)",
)


class GuestStore:
    """What `application.ports.GuestStore` promises, in SQL that both databases read."""

    def lock_codes(self, tx: sa.Connection, mobile: str, since: int) -> list[int]:
        tx.execute(_LOCK, {"mobile": mobile})
        return list(tx.execute(_SENT, {"mobile": mobile, "since": since}).scalars())

    def add_verification(self, tx: sa.Connection, made: Verification, code: str) -> None:
        tx.execute(_ADD, {"id": made.id, "mobile": made.mobile, "code": code, "made_at": made.made_at})

    def drop_verification(self, tx: sa.Connection, id: str) -> None:
        tx.execute(_DROP, {"id": id})

    def count_guess(self, tx: sa.Connection, id: str, since: int) -> Verification | None:
        row: Any = tx.execute(_COUNT, {"id": id, "since": since}).one_or_none()
        return None if row is None else Verification(**row._mapping)

    def use_verification(self, tx: sa.Connection, id: str) -> None:
        tx.execute(_USE, {"id": id})

    def add_guest_session(self, tx: sa.Connection, digest: str, mobile: str, expires_at: int) -> None:
        tx.execute(_ADD_SESSION, {"digest": digest, "mobile": mobile, "expires_at": expires_at})

    def end_guest_session(self, tx: sa.Connection, digest: str) -> None:
        tx.execute(_END_SESSION, {"digest": digest})

    def guest_of(self, tx: sa.Connection, digest: str, now: int) -> str | None:
        mobile: str | None = tx.execute(_BY_TOKEN, {"digest": digest, "now": now}).scalar_one_or_none()
        return mobile

    def clean_guests(self, tx: sa.Connection, now: int, past: int) -> None:
        for statement in _CLEAN:
            tx.execute(sa.text(statement), {"now": now, "past": past})
