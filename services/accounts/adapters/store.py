"""The tables of accounts."""

from typing import Any

import sqlalchemy as sa

from services.accounts.adapters.guests import GuestStore
from services.accounts.domain.account import Account

_ADD_ACCOUNT = sa.text(
    "INSERT INTO account (id, kind, role, organ, hall, language, password_hash, personal, terms_accepted_at,"
    " created_at) VALUES (:id, :kind, :role, :organ, :hall, :language, :password_hash, :personal, :terms_accepted_at,"
    " :created_at)"
)
_ACCOUNT = (
    "SELECT a.id, a.kind, a.role, a.organ, a.hall, a.language, a.password_hash, a.personal, a.created_at FROM account a"
)
_BY_ID = sa.text(f"{_ACCOUNT} WHERE a.id = :id")
_BY_LOGIN = sa.text(f"{_ACCOUNT} JOIN login l ON l.account = a.id WHERE l.digest = :digest")
_ADD_LOGIN = sa.text("INSERT INTO login (digest, account) VALUES (:digest, :account) ON CONFLICT (digest) DO NOTHING")
_ADD_SESSION = sa.text(
    "INSERT INTO session (token_digest, account, expires_at) VALUES (:digest, :account, :expires_at)"
)
_END_SESSION = sa.text("DELETE FROM session WHERE token_digest = :digest")
_BY_TOKEN = sa.text(
    "SELECT a.id AS account, a.kind, a.role, a.organ, a.hall, a.language FROM session s"
    " JOIN account a ON a.id = s.account"
    " WHERE s.token_digest = :digest AND s.expires_at > :now"
)
# One statement counts and tells, so that attempts made at the same moment cannot all see the same number.
_COUNT_ATTEMPT = sa.text(
    "INSERT INTO failed_login (login, since, failures) VALUES (:login, :now, 1) ON CONFLICT (login) DO UPDATE SET"
    " failures = CASE WHEN failed_login.since <= :past THEN 1 ELSE failed_login.failures + 1 END,"
    " since = CASE WHEN failed_login.since <= :past THEN :now ELSE failed_login.since END"
    " RETURNING since, failures"
)
_UNCOUNT_ATTEMPT = sa.text("UPDATE failed_login SET failures = failures - 1 WHERE login = :login AND failures > 0")
_PUT_KEY = sa.text(
    "INSERT INTO department_key (organ, digest, issued_at) VALUES (:organ, :digest, :issued_at)"
    " ON CONFLICT (organ) DO UPDATE SET digest = :digest, issued_at = :issued_at"
)
_KEY = sa.text("SELECT digest FROM department_key WHERE organ = :organ")
_CLEAN_SESSIONS = sa.text("DELETE FROM session WHERE expires_at <= :now")
_CLEAN_FAILURES = sa.text("DELETE FROM failed_login WHERE since <= :past")


class Store(GuestStore):
    """What `application.ports.Store` promises, in SQL that both databases read."""

    def add_account(self, tx: sa.Connection, account: Account, terms_accepted_at: int | None) -> None:
        tx.execute(_ADD_ACCOUNT, {**vars(account), "terms_accepted_at": terms_accepted_at})

    def add_logins(self, tx: sa.Connection, account: str, digests: list[str]) -> bool:
        """Claim what the account logs in with; False where one of them is taken, and the caller must roll back."""
        # In order, so that two registrations that share both digests cannot wait for each other.
        return all(
            tx.execute(_ADD_LOGIN, {"digest": digest, "account": account}).rowcount for digest in sorted(digests)
        )

    def by_id(self, tx: sa.Connection, account: str) -> Account | None:
        return _account(tx.execute(_BY_ID, {"id": account}).one_or_none())

    def by_login(self, tx: sa.Connection, digest: str) -> Account | None:
        return _account(tx.execute(_BY_LOGIN, {"digest": digest}).one_or_none())

    def add_session(self, tx: sa.Connection, digest: str, account: str, expires_at: int) -> None:
        tx.execute(_ADD_SESSION, {"digest": digest, "account": account, "expires_at": expires_at})

    def end_session(self, tx: sa.Connection, digest: str) -> None:
        tx.execute(_END_SESSION, {"digest": digest})

    def principal_of(self, tx: sa.Connection, digest: str, now: int) -> dict[str, Any] | None:
        """{account, kind, role, organ, hall, language} of a session that has not expired."""
        row = tx.execute(_BY_TOKEN, {"digest": digest, "now": now}).one_or_none()
        return None if row is None else dict(row._mapping)

    def count_attempt(self, tx: sa.Connection, login: str, now: int, past: int) -> tuple[int, int]:
        """Count one attempt as failed; (start of the window, failures in it). A window begun before `past` is over."""
        row = tx.execute(_COUNT_ATTEMPT, {"login": login, "now": now, "past": past}).one()
        return row.since, row.failures

    def uncount_attempt(self, tx: sa.Connection, login: str) -> None:
        """The attempt counted last did not fail after all, or was not made."""
        tx.execute(_UNCOUNT_ATTEMPT, {"login": login})

    def put_department_key(self, tx: sa.Connection, organ: str, digest: str, now: int) -> None:
        tx.execute(_PUT_KEY, {"organ": organ, "digest": digest, "issued_at": now})

    def department_key(self, tx: sa.Connection, organ: str) -> str | None:
        found: str | None = tx.execute(_KEY, {"organ": organ}).scalar_one_or_none()
        return found

    def clean(self, tx: sa.Connection, now: int, past: int) -> None:
        """Drop sessions that have expired and windows of failures that are over."""
        tx.execute(_CLEAN_SESSIONS, {"now": now})
        tx.execute(_CLEAN_FAILURES, {"past": past})


def _account(row: Any) -> Account | None:
    if row is None:
        return None
    return Account(**{**row._mapping, "personal": bytes(row.personal)})
