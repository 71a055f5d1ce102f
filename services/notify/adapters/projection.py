"""Makes messages of the case log's events, in the transaction that moves the checkpoint. Sends nothing.

A rebuild makes whom to tell, and no messages: nobody is told of the past.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, text

from kernel.clock import Clock
from kernel.contracts.case import CaseReceived, Fact, load_fact
from kernel.errors import Park, Refusal
from kernel.eventlog import Recorded
from services.notify.adapters.new_messages import create, new_message
from services.notify.domain.message import NewMessage
from services.notify.domain.templates import SILENT, render

LOG = "filing"

_WANTED = {
    "postgresql": "SELECT json_array_elements_text(CAST(:serials AS json))",
    "sqlite": "SELECT value FROM json_each(:serials)",
}
_LOAD = {
    dialect: text(
        f"SELECT serial, applicant, notices, language, item_name FROM case_contact WHERE serial IN ({wanted})"
    )
    for dialect, wanted in _WANTED.items()
}
_KEEP = text(
    "INSERT INTO case_contact (serial, applicant, notices, language, item_name)"
    " VALUES (:serial, :applicant, :notices, :language, :item_name) ON CONFLICT (serial) DO UPDATE SET"
    " applicant = excluded.applicant, notices = excluded.notices, language = excluded.language,"
    " item_name = excluded.item_name"
)


@dataclass(frozen=True)
class CaseContact:
    """Whom to tell about a case, how, and what to call it: only `case.received` says so."""

    serial: str
    applicant: str
    notices: tuple[str, ...]
    language: str
    item_name: str


class CaseMessages:
    """Takes events; leaves messages in state `created`, due at once."""

    name = "notify"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def apply(self, tx: Connection, events: Sequence[Recorded]) -> None:
        """Take `events`, in the log's order. Raises Park for one that can't be read or whose case never came in."""
        contacts = _load(tx, {event.stream for event in events})
        before = dict(contacts)
        messages = [message for event in events for message in _messages(contacts, event)]
        _keep(tx, [contact for serial, contact in contacts.items() if before.get(serial) != contact])
        create(tx, messages, self._clock.now())


class CaseContacts:
    """Keeps whom to tell, and makes no message: what a rebuild makes tells nobody anything."""

    name = CaseMessages.name

    def __init__(self, _: Clock) -> None:
        pass

    def apply(self, tx: Connection, events: Sequence[Recorded]) -> None:
        """Take `events`, in the log's order. Raises Park as `CaseMessages` does."""
        contacts = _load(tx, {event.stream for event in events})
        before = dict(contacts)
        for event in events:
            if event.type not in SILENT:
                _told_about(contacts, event, _fact(event))
        _keep(tx, [contact for serial, contact in contacts.items() if before.get(serial) != contact])


def _messages(contacts: dict[str, CaseContact], event: Recorded) -> Iterator[NewMessage]:
    if event.type in SILENT:
        return
    fact = _fact(event)
    contact = _told_about(contacts, event, fact)
    for channel in contact.notices:
        message = _message(fact, event, contact, channel)
        if message is not None:
            yield message


def _told_about(contacts: dict[str, CaseContact], event: Recorded, fact: Fact) -> CaseContact:
    """Whom to tell about the event; kept in `contacts` where the event itself says so."""
    if isinstance(fact, CaseReceived):
        contacts[event.stream] = CaseContact(event.stream, fact.applicant, fact.notices, fact.language, fact.item_name)
    contact = contacts.get(event.stream)
    if contact is None:
        raise Park(f"{event.type} of {event.stream} came before its case.received")
    return contact


def _fact(event: Recorded) -> Fact:
    try:
        return load_fact(event.type, event.version, event.data)
    except Refusal as refusal:
        raise Park(str(refusal)) from refusal


def _message(fact: Fact, event: Recorded, contact: CaseContact, channel: str) -> NewMessage | None:
    rendered = render(fact, channel, contact.language, event.stream, contact.item_name)
    if rendered is None:
        return None
    return new_message(LOG, event, channel, contact.language, contact.applicant, rendered)


def _load(tx: Connection, serials: set[str]) -> dict[str, CaseContact]:
    rows = tx.execute(_LOAD[tx.dialect.name], {"serials": orjson.dumps(list(serials)).decode()})
    return {row.serial: _contact(row) for row in rows}


def _contact(row: Any) -> CaseContact:
    notices = tuple(orjson.loads(row.notices))
    return CaseContact(row.serial, row.applicant, notices, row.language, row.item_name)


def _keep(tx: Connection, contacts: Sequence[CaseContact]) -> None:
    if contacts:
        values: list[dict[str, Any]] = [
            {**asdict(one), "notices": orjson.dumps(one.notices).decode()} for one in contacts
        ]
        tx.execute(_KEEP, values)
