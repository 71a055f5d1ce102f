"""Lives of visits, for the tests of those who follow appointment's log. Made-up facts; never used by a service."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from kernel.clock import CHINA
from kernel.contracts import visit_facts as facts
from kernel.contracts.visit import SOURCE, dump_visit_fact
from kernel.contracts.visit_facts import VisitFact
from kernel.eventlog import Append, NewEvent
from kernel.testing.cases import APPLICANT, START

NUMBER = "VK7Q2M9XR4TD"
HALL = "tianhe"
BEGINS = datetime(2026, 2, 11, 10, tzinfo=CHINA)
ENDS = BEGINS + timedelta(minutes=30)
WHEN: dict[str, Any] = {"occurred_at": START, "by": APPLICANT, "hall": HALL}
TOLD: dict[str, Any] = {
    "hall_name": "天河区政务服务中心",
    "group": "tianhe.0f1e2d3c",
    "group_name": "公安综合窗口",
    "visitor": "0197f3c0-0000-7000-8000-000000000001",
    "account": APPLICANT,
    "starts_at": BEGINS,
    "ends_at": ENDS,
}


def booked(**changes: Any) -> facts.VisitBooked:
    before = BEGINS - timedelta(hours=2)
    return facts.VisitBooked(**{**WHEN, **TOLD, "items": ("I-1",), "cancel_before": before, **changes})


def moved(by: timedelta = timedelta(days=1), **changes: Any) -> facts.VisitMoved:
    times = {"starts_at": BEGINS + by, "ends_at": ENDS + by, "cancel_before": BEGINS + by - timedelta(hours=2)}
    return facts.VisitMoved(**{**WHEN, "moved_from": BEGINS, **times, **changes})


def offered(**changes: Any) -> facts.VisitOffered:
    return facts.VisitOffered(
        **{**WHEN, **TOLD, "booking": NUMBER, "held_until": START + timedelta(minutes=15), **changes}
    )


def cancelled(cause: str = "visitor", **changes: Any) -> facts.VisitCancelled:
    return facts.VisitCancelled(**{**WHEN, "cause": cause, **changes})


def closed(*offers: datetime, reason: str = "设备检修", held_until: datetime | None = None) -> facts.VisitClosed:
    return facts.VisitClosed(**WHEN, reason=reason, offered=offers, held_until=held_until)


def reminded(at: datetime = START, starts_at: datetime = BEGINS) -> facts.VisitReminded:
    return facts.VisitReminded(**{**WHEN, "occurred_at": at}, starts_at=starts_at)


def missed(at: datetime = START) -> list[VisitFact]:
    """The second no-show, and what follows from it."""
    when = {**WHEN, "occurred_at": at, "by": "clock"}
    blocked = facts.VisitBlocked(**when, visitor=TOLD["visitor"], until=date(2026, 5, 13), no_shows=2)
    return [facts.VisitNoShow(**when), blocked]


def reopened() -> facts.VisitReopened:
    return facts.VisitReopened(**WHEN, starts_at=BEGINS, ends_at=ENDS)


def appealed(at: datetime = START) -> list[VisitFact]:
    """What may follow from an appeal: it is granted, or not."""
    when = {**WHEN, "occurred_at": at, "by": "staff-3"}
    visitor, appeal = TOLD["visitor"], "0197f3c0-0000-7000-8000-0000000000aa"
    return [
        facts.VisitExcused(**when),
        facts.VisitUnblocked(**when, visitor=visitor, appeal=appeal),
        facts.VisitUnblocked(**when, visitor=visitor),
        facts.VisitAppealDismissed(**when, visitor=visitor, appeal=appeal, until=date(2026, 5, 13)),
    ]


def appends(number: str, life: Iterable[VisitFact], expected_version: int = 0) -> Append:
    """One request that writes the whole life."""
    events = tuple(
        NewEvent(
            id=f"{number}-{place}",
            source=SOURCE,
            type=fact.TYPE,
            version=fact.VERSION,
            time=fact.occurred_at,
            data=dump_visit_fact(fact),
            organ=fact.hall,
        )
        for place, fact in enumerate(life, expected_version + 1)
    )
    return Append(stream=number, expected_version=expected_version, events=events)
