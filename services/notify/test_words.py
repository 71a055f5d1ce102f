"""The words of messages, how long they may be, when they are tried again, and what they are called."""

from datetime import date, timedelta

import pytest

from kernel.contracts import case as facts
from kernel.contracts.case import FACTS, Fact
from kernel.testing.cases import START, corrected_and_concluded, received
from services.notify.domain.message import message_id
from services.notify.domain.schedule import RETRIES, wait_after
from services.notify.domain.sms import SEGMENTS, segments
from services.notify.domain.templates import REACTIONS, render

SERIAL = "440106-20260209-000017"
ITEM = "签注居住证"
WHEN = {"occurred_at": START, "by": "11440106007512345A"}


def every_fact(text: str) -> list[Fact]:
    """One of each, with `text` wherever a department writes."""
    corrections = tuple(facts.Correction(what=text, material="photo") for _ in range(50))
    return [
        received(),
        received(attempt=2),
        facts.CaseIncomplete(**WHEN, corrections=corrections, due=date(2026, 2, 24)),
        facts.CaseIncomplete(**WHEN, corrections=corrections),
        facts.CaseAccepted(**WHEN, deemed=True, statutory_due=date(2026, 3, 13)),
        facts.CaseDeclined(**WHEN, reason=text, right_organ=text[:200]),
        facts.CaseSuspended(**WHEN, kind=text[:200], expected_days=3660),
        facts.CaseResumed(**WHEN),
        facts.CaseExtended(**WHEN, working_days=10, reason=text),
        facts.CaseApproved(**WHEN, document_number=text[:200]),
        facts.CaseRefused(**WHEN, reason=text, remedies=(text[:200],) * 20),
        facts.CaseConcluded(**WHEN, outcome=text[:200], delivery=text[:200]),
        facts.CaseWithdrawn(**WHEN, reason=text),
        facts.CaseLapsed(**WHEN),
    ]


def sms(fact: Fact, language: str = "zh-Hans") -> str:
    rendered = render(fact, "sms", language, SERIAL, ITEM)
    assert rendered is not None
    return rendered.text


def test_every_fact_is_told_or_ignored_on_purpose() -> None:
    assert set(REACTIONS) == set(FACTS.values())
    assert {fact for fact, template in REACTIONS.items() if template is None} == {facts.CaseStep, facts.CaseRated}


def test_the_facts_used_here_are_all_that_are_told() -> None:
    told = {fact for fact, template in REACTIONS.items() if template is not None}
    assert {type(fact) for fact in every_fact("x")} == told


@pytest.mark.parametrize("language", ["zh-Hans", "en"])
@pytest.mark.parametrize(
    "text", ["照片不清晰", "理由" * 1000, "reason " * 285, "🙂" * 1000, "{}" * 500, "第一行\n第二行" * 90]
)
@pytest.mark.parametrize("item", [ITEM, "项" * 200, "item " * 40])
def test_an_sms_takes_two_segments_at_most_whatever_is_written(language: str, text: str, item: str) -> None:
    for fact in every_fact(text):
        rendered = render(fact, "sms", language, "9" * 64, item)
        assert rendered is not None
        assert segments(rendered.text) <= SEGMENTS, rendered.text
        assert "9" * 64 in rendered.text
        assert "\n" not in rendered.text


@pytest.mark.parametrize("language", ["zh-Hans", "en"])
@pytest.mark.parametrize("text", ["照片不清晰", "理由" * 1000, "第一行\n第二行" * 90])
def test_an_email_says_all_and_its_subject_is_one_short_line(language: str, text: str) -> None:
    for fact in every_fact(text):
        rendered = render(fact, "email", language, SERIAL, ITEM)
        assert rendered is not None
        assert rendered.subject is not None
        assert SERIAL in rendered.subject
        assert len(rendered.subject) < 140
        assert "\n" not in rendered.subject
        assert SERIAL in rendered.text
        assert ITEM in rendered.text


def test_no_message_names_a_person() -> None:
    fact = received(applicant="account-of-somebody", query_code_digest="digest-of-a-code")
    for channel in ("sms", "email"):
        for language in ("zh-Hans", "en"):
            rendered = render(fact, channel, language, SERIAL, ITEM)
            assert "account-of" not in str(rendered)
            assert "digest-of" not in str(rendered)


def test_a_life_in_sms() -> None:
    told = [render(fact, "sms", "zh-Hans", "S-1", ITEM) for fact in corrected_and_concluded()]
    assert [message.text for message in told if message] == [
        "【一窗】签注居住证（S-1）：已收到您的申请。办理进度将通知您。",
        "【一窗】签注居住证（S-1）：材料需要补正，请在2026年2月24日前补正。补正内容：照片不清晰。",
        "【一窗】签注居住证（S-1）：已收到您补正后的申请。",
        "【一窗】签注居住证（S-1）：已受理，预计2026年2月24日前办结。",
        "【一窗】签注居住证（S-1）：办理期限依法延长10个工作日。理由：需要核实住所。",
        "【一窗】签注居住证（S-1）：已准予，文号：穗公居〔2026〕12号。",
        "【一窗】签注居住证（S-1）：已办结，结果：准予。",
    ]


def test_a_refusal_tells_the_reason_and_the_remedies() -> None:
    fact = facts.CaseRefused(**WHEN, reason="住所不在本区", remedies=("60日内申请行政复议", "6个月内提起行政诉讼。"))
    assert sms(fact) == (
        "【一窗】签注居住证（440106-20260209-000017）：决定不予办理，您可依法申请行政复议或提起诉讼。"
        "理由：住所不在本区。救济途径：60日内申请行政复议；6个月内提起行政诉讼。"
    )


def test_a_refusal_speaks_of_no_licence_as_most_items_are_none() -> None:
    fact = facts.CaseRefused(**WHEN, reason="住所不在本区", remedies=("60日内申请行政复议",))
    assert "许可" not in sms(fact)


def test_english() -> None:
    life = corrected_and_concluded()
    assert sms(life[1], "en") == (
        "[Yichuang] 签注居住证 440106-20260209-000017: Corrections are needed by 2026-02-24. To correct: 照片不清晰."
    )


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        *[("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3), ("€" * 80, 1), ("€" * 81, 2)],
        *[("字" * 70, 1), ("字" * 71, 2), ("字" * 134, 2), ("字" * 135, 3), ("🙂" * 36, 2)],
    ],
)
def test_segments_are_counted_as_networks_do(text: str, taken: int) -> None:
    assert segments(text) == taken


def test_seven_retries_from_25_seconds_to_a_day() -> None:
    waits = [wait_after(attempts) for attempts in range(1, 9)]
    assert waits[:7] == list(RETRIES)
    assert (waits[0], waits[6], waits[7]) == (timedelta(seconds=25), timedelta(days=1), None)
    assert sorted(RETRIES) == list(RETRIES)


def test_a_message_is_called_the_same_whenever_it_is_made() -> None:
    assert message_id("/filing", "e-1", "sms") == "4a4656ab-fff3-5b59-80c4-d8ba3ba1b990"
    assert len({message_id(s, e, c) for s in ("/a", "/b") for e in ("1", "2") for c in ("sms", "email")}) == 8
