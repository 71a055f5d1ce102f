"""Logging in and out, and telling who a token or a department's key belongs to.

Tokens and keys are 256 random bits, of which only a digest is kept.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from kernel.clock import Clock, format_time, to_micros
from kernel.database import Database
from kernel.errors import NotSignedIn
from kernel.idempotency import KEPT, Idempotency
from kernel.vault import Vault
from services.accounts.application.ports import Passwords, Store
from services.accounts.domain import rules

LIFE = timedelta(hours=12)
WINDOW = timedelta(minutes=15)  # begins with the first failure
MOST_FAILURES = 10  # in a window
CODES_KEPT = timedelta(days=1)  # since so many may go to a mobile in a day


@dataclass(frozen=True)
class Sessions:
    """Handlers about sessions and department keys."""

    database: Database
    store: Store
    vault: Vault
    keys: Idempotency
    passwords: Passwords
    clock: Clock

    def open(self, request: dict[str, Any]) -> dict[str, Any]:
        """Log in: {token, expires_at, account, language}. Raises WrongLogin, TooManyAttempts."""
        digest = self.vault.blind(*rules.login_kind(request["login"]))
        self._count_attempt(digest)
        with self.database.read() as tx:
            account = self.store.by_login(tx, digest)
        # An unknown login is hashed for as long as a known one, outside of any transaction.
        right = self.passwords.verify(account.password_hash if account else None, request["password"])
        if account is None or not right:
            raise rules.WrongLogin
        token, expires_at = secrets.token_urlsafe(32), self.clock.now() + LIFE
        with self.database.write() as tx:
            self.store.uncount_attempt(tx, digest)
            self.store.add_session(tx, digest_of(token), account.id, to_micros(expires_at))
        return {
            "token": token,
            "expires_at": format_time(expires_at),
            "account": account.id,
            "language": account.language,
        }

    def close(self, token: str) -> None:
        """Log out. A token that is not valid any more is logged out already."""
        with self.database.write() as tx:
            self.store.end_session(tx, digest_of(token))
            self.store.end_guest_session(tx, digest_of(token))

    def authenticate(self, token: str) -> dict[str, Any]:
        """The principal behind a token. Raises NotSignedIn."""
        with self.database.single() as tx:
            digest, now = digest_of(token), to_micros(self.clock.now())
            principal = self.store.principal_of(tx, digest, now)
            guest = self.store.guest_of(tx, digest, now) if principal is None else None
        if principal is None and guest is None:
            raise NotSignedIn
        return principal or principal_for("guest", guest)

    def authenticate_department(self, organ: str, key: str) -> dict[str, Any]:
        """The principal of a department's system. Raises NotSignedIn."""
        with self.database.single() as tx:
            kept = self.store.department_key(tx, organ)
        if kept is None or not hmac.compare_digest(kept, digest_of(key)):
            raise NotSignedIn
        return principal_for("department", organ, organ=organ)

    def issue_department_key(self, organ: str) -> str:
        """A new key for the department's system, shown this once; the one before it stops working."""
        rules.check_organ(organ)
        key = secrets.token_urlsafe(32)
        with self.database.write() as tx:
            self.store.put_department_key(tx, organ, digest_of(key), to_micros(self.clock.now()))
        return key

    def clean(self) -> None:
        """Drop what has expired: sessions, codes, windows of failures, idempotency keys older than a week."""
        now = self.clock.now()
        with self.database.write() as tx:
            self.store.clean(tx, to_micros(now), to_micros(now - WINDOW))
            self.store.clean_guests(tx, to_micros(now), to_micros(now - CODES_KEPT))
            self.keys.forget(tx, now - KEPT)

    def _count_attempt(self, digest: str) -> None:
        """Count the attempt as a failure before it is made, so that many at once cannot slip past the limit."""
        now = self.clock.now()
        with self.database.write() as tx:
            since, failures = self.store.count_attempt(tx, digest, to_micros(now), to_micros(now - WINDOW))
            if failures > MOST_FAILURES:
                self.store.uncount_attempt(tx, digest)
        if failures > MOST_FAILURES:
            left = since + WINDOW // timedelta(microseconds=1) - to_micros(now)
            raise rules.TooManyAttempts(retry_after=max(1, -(-left // 1_000_000)))


def principal_for(kind: str, account: str | None, organ: str | None = None) -> dict[str, Any]:
    """The principal of somebody who has no account."""
    return {"account": account, "kind": kind, "role": None, "organ": organ, "hall": None, "language": "zh-Hans"}


def digest_of(secret: str) -> str:
    """What is kept of a token or a key."""
    return hashlib.sha256(secret.encode()).hexdigest()
