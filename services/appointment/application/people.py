"""Those who book: who asks, the person who comes, and what stands for them where personal data may not.

An identity number and a mobile are only ever kept as keyed digests; a guest's contact is sealed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import orjson

from kernel.contracts.accounts import BAD_IDENTITY_NUMBER
from kernel.contracts.appointment_refusals import UnknownBooking
from kernel.errors import InvalidInput, NotAllowed
from kernel.identity_numbers import is_identity_number, normalise
from kernel.vault import Vault
from services.appointment.application.rows import AppealRow, BookingRow, EntryRow


@dataclass(frozen=True)
class Caller:
    """Somebody with an account, or a guest, known by the key of a mobile that an SMS code has proven."""

    account: str | None
    mobile: str | None = None

    @property
    def name(self) -> str:
        """Whose idempotency keys these are."""
        return self.account or self.mobile or ""

    def has(self, row: BookingRow | EntryRow | AppealRow) -> bool:
        """Whether it is the caller's."""
        if self.account is not None:
            return row.account == self.account
        return row.account is None and row.mobile == self.mobile


@dataclass(frozen=True)
class Person:
    """The one who comes, by keys. `contact`: JSON to be sealed, None where accounts knows."""

    identity: str
    mobile: str
    contact: bytes | None = field(default=None, repr=False)


def caller_of(principal: Mapping[str, Any]) -> Caller:
    """Raises NotAllowed for those who have no visits of their own: staff and departments."""
    if principal["kind"] == "individual":
        return Caller(principal["account"])
    if principal["kind"] == "guest":
        return Caller(None, principal["account"])
    raise NotAllowed


def check_visitor(vault: Vault, caller: Caller, visitor: Mapping[str, Any] | None, today: date) -> None:
    """What a request may say of who comes. A guest's mobile is the one that was proven. Raises InvalidInput."""
    wrong = _wrong_of_account(visitor) if caller.account is not None else _wrong_of_guest(vault, caller, visitor, today)
    if wrong:
        raise InvalidInput.from_messages({"visitor": wrong})


def _wrong_of_account(visitor: Mapping[str, Any] | None) -> Any:
    return None if visitor is None else ["Only for somebody without an account."]


def _wrong_of_guest(vault: Vault, caller: Caller, visitor: Mapping[str, Any] | None, today: date) -> Any:
    if visitor is None:
        return ["Missing data for required field."]
    wrong = {}
    if not is_identity_number(normalise(visitor["identity_number"]), today):
        wrong["identity_number"] = [BAD_IDENTITY_NUMBER]
    if vault.blind("mobile", visitor["mobile"]) != caller.mobile:
        wrong["mobile"] = ["Not the mobile that the code was sent to."]
    return wrong


def person_of(vault: Vault, caller: Caller, visitor: Mapping[str, Any]) -> Person:
    """From `kernel.contracts.appointment.Visitor`, or from what accounts knows of the caller."""
    contact = {name: visitor[name] for name in ("name", "mobile")}
    return Person(
        identity=identity_key(vault, visitor["identity_number"]),
        mobile=vault.blind("mobile", visitor["mobile"]),
        contact=None if caller.account is not None else orjson.dumps(contact),
    )


def identity_key(vault: Vault, number: str) -> str:
    """What stands for an identity number."""
    return vault.blind("identity_number", normalise(number))


def own(row: BookingRow | None, caller: Caller) -> BookingRow:
    """The caller's booking. Raises UnknownBooking, also for another's."""
    if row is None or not caller.has(row):
        raise UnknownBooking
    return row
