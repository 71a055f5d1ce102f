"""What appointment is asked and what it answers about the waiting list, and about blocks and appeals against them.

Days are dates and times of day are HH:MM, both in China Standard Time. What people write goes in and is kept sealed.
"""

import marshmallow as ma
from marshmallow import fields, validate

from kernel.contracts.accounts import Request
from kernel.contracts.appointment import PAGE_SIZES, Asked, BookingNumber, OfHall, VisitNamed, Visitor, Wanted
from kernel.contracts.case import TextLength
from kernel.contracts.closures import DaysAndHours
from kernel.contracts.envelope import Instant
from kernel.contracts.patterns import CODE, KEY, LINES

ENTRY_STATES = ["waiting", "offered", "booked", "lapsed", "left", "over"]
APPEAL_STATES = ["open", "granted", "dismissed"]
MAX_REASON = 1000  # characters of an appeal, and of the answer


class WaitingWish(Wanted, DaysAndHours):
    """Body of `POST /waiting-list`: any time on these days would do, all of it between `since` and `until`.

    `visitor`: needed from a guest, as for a booking.
    """

    visitor = fields.Nested(Visitor, load_default=None, allow_none=True)


class JoinWaiting(Asked, WaitingWish):
    """RPC `join_waiting` (→ WaitingEntry). Raises StillFree, WaitingLimit, and why nothing could be booked then."""

    idempotency_key = fields.String(load_default=None, allow_none=True, validate=KEY)


class AskWaiting(Asked):
    """RPCs `waiting_entry` and `leave_waiting` (→ WaitingEntry). Raise UnknownEntry, also for another's."""

    number = BookingNumber(required=True, validate=CODE)


class OwnWaitingAsked(Asked):
    """RPC `own_waiting` (→ WaitingEntries): the caller's, the last that was made first."""

    page = fields.Integer(load_default=1, validate=validate.Range(1, 10_000))
    page_size = fields.Integer(load_default=20, validate=validate.Range(*PAGE_SIZES))


class WaitingEntry(VisitNamed):
    """An entry on the waiting list. `ahead`: how many have waited longer for any of its days at any of its groups.

    It waits at each group that handles its items: `group` is the first of them. Once it was offered a time, `group` is
    where, and `booking` the hold: to be confirmed like any other, until `held_until`.
    """

    number = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(ENTRY_STATES))
    first_day = fields.String(required=True)
    last_day = fields.String(required=True)
    since = fields.String(required=True)
    until = fields.String(required=True)
    ahead = fields.Integer(required=True)
    booking = fields.String(required=True, allow_none=True)
    starts_at = Instant(required=True, allow_none=True)
    ends_at = Instant(required=True, allow_none=True)
    held_until = Instant(required=True, allow_none=True)


class WaitingEntries(ma.Schema):
    items = fields.List(fields.Nested(WaitingEntry), required=True)
    total = fields.Integer(required=True)
    page = fields.Integer(required=True)
    page_size = fields.Integer(required=True)


def _written(**kwargs: object) -> fields.String:
    return fields.String(validate=[TextLength(1, MAX_REASON), LINES], **kwargs)  # type: ignore[arg-type]


class AppealReason(Request):
    """Body of `POST /halls/{hall}/appeals`: what somebody who is blocked there writes. `visitor`: of a guest."""

    reason = _written(required=True)
    visitor = fields.Nested(Visitor, load_default=None, allow_none=True)


class FileAppeal(Asked, AppealReason):
    """RPC `file_appeal` (→ Appeal): against the block at `hall`. Raises NotBlocked, AppealOpen."""

    hall = fields.String(required=True, validate=CODE)
    idempotency_key = fields.String(load_default=None, allow_none=True, validate=KEY)


class AskAppeal(Asked):
    """RPC `appeal` (→ Appeal). Raises UnknownAppeal, also for another's."""

    id = fields.String(required=True, validate=CODE)


class Appeal(ma.Schema):
    """An appeal as its person sees it. `blocked_until`: the first day that can be booked again if it is dismissed."""

    id = fields.String(required=True)
    hall = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(APPEAL_STATES))
    blocked_until = fields.String(required=True)
    filed_at = Instant(required=True)
    decided_at = Instant(required=True, allow_none=True)
    sentence = fields.String(required=True, allow_none=True)


class MissedVisit(ma.Schema):
    number = fields.String(required=True)
    starts_at = Instant(required=True)
    excused = fields.Boolean(required=True)


class FiledAppeal(Appeal):
    """The same as the hall's staff see it, with the visits at the hall that were missed."""

    reason = fields.String(required=True)
    missed = fields.List(fields.Nested(MissedVisit), required=True)


class FiledAppeals(ma.Schema):
    items = fields.List(fields.Nested(FiledAppeal), required=True)
    total = fields.Integer(required=True)
    page = fields.Integer(required=True)
    page_size = fields.Integer(required=True)


class AppealsAsked(OfHall):
    """RPC `appeals` (→ FiledAppeals): those to the hall, the oldest first."""

    state = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(APPEAL_STATES))
    page = fields.Integer(load_default=1, validate=validate.Range(1, 10_000))
    page_size = fields.Integer(load_default=20, validate=validate.Range(*PAGE_SIZES))


class Decision(Request):
    """Body of `POST /halls/{hall}/appeals/{id}/decision`. The person reads `sentence`."""

    granted = fields.Boolean(required=True, truthy={True}, falsy={False})
    sentence = _written(required=True)


class DecideAppeal(OfHall, Decision):
    """RPC `decide_appeal` (→ FiledAppeal). Raises UnknownAppeal, AppealDecided."""

    id = fields.String(required=True, validate=CODE)


class ExcuseNoShow(OfHall):
    """RPC `excuse_no_show` (→ Excused). Raises UnknownBooking, NotInThatState."""

    number = BookingNumber(required=True, validate=CODE)


class Excused(ma.Schema):
    """A no-show that does not count any more; `unblocked`: the block that it brought is lifted with it."""

    number = fields.String(required=True)
    excused = fields.Boolean(required=True)
    unblocked = fields.Boolean(required=True)
