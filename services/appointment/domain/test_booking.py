"""The life of a booking: the table of transitions is whole, and the log alone rebuilds the booking."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kernel.clock import parse_time
from kernel.contracts.appointment_refusals import InThePast, MovedTooOften, NotInThatState, TooLate
from kernel.contracts.visit import dump_visit_fact, load_visit_fact
from kernel.contracts.visit_facts import (
    VISIT_FACTS,
    VisitAppealDismissed,
    VisitBlocked,
    VisitBooked,
    VisitCancelled,
    VisitCheckedIn,
    VisitClosed,
    VisitExcused,
    VisitFact,
    VisitMoved,
    VisitNoShow,
    VisitReminded,
    VisitReopened,
    VisitServed,
    VisitUnblocked,
)
from services.appointment.domain.booking import ELSEWHERE, TRANSITIONS, Booking, State, decide, evolve, rebuild
from services.appointment.domain.rules import HallRule

NOW = parse_time("2026-02-09T09:00:00+08:00")
STARTS = parse_time("2026-02-11T10:00:00+08:00")
RULE = HallRule()


def booked(at: datetime = NOW) -> VisitBooked:
    return VisitBooked(
        occurred_at=at,
        by="anna",
        hall="tianhe",
        hall_name="天河",
        group="tianhe.1",
        group_name="公安",
        visitor="v-1",
        items=("a",),
        starts_at=STARTS,
        ends_at=STARTS + timedelta(minutes=30),
    )


def said(type_: type[VisitFact], at: datetime = NOW, **members: Any) -> VisitFact:
    return type_(occurred_at=at, by="anna", hall="tianhe", **members)


def moved(at: datetime, by: timedelta) -> VisitFact:
    return said(VisitMoved, at, moved_from=STARTS, starts_at=STARTS + by, ends_at=STARTS + by + timedelta(minutes=30))


def test_every_fact_has_a_place_in_the_life_of_a_booking_or_elsewhere() -> None:
    placed = {fact for following in TRANSITIONS.values() for fact in following}
    assert placed | ELSEWHERE == set(VISIT_FACTS.values())
    assert set(TRANSITIONS) == set(State) - {State.HELD, State.EXPIRED}


def test_a_booking_knows_for_when_it_is() -> None:
    booking = rebuild("B", [booked(), moved(NOW, timedelta(days=1))])
    assert (booking.state, booking.version) == (State.BOOKED, 2)
    assert booking.starts_at == STARTS + timedelta(days=1)


@pytest.mark.parametrize("cause", ["visitor", "staff"])
def test_only_visitors_are_held_to_the_hours_before(cause: str) -> None:
    late = said(VisitCancelled, STARTS - timedelta(minutes=119), cause=cause)
    booking = rebuild("B", [booked()])
    if cause == "staff":
        assert decide(booking, late, RULE) == late
    else:
        with pytest.raises(TooLate):
            decide(booking, late, RULE)


def test_staff_cancel_nothing_that_has_begun() -> None:
    begun = said(VisitCancelled, STARTS, cause="staff")
    with pytest.raises(InThePast):
        decide(rebuild("B", [booked()]), begun, RULE)
    closed = rebuild("B", [booked(), said(VisitClosed, reason="检修")])
    assert decide(closed, begun, RULE) == begun


@pytest.mark.parametrize("end", [VisitNoShow, VisitCheckedIn])
def test_what_is_over_is_not_cancelled(end: type[VisitFact]) -> None:
    booking = rebuild("B", [booked(), said(end)])
    with pytest.raises(NotInThatState):
        decide(booking, said(VisitCancelled, cause="visitor"), RULE)


def test_whoever_was_closed_out_leaves_at_any_hour_and_misses_nothing() -> None:
    late = STARTS - timedelta(minutes=1)
    closed = rebuild("B", [booked(), said(VisitClosed, reason="检修")])
    for leaving in (said(VisitCancelled, late, cause="visitor"), moved(late, timedelta(days=1))):
        assert decide(closed, leaving, RULE) == leaving
    reopened = said(VisitReopened, starts_at=STARTS, ends_at=STARTS + timedelta(minutes=30))
    for nothing_new in (said(VisitNoShow), said(VisitClosed, reason="检修"), said(VisitReminded, starts_at=STARTS)):
        with pytest.raises(NotInThatState):
            decide(closed, nothing_new, RULE)
        whole = evolve(closed, reopened)
        assert decide(whole, nothing_new, RULE) == nothing_new
    with pytest.raises(NotInThatState):
        decide(whole, reopened, RULE)
    with pytest.raises(TooLate):
        decide(whole, said(VisitCancelled, late, cause="visitor"), RULE)


def test_what_is_moved_is_closed_no_more() -> None:
    booking = rebuild("B", [booked(), said(VisitClosed, reason="检修"), moved(NOW, timedelta(days=1))])
    assert not booking.closed


def test_a_block_is_lifted_and_a_no_show_excused_once() -> None:
    blocked = [booked(), said(VisitNoShow), said(VisitBlocked, visitor="v-1", until=date(2026, 5, 13), no_shows=2)]
    booking = rebuild("B", [*blocked, said(VisitExcused), said(VisitUnblocked, visitor="v-1")])
    assert (booking.state, booking.excused) == (State.NO_SHOW, True)
    with pytest.raises(NotInThatState):
        decide(booking, said(VisitExcused), RULE)


class BookingLife(RuleBasedStateMachine):
    """Anybody says anything at any time; what is not refused is on the log."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.booking = Booking(number="B")
        self.log: list[tuple[str, int, dict[str, Any]]] = []
        self.ended = False

    @rule(minutes=st.integers(1, 24 * 60))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def book(self) -> None:
        self.say(booked(self.now))

    @rule(days=st.integers(-3, 10))
    def move(self, days: int) -> None:
        before = self.booking
        if self.say(moved(self.now, timedelta(days=days))):
            assert before.starts_at is not None
            assert before.closed or self.now <= before.starts_at - timedelta(minutes=RULE.cancel_before_minutes)
            assert before.closed or self.booking.moves <= RULE.moves

    @rule(cause=st.sampled_from(["visitor", "staff", "closure"]))
    def cancel(self, cause: str) -> None:
        self.say(said(VisitCancelled, self.now, cause=cause))

    @rule(type_=st.sampled_from([VisitCheckedIn, VisitServed, VisitNoShow]))
    def day(self, type_: type[VisitFact]) -> None:
        self.say(said(type_, self.now))

    @rule()
    def remind(self) -> None:
        self.say(said(VisitReminded, self.now, starts_at=self.booking.starts_at or STARTS))

    @rule()
    def close(self) -> None:
        self.say(said(VisitClosed, self.now, reason="检修"))

    @rule()
    def reopen(self) -> None:
        starts = self.booking.starts_at or STARTS
        self.say(said(VisitReopened, self.now, starts_at=starts, ends_at=starts + timedelta(minutes=30)))

    @rule(type_=st.sampled_from([VisitExcused, VisitUnblocked, VisitAppealDismissed]))
    def staff_look_again(self, type_: type[VisitFact]) -> None:
        appeal = {"visitor": "v-1", "appeal": "A", "until": date(2026, 5, 13)}
        taken = {VisitExcused: (), VisitUnblocked: ("visitor", "appeal"), VisitAppealDismissed: tuple(appeal)}[type_]
        self.say(said(type_, self.now, **{name: appeal[name] for name in taken}))

    @rule()
    def block(self) -> None:
        self.say(said(VisitBlocked, self.now, visitor="v-1", until=date(2026, 5, 13), no_shows=2))

    def say(self, fact: VisitFact) -> bool:
        before = self.booking
        try:
            decided = decide(before, fact, RULE)
        except (NotInThatState, TooLate, InThePast, MovedTooOften):
            return False
        self.log.append((decided.TYPE, decided.VERSION, dump_visit_fact(decided)))
        self.booking = evolve(before, decided)
        assert self.booking.state is TRANSITIONS[before.state][type(fact)]
        assert not self.ended or before.state is State.NO_SHOW, "something happened after the end"
        self.ended = self.booking.state in (State.CANCELLED, State.SERVED, State.NO_SHOW)
        return True

    @invariant()
    def the_log_alone_rebuilds_the_booking(self) -> None:
        assert rebuild("B", [load_visit_fact(*one) for one in self.log]) == self.booking


TestBookingLife = BookingLife.TestCase
