"""What appointment keeps of the hall's day, as its store hands it over: windows and tickets. Values only.

Instants are microseconds since 1970.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple

from kernel.clock import from_micros, to_micros
from services.appointment.domain.tickets import State, Ticket


class Named(NamedTuple):
    """What a business group is called, whether the catalogue still has it or not."""

    no: int
    id: str
    name: str
    hall_name: str


class Counts(NamedTuple):
    """What was counted of a group (by its id) on a day, by the names in `domain.counting.COUNTS`."""

    group: str
    day: date
    counts: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class WindowRow:
    """A window of a hall, and the numbers of the groups it serves."""

    hall: str
    code: str
    name: str
    groups: tuple[int, ...]
    open: bool
    changed_at: int
    changed_by: str


@dataclass(frozen=True, kw_only=True)
class TicketRow:
    """A ticket. `identity` is a visitor key, `at_window` the code of the window that it is called to.

    `priority` is kept here alone: no fact says it.
    """

    id: str
    version: int
    state: State
    hall: str
    day: date
    group_no: int
    number: str
    kind: str
    booking: str | None
    identity: str | None
    priority: str
    people: int
    rank: int
    low: int
    high: int
    issued_at: int
    first_called_at: int | None = None
    called_at: int | None = None
    at_window: str | None = None
    last_window: str | None = None
    until: int | None = None
    ended_at: int | None = None

    def as_ticket(self, group: str) -> Ticket:
        """What the log tells of it."""
        same = (
            "id",
            "version",
            "state",
            "hall",
            "number",
            "kind",
            "booking",
            "people",
            "low",
            "high",
            "last_window",
        )
        times = ("rank", "issued_at", "first_called_at", "called_at", "until", "ended_at")
        members: dict[str, Any] = {name: getattr(self, name) for name in same}
        moments: dict[str, Any] = {name: moment_of(getattr(self, name)) for name in times}
        return Ticket(group=group, window=self.at_window, **members, **moments)

    def after(self, ticket: Ticket, group_no: int) -> "TicketRow":
        """The row of what the ticket has become."""
        times = ("rank", "first_called_at", "called_at", "until", "ended_at")
        moments: dict[str, Any] = {name: micros_of(getattr(ticket, name)) for name in times}
        return replace(
            self,
            state=ticket.state,
            version=ticket.version,
            group_no=group_no,
            at_window=ticket.window,
            last_window=ticket.last_window,
            **moments,
        )


def moment_of(micros: int | None) -> datetime | None:
    """From how a row has it."""
    return None if micros is None else from_micros(micros)


def micros_of(moment: datetime | None) -> int | None:
    """As a row has it."""
    return None if moment is None else to_micros(moment)
