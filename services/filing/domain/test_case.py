"""The life of a case: what may follow what, who may say it, and what filing adds."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from kernel.clock import parse_time
from kernel.contracts.case import (
    FACTS,
    CaseAccepted,
    CaseApproved,
    CaseConcluded,
    CaseDeclined,
    CaseExtended,
    CaseIncomplete,
    CaseLapsed,
    CaseRated,
    CaseReceived,
    CaseRefused,
    CaseResumed,
    CaseStep,
    CaseSuspended,
    CaseWithdrawn,
    Correction,
    Fact,
)
from kernel.contracts.lifecycle import SPEAKERS, TRANSITIONS, Speaker, State
from kernel.errors import Refusal
from kernel.working_days import Limit
from services.filing.domain.case import Case, Now, Rules, decide, evolve, rebuild, rules_of, rules_to_json

T0 = parse_time("2026-02-09T09:00:00+08:00")
RULES = Rules(statutory=Limit(20), promised=Limit(5), extension_working_days=10)
SERIAL = "20260209001000017"


def at(minutes: int = 1) -> dict[str, Any]:
    return {"occurred_at": T0 + timedelta(minutes=minutes), "by": "somebody"}


FACT: dict[type[Fact], Fact] = {
    CaseReceived: CaseReceived(
        **at(0),
        item="i",
        item_name="事项",
        item_version=1,
        department="D",
        department_name="局",
        applicant="a",
    ),
    CaseIncomplete: CaseIncomplete(**at(), corrections=(Correction(what="x", material="m"),)),
    CaseAccepted: CaseAccepted(**at()),
    CaseDeclined: CaseDeclined(**at(), reason="不属于本机关"),
    CaseStep: CaseStep(**at(), step_name="审查"),
    CaseSuspended: CaseSuspended(**at(), kind="听证"),
    CaseResumed: CaseResumed(**at()),
    CaseExtended: CaseExtended(**at(), working_days=10, reason="核查"),
    CaseApproved: CaseApproved(**at(), document_number="1"),
    CaseRefused: CaseRefused(**at(), reason="x", remedies=("复议",)),
    CaseConcluded: CaseConcluded(**at(), outcome="准予"),
    CaseWithdrawn: CaseWithdrawn(**at()),
    CaseLapsed: CaseLapsed(**at()),
    CaseRated: CaseRated(**at(), stars=5),
}
WAY: dict[State, list[type[Fact]]] = {
    State.NEW: [],
    State.RECEIVED: [CaseReceived],
    State.INCOMPLETE: [CaseReceived, CaseIncomplete],
    State.ACCEPTED: [CaseReceived, CaseAccepted],
    State.SUSPENDED: [CaseReceived, CaseAccepted, CaseSuspended],
    State.DECIDED: [CaseReceived, CaseAccepted, CaseApproved],
    State.CONCLUDED: [CaseReceived, CaseDeclined],
}


def case_in(state: State) -> Case:
    case = rebuild(SERIAL, [FACT[fact] for fact in WAY[state]])
    assert case.state is state
    return case


def said(fact: Fact, case: Case, minutes: int = 30, rules: Rules = RULES) -> Fact:
    (speaker, *_) = sorted(SPEAKERS[type(fact)])
    return decide(case, fact, speaker, Now(at=T0 + timedelta(minutes=minutes), skew=timedelta(minutes=5)), rules)


@pytest.mark.parametrize("fact", FACTS.values(), ids=str)
@pytest.mark.parametrize("state", State)
def test_a_fact_is_allowed_exactly_where_the_table_says(state: State, fact: type[Fact]) -> None:
    case = case_in(state)
    if fact in TRANSITIONS[state]:
        after = evolve(case, said(FACT[fact], case))
        assert (after.state, after.version) == (TRANSITIONS[state][fact], case.version + 1)
    else:
        with pytest.raises(Refusal) as refusal:
            said(FACT[fact], case)
        assert refusal.value.code == "not_allowed_in_state"
        assert refusal.value.params["state"] == state
        assert refusal.value.params["allowed"] == [one.TYPE for one in TRANSITIONS[state]]


@pytest.mark.parametrize("speaker", Speaker)
@pytest.mark.parametrize("fact", FACTS.values(), ids=str)
def test_a_fact_is_said_only_by_those_whose_it_is(fact: type[Fact], speaker: Speaker) -> None:
    (state, *_) = [state for state in State if fact in TRANSITIONS[state]]
    now = Now(at=T0 + timedelta(minutes=30))
    if speaker in SPEAKERS[fact]:
        assert decide(case_in(state), FACT[fact], speaker, now, RULES).TYPE == fact.TYPE
    else:
        with pytest.raises(Refusal) as refusal:
            decide(case_in(state), FACT[fact], speaker, now, RULES)
        assert refusal.value.code == "not_yours_to_say"


@pytest.mark.parametrize(
    ("minutes", "code"),
    [(-6, "occurred_before_receipt"), (-5, None), (30, None), (35, None), (36, "occurred_in_future")],
)
def test_a_departments_clock_may_be_a_little_off(minutes: int, code: str | None) -> None:
    fact = replace(FACT[CaseAccepted], **at(minutes))
    if code is None:
        assert isinstance(said(fact, case_in(State.RECEIVED)), CaseAccepted)
    else:
        with pytest.raises(Refusal) as refusal:
            said(fact, case_in(State.RECEIVED))
        assert refusal.value.code == code


def accepted(on: str, rules: Rules = RULES, received: datetime = T0, **said_too: Any) -> CaseAccepted:
    case = evolve(Case(serial=SERIAL), replace(FACT[CaseReceived], occurred_at=received))
    now = Now(at=parse_time(f"{on}T12:00:00+08:00"))
    fact = CaseAccepted(occurred_at=now.at, by="officer", **said_too)
    decided = decide(case, fact, Speaker.DEPARTMENT, now, rules)
    assert isinstance(decided, CaseAccepted)
    return decided


def test_acceptance_takes_effect_on_its_day_and_sets_both_limits_going() -> None:
    fact = accepted("2026-02-09")
    assert (fact.effective_on, fact.statutory_due, fact.promised_due) == (
        date(2026, 2, 9),
        date(2026, 3, 13),
        date(2026, 2, 14),
    )
    assert not fact.due_provisional


def test_deemed_acceptance_takes_effect_on_the_day_of_receipt() -> None:
    assert accepted("2026-02-25", deemed=True).effective_on == date(2026, 2, 9)
    assert accepted("2026-02-25", deemed=False).effective_on == date(2026, 2, 25)


def test_the_limits_are_the_items_whatever_the_department_says() -> None:
    fact = accepted("2026-02-09", statutory_due=date(2030, 1, 1), promised_due=date(2030, 1, 1))
    assert (fact.statutory_due, fact.promised_due) == (date(2026, 3, 13), date(2026, 2, 14))


@pytest.mark.parametrize("day", ["2026-02-08", "2026-02-11"])
def test_acceptance_cannot_take_effect_before_the_receipt_or_later_than_it_is_said(day: str) -> None:
    assert accepted("2026-02-10", effective_on=date(2026, 2, 9)).effective_on == date(2026, 2, 9)
    with pytest.raises(Refusal) as refusal:
        accepted("2026-02-10", effective_on=date.fromisoformat(day))
    assert refusal.value.code == "effective_on_out_of_range"


def test_an_item_may_have_other_limits_or_none() -> None:
    natural = accepted("2026-02-09", rules=Rules(statutory=Limit(60, working=False)))
    assert (natural.statutory_due, natural.promised_due) == (date(2026, 4, 10), None)
    at_once = accepted("2026-02-09", rules=Rules(statutory=None))
    assert (at_once.statutory_due, at_once.due_provisional) == (None, False)


def test_a_date_that_leans_on_an_unpublished_year_is_marked() -> None:
    assert accepted("2026-12-04", received=parse_time("2026-12-04T09:00:00+08:00")).due_provisional


def test_a_limit_is_extended_once_and_by_no_more_than_the_item_allows() -> None:
    case = case_in(State.ACCEPTED)
    with pytest.raises(Refusal, match="extension_too_long"):
        said(replace(FACT[CaseExtended], working_days=11), case)
    assert said(replace(FACT[CaseExtended], working_days=11), case, rules=Rules(extension_working_days=15))
    extended = evolve(case, said(FACT[CaseExtended], case))
    with pytest.raises(Refusal, match="extended_already"):
        said(replace(FACT[CaseExtended], working_days=1), extended)


def test_a_case_is_rated_once() -> None:
    case = case_in(State.CONCLUDED)
    rated = evolve(case, said(FACT[CaseRated], case))
    with pytest.raises(Refusal, match="rated_already"):
        said(FACT[CaseRated], rated)


def test_each_filing_counts_its_attempt() -> None:
    incomplete = case_in(State.INCOMPLETE)
    again = said(replace(FACT[CaseReceived], **at(20)), incomplete)
    assert isinstance(again, CaseReceived)
    assert again.attempt == 2
    received = evolve(incomplete, again)
    assert (received.attempt, received.received_at, received.last_received_at) == (2, T0, T0 + timedelta(minutes=20))


ITEM: dict[str, Any] = {
    "statutory_limit": {"amount": 60, "unit": "natural_days"},
    "promised_limit": None,
    "extension_working_days": 15,
    "deemed_acceptance": True,
    "materials": [{"code": "premises", "name": "场所证明"}],
    "fields": [{"name": "address", "label": "地址"}],
}


def test_rules_are_read_from_the_item_and_from_what_is_kept_of_it() -> None:
    rules = Rules(
        statutory=Limit(60, working=False),
        promised=None,
        extension_working_days=15,
        deemed_acceptance=True,
        materials=("premises",),
        fields=("address",),
    )
    assert rules_of(ITEM) == rules_of(rules_to_json(ITEM)) == rules


@pytest.mark.parametrize(
    ("correction", "code"),
    [
        (Correction(what="x", material="premises"), None),
        (Correction(what="x", field="address"), None),
        (Correction(what="x", material="address"), "unknown_correction"),
        (Correction(what="x", field="premises"), "unknown_correction"),
        (Correction(what="x", material="diploma"), "unknown_correction"),
    ],
)
def test_only_what_the_item_has_can_be_corrected(correction: Correction, code: str | None) -> None:
    fact = replace(FACT[CaseIncomplete], corrections=(Correction(what="x", field="address"), correction))
    if code is None:
        assert said(fact, case_in(State.RECEIVED), rules=rules_of(ITEM)) == fact
    else:
        with pytest.raises(Refusal) as refusal:
            said(fact, case_in(State.RECEIVED), rules=rules_of(ITEM))
        assert refusal.value.code == code
        assert set(refusal.value.params["known"]) == ({"premises"} if correction.material else {"address"})


@pytest.mark.parametrize(("due", "code"), [("2026-02-08", "due_in_past"), ("2026-02-09", None), ("2026-02-10", None)])
def test_corrections_are_not_awaited_before_they_are_asked_for(due: str, code: str | None) -> None:
    fact = replace(FACT[CaseIncomplete], due=date.fromisoformat(due))
    if code is None:
        assert said(fact, case_in(State.RECEIVED)) == fact
    else:
        with pytest.raises(Refusal, match=code):
            said(fact, case_in(State.RECEIVED))


def test_an_item_that_allows_no_extension_is_said_to_allow_none() -> None:
    with pytest.raises(Refusal) as refusal:
        said(
            replace(FACT[CaseExtended], working_days=3), case_in(State.ACCEPTED), rules=Rules(extension_working_days=0)
        )
    assert refusal.value.code == "extension_too_long"
    assert refusal.value.sentence("zh-Hans") == "该事项不允许延长办理期限。"
    assert refusal.value.sentence("en") == "The item's limit may not be extended."
