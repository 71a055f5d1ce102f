"""A message and its life: created, sending, delivered, failed for now, failed for good, past. Pure.

A message names an account, never a number; its id is made from its event and channel, so that whatever is replayed,
there is one message, and every provider is told the same key each time it is sent. (Not where that id is known to a
provider from another message: one that was sent again by hand, or of an event that was lost.)
"""

import uuid
from dataclasses import dataclass
from enum import StrEnum

_NAMESPACE = uuid.UUID("6f1d5c1e-6f0a-5d0e-9c0b-8f6e3a2b7d41")


class State(StrEnum):
    """Where a message stands."""

    CREATED = "created"
    SENDING = "sending"  # a process is at it, or a provider has taken it and owes a receipt
    DELIVERED = "delivered"
    FAILED_FOR_NOW = "failed_for_now"
    FAILED_FOR_GOOD = "failed_for_good"
    PAST = "past"  # never sent: a later message says what is true now


def message_id(source: str, event_id: str, channel: str) -> str:
    """The message that an event has for a channel: always the same one. Also the key that providers deduplicate by."""
    return str(uuid.uuid5(_NAMESPACE, f"{source}\n{event_id}\n{channel}"))


@dataclass(frozen=True, kw_only=True)
class NewMessage:
    """A message as it is created."""

    id: str
    log: str  # whose: filing, appointment
    serial: str  # of a case; of a visit, the number
    position: int  # of the event, on the log
    chain: bytes  # the log's value there
    source: str
    event_id: str
    type: str
    channel: str
    language: str
    recipient: str  # an account, or a guest by the number of a visit (kernel.contracts.visit_contact)
    subject: str | None
    text: str
    happened: int  # what it tells; microseconds since 1970
    expires_at: int | None = None  # the same; from then on it is not sent
    traceparent: str | None = None  # of the trace that its event is part of


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A message that this process may send until `lease_until` (microseconds since 1970).

    `claim` counts how often it was claimed; what is saved under an older claim is not. `unsure`: an earlier attempt at
    `provider` may have been taken, so that nobody else may be given it. `overtaken`: a later message says what is true
    now.
    """

    id: str
    serial: str
    position: int
    type: str
    channel: str
    recipient: str
    subject: str | None
    text: str
    provider: str
    unsure: bool
    attempts: int
    claim: int
    lease_until: int
    expires_at: int | None
    overtaken: bool
    traceparent: str | None = None


@dataclass(frozen=True, kw_only=True)
class Result:
    """How an attempt ended, to be saved if the claim still stands. Instants in microseconds since 1970."""

    id: str
    claim: int
    state: str
    attempts: int
    due_at: int | None  # when something must happen next: an attempt, or the end of waiting for a receipt
    provider: str | None
    unsure: bool
    reason: str | None = None
    provider_reference: str | None = None
    accepted_at: int | None = None
