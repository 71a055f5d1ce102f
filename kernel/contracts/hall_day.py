"""What appointment is asked and what it answers about a hall's day: checking in, tickets, windows, display and waits.

Identity numbers go in and never out. Minutes are whole; instants are RFC 3339 with offset.
"""

import marshmallow as ma
from marshmallow import fields, validate

from kernel.contracts.accounts import Request
from kernel.contracts.appointment import MAX_PEOPLE, Asked, BookingNumber, OfHall
from kernel.contracts.case import TextLength
from kernel.contracts.envelope import Instant
from kernel.contracts.patterns import CODE, GROUP, IDENTITY_NUMBER, KEY, ONE_LINE
from kernel.contracts.visit import KINDS, PRIORITIES

STATES = ["waiting", "called", "parked", "finished", "missed", "closed"]
MAX_GROUPS = 100  # that a window serves
LONGEST_PARK = 240  # minutes

_WINDOW = validate.Regexp(r"[0-9A-Za-z-]{1,16}\Z", error="Not a valid code.")


def _priority() -> fields.String:
    return fields.String(load_default="none", validate=validate.OneOf(PRIORITIES))


def _key() -> fields.String:
    return fields.String(load_default=None, allow_none=True, validate=KEY)


class CheckInSaid(Request):
    """Body of `POST /appointments/{number}/check-in`: the hall's staff say the identity number, the visitor nothing."""

    identity_number = fields.String(load_default=None, allow_none=True, validate=IDENTITY_NUMBER)
    priority = _priority()


class CheckIn(Asked, CheckInSaid):
    """RPC `check_in` (→ TicketTaken). Raises UnknownBooking, WrongDay, TooEarly, TooLateToCheckIn, AlreadyWaiting."""

    number = BookingNumber(required=True, validate=CODE)


class HallCheckInSaid(Request):
    """Body of `POST /halls/{hall}/check-ins`. `code`: of the booking, as its QR code has it; else the one of today."""

    code = BookingNumber(load_default=None, allow_none=True, validate=CODE)
    identity_number = fields.String(required=True, validate=IDENTITY_NUMBER)
    priority = _priority()


class HallCheckIn(OfHall, HallCheckInSaid):
    """RPC `hall_check_in` (→ TicketTaken)."""


class TicketWanted(Request):
    """Body of `POST /halls/{hall}/tickets`: somebody has come without a booking."""

    group = fields.String(required=True, validate=GROUP)
    people = fields.Integer(strict=True, load_default=1, validate=validate.Range(1, MAX_PEOPLE))
    priority = _priority()
    identity_number = fields.String(load_default=None, allow_none=True, validate=IDENTITY_NUMBER)


class TakeTicket(OfHall, TicketWanted):
    """RPC `take_ticket` (→ TicketTaken). Raises NoTicketsLeft, AlreadyWaiting, Closed, UnknownGroup."""

    idempotency_key = _key()


class AskTicket(Request):
    """RPC `ticket` (→ TicketStanding), for whoever knows its id. Raises UnknownTicket."""

    ticket = fields.String(required=True, validate=CODE)


class ReturnTicket(OfHall):
    """RPC `return_ticket` (→ StaffTicket): a parked ticket waits again at its place, a missed one behind all others."""

    ticket = fields.String(required=True, validate=CODE)


class WindowSaid(Request):
    """Body of `PUT /halls/{hall}/windows/{window}`: its name, the groups it serves, and whether it is open."""

    name = fields.String(required=True, validate=[TextLength(1, 30), ONE_LINE], metadata={"example": "3号窗口"})
    groups = fields.List(fields.String(validate=GROUP), required=True, validate=validate.Length(1, MAX_GROUPS))
    open = fields.Boolean(required=True, truthy={True}, falsy={False})


class AtWindow(OfHall):
    """RPC `call_next`, `recall_ticket`, `finish_ticket` and `miss_ticket` (→ WindowState)."""

    window = fields.String(required=True, validate=_WINDOW)
    idempotency_key = _key()


class SetWindow(OfHall, WindowSaid):
    """RPC `set_window` (→ WindowState). Raises UnknownGroup, WindowBusy."""

    window = fields.String(required=True, validate=_WINDOW)


class Parking(Request):
    """Body of `…/park`. `minutes`: until the ticket waits again; as the hall's rule has it, if absent."""

    minutes = fields.Integer(strict=True, load_default=None, allow_none=True, validate=validate.Range(1, LONGEST_PARK))


class ParkTicket(AtWindow, Parking):
    """RPC `park_ticket` (→ WindowState)."""


class Transferring(Request):
    """Body of `…/transfer`: to which group's queue."""

    group = fields.String(required=True, validate=GROUP)


class TransferTicket(AtWindow, Transferring):
    """RPC `transfer_ticket` (→ WindowState). Raises UnknownGroup, SameGroup."""


class HallShown(Request):
    """RPC `display` (→ Display) and `wait` (→ Waits), for everybody. Raises UnknownHall."""

    hall = fields.String(required=True, validate=CODE)


class StatisticsAsked(OfHall):
    """RPC `statistics` (→ HallStatistics), for who manages the hall. Today where no day is said; 366 days at most."""

    first_day = fields.Date(format="iso", load_default=None, allow_none=True)
    last_day = fields.Date(format="iso", load_default=None, allow_none=True)

    @ma.validates_schema(skip_on_field_errors=True)
    def is_some_time(self, data: dict[str, object], **_: object) -> None:
        first, last = data.get("first_day"), data.get("last_day")
        if first is None or last is None:
            return
        days = (last - first).days  # type: ignore[operator]
        if days < 0:
            raise ma.ValidationError("Must not be before `first_day`.", "last_day")
        if days > 365:
            raise ma.ValidationError("More than 366 days.", "last_day")


class Ticket(ma.Schema):
    """A ticket. `expected_low` to `expected_high`: minutes of wait that were expected when it was taken."""

    id = fields.String(required=True)
    number = fields.String(required=True, metadata={"example": "A012"})
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    hall = fields.String(required=True)
    hall_name = fields.String(required=True)
    group = fields.String(required=True)
    group_name = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    people = fields.Integer(required=True)
    issued_at = Instant(required=True)
    expected_low = fields.Integer(required=True)
    expected_high = fields.Integer(required=True)
    called_at = Instant(required=True, allow_none=True)
    window = fields.String(required=True, allow_none=True)
    until = Instant(required=True, allow_none=True)


class TicketTaken(Ticket):
    """As who has taken it and the hall's staff see it: with the reason for which it is ahead, if there is one."""

    priority = fields.String(required=True, validate=validate.OneOf(PRIORITIES))


class TicketStanding(Ticket):
    """And how it stands now: how many are ahead in its queue, and the minutes that are left; null once it is called."""

    ahead = fields.Integer(required=True, allow_none=True)
    low = fields.Integer(required=True, allow_none=True)
    high = fields.Integer(required=True, allow_none=True)


class StaffTicket(TicketTaken):
    """And the booking that it is for."""

    booking = fields.String(required=True, allow_none=True)


class GroupNamed(ma.Schema):
    group = fields.String(required=True)
    name = fields.String(required=True)


class WindowState(ma.Schema):
    """A window, who is at it, and how many wait for its groups."""

    window = fields.String(required=True)
    name = fields.String(required=True)
    open = fields.Boolean(required=True)
    groups = fields.List(fields.Nested(GroupNamed), required=True)
    waiting = fields.Integer(required=True)
    ticket = fields.Nested(StaffTicket, required=True, allow_none=True)


class Queue(ma.Schema):
    """RPC `queue`, asked as OfHall is, by the hall's staff: windows, and tickets in the order of their ranks."""

    hall = fields.String(required=True)
    windows = fields.List(fields.Nested(WindowState), required=True)
    waiting = fields.List(fields.Nested(StaffTicket), required=True)
    parked = fields.List(fields.Nested(StaffTicket), required=True)


class GroupWaiting(GroupNamed):
    waiting = fields.Integer(required=True)


class WindowServing(ma.Schema):
    """An open window, and the number of the ticket that is called to it."""

    window = fields.String(required=True)
    name = fields.String(required=True)
    serving = fields.String(required=True, allow_none=True)


class Call(ma.Schema):
    number = fields.String(required=True)
    window = fields.String(required=True)
    group = fields.String(required=True)
    at = Instant(required=True)


class Display(ma.Schema):
    """What a display shows: numbers and windows, and nothing of people. `position`: of the last event it knows of."""

    hall = fields.String(required=True)
    hall_name = fields.String(required=True)
    position = fields.Integer(required=True)
    groups = fields.List(fields.Nested(GroupWaiting), required=True)
    windows = fields.List(fields.Nested(WindowServing), required=True)
    calls = fields.List(fields.Nested(Call), required=True)


class DisplayChange(ma.Schema):
    """An event `change` of the display feed. `change`: issued, called, recalled, parked, returned, transferred (`to`
    the group), finished, missed or closed; `group` is where the ticket is before it."""

    change = fields.String(required=True)
    number = fields.String(required=True)
    group = fields.String(required=True)
    window = fields.String()
    to = fields.String()
    at = Instant(required=True)


class Measured(ma.Schema):
    """How it was: `within` is the share of waits that fell into the expected range, `mean_error_minutes` how far the
    middle of the range was off. Null while nobody was called or served."""

    tickets = fields.Integer(required=True)
    within = fields.Float(required=True, allow_none=True)
    mean_error_minutes = fields.Float(required=True, allow_none=True)
    mean_wait_minutes = fields.Float(required=True, allow_none=True)
    mean_service_minutes = fields.Float(required=True, allow_none=True)


class GroupWait(GroupWaiting):
    """What somebody who takes a ticket now is to expect: `low` to `high` minutes, null while no window is open."""

    windows = fields.Integer(required=True)
    low = fields.Integer(required=True, allow_none=True)
    high = fields.Integer(required=True, allow_none=True)
    measured = fields.Nested(Measured, required=True)


class Waits(ma.Schema):
    """The waits of a hall, and how well they were foretold in the last `days` days."""

    hall = fields.String(required=True)
    days = fields.Integer(required=True)
    groups = fields.List(fields.Nested(GroupWait), required=True)
    measured = fields.Nested(Measured, required=True)


class GroupDay(GroupNamed):
    """What was counted of a group's day. A visit counts on the day that it is for; of those `booked`, some were moved
    away, cancelled, missed (`no_shows`) or checked in. `missed`: called, and nobody came to the window."""

    date = fields.String(required=True)
    booked = fields.Integer(required=True)
    cancelled = fields.Integer(required=True)
    moved = fields.Integer(required=True)
    no_shows = fields.Integer(required=True)
    checked_in = fields.Integer(required=True)
    walk_ins = fields.Integer(required=True)
    called = fields.Integer(required=True)
    served = fields.Integer(required=True)
    missed = fields.Integer(required=True)
    closed = fields.Integer(required=True)
    wait_seconds = fields.Integer(required=True)
    wait_longest = fields.Integer(required=True)
    service_seconds = fields.Integer(required=True)
    estimates_met = fields.Integer(required=True)
    estimate_error_seconds = fields.Integer(required=True)
    measured = fields.Nested(Measured, required=True)


class HallStatistics(ma.Schema):
    """By day and group; days on which nothing happened are left out."""

    hall = fields.String(required=True)
    first_day = fields.String(required=True)
    last_day = fields.String(required=True)
    items = fields.List(fields.Nested(GroupDay), required=True)
