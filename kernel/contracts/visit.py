"""The facts of visits and tickets, read and written. Published by appointment on `visit-events`, key `<type>.<hall>`.

A booking's number is the stream of its facts, a ticket's id of its own. `load_visit_fact` checks data against the
schema of the version they were written in and lifts them to the present one; nothing downstream sees any other.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields as dataclass_fields
from datetime import date, datetime
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from kernel.clock import format_time
from kernel.contracts.accounts import LANGUAGES
from kernel.contracts.case import TextLength, UnknownType, UnknownVersion
from kernel.contracts.envelope import Instant
from kernel.contracts.patterns import ONE_LINE_WITHOUT_C0
from kernel.contracts.ticket_facts import TICKET_FACTS
from kernel.contracts.visit_facts import VISIT_FACTS, VisitFact
from kernel.errors import InvalidInput

SOURCE = "/appointment"
CAUSES = ["visitor", "staff", "closure"]
KINDS = ["booking", "walk_in"]
PRIORITIES = ["none", "elderly", "disabled", "pregnant", "military"]

_SHORT = [TextLength(1, 200), ONE_LINE_WITHOUT_C0]
_TEXT = [TextLength(1, 2000), ONE_LINE_WITHOUT_C0]
_CODE = [TextLength(1, 64), ONE_LINE_WITHOUT_C0]
_GROUP = [TextLength(1, 96), ONE_LINE_WITHOUT_C0]


class _Tuple(fields.List[Any]):
    """A list that is loaded as a tuple, as frozen values hold it."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return tuple(super()._deserialize(value, attr, data, **kwargs))


class VisitFactSchema(ma.Schema):
    """What every fact's data hold. A member that no version knows is refused."""

    class Meta:
        unknown = ma.RAISE

    occurred_at = Instant(required=True)
    by = fields.String(required=True, validate=_CODE)
    hall = fields.String(required=True, validate=_CODE)


class _Timed(VisitFactSchema):
    starts_at = Instant(required=True)
    ends_at = Instant(required=True)


class _Told(_Timed):
    """Whom to tell of it, and what to call it."""

    hall_name = fields.String(required=True, validate=_SHORT)
    group = fields.String(required=True, validate=_GROUP)
    group_name = fields.String(required=True, validate=_SHORT)
    visitor = fields.String(required=True, validate=_CODE)
    account = fields.String(allow_none=True, load_default=None, validate=_CODE)
    language = fields.String(load_default="zh-Hans", validate=validate.OneOf(LANGUAGES))


class VisitBookedV1(_Told):
    items = _Tuple(fields.String(validate=_CODE), required=True, validate=validate.Length(1, 10))
    people = fields.Integer(strict=True, load_default=1, validate=validate.Range(1, 50))
    cancel_before = Instant(allow_none=True, load_default=None)


class VisitMovedV1(_Timed):
    moved_from = Instant(required=True)
    cancel_before = Instant(allow_none=True, load_default=None)


class VisitCancelledV1(VisitFactSchema):
    cause = fields.String(required=True, validate=validate.OneOf(CAUSES))
    reason = fields.String(allow_none=True, load_default=None, validate=_TEXT)


class VisitClosedV1(VisitFactSchema):
    reason = fields.String(required=True, validate=_TEXT)
    offered = _Tuple(Instant(), load_default=(), validate=validate.Length(0, 10))
    held_until = Instant(allow_none=True, load_default=None)


class VisitReopenedV1(_Timed):
    pass


class VisitOfferedV1(_Told):
    booking = fields.String(required=True, validate=_CODE)
    held_until = Instant(required=True)


class VisitRemindedV1(VisitFactSchema):
    starts_at = Instant(required=True)


class VisitCheckedInV1(VisitFactSchema):
    ticket = fields.String(allow_none=True, load_default=None, validate=_CODE)


class VisitServedV1(VisitFactSchema):
    pass


class VisitNoShowV1(VisitFactSchema):
    pass


class VisitBlockedV1(VisitFactSchema):
    visitor = fields.String(required=True, validate=_CODE)
    until = fields.Date(required=True)
    no_shows = fields.Integer(strict=True, required=True, validate=validate.Range(1, 1000))


class VisitExcusedV1(VisitFactSchema):
    pass


class VisitUnblockedV1(VisitFactSchema):
    visitor = fields.String(required=True, validate=_CODE)
    appeal = fields.String(allow_none=True, load_default=None, validate=_CODE)


class VisitAppealDismissedV1(VisitFactSchema):
    visitor = fields.String(required=True, validate=_CODE)
    appeal = fields.String(required=True, validate=_CODE)
    until = fields.Date(required=True)


class TicketFactSchema(VisitFactSchema):
    """What the facts of a ticket hold beside those of a visit."""

    number = fields.String(required=True, validate=_CODE)
    group = fields.String(required=True, validate=_GROUP)


class _AtWindow(TicketFactSchema):
    window = fields.String(required=True, validate=_CODE)


def _minutes() -> fields.Integer:
    return fields.Integer(strict=True, required=True, validate=validate.Range(0, 10_000))


class TicketIssuedV2(TicketFactSchema):
    hall_name = fields.String(required=True, validate=_SHORT)
    group_name = fields.String(required=True, validate=_SHORT)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    rank = Instant(required=True)
    low = _minutes()
    high = _minutes()
    people = fields.Integer(strict=True, load_default=1, validate=validate.Range(1, 50))
    booking = fields.String(allow_none=True, load_default=None, validate=_CODE)


class TicketIssuedV1(TicketIssuedV2):
    priority = fields.String(load_default="none", validate=validate.OneOf(PRIORITIES))


class TicketParkedV1(_AtWindow):
    until = Instant(required=True)


class TicketReturnedV1(TicketFactSchema):
    rank = Instant(required=True)


class TicketTransferredV1(_AtWindow):
    to = fields.String(required=True, validate=_GROUP)
    to_name = fields.String(required=True, validate=_SHORT)


def issued_v1_to_v2(data: dict[str, Any]) -> dict[str, Any]:
    """Version 1 said why somebody was let ahead, which is nobody's business; that somebody was, the rank says."""
    return {name: value for name, value in data.items() if name != "priority"}


VISIT_SCHEMAS: dict[tuple[str, int], ma.Schema] = {
    ("visit.booked", 1): VisitBookedV1(),
    ("visit.moved", 1): VisitMovedV1(),
    ("visit.cancelled", 1): VisitCancelledV1(),
    ("visit.closed", 1): VisitClosedV1(),
    ("visit.reopened", 1): VisitReopenedV1(),
    ("visit.offered", 1): VisitOfferedV1(),
    ("visit.reminded", 1): VisitRemindedV1(),
    ("visit.checked_in", 1): VisitCheckedInV1(),
    ("visit.served", 1): VisitServedV1(),
    ("visit.no_show", 1): VisitNoShowV1(),
    ("visit.blocked", 1): VisitBlockedV1(),
    ("visit.excused", 1): VisitExcusedV1(),
    ("visit.unblocked", 1): VisitUnblockedV1(),
    ("visit.appeal_dismissed", 1): VisitAppealDismissedV1(),
    ("ticket.issued", 1): TicketIssuedV1(),
    ("ticket.issued", 2): TicketIssuedV2(),
    ("ticket.called", 1): _AtWindow(),
    ("ticket.recalled", 1): _AtWindow(),
    ("ticket.parked", 1): TicketParkedV1(),
    ("ticket.returned", 1): TicketReturnedV1(),
    ("ticket.transferred", 1): TicketTransferredV1(),
    ("ticket.finished", 1): _AtWindow(),
    ("ticket.missed", 1): _AtWindow(),
    ("ticket.closed", 1): TicketFactSchema(),
}
UPCASTERS: dict[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]] = {
    ("ticket.issued", 1): issued_v1_to_v2,
}
_FACTS: dict[str, type[VisitFact]] = {**VISIT_FACTS, **TICKET_FACTS}


def load_visit_fact(type_: str, version: int, data: Mapping[str, Any]) -> VisitFact:
    """Read a fact's data as written in `version`, lifted to the present version.

    Raises UnknownType, UnknownVersion, or InvalidInput with fields that start with `data.`.
    """
    if type_ not in _FACTS:
        raise UnknownType(type=type_)
    if (type_, version) not in VISIT_SCHEMAS:
        known = ", ".join(str(v) for t, v in VISIT_SCHEMAS if t == type_)
        raise UnknownVersion(type=type_, version=version, versions=known)
    try:
        loaded = VISIT_SCHEMAS[type_, version].load(data)
    except ma.ValidationError as error:
        raise InvalidInput.from_messages({"data": error.messages}) from None
    while (type_, version) in UPCASTERS:
        loaded = UPCASTERS[type_, version](loaded)
        version += 1
    return _FACTS[type_](**loaded)


def dump_visit_fact(fact: VisitFact) -> dict[str, Any]:
    """A fact's data as JSON values, in its present version; members that are None are left out."""
    values = {item.name: getattr(fact, item.name) for item in dataclass_fields(fact)}
    return {name: _plain(value) for name, value in values.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
