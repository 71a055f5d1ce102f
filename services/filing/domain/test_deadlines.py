"""When the clock speaks, and what it says: not before the last day, and what may still be on its way, are over."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from kernel.clock import parse_time
from kernel.contracts.case import CaseAccepted, CaseIncomplete, CaseLapsed
from kernel.contracts.lifecycle import Speaker, State
from services.filing.domain.case import Case, Now, Rules, decide, evolve
from services.filing.domain.deadlines import BY, look_at, overdue
from services.filing.domain.test_case import FACT, T0, case_in

DEEMED = Rules(deemed_acceptance=True)
TOO_EARLY, TIME = parse_time("2026-02-15T00:09:59+08:00"), parse_time("2026-02-15T00:10:00+08:00")


def awaited(due: str | None) -> Case:
    asked = case_in(State.INCOMPLETE)
    return replace(asked, corrections_due=None if due is None else date.fromisoformat(due))


def test_silence_counts_as_acceptance_when_five_working_days_are_over() -> None:
    # Received on Monday 2026-02-09; Saturday the 14th is worked, and the fifth day.
    case = case_in(State.RECEIVED)
    assert look_at(case, DEEMED) == TIME
    assert overdue(case, DEEMED, TOO_EARLY) is None
    fact = overdue(case, DEEMED, TIME)
    assert fact == CaseAccepted(occurred_at=TIME, by=BY, deemed=True)
    decided = decide(case, fact, Speaker.CLOCK, Now(at=TIME), DEEMED)
    assert isinstance(decided, CaseAccepted)
    assert decided.effective_on == date(2026, 2, 9)
    assert decided.statutory_due == date(2026, 3, 13)
    assert look_at(evolve(case, decided), DEEMED) is None


def test_of_a_case_filed_again_the_days_count_from_then() -> None:
    again = replace(case_in(State.RECEIVED), last_received_at=T0 + timedelta(days=1), attempt=2)
    assert overdue(again, DEEMED, TIME) is None
    assert look_at(again, DEEMED) == parse_time("2026-02-25T00:10:00+08:00")  # behind the Spring Festival


def test_not_every_item_has_that_rule() -> None:
    case = case_in(State.RECEIVED)
    assert (look_at(case, Rules()), overdue(case, Rules(), TIME)) == (None, None)


@pytest.mark.parametrize(
    ("received", "speaks"), [("2026-12-24T09:00:00+08:00", True), ("2026-12-25T09:00:00+08:00", False)]
)
def test_nothing_is_deemed_on_a_day_that_leans_on_an_unpublished_year(received: str, speaks: bool) -> None:
    case = replace(case_in(State.RECEIVED), last_received_at=parse_time(received))
    assert (overdue(case, DEEMED, parse_time("2027-06-01T00:00:00+08:00")) is not None) is speaks


def test_corrections_that_never_came_end_the_case_when_their_day_is_over() -> None:
    case = awaited("2026-02-14")
    assert look_at(case, Rules()) == TIME
    assert overdue(case, Rules(), TOO_EARLY) is None
    assert overdue(case, Rules(), TIME) == CaseLapsed(occurred_at=TIME, by=BY)


def test_corrections_without_a_day_are_awaited_for_ever() -> None:
    assert (look_at(awaited(None), DEEMED), overdue(awaited(None), DEEMED, TIME)) == (None, None)


@pytest.mark.parametrize("state", [State.NEW, State.ACCEPTED, State.SUSPENDED, State.DECIDED, State.CONCLUDED])
def test_elsewhere_the_clock_says_nothing(state: State) -> None:
    case = replace(case_in(state), corrections_due=date(2026, 2, 10), last_received_at=T0)
    assert (look_at(case, DEEMED), overdue(case, DEEMED, TIME)) == (None, None)


def test_the_day_until_which_corrections_are_awaited_is_on_the_log() -> None:
    asked = replace(FACT[CaseIncomplete], due=date(2026, 2, 20))
    assert evolve(case_in(State.RECEIVED), asked).corrections_due == date(2026, 2, 20)
