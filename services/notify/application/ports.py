"""What sending needs from the outside: providers, contacts, and the place where messages are kept.

A provider never raises for what it was told: its answer says whether the message may be with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.notify.domain.message import Claimed, Result


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """A message as a provider gets it. `id` is the key by which it recognises one that it has had before."""

    id: str
    channel: str
    to: str
    subject: str | None
    text: str
    serial: str
    position: int
    type: str


@dataclass(frozen=True)
class Accepted:
    """The provider has it. Without a receipt to come, that is as delivered as we shall ever know."""

    reference: str | None
    receipt_follows: bool


@dataclass(frozen=True)
class NotTaken:
    """It is certain that the provider does not have it: another may be asked."""

    reason: str


@dataclass(frozen=True)
class Unsure:
    """The provider may have it: nobody else may be asked, and the provider only under the same key."""

    reason: str


@dataclass(frozen=True)
class Rejected:
    """It will never be taken: the number or the text is not acceptable."""

    reason: str


Answer = Accepted | NotTaken | Unsure | Rejected


class Provider(Protocol):
    """Somebody who delivers messages of a channel."""

    @property
    def name(self) -> str: ...

    @property
    def patience(self) -> float:
        """Seconds that `send` takes at most."""
        ...

    def send(self, message: Outgoing) -> Answer: ...


class NoContact(Exception):
    """Nobody is there to be told: the person was erased, or never known. Carries a code."""


class ContactsAway(Exception):
    """The contact can't be looked up for the moment."""


@dataclass(frozen=True)
class Contact:
    """Where to reach a person. Kept nowhere."""

    sms: str | None
    email: str | None


class Contacts(Protocol):
    def find(self, account: str) -> Contact:
        """Raises NoContact or ContactsAway."""
        ...


class Messages(Protocol):
    """The messages in the database. Each method is one transaction."""

    def claim(
        self, now: datetime, limit: int, lease_until: datetime, held_until: datetime, first: dict[str, str]
    ) -> list[Claimed]:
        """Take up to `limit` due messages, those of processes that died included, each the first in line of its case.

        What is tried again by `held_until` holds back what follows it. `first`: provider by channel.
        """
        ...

    def switch(self, message: Claimed, provider: str) -> bool:
        """Note that `provider` is about to be given it; False if the claim no longer stands."""
        ...

    def save(self, results: Sequence[Result], now: datetime) -> None:
        """Save each whose claim still stands and whose receipt has not come in the meantime."""
        ...

    def give_up_on_receipts(self, now: datetime) -> list[tuple[str, str]]:
        """Fail those whose receipt is overdue; (id, serial) of each."""
        ...

    def receipt(
        self, message: str, provider: str, delivered: bool, fields: dict[str, str | None], now: datetime
    ) -> str:
        """Note a receipt; the state after it. Raises UnknownMessage."""
        ...
