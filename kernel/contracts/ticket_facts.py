"""The facts of a ticket (排队号) of a hall's queue as values: past tense, frozen, in their present versions.

A ticket's id is the stream of its facts. No personal data: a display may show all of it but the id.
"""

from dataclasses import dataclass
from datetime import datetime

from kernel.contracts.visit_facts import VisitFact


@dataclass(frozen=True, kw_only=True)
class TicketFact(VisitFact):
    """What all say beside a visit's facts: the number that is called, and the group in whose queue it is then."""

    number: str
    group: str


@dataclass(frozen=True, kw_only=True)
class AtWindow(TicketFact):
    """What all say that a window says: its code."""

    window: str


@dataclass(frozen=True, kw_only=True)
class TicketIssued(TicketFact):
    """取号: somebody waits. `rank` is the place in the queue; the wait was expected to be `low` to `high` minutes.

    Why somebody is let ahead (age, disability, pregnancy) is not said: the log keeps it for ever.
    """

    TYPE = "ticket.issued"
    VERSION = 2

    hall_name: str
    group_name: str
    kind: str  # booking or walk_in
    rank: datetime
    low: int
    high: int
    people: int = 1
    booking: str | None = None


@dataclass(frozen=True, kw_only=True)
class TicketCalled(AtWindow):
    """叫号: to a window."""

    TYPE = "ticket.called"


@dataclass(frozen=True, kw_only=True)
class TicketRecalled(AtWindow):
    """重呼: called once more, to the same window."""

    TYPE = "ticket.recalled"


@dataclass(frozen=True, kw_only=True)
class TicketParked(AtWindow):
    """挂起: set aside by the window; waits again from `until` on, or earlier if somebody says so."""

    TYPE = "ticket.parked"

    until: datetime


@dataclass(frozen=True, kw_only=True)
class TicketReturned(TicketFact):
    """恢复排队: waits again, at the place of `rank`; after it was parked, or after it was missed."""

    TYPE = "ticket.returned"

    rank: datetime


@dataclass(frozen=True, kw_only=True)
class TicketTransferred(AtWindow):
    """转办: the window sent it to the queue of the group `to`, where it keeps its rank."""

    TYPE = "ticket.transferred"

    to: str
    to_name: str


@dataclass(frozen=True, kw_only=True)
class TicketFinished(AtWindow):
    """办结: what the visitor came for was dealt with at the window."""

    TYPE = "ticket.finished"


@dataclass(frozen=True, kw_only=True)
class TicketMissed(AtWindow):
    """过号: called, and nobody came to the window."""

    TYPE = "ticket.missed"


@dataclass(frozen=True, kw_only=True)
class TicketClosed(TicketFact):
    """作废: not dealt with, and the day is over; or its visitor has checked in for a booking in the same queue."""

    TYPE = "ticket.closed"


TICKET_FACTS: dict[str, type[TicketFact]] = {
    fact.TYPE: fact
    for fact in (
        TicketIssued,
        TicketCalled,
        TicketRecalled,
        TicketParked,
        TicketReturned,
        TicketTransferred,
        TicketFinished,
        TicketMissed,
        TicketClosed,
    )
}
