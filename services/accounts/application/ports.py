"""What the handlers need from outside: tables and a hasher of passwords."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Connection

from services.accounts.domain.account import Account


@dataclass(frozen=True, kw_only=True)
class Verification:
    """A code that was sent. `mobile` and `code` are keyed digests; `made_at` microseconds since 1970."""

    id: str
    mobile: str
    code: str = field(repr=False)
    made_at: int
    guesses: int


class GuestStore(Protocol):
    """The tables of guests. Every method runs in the caller's transaction; instants are microseconds since 1970."""

    def lock_codes(self, tx: Connection, mobile: str, since: int) -> list[int]:
        """When codes went to the mobile, the latest first. Nobody else adds one until the transaction ends."""
        ...

    def add_verification(self, tx: Connection, made: Verification, code: str) -> None: ...

    def drop_verification(self, tx: Connection, id: str) -> None: ...

    def count_guess(self, tx: Connection, id: str, since: int) -> Verification | None:
        """One guess more at a code that was sent after `since` and not used; None where there is none."""
        ...

    def use_verification(self, tx: Connection, id: str) -> None: ...

    def add_guest_session(self, tx: Connection, digest: str, mobile: str, expires_at: int) -> None: ...

    def end_guest_session(self, tx: Connection, digest: str) -> None: ...

    def guest_of(self, tx: Connection, digest: str, now: int) -> str | None:
        """The mobile's key of a session that has not expired."""
        ...

    def clean_guests(self, tx: Connection, now: int, past: int) -> None:
        """Drop sessions that have expired and codes sent before `past`."""
        ...


class Store(GuestStore, Protocol):
    """The tables of accounts. Every method runs in the caller's transaction; instants are microseconds since 1970."""

    def add_account(self, tx: Connection, account: Account, terms_accepted_at: int | None) -> None: ...

    def add_logins(self, tx: Connection, account: str, digests: list[str]) -> bool:
        """Claim what the account logs in with; False where one of them is taken, and the caller must roll back."""
        ...

    def by_id(self, tx: Connection, account: str) -> Account | None: ...

    def by_login(self, tx: Connection, digest: str) -> Account | None: ...

    def add_session(self, tx: Connection, digest: str, account: str, expires_at: int) -> None: ...

    def end_session(self, tx: Connection, digest: str) -> None: ...

    def principal_of(self, tx: Connection, digest: str, now: int) -> dict[str, Any] | None:
        """{account, kind, role, organ, hall, language} of a session that has not expired."""
        ...

    def count_attempt(self, tx: Connection, login: str, now: int, past: int) -> tuple[int, int]:
        """Count one failed attempt: (start of the window, failures in it). A window begun before `past` is over."""
        ...

    def uncount_attempt(self, tx: Connection, login: str) -> None:
        """The attempt counted last did not fail after all, or was not made."""
        ...

    def put_department_key(self, tx: Connection, organ: str, digest: str, now: int) -> None: ...

    def department_key(self, tx: Connection, organ: str) -> str | None: ...

    def clean(self, tx: Connection, now: int, past: int) -> None:
        """Drop sessions that have expired and windows of failures that are over."""
        ...


class Passwords(Protocol):
    """Hashes passwords; slow on purpose."""

    def hash(self, password: str) -> str: ...

    def verify(self, kept: str | None, password: str) -> bool:
        """Whether `password` is the one. Without a `kept` hash it takes as long, and says no."""
        ...
