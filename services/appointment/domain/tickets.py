"""The life of one ticket (排队号), from the moment it is taken to its end.

Pure: `decide` may refuse, `evolve` never does.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from kernel.contracts.hall_day_refusals import NobodyAtWindow, SameGroup, TicketNotInThatState
from kernel.contracts.ticket_facts import (
    AtWindow,
    TicketCalled,
    TicketClosed,
    TicketFact,
    TicketFinished,
    TicketIssued,
    TicketMissed,
    TicketParked,
    TicketRecalled,
    TicketReturned,
    TicketTransferred,
)


class State(StrEnum):
    """Where a ticket stands."""

    NEW = "new"
    WAITING = "waiting"
    CALLED = "called"
    PARKED = "parked"
    FINISHED = "finished"
    MISSED = "missed"
    CLOSED = "closed"


TRANSITIONS: Mapping[State, Mapping[type[TicketFact], State]] = {
    State.NEW: {TicketIssued: State.WAITING},
    State.WAITING: {TicketCalled: State.CALLED, TicketClosed: State.CLOSED},
    State.CALLED: {
        TicketRecalled: State.CALLED,
        TicketParked: State.PARKED,
        TicketTransferred: State.WAITING,
        TicketFinished: State.FINISHED,
        TicketMissed: State.MISSED,
        TicketClosed: State.CLOSED,
    },
    State.PARKED: {TicketReturned: State.WAITING, TicketClosed: State.CLOSED},
    # Whoever comes after all waits once more, behind those who are there.
    State.MISSED: {TicketReturned: State.WAITING},
    State.FINISHED: {},
    State.CLOSED: {},
}
# Somebody still wants something: one of these for each person and queue.
LIVE = frozenset({State.WAITING, State.CALLED, State.PARKED})

_ZH = {
    State.NEW: "未取号",
    State.WAITING: "等候中",
    State.CALLED: "已叫号",
    State.PARKED: "已挂起",
    State.FINISHED: "已办结",
    State.MISSED: "已过号",
    State.CLOSED: "已作废",
}


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """What its facts tell of it. `window`: the one it is called to, None if it is at none."""

    id: str
    version: int = 0  # facts so far
    state: State = State.NEW
    hall: str = ""
    group: str = ""
    number: str = ""
    kind: str = ""
    booking: str | None = None
    people: int = 0
    rank: datetime | None = None
    low: int = 0
    high: int = 0
    window: str | None = None
    last_window: str | None = None
    issued_at: datetime | None = None
    first_called_at: datetime | None = None
    called_at: datetime | None = None
    until: datetime | None = None
    ended_at: datetime | None = None


def decide(ticket: Ticket, said: TicketFact) -> TicketFact:
    """`said`, if it may be said of the ticket now. Raises TicketNotInThatState, NobodyAtWindow or SameGroup."""
    if type(said) not in TRANSITIONS[ticket.state]:
        raise TicketNotInThatState(number=ticket.number, state=str(ticket.state), state_zh=_ZH[ticket.state])
    if ticket.state is State.CALLED and isinstance(said, AtWindow) and said.window != ticket.window:
        raise NobodyAtWindow(window=said.window)
    if isinstance(said, TicketTransferred) and said.to == ticket.group:
        raise SameGroup(number=ticket.number)
    return said


def evolve(ticket: Ticket, fact: TicketFact) -> Ticket:
    """The ticket after `fact`. Facts on the log are true: nothing is refused here."""
    state = TRANSITIONS[ticket.state].get(type(fact), ticket.state)
    moved = replace(ticket, state=state, version=ticket.version + 1)
    change = _CHANGES.get(type(fact))
    return moved if change is None else change(moved, fact)


def rebuild(id: str, facts: Iterable[TicketFact]) -> Ticket:
    """The ticket that the log alone tells of."""
    ticket = Ticket(id=id)
    for fact in facts:
        ticket = evolve(ticket, fact)
    return ticket


def _issue(ticket: Ticket, fact: Any) -> Ticket:
    same = ("hall", "group", "number", "kind", "booking", "people", "rank", "low", "high")
    return replace(ticket, issued_at=fact.occurred_at, **{name: getattr(fact, name) for name in same})


def _call(ticket: Ticket, fact: Any) -> Ticket:
    first = ticket.first_called_at or fact.occurred_at
    there = {"window": fact.window, "last_window": fact.window}
    return replace(ticket, **there, called_at=fact.occurred_at, first_called_at=first)


def _end(ticket: Ticket, fact: Any) -> Ticket:
    return replace(ticket, window=None, until=None, ended_at=fact.occurred_at)


def _return(ticket: Ticket, fact: Any) -> Ticket:
    return replace(ticket, rank=fact.rank, until=None, ended_at=None)


_CHANGES: dict[type[TicketFact], Callable[[Ticket, Any], Ticket]] = {
    TicketIssued: _issue,
    TicketCalled: _call,
    TicketParked: lambda ticket, fact: replace(ticket, window=None, until=fact.until),
    TicketReturned: _return,
    TicketTransferred: lambda ticket, fact: replace(ticket, window=None, group=fact.to),
    TicketFinished: _end,
    TicketMissed: _end,
    TicketClosed: _end,
}
