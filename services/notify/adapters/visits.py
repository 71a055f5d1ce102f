"""Makes messages of appointment's log of visits, in the transaction that moves the checkpoint. Sends nothing.

The hall's tickets stand on the same log and are passed by. A rebuild makes whom to tell, and no messages.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import orjson
from sqlalchemy import Connection, text

from kernel.clock import Clock, from_micros, to_micros
from kernel.contracts.visit import load_visit_fact
from kernel.contracts.visit_facts import VisitFact
from kernel.errors import Park, Refusal
from kernel.eventlog import Recorded
from services.notify.adapters.new_messages import create, new_message
from services.notify.domain.message import NewMessage
from services.notify.domain.visit_templates import TOLD, render
from services.notify.domain.visits import Visit, evolve, expires_at

LOG = "appointment"
CHANNEL = "sms"

_NAMES = ("number", "recipient", "language", "hall_name", "group_name", "starts_at", "ends_at", "cancel_before")
_TIMES = ("starts_at", "ends_at", "cancel_before")
_WANTED = {
    "postgresql": "SELECT json_array_elements_text(CAST(:numbers AS json))",
    "sqlite": "SELECT value FROM json_each(:numbers)",
}
_LOAD = {
    dialect: text(f"SELECT {', '.join(_NAMES)} FROM visit_contact WHERE number IN ({wanted})")
    for dialect, wanted in _WANTED.items()
}
_KEEP = text(
    f"INSERT INTO visit_contact ({', '.join(_NAMES)}) VALUES ({', '.join(':' + name for name in _NAMES)})"
    f" ON CONFLICT (number) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _NAMES[1:])}"
)


class VisitMessages:
    """Takes events of appointment's log; leaves messages, due at once."""

    name = "notify-visits"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def apply(self, tx: Connection, events: Sequence[Recorded]) -> None:
        """Take `events`, in the log's order. Raises Park for one that can't be read or whose visit is not known."""
        messages = [_message(*told) for told in _taken(tx, events)]
        create(tx, [message for message in messages if message is not None], self._clock.now())


class VisitContacts:
    """Keeps what is known of each visit, and makes no message: what a rebuild makes tells nobody anything."""

    name = VisitMessages.name

    def __init__(self, _: Clock) -> None:
        pass

    def apply(self, tx: Connection, events: Sequence[Recorded]) -> None:
        """Take `events`, in the log's order. Raises Park as `VisitMessages` does."""
        _taken(tx, events)


def _taken(tx: Connection, events: Sequence[Recorded]) -> list[tuple[VisitFact, Recorded, Visit]]:
    """What of `events` is told, with the visit as it was after each; what is known of visits is kept."""
    told = [event for event in events if event.type in TOLD]
    visits = _load(tx, {event.stream for event in told})
    before = dict(visits)
    taken = [_evolved(visits, event) for event in told]
    _keep(tx, [visit for number, visit in visits.items() if before.get(number) != visit])
    return taken


def _evolved(visits: dict[str, Visit], event: Recorded) -> tuple[VisitFact, Recorded, Visit]:
    fact = _fact(event)
    visit = evolve(event.stream, visits.get(event.stream), fact)
    if visit is None:
        raise Park(f"{event.type} of {event.stream} came before its visit.booked")
    visits[event.stream] = visit
    return fact, event, visit


def _fact(event: Recorded) -> VisitFact:
    try:
        return load_visit_fact(event.type, event.version, event.data)
    except Refusal as refusal:
        raise Park(str(refusal)) from refusal


def _message(fact: VisitFact, event: Recorded, visit: Visit) -> NewMessage | None:
    rendered = render(fact, visit)
    if rendered is None:
        return None
    end = to_micros(expires_at(fact, visit))
    return new_message(LOG, event, CHANNEL, visit.language, visit.recipient, rendered, end)


def _load(tx: Connection, numbers: set[str]) -> dict[str, Visit]:
    rows = tx.execute(_LOAD[tx.dialect.name], {"numbers": orjson.dumps(list(numbers)).decode()}) if numbers else ()
    return {row.number: _visit(dict(row._mapping)) for row in rows}


def _visit(row: dict[str, Any]) -> Visit:
    times = {name: None if row[name] is None else from_micros(row[name]) for name in _TIMES}
    return Visit(**{**row, **times})


def _keep(tx: Connection, visits: Sequence[Visit]) -> None:
    if visits:
        tx.execute(_KEEP, [_row(visit) for visit in visits])


def _row(visit: Visit) -> dict[str, Any]:
    values = asdict(visit)
    return {**values, **{name: None if values[name] is None else to_micros(values[name]) for name in _TIMES}}
