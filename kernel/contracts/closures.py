"""What a hall's staff ask about closures, and whom a closure or another schedule hits.

Days are dates and times of day are HH:MM, both in China Standard Time.
"""

import marshmallow as ma
from marshmallow import fields

from kernel.contracts.accounts import Request
from kernel.contracts.appointment import OfHall
from kernel.contracts.case import TextLength
from kernel.contracts.envelope import Instant
from kernel.contracts.patterns import CODE, END, GROUP, KEY, ONE_LINE, TIME


class DaysAndHours(Request):
    """Days from `first_day` to `last_day`, and on each of them all day, or between two times."""

    first_day = fields.Date(format="iso", required=True)
    last_day = fields.Date(format="iso", required=True)
    since = fields.String(load_default="00:00", validate=TIME, metadata={"example": "09:00"})
    until = fields.String(load_default="24:00", validate=END, metadata={"example": "12:00"})

    @ma.validates_schema
    def is_some_time(self, data: dict[str, str], **_: object) -> None:
        if "first_day" in data and "last_day" in data and data["first_day"] > data["last_day"]:
            raise ma.ValidationError("Must not be before `first_day`.", "last_day")
        if "since" in data and "until" in data and data["since"] >= data["until"]:
            raise ma.ValidationError("Must be later than `since`.", "until")


class Closure(DaysAndHours):
    """A hall, or one group of it, is closed then."""

    group = fields.String(load_default=None, allow_none=True, validate=GROUP)
    reason = fields.String(required=True, validate=[TextLength(1, 200), ONE_LINE])


class Close(OfHall, Closure):
    """RPC `close` (→ Replanned). Raises UnknownHall, UnknownGroup."""

    idempotency_key = fields.String(load_default=None, allow_none=True, validate=KEY)


class Reopen(OfHall):
    """RPC `reopen` (→ Replanned): a closure is taken back. Raises UnknownHall, UnknownClosure."""

    id = fields.String(required=True, validate=CODE)


class ClosureKept(Closure):
    """A closure as it stands."""

    id = fields.String(required=True)


class ClosureList(ma.Schema):
    """RPC `closures`, asked as OfHall is: those that are not over."""

    items = fields.List(fields.Nested(ClosureKept), required=True)
    total = fields.Integer(required=True)


class HitBooking(ma.Schema):
    """A booking that a change of schedule or a closure leaves without its times. `told`: its visitor knows."""

    number = fields.String(required=True)
    group = fields.String(required=True)
    starts_at = Instant(required=True)
    ends_at = Instant(required=True)
    told = fields.Boolean(required=True)


class HitList(ma.Schema):
    """RPC `hit_bookings`, asked as OfHall is: bookings to come that have no times, whatever has closed them."""

    items = fields.List(fields.Nested(HitBooking), required=True)
    total = fields.Integer(required=True)


class Replanned(ma.Schema):
    """Answer to a change of schedule or a closure: slots that are open now, and the bookings it hits."""

    open_slots = fields.Integer(required=True)
    hit = fields.List(fields.Nested(HitBooking), required=True)
