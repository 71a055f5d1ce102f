"""What appointment is asked and what it answers about slots, holds and bookings. Personal data go in, never out.

Days are dates and times of day are HH:MM, both in China Standard Time; instants are RFC 3339 with offset.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from kernel.contracts.accounts import LANGUAGES, Principal, Request
from kernel.contracts.case import TextLength
from kernel.contracts.envelope import Instant
from kernel.contracts.patterns import CODE, END, GROUP, IDENTITY_NUMBER, KEY, MOBILE, ONE_LINE, TIME
from kernel.ids import normalise_code

MAX_DAYS = 30  # of free slots that are shown at once
MAX_ITEMS = 10
MAX_PEOPLE = 10
PAGE_SIZES = (1, 100)
STATES = ["held", "booked", "checked_in", "served", "cancelled", "expired", "no_show"]


def _day(**kwargs: object) -> fields.Date:
    return fields.Date(format="iso", **kwargs)  # type: ignore[arg-type]


def _hour(**kwargs: object) -> fields.String:
    return fields.String(required=True, validate=TIME, metadata={"example": "09:30"}, **kwargs)  # type: ignore[arg-type]


class BookingNumber(fields.String):
    """Of a booking, a hold, or an entry of the waiting list: read as it was given out, however somebody types it."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        return normalise_code(super()._deserialize(value, attr, data, **kwargs))


class Asked(Request):
    """The one who asks: somebody with an account, a guest whose mobile an SMS code has proven, or the hall's staff."""

    principal = fields.Nested(Principal, required=True)
    language = fields.String(load_default="zh-Hans", validate=validate.OneOf(LANGUAGES))


class SlotsAsked(Request):
    """RPC `slots` (→ FreeSlots), for everybody. `date`: the first day, today if absent.

    All groups without `item`; with it, each that handles it: who books a time gets it at the first that has it.
    """

    hall = fields.String(required=True, validate=CODE)
    item = fields.String(load_default=None, allow_none=True, validate=CODE)
    date = _day(load_default=None, allow_none=True)
    days = fields.Integer(load_default=MAX_DAYS, validate=validate.Range(1, MAX_DAYS))
    people = fields.Integer(load_default=1, validate=validate.Range(1, MAX_PEOPLE))


class Wanted(Request):
    """What a visit is for, and how many come: `item`, or `items` that are all dealt with in one visit."""

    hall = fields.String(required=True, validate=CODE)
    item = fields.String(validate=CODE)
    items = fields.List(fields.String(validate=CODE), validate=validate.Length(1, MAX_ITEMS))
    people = fields.Integer(strict=True, load_default=1, validate=validate.Range(1, MAX_PEOPLE))

    @ma.validates_schema(skip_on_field_errors=True)
    def names_each_once(self, data: dict[str, object], **_: object) -> None:
        items = data.get("items")
        if ("item" in data) == ("items" in data):
            raise ma.ValidationError("Name either one item or a list of items.", "items")
        if isinstance(items, list) and len(set(items)) != len(items):
            raise ma.ValidationError("Name each item once.", "items")

    @ma.post_load
    def as_list(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        item = data.pop("item", None)
        return data if item is None else {**data, "items": [item]}


class Wish(Wanted):
    """The same, and when."""

    date = _day(required=True)
    time = _hour()


class Visitor(Request):
    """The person who comes. The mobile was proven before; no change of name is possible later."""

    name = fields.String(required=True, validate=[TextLength(1, 50), ONE_LINE])
    identity_number = fields.String(required=True, validate=IDENTITY_NUMBER)
    mobile = fields.String(required=True, validate=MOBILE)


class Booking(Wish):
    """Body of `POST /appointments` and `POST /appointments/holds`.

    `visitor`: needed from a guest. Who has an account books for nobody else, and is known.
    """

    visitor = fields.Nested(Visitor, load_default=None, allow_none=True)


class Hold(Asked, Booking):
    """RPC `hold` (→ Held): keeps the times for a few minutes while the visitor fills in."""

    idempotency_key = fields.String(load_default=None, allow_none=True, validate=KEY)


class Book(Asked, Booking):
    """RPC `book` (→ Appointment): at once, without a hold."""

    idempotency_key = fields.String(load_default=None, allow_none=True, validate=KEY)


class Confirm(Asked):
    """RPC `confirm` (→ Appointment): what was held is booked. Raises HoldExpired, UnknownBooking for another's."""

    number = BookingNumber(required=True, validate=CODE)
    idempotency_key = fields.String(load_default=None, allow_none=True, validate=KEY)


class Cancel(Asked):
    """RPC `cancel` (→ Appointment). Nobody is asked why: what people write could tell of them for ever."""

    number = BookingNumber(required=True, validate=CODE)
    idempotency_key = fields.String(load_default=None, allow_none=True, validate=KEY)


class Moving(Request):
    """Body of `POST /appointments/{id}/move`: the same visit at another time."""

    date = _day(required=True)
    time = _hour()


class Move(Asked, Moving):
    """RPC `move` (→ Appointment): the new time, at the same group, is taken and the old one given up, or neither."""

    number = BookingNumber(required=True, validate=CODE)
    idempotency_key = fields.String(load_default=None, allow_none=True, validate=KEY)


class AskAppointment(Asked):
    """RPC `appointment` (→ Appointment). Raises UnknownBooking, also for another's."""

    number = BookingNumber(required=True, validate=CODE)


class Document(ma.Schema):
    """RPC `calendar` and `qr`, asked as AskAppointment is: a file about the booking, as text."""

    media_type = fields.String(required=True)
    name = fields.String(required=True)
    content = fields.String(required=True)


class OwnAppointmentsAsked(Asked):
    """RPC `own_appointments` (→ AppointmentPage): the caller's, the latest visit first."""

    page = fields.Integer(load_default=1, validate=validate.Range(1, 10_000))
    page_size = fields.Integer(load_default=20, validate=validate.Range(*PAGE_SIZES))


class FreeTime(ma.Schema):
    """A visit could begin then: `free` of them."""

    time = fields.String(required=True)
    ends = fields.String(required=True)
    free = fields.Integer(required=True)


class FreeDay(ma.Schema):
    date = fields.String(required=True)
    times = fields.List(fields.Nested(FreeTime), required=True)


class FreeGroup(ma.Schema):
    """A business group (业务组) and when it has time. `minutes`: how long the visit takes."""

    group = fields.String(required=True)
    name = fields.String(required=True)
    minutes = fields.Integer(required=True)
    days = fields.List(fields.Nested(FreeDay), required=True)


class FreeSlots(ma.Schema):
    """Days that may be booked now, each with its free times."""

    hall = fields.String(required=True)
    first_day = fields.String(required=True)
    last_day = fields.String(required=True)
    groups = fields.List(fields.Nested(FreeGroup), required=True)


class NextTime(ma.Schema):
    """A time that is free: a member of the refusals `full` and `still_free`, and of a closed booking."""

    date = fields.String(required=True)
    time = fields.String(required=True)


class VisitNamed(ma.Schema):
    """Where a visit is, what for, and for how many people."""

    hall = fields.String(required=True)
    hall_name = fields.String(required=True)
    group = fields.String(required=True)
    group_name = fields.String(required=True)
    items = fields.List(fields.String(), required=True)
    people = fields.Integer(required=True)


class Appointment(VisitNamed):
    """A booking as its visitor sees it. `cancel_before`: until then it can be cancelled or moved.

    `closed`: the hall cannot keep the time. It can be moved or cancelled at any hour then, and the times `offered` are
    held for the visitor until `offered_until`.
    """

    number = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    starts_at = Instant(required=True)
    ends_at = Instant(required=True)
    cancel_before = Instant(required=True)
    closed = fields.Boolean(required=True)
    offered = fields.List(fields.Nested(NextTime), required=True)
    offered_until = Instant(required=True, allow_none=True)


class Held(Appointment):
    """Answer to a hold. `number` is what `confirm` is given."""

    held_until = Instant(required=True)


class AppointmentPage(ma.Schema):
    items = fields.List(fields.Nested(Appointment), required=True)
    total = fields.Integer(required=True)
    page = fields.Integer(required=True)
    page_size = fields.Integer(required=True)


class Hours(Request):
    """Opening hours of a day: both HH:MM; `until` may be 24:00."""

    since = _hour()
    until = fields.String(required=True, validate=END)

    @ma.validates_schema
    def is_some_time(self, data: dict[str, str], **_: object) -> None:
        if "since" in data and "until" in data and data["since"] >= data["until"]:
            raise ma.ValidationError("Must be later than `since`.", "until")


class Schedule(Request):
    """A group's schedule. `weekly`: hours by ISO weekday ("1" is Monday). `capacity`: places in each slot.

    `window_quota` of them are kept for people without a booking. `item_minutes`: items that take longer than a slot.
    On days off in the State Council's calendar there are no hours, unless the group is `open_on_holidays`.
    """

    weekly = fields.Dict(
        keys=fields.String(validate=validate.OneOf("1234567")),
        values=fields.List(fields.Nested(Hours), validate=validate.Length(0, 6)),
        required=True,
    )
    slot_minutes = fields.Integer(strict=True, required=True, validate=validate.Range(5, 240))
    capacity = fields.Integer(strict=True, required=True, validate=validate.Range(0, 1000))
    window_quota = fields.Integer(strict=True, load_default=0, validate=validate.Range(0, 1000))
    item_minutes = fields.Dict(
        keys=fields.String(validate=CODE),
        values=fields.Integer(strict=True, validate=validate.Range(1, 480)),
        load_default=dict,
        validate=validate.Length(0, 2000),
    )
    open_on_holidays = fields.Boolean(load_default=False, truthy={True}, falsy={False})

    @ma.validates_schema
    def fits(self, data: dict[str, object], **_: object) -> None:
        quota, capacity = data.get("window_quota"), data.get("capacity")
        if isinstance(quota, int) and isinstance(capacity, int) and quota > capacity:
            raise ma.ValidationError("Must not exceed the capacity.", "window_quota")
        weekly = data.get("weekly")
        for day, hours in weekly.items() if isinstance(weekly, dict) else ():
            ordered = sorted(hours, key=lambda one: str(one["since"]))
            if any(one["until"] > other["since"] for one, other in pairwise(ordered)):
                raise ma.ValidationError("Hours of a day must not overlap.", f"weekly.{day}")


class HallRule(Request):
    """What a hall asks of those who book; every member has a default."""

    per_day = fields.Integer(strict=True, load_default=1, validate=validate.Range(1, 50))
    per_week = fields.Integer(strict=True, load_default=2, validate=validate.Range(1, 100))
    per_month = fields.Integer(strict=True, load_default=6, validate=validate.Range(1, 400))
    no_shows = fields.Integer(strict=True, load_default=2, validate=validate.Range(1, 100))
    no_show_days = fields.Integer(strict=True, load_default=90, validate=validate.Range(1, 730))
    blocked_days = fields.Integer(strict=True, load_default=90, validate=validate.Range(1, 730))
    first_day = fields.Integer(strict=True, load_default=1, validate=validate.Range(0, 60))
    last_working_day = fields.Integer(strict=True, load_default=5, validate=validate.Range(0, 60))
    cancel_before_minutes = fields.Integer(strict=True, load_default=120, validate=validate.Range(0, 10_080))
    hold_seconds = fields.Integer(strict=True, load_default=300, validate=validate.Range(30, 3600))
    early_minutes = fields.Integer(strict=True, load_default=30, validate=validate.Range(0, 1440))
    late_minutes = fields.Integer(strict=True, load_default=15, validate=validate.Range(0, 1440))
    late_limit_minutes = fields.Integer(strict=True, load_default=120, validate=validate.Range(0, 1440))
    lead_minutes = fields.Integer(strict=True, load_default=10, validate=validate.Range(0, 240))
    priority_minutes = fields.Integer(strict=True, load_default=20, validate=validate.Range(0, 240))
    elderly_age = fields.Integer(strict=True, load_default=65, validate=validate.Range(50, 120))
    park_minutes = fields.Integer(strict=True, load_default=10, validate=validate.Range(1, 240))
    offer_minutes = fields.Integer(strict=True, load_default=30, validate=validate.Range(5, 1440))
    waiting_entries = fields.Integer(strict=True, load_default=3, validate=validate.Range(0, 20))
    closure_hold_minutes = fields.Integer(strict=True, load_default=1440, validate=validate.Range(60, 10_080))
    given_up = fields.Integer(strict=True, load_default=5, validate=validate.Range(1, 100))
    moves = fields.Integer(strict=True, load_default=5, validate=validate.Range(0, 100))


class OfHall(Asked):
    """Of every request of a hall's staff: the hall. Raises NotAllowed for the staff of another."""

    hall = fields.String(required=True, validate=CODE)


class SetSchedule(OfHall, Schedule):
    """RPC `set_schedule` (→ Replanned). Raises UnknownHall, UnknownGroup."""

    group = fields.String(required=True, validate=GROUP)


class GroupSchedule(ma.Schema):
    """A business group with what it handles, and its schedule."""

    group = fields.String(required=True)
    name = fields.String(required=True)
    items = fields.List(fields.String(), required=True)
    schedule = fields.Nested(Schedule, required=True)


class ScheduleList(ma.Schema):
    """RPC `schedules`, asked as OfHall is."""

    items = fields.List(fields.Nested(GroupSchedule), required=True)
    total = fields.Integer(required=True)


class SetRule(OfHall, HallRule):
    """RPC `set_rule` (→ Replanned); `rule`, asked as OfHall is, answers HallRule. Raises UnknownHall."""


class Cancellation(Request):
    """Body of `POST /halls/{hall}/bookings/{number}/cancellation`. The visitor reads `reason`, and it stays on the log:
    it tells nothing of the person."""

    reason = fields.String(
        required=True, validate=[TextLength(1, 200), ONE_LINE], metadata={"example": "应来电要求取消"}
    )


class CancelForVisitor(OfHall, Cancellation):
    """RPC `cancel_for_visitor` (→ Appointment): until the visit begins. Raises UnknownBooking, InThePast,
    NotInThatState."""

    number = BookingNumber(required=True, validate=CODE)
    idempotency_key = fields.String(load_default=None, allow_none=True, validate=KEY)


class BookingsAsked(OfHall):
    """RPC `bookings` (→ BookingPage): who is expected at the hall on a day, by time."""

    date = _day(required=True)
    page = fields.Integer(load_default=1, validate=validate.Range(1, 10_000))
    page_size = fields.Integer(load_default=20, validate=validate.Range(*PAGE_SIZES))


class BookingPage(AppointmentPage):
    """Bookings of a hall's day, whatever became of them."""
