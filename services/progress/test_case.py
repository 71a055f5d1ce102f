"""A case folded from its facts, and the words for it."""

from dataclasses import replace

import pytest

from kernel.clock import to_micros
from kernel.contracts.case import FACTS, CaseLapsed, CaseReceived, CaseStep, CaseWithdrawn, Fact, dump_fact
from kernel.contracts.lifecycle import State
from kernel.contracts.progress import CaseView
from kernel.errors import Park
from kernel.testing.cases import APPLICANT, ORGAN, START, corrected_and_concluded, received
from kernel.traditional import to_traditional
from services.progress.domain import texts
from services.progress.domain.case import PUBLIC, Case, Entry, fold
from services.progress.domain.view import TimelineStep, whole

SERIAL = "20260209-0001"


def entry(fact: Fact, stream_version: int, recorded_at: int = 5) -> Entry:
    occurred_at = to_micros(fact.occurred_at)
    return Entry(SERIAL, stream_version, fact.TYPE, fact.VERSION, occurred_at, recorded_at, dump_fact(fact))


def folded(*life: Fact) -> tuple[Case, list[TimelineStep]]:
    case, steps = Case(SERIAL), []
    for number, fact in enumerate(life, 1):
        said = entry(fact, number)
        public = fold(case, said)
        steps.append(TimelineStep(said.type, said.occurred_at, case.state, public))
    return case, steps


def test_every_fact_has_public_members_that_it_really_has_and_a_text() -> None:
    assert set(PUBLIC) == set(texts.TEXTS) == set(FACTS)
    for type_, members in PUBLIC.items():
        assert set(members) <= set(FACTS[type_].__dataclass_fields__)


def test_every_state_of_a_case_that_exists_has_a_text() -> None:
    assert set(texts.STATES) == {state.value for state in State if state is not State.NEW}


def test_no_reference_to_a_person_and_no_digest_is_public() -> None:
    private = {"by", "applicant", "query_code_digest", "comment_reference", "notices"}
    assert not private & {member for members in PUBLIC.values() for member in members}


def test_a_whole_life_ends_as_its_last_facts_say() -> None:
    case, steps = folded(*corrected_and_concluded())
    assert case == Case(
        SERIAL,
        item="residence-permit",
        item_name="签注居住证",
        item_version=3,
        department=ORGAN,
        department_name="公安局",
        applicant=APPLICANT,
        query_code_digest="d" * 64,
        state="concluded",
        attempt=2,
        filed_at=to_micros(START),
        updated_at=5,
        stream_version=9,
        statutory_due="2026-03-13",
        promised_due="2026-02-24",
        extended_working_days=10,
        outcome="准予",
        rating=5,
    )
    states = [
        "received",
        "incomplete",
        "received",
        "accepted",
        "accepted",
        "accepted",
        "decided",
        "concluded",
        "concluded",
    ]
    assert [step.state for step in steps] == states


def test_corrections_are_asked_while_the_case_is_incomplete_and_no_longer() -> None:
    life = corrected_and_concluded()
    asked = whole(*folded(*life[:2]), "zh-Hans", str)["asked"]
    assert asked == {"corrections": [{"what": "照片不清晰", "material": "photo"}], "due": "2026-02-24"}
    assert whole(*folded(*life[:3]), "zh-Hans", str)["asked"] is None


def test_a_hole_in_a_case_is_parked() -> None:
    case, _ = folded(received())
    before = replace(case)
    with pytest.raises(Park, match=r"version 3 .* cannot follow version 1"):
        fold(case, entry(CaseWithdrawn(occurred_at=START, by=APPLICANT), 3))
    assert case == before


def test_a_fact_that_the_state_does_not_allow_is_parked() -> None:
    case, _ = folded(received())
    with pytest.raises(Park, match=r"case\.lapsed is not allowed in state received"):
        fold(case, entry(CaseLapsed(occurred_at=START, by="clock"), 2))


@pytest.mark.parametrize(("type_", "version"), [("case.unheard", 1), ("case.received", 9)])
def test_a_type_or_version_that_nobody_knows_is_parked(type_: str, version: int) -> None:
    with pytest.raises(Park):
        fold(Case(SERIAL), entry(received(), 1)._replace(type=type_, version=version))


def test_an_old_version_is_lifted_to_the_present_one() -> None:
    data = {"occurred_at": "2026-02-09T09:00:00+08:00", "by": "x", "item": "permit", "department": ORGAN}
    case = Case(SERIAL)
    public = fold(case, Entry(SERIAL, 1, "case.received", 1, 7, 8, data))
    assert (case.item_name, case.applicant, case.query_code_digest) == ("permit", "unknown", None)
    assert public == {"attempt": 1, "channel": "online"}


def test_the_query_code_stays_when_a_later_attempt_does_not_repeat_it() -> None:
    life = corrected_and_concluded()
    again = life[2]
    assert isinstance(again, CaseReceived)
    case, _ = folded(life[0], life[1], replace(again, query_code_digest=None))
    assert case.query_code_digest == "d" * 64


@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant", "en"])
def test_a_view_is_shaped_as_published(language: str) -> None:
    words = to_traditional if language == "zh-Hant" else str
    seen = whole(*folded(*corrected_and_concluded()), language, words)
    assert CaseView().validate(seen) == {}
    assert len(seen["timeline"]) == 9


@pytest.mark.parametrize(
    ("language", "state", "first"),
    [
        ("zh-Hans", "待补正", "已收到您的申请。"),
        ("zh-Hant", "待補正", "已收到您的申請。"),
        ("en", "Waiting for your corrections", "Your application was received."),
    ],
)
def test_a_view_is_worded_in_the_language_asked_for(language: str, state: str, first: str) -> None:
    words = to_traditional if language == "zh-Hant" else str
    seen = whole(*folded(*corrected_and_concluded()[:2]), language, words)
    assert (seen["state_text"], seen["timeline"][0]["text"]) == (state, first)
    assert seen["timeline"][1]["data"]["corrections"][0]["what"] == "照片不清晰", "a department's words stay its own"


def test_a_case_that_ended_without_a_result_says_how() -> None:
    withdrawn = CaseWithdrawn(occurred_at=START, by=APPLICANT)
    seen = whole(*folded(received(), withdrawn), "zh-Hans", str)
    assert (seen["state"], seen["state_text"], seen["outcome"]) == ("concluded", "已撤回", "withdrawn")


def test_steps_can_be_many() -> None:
    life = corrected_and_concluded()
    many = [CaseStep(occurred_at=START, by="x", step_name=f"环节{number}") for number in range(300)]
    case, steps = folded(life[0], life[3], *many)
    assert (case.state, case.stream_version, len(steps)) == ("accepted", 302, 302)
