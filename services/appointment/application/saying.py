"""What is said about bookings: facts for the log, and answers for those who asked. Decides nothing."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from kernel.clock import format_time, from_micros
from kernel.contracts.visit import SOURCE, dump_visit_fact
from kernel.contracts.visit_facts import VisitBooked, VisitFact
from kernel.eventlog import Append, Appended, NewEvent
from services.appointment.application.rows import BookingRow, EntryRow
from services.appointment.application.tools import Tools
from services.appointment.domain.halls import Group, Hall
from services.appointment.domain.rules import HallRule, cancel_before
from services.appointment.domain.times import hhmm

BY_CLOCK = "clock"  # who says what nobody has asked for


def append_to(booking: str, version: int, facts: Sequence[VisitFact]) -> Append:
    """What puts these facts on the log, behind the `version` that it has of the booking."""
    events = tuple(
        NewEvent(
            id=f"{booking}-{place}",
            source=SOURCE,
            type=fact.TYPE,
            version=fact.VERSION,
            time=fact.occurred_at,
            data=dump_visit_fact(fact),
            organ=fact.hall,
        )
        for place, fact in enumerate(facts, version + 1)
    )
    return Append(stream=booking, expected_version=version, events=events)


def append_last(tools: Tools, tx: sa.Connection, requests: Sequence[Append]) -> None:
    """The last statement of a transaction: from here to its commit all other writers of the log wait."""
    for request, outcome in zip(requests, tools.log.append_within(tx, requests), strict=True):
        if not isinstance(outcome, Appended):
            raise RuntimeError(f"the log and the booking {request.stream} do not agree: {outcome}")


def booked(row: BookingRow, hall: Hall, group: Group, by: str, at: Any) -> VisitBooked:
    """The fact that a booking begins with."""
    return VisitBooked(
        occurred_at=at,
        by=by,
        hall=row.hall,
        hall_name=group.hall_name,
        group=group.id,
        group_name=group.name,
        visitor=row.visitor,
        items=row.items,
        people=row.people,
        account=row.account,
        language=row.language,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        cancel_before=cancel_before(hall.rule, row.starts_at),
    )


def named(row: BookingRow | EntryRow, group: Group) -> dict[str, Any]:
    """In the form of `kernel.contracts.appointment.VisitNamed`."""
    return {
        "hall": row.hall,
        "hall_name": group.hall_name,
        "group": group.id,
        "group_name": group.name,
        "items": list(row.items),
        "people": row.people,
    }


def shown(row: BookingRow, group: Group, rule: HallRule, instead: Sequence[BookingRow] = ()) -> dict[str, Any]:
    """In the form of `kernel.contracts.appointment.Appointment`; of a hold, `Held`.

    `instead`: what is held for the visitor of a closed booking.
    """
    ends = [one.held_until for one in instead if one.held_until is not None]
    answer = {
        "number": row.number,
        "state": str(row.state),
        **named(row, group),
        "starts_at": format_time(row.starts_at),
        "ends_at": format_time(row.ends_at),
        "cancel_before": format_time(cancel_before(rule, row.starts_at)),
        "closed": row.closed,
        "offered": [{"date": one.day.isoformat(), "time": hhmm(one.starts)} for one in instead],
        "offered_until": format_time(from_micros(min(ends))) if ends else None,
    }
    if row.held_until is not None and row.version == 0:
        answer["held_until"] = format_time(from_micros(row.held_until))
    return answer
