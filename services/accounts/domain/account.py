"""One account, as it is kept. Personal data are in it sealed only."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Account:
    """`personal` is sealed JSON {name, identity_number, mobile, email}; `created_at` microseconds since 1970."""

    id: str
    kind: str
    role: str | None
    organ: str | None
    hall: str | None
    language: str
    password_hash: str
    personal: bytes
    created_at: int
