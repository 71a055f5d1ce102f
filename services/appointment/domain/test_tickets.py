"""The life of a ticket: the table of transitions is whole, and the log alone rebuilds the ticket."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kernel.clock import parse_time
from kernel.contracts.hall_day_refusals import NobodyAtWindow, SameGroup, TicketNotInThatState
from kernel.contracts.ticket_facts import (
    TICKET_FACTS,
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
from kernel.contracts.visit import dump_visit_fact, load_visit_fact
from kernel.errors import Refusal
from services.appointment.domain.tickets import TRANSITIONS, State, Ticket, decide, evolve, rebuild

NOW = parse_time("2026-02-10T09:00:00+08:00")
GROUPS = ["tianhe.1", "tianhe.2"]


def said(type_: type[TicketFact], minutes: int = 0, group: str = GROUPS[0], **members: Any) -> TicketFact:
    at = NOW + timedelta(minutes=minutes)
    return type_(occurred_at=at, by="staff-1", hall="tianhe", number="A001", group=group, **members)


def issued(minutes: int = 0) -> TicketFact:
    at = NOW + timedelta(minutes=minutes)
    members = {"hall_name": "天河", "group_name": "公安", "kind": "walk_in", "rank": at, "low": 3, "high": 15}
    return said(TicketIssued, minutes, **members)


def called(minutes: int = 10, window: str = "3") -> TicketFact:
    return said(TicketCalled, minutes, window=window)


def test_every_fact_has_a_place_in_the_life_of_a_ticket() -> None:
    assert {fact for following in TRANSITIONS.values() for fact in following} == set(TICKET_FACTS.values())
    assert set(TRANSITIONS) == set(State)


def test_a_ticket_knows_when_it_was_called_for_the_first_time() -> None:
    until = NOW + timedelta(minutes=25)
    back = said(TicketReturned, 25, rank=NOW)
    log = [issued(), called(10), said(TicketParked, 15, window="3", until=until), back, called(30, "4")]
    ticket = rebuild("T", log)
    assert (ticket.state, ticket.version, ticket.window, ticket.until) == (State.CALLED, 5, "4", None)
    assert (ticket.first_called_at, ticket.called_at) == (log[1].occurred_at, log[4].occurred_at)


@pytest.mark.parametrize(
    "fact",
    [
        said(TicketRecalled, window="4"),
        said(TicketParked, window="4", until=NOW),
        said(TicketTransferred, window="4", to=GROUPS[1], to_name="税务"),
        said(TicketFinished, window="4"),
        said(TicketMissed, window="4"),
    ],
    ids=lambda fact: fact.TYPE,
)
def test_only_the_window_that_has_the_ticket_says_what_becomes_of_it(fact: TicketFact) -> None:
    assert decide(rebuild("T", [issued(), called(window="4")]), fact) == fact
    with pytest.raises(NobodyAtWindow):
        decide(rebuild("T", [issued(), called(window="3")]), fact)


def test_a_ticket_is_transferred_to_another_queue_only_and_keeps_its_rank() -> None:
    ticket = rebuild("T", [issued(), called()])
    with pytest.raises(SameGroup):
        decide(ticket, said(TicketTransferred, window="3", to=GROUPS[0], to_name="公安"))
    there = evolve(ticket, decide(ticket, said(TicketTransferred, window="3", to=GROUPS[1], to_name="税务")))
    assert (there.state, there.group, there.rank, there.window) == (State.WAITING, GROUPS[1], ticket.rank, None)


@pytest.mark.parametrize("end", [said(TicketFinished, window="3"), said(TicketClosed)], ids=lambda fact: fact.TYPE)
def test_what_is_over_is_not_called_again(end: TicketFact) -> None:
    ended = rebuild("T", [issued(), called(), end])
    for fact in (called(), said(TicketReturned, rank=NOW), said(TicketClosed)):
        with pytest.raises(TicketNotInThatState):
            decide(ended, fact)


class TicketLife(RuleBasedStateMachine):
    """Anybody says anything at any time; what is not refused is on the log."""

    def __init__(self) -> None:
        super().__init__()
        self.minutes = 0
        self.ticket = Ticket(id="T")
        self.log: list[tuple[str, int, dict[str, Any]]] = []

    @rule(minutes=st.integers(1, 60))
    def time_passes(self, minutes: int) -> None:
        self.minutes += minutes

    @rule()
    def issue(self) -> None:
        self.say(issued(self.minutes))

    @rule(
        type_=st.sampled_from([TicketCalled, TicketRecalled, TicketFinished, TicketMissed]),
        window=st.sampled_from("34"),
    )
    def window_says(self, type_: type[TicketFact], window: str) -> None:
        self.say(said(type_, self.minutes, window=window))

    @rule(window=st.sampled_from("34"), minutes=st.integers(1, 30))
    def park(self, window: str, minutes: int) -> None:
        self.say(said(TicketParked, self.minutes, window=window, until=NOW + timedelta(minutes=self.minutes + minutes)))

    @rule(window=st.sampled_from("34"), to=st.sampled_from(GROUPS))
    def transfer(self, window: str, to: str) -> None:
        self.say(said(TicketTransferred, self.minutes, window=window, to=to, to_name="税务"))

    @rule()
    def come_back(self) -> None:
        self.say(said(TicketReturned, self.minutes, rank=NOW + timedelta(minutes=self.minutes)))

    @rule()
    def close(self) -> None:
        self.say(said(TicketClosed, self.minutes))

    def say(self, fact: TicketFact) -> None:
        before = self.ticket
        try:
            decided = decide(before, fact)
        except Refusal:
            return
        self.log.append((decided.TYPE, decided.VERSION, dump_visit_fact(decided)))
        self.ticket = evolve(before, decided)
        assert self.ticket.state is TRANSITIONS[before.state][type(fact)]
        assert before.state not in (State.FINISHED, State.CLOSED), "something happened after the end"

    @invariant()
    def the_log_alone_rebuilds_the_ticket(self) -> None:
        assert rebuild("T", [load_visit_fact(*one) for one in self.log]) == self.ticket  # type: ignore[misc]

    @invariant()
    def it_is_at_a_window_just_while_it_is_called(self) -> None:
        assert (self.ticket.window is not None) is (self.ticket.state is State.CALLED)
        assert (self.ticket.until is not None) is (self.ticket.state is State.PARKED)


TestTicketLife = TicketLife.TestCase
