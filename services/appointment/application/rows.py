"""What appointment keeps beside the log, as its store hands it over. Values only.

Instants are microseconds since 1970, times of day minutes since midnight; sealed members open with the vault.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from kernel.clock import from_micros, to_micros
from services.appointment.domain.booking import COUNTED, Booking, State
from services.appointment.domain.rules import Visit, remind_at
from services.appointment.domain.schedule import Closing, Schedule, visit_minutes
from services.appointment.domain.times import day_of, instant
from services.appointment.domain.waiting import Entry, Wanted

NOBODY = ""  # the key in a row whose person was forgotten; no visitor has it


@dataclass(frozen=True, kw_only=True)
class Wanting:
    """Who wants to visit, and what for. `identity` and `mobile` are visitor keys."""

    hall: str
    people: int
    items: tuple[str, ...]
    identity: str
    mobile: str
    account: str | None
    language: str


@dataclass(frozen=True, kw_only=True)
class BookingRow(Wanting):
    """A booking, or a hold. `visitor` is the reference.

    `instead_of`: held for the visitor of that booking, which is closed. `remind_at`: None when nothing is to be said.
    `unseen`: checked in by the visitor, from wherever that was; nobody at the hall has seen who it is.
    """

    number: str
    version: int
    state: State
    group_no: int
    day: date
    starts: int
    ends: int
    visitor: str
    contact: bytes | None = field(default=None, repr=False)
    held_until: int | None
    made_at: int
    instead_of: str | None = None
    closed: bool = False
    remind_at: int | None = None
    excused: bool = False
    moves: int = 0
    unseen: bool = False

    @property
    def forgotten(self) -> bool:
        """Whether nothing tells any more whose it was."""
        return self.identity == NOBODY

    @property
    def by(self) -> str:
        """Who says in a fact what its visitor does."""
        return self.account or self.visitor

    @property
    def visit(self) -> Visit:
        return Visit(self.day, self.starts, self.ends)

    @property
    def starts_at(self) -> datetime:
        return instant(self.day, self.starts)

    @property
    def ends_at(self) -> datetime:
        return instant(self.day, self.ends)

    def holds_at(self, now: datetime) -> bool:
        """Whether it is a hold whose time is not over."""
        return self.state is State.HELD and self.held_until is not None and to_micros(now) < self.held_until

    def stands_at(self, now: datetime) -> bool:
        """Whether it is somebody's own: not a hold that is over, swept up or not, nor what is held for a closed one."""
        if self.instead_of is not None:
            return False
        return self.holds_at(now) if self.state is State.HELD else self.state in COUNTED

    def counts_at(self, now: datetime) -> bool:
        """Whether limits count it: whom the hall has closed out may book something else."""
        return self.stands_at(now) and not (self.closed and self.state is State.BOOKED)

    def given_up_on(self, now: datetime) -> bool:
        """Whether it was made on this day, and given up: cancelled, or held and not confirmed in time."""
        ended = self.state in (State.CANCELLED, State.EXPIRED) or (self.state is State.HELD and not self.holds_at(now))
        made_today = day_of(from_micros(self.made_at)) == day_of(now)
        return ended and made_today and not self.closed and self.instead_of is None

    def as_booking(self) -> Booking:
        """What the log tells of it; of a hold it tells nothing."""
        if self.version == 0:
            return Booking(number=self.number)
        return Booking(
            number=self.number,
            version=self.version,
            state=self.state,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            closed=self.closed,
            moves=self.moves,
            excused=self.excused,
        )


@dataclass(frozen=True, kw_only=True)
class SlotRow:
    """A slot as planning reads and writes it. `capacity` and `taken` are the store's business when it is written."""

    id: int
    minutes: int
    planned: int
    closed: bool


@dataclass(frozen=True, kw_only=True)
class BlockRow:
    """A person who cannot book at a hall before the day `until`."""

    booking: str
    hall: str
    identity: str
    mobile: str
    until: date
    made_at: int


@dataclass(frozen=True, kw_only=True)
class EntryRow(Wanting):
    """An entry on a waiting list. `booking`: the hold that it was offered; what became of it tells the booking."""

    number: str
    version: int
    state: Entry
    group_no: int
    first_day: date
    last_day: date
    since: int
    until: int
    visitor: str
    contact: bytes | None = field(default=None, repr=False)
    booking: str | None = None
    place: int
    made_at: int

    def covers(self, day: date) -> bool:
        return self.first_day <= day <= self.last_day

    def wanted(self, schedule: Schedule) -> Wanted:
        """What would do, as long as a visit takes by the schedule as it is."""
        minutes = visit_minutes(schedule, self.items, self.people)
        return Wanted(self.first_day, self.last_day, self.since, self.until, minutes)


@dataclass(frozen=True, kw_only=True)
class AppealRow:
    """An appeal against the block that the no-show of `booking` brought. `reason` and `sentence` are sealed."""

    id: str
    hall: str
    booking: str
    identity: str
    mobile: str
    visitor: str
    account: str | None
    until: date  # of the block
    state: str
    reason: bytes = field(repr=False)
    sentence: bytes | None = field(default=None, repr=False)
    filed_at: int
    decided_at: int | None = None
    decided_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class ClosureRow:
    """A closure of a hall, or of the group with this number."""

    id: str
    hall: str
    group_no: int | None
    first_day: date
    last_day: date
    since: int
    until: int
    reason: str
    made_at: int
    made_by: str

    @property
    def closing(self) -> Closing:
        return Closing(self.first_day, self.last_day, self.since, self.until)

    def covers(self, visit: Visit) -> bool:
        """Whether any of its time falls into it."""
        return self.closing.covers(visit.day, visit.starts, visit.ends)


@dataclass(frozen=True)
class ReturnRow:
    """A place that comes back to its slot later."""

    id: str
    slot: int
    due_at: int


class MarkRow(NamedTuple):
    """A group that was planned anew, and since when its bookings should have been looked at."""

    group_no: int
    mark: str
    due_at: int | None


@dataclass(frozen=True)
class StaleRow:
    """A row that tells of a person and is needed no more, and the visitor keys in it and in what goes with it."""

    id: str
    keys: frozenset[str]


def hold_of(wanting: Wanting, number: str, visitor: str, group_no: int, visit: Visit, now: datetime) -> BookingRow:
    """A hold of `visit` at the group; until when is not said yet."""
    return BookingRow(
        number=number,
        version=0,
        state=State.HELD,
        hall=wanting.hall,
        group_no=group_no,
        day=visit.day,
        starts=visit.starts,
        ends=visit.ends,
        people=wanting.people,
        items=wanting.items,
        identity=wanting.identity,
        mobile=wanting.mobile,
        visitor=visitor,
        account=wanting.account,
        language=wanting.language,
        held_until=None,
        made_at=to_micros(now),
    )


def until(now: datetime, seconds: int) -> int:
    """The instant so many seconds later."""
    return to_micros(now + timedelta(seconds=seconds))


def reminder(day: date, now: datetime) -> int | None:
    """When to remind of a visit on `day` that is booked, or moved there, now."""
    at = remind_at(day, now)
    return None if at is None else to_micros(at)
