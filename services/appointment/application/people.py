"""Those who book: who asks, the person who comes, and what stands for them where personal data may not.

An identity number and a mobile are only ever kept as keyed digests; a guest's contact is sealed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from kernel.contracts.appointment_refusals import UnknownBooking
from kernel.errors import NotSignedIn
from kernel.vault import Vault
from services.appointment.application.rows import BookingRow


@dataclass(frozen=True)
class Caller:
    """Somebody with an account, or a guest, known by the key of a mobile that an SMS code has proven."""

    account: str | None
    mobile: str | None = None

    @property
    def name(self) -> str:
        """Whose idempotency keys these are, and who says what goes on the log."""
        return self.account or self.mobile or ""

    def has(self, row: BookingRow) -> bool:
        """Whether the booking is the caller's."""
        if self.account is not None:
            return row.account == self.account
        return row.account is None and row.mobile == self.mobile


@dataclass(frozen=True)
class Person:
    """The one who comes, by keys. `contact`: JSON to be sealed, None where accounts knows."""

    identity: str
    mobile: str
    contact: bytes | None = field(default=None, repr=False)


def caller_of(vault: Vault, account: str | None, guest_mobile: str | None) -> Caller:
    """Raises NotSignedIn where there is neither."""
    if account is not None:
        return Caller(account)
    if guest_mobile is None:
        raise NotSignedIn
    return Caller(None, vault.blind("mobile", guest_mobile))


def person_of(vault: Vault, caller: Caller, visitor: Mapping[str, Any]) -> Person:
    """From a request's `kernel.contracts.appointment.Visitor`."""
    contact = {name: visitor[name] for name in ("name", "mobile")}
    return Person(
        identity=vault.blind("identity_number", visitor["identity_number"].upper()),
        mobile=vault.blind("mobile", visitor["mobile"]),
        contact=None if caller.account is not None else orjson.dumps(contact),
    )


def own(row: BookingRow | None, caller: Caller) -> BookingRow:
    """The caller's booking. Raises UnknownBooking, also for another's."""
    if row is None or not caller.has(row):
        raise UnknownBooking
    return row
