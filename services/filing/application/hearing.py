"""Hearing departments out: from the bytes of a message to a fact of a case, or to why not.

Pure. Who speaks is settled here; whether it may be said now is not.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson

from kernel import tracing
from kernel.contracts.case import Fact, load_fact
from kernel.contracts.department import MAX_ECHOED, Reference, source_of
from kernel.contracts.envelope import MAX_BYTES, Envelope, dataschema, parse_envelope
from kernel.errors import InvalidInput, Refusal
from services.filing.domain.refusals import IdentityMismatch, IdentityMissing, UnreadableEvent


@dataclass(frozen=True, kw_only=True)
class Message:
    """What came in. `organ`: who speaks, as the broker or the gateway has checked; None if nobody has.

    `routing_key` is None where there is none, for an event that came over HTTP. `traceparent` is of the trace that it
    is part of, unless it names one itself.
    """

    body: bytes
    organ: str | None
    routing_key: str | None = None
    traceparent: str | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Heard:
    """An event that is understood, from somebody who may speak. Told apart by what it is, not by what it says."""

    about: Reference
    key: tuple[str, str]  # (source, id)
    serial: str
    organ: str
    fact: Fact
    digest: str
    body: bytes
    deadline: int | None = None  # microseconds since 1970, of an event that waits already


@dataclass(frozen=True, kw_only=True, eq=False)
class Unheard:
    """An event that is not taken, whatever its case says. `organ`: whom to answer. `reject`: operators see it."""

    about: Reference
    organ: str | None
    refusal: Refusal
    reject: bool = False


def hear(message: Message) -> Heard | Unheard:
    """Read one message. Raises nothing."""
    about = Reference(traceparent=message.traceparent)
    try:
        attributes = _attributes(message.body)
        about = _reference(attributes, message.traceparent)
        organ = _speaker(message)
        envelope = parse_envelope(attributes)
        _check_identity(envelope, organ, message.routing_key)
        return _heard(about, envelope, organ, message.body)
    except (UnreadableEvent, IdentityMissing, IdentityMismatch) as refusal:
        return Unheard(about=about, organ=message.organ or None, refusal=refusal, reject=True)
    except Refusal as refusal:
        return Unheard(about=about, organ=message.organ or None, refusal=refusal)


def _attributes(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_BYTES:
        raise UnreadableEvent(why="too_long", size=len(body), maximum=MAX_BYTES)
    try:
        attributes = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise UnreadableEvent(why="not_json") from None
    if not isinstance(attributes, dict) or not _has_name(attributes):
        raise UnreadableEvent(why="no_name")
    return attributes


def _has_name(attributes: dict[str, Any]) -> bool:
    return all(isinstance(attributes.get(name), str) and attributes[name] for name in ("id", "source"))


def _reference(attributes: dict[str, Any], traceparent: str | None) -> Reference:
    subject = attributes.get("subject")
    return Reference(
        id=attributes["id"][:MAX_ECHOED],
        source=attributes["source"][:MAX_ECHOED],
        subject=subject[:MAX_ECHOED] if isinstance(subject, str) else None,
        traceparent=tracing.read(attributes.get("traceparent")) or traceparent,
    )


def _speaker(message: Message) -> str:
    if not message.organ:
        raise IdentityMissing
    return message.organ


def _check_identity(envelope: Envelope, organ: str, routing_key: str | None) -> None:
    if envelope.source != source_of(organ):
        raise IdentityMismatch(member="source")
    if routing_key is not None and routing_key.partition(".")[0] != organ:
        raise IdentityMismatch(member="routing_key")


def _heard(about: Reference, envelope: Envelope, organ: str, body: bytes) -> Heard:
    fact = load_fact(envelope.type, envelope.version, envelope.data)
    return Heard(
        about=about,
        key=(envelope.source, envelope.id),
        serial=envelope.subject,
        organ=organ,
        fact=fact,
        digest=digest_of(envelope),
        body=body,
    )


def digest_of(envelope: Envelope) -> str:
    """Of what the sender said (SHA-256, hex): a repeat says the same, whatever order its members come in."""
    schema = dataschema(envelope.type, envelope.version)
    said = [envelope.type, schema, envelope.subject, envelope.data]
    try:
        return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()
    except orjson.JSONEncodeError:
        raise InvalidInput.from_messages({"data": ["Not valid JSON values."]}) from None
