"""What each fact adds to a hall's statistics; every fact is counted or ignored on purpose."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from kernel.clock import parse_time
from kernel.contracts.ticket_facts import (
    TICKET_FACTS,
    TicketCalled,
    TicketClosed,
    TicketFinished,
    TicketIssued,
    TicketMissed,
    TicketReturned,
    TicketTransferred,
)
from kernel.contracts.visit_facts import (
    VISIT_FACTS,
    VisitBooked,
    VisitCancelled,
    VisitCheckedIn,
    VisitFact,
    VisitMoved,
    VisitNoShow,
    VisitReminded,
    VisitServed,
)
from services.appointment.domain.counting import COUNTS, IGNORED, Added, Seen, count

AT = parse_time("2026-02-10T09:00:00+08:00")
TUESDAY, WEDNESDAY = date(2026, 2, 10), date(2026, 2, 11)


def said(type_: type[VisitFact], minutes: float = 0, **members: Any) -> VisitFact:
    return type_(occurred_at=AT + timedelta(minutes=minutes), by="s", hall="tianhe", **members)


def booked(day: int = 0) -> VisitFact:
    starts = AT + timedelta(days=day)
    members = {"hall_name": "天河", "group": "g", "group_name": "公安", "visitor": "v", "items": ("a",)}
    return said(VisitBooked, -600, **members, starts_at=starts, ends_at=starts + timedelta(minutes=30))


def moved(day: int) -> VisitFact:
    starts = AT + timedelta(days=day)
    return said(VisitMoved, -500, moved_from=AT, starts_at=starts, ends_at=starts)


def ticket(type_: type[VisitFact], minutes: float = 0, group: str = "g", **members: Any) -> VisitFact:
    return said(type_, minutes, number="A001", group=group, **members)


def issued(kind: str = "walk_in") -> VisitFact:
    members = {"hall_name": "天河", "group_name": "公安", "rank": AT, "low": 5, "high": 15}
    return ticket(TicketIssued, kind=kind, **members)


def called(minutes: float = 10) -> VisitFact:
    return ticket(TicketCalled, minutes, window="1")


def counted(*facts: VisitFact) -> dict[tuple[str, date], dict[str, int]]:
    """What a stream of these facts comes to, without what is nought."""
    seen, sums = Seen(), dict[tuple[str, date], Counter[str]]()
    for fact in facts:
        seen, added = count(seen, fact)
        for one in added:
            sums.setdefault((one.group, one.day), Counter()).update(one.counts)
    return {key: {name: value for name, value in sum_.items() if value} for key, sum_ in sums.items()}


def test_every_fact_is_counted_or_ignored_on_purpose() -> None:
    counts = {VisitBooked, VisitMoved, VisitCancelled, VisitNoShow, VisitCheckedIn, TicketIssued, TicketCalled}
    counts |= {TicketTransferred, TicketFinished, TicketMissed, TicketClosed}
    assert {*VISIT_FACTS.values(), *TICKET_FACTS.values()} == counts | IGNORED
    assert not counts & IGNORED


def test_a_visit_that_is_moved_counts_on_both_days() -> None:
    assert counted(booked(), moved(1), said(VisitReminded, starts_at=AT), said(VisitCheckedIn)) == {
        ("g", TUESDAY): {"booked": 1, "moved": 1},
        ("g", WEDNESDAY): {"booked": 1, "checked_in": 1},
    }


@pytest.mark.parametrize(
    ("fact", "name"),
    [(said(VisitCancelled, cause="visitor"), "cancelled"), (said(VisitNoShow), "no_shows")],
)
def test_a_visit_that_does_not_happen(fact: VisitFact, name: str) -> None:
    assert counted(booked(), fact) == {("g", TUESDAY): {"booked": 1, name: 1}}


def test_a_ticket_counts_its_wait_and_whether_it_was_foretold() -> None:
    day = ("g", TUESDAY)
    wait = {"called": 1, "wait_seconds": 720, "wait_longest": 720, "estimates_met": 1, "estimate_error_seconds": 120}
    served = {"served": 1, "service_seconds": 300}
    assert counted(issued(), called(12), ticket(TicketFinished, 17, window="1")) == {
        day: {"walk_ins": 1, **wait, **served}
    }
    missed = counted(issued("booking"), called(4.5), ticket(TicketMissed, 6, window="1"))
    assert missed[day] == {
        "called": 1,
        "wait_seconds": 270,
        "wait_longest": 270,
        "estimate_error_seconds": 330,
        "missed": 1,
    }


@pytest.mark.parametrize(("minutes", "met"), [(4.99, 0), (5, 1), (15, 1), (15.01, 0)])
def test_a_range_holds_from_its_first_minute_to_its_last(minutes: float, met: int) -> None:
    assert counted(issued(), called(minutes))["g", TUESDAY].get("estimates_met", 0) == met


def test_only_the_first_call_ends_the_wait_and_the_last_begins_the_service() -> None:
    back = ticket(TicketReturned, 20, rank=AT)
    found = counted(issued(), called(10), back, called(30), ticket(TicketFinished, 36, window="1"))
    assert (found["g", TUESDAY]["wait_seconds"], found["g", TUESDAY]["service_seconds"]) == (600, 360)


def test_who_is_transferred_is_served_by_the_other_group() -> None:
    there = ticket(TicketTransferred, 12, window="1", to="h", to_name="税务")
    found = counted(
        issued(),
        called(10),
        there,
        ticket(TicketCalled, 20, "h", window="2"),
        ticket(TicketFinished, 25, "h", window="2"),
    )
    assert found["g", TUESDAY]["called"] == 1
    assert found["h", TUESDAY] == {"served": 1, "service_seconds": 300}


def test_a_stream_that_never_began_cannot_be_counted() -> None:
    with pytest.raises(LookupError):
        count(Seen(), said(VisitCheckedIn))
    assert count(Seen(), said(VisitServed)) == (Seen(), ())


@given(st.lists(st.integers(0, 5), max_size=6), st.sampled_from([VisitCancelled, VisitNoShow, VisitCheckedIn]))
def test_of_all_that_were_booked_for_a_day_it_is_known_what_became(days: list[int], end: type[VisitFact]) -> None:
    facts = [booked(), *map(moved, days), said(end, **({"cause": "visitor"} if end is VisitCancelled else {}))]
    for sums in counted(*facts).values():
        ends = sum(sums.get(name, 0) for name in ("moved", "cancelled", "no_shows", "checked_in"))
        assert sums["booked"] == ends


def test_no_count_has_another_name() -> None:
    facts = [booked(), moved(1), said(VisitCheckedIn), issued(), called(), ticket(TicketClosed)]
    seen, added = Seen(), list[Added]()
    for fact in facts:
        seen, more = count(seen, fact)
        added += more
    assert {name for one in added for name in one.counts} <= set(COUNTS)


def test_a_clock_that_was_put_back_makes_no_wait_shorter_than_none() -> None:
    counts = counted(issued(), called(-10))["g", TUESDAY]
    assert counts == {"walk_ins": 1, "called": 1, "estimate_error_seconds": 600}
