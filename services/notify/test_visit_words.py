"""The words of messages about visits, how long they may be, and until when they are sent."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from kernel.clock import CHINA
from kernel.contracts import visit_facts as facts
from kernel.contracts.notify import CODE_PURPOSES
from kernel.contracts.visit_facts import VISIT_FACTS, VisitFact
from kernel.messaging.topology import TOLD_OF_VISITS
from kernel.testing import visits
from kernel.testing.cases import APPLICANT, START
from kernel.testing.visits import BEGINS, ENDS, NUMBER
from services.notify.domain.codes import PURPOSES, code_text
from services.notify.domain.sms import SEGMENTS, segments
from services.notify.domain.visit_templates import REACTIONS, TOLD, render
from services.notify.domain.visits import EXPIRY, OVERTAKEN, OVERTAKING, Visit, evolve, expires_at

VISIT = evolve(NUMBER, None, visits.booked())
OFFERS = [BEGINS + timedelta(days=2), BEGINS + timedelta(days=2, hours=4)]
HELD = START + timedelta(days=1)


def every_fact(text: str, number: str = NUMBER) -> list[VisitFact]:
    """One of each, with `text` wherever staff write."""
    many = [BEGINS + timedelta(hours=hour) for hour in range(10)]
    return [
        visits.booked(),
        visits.moved(),
        *(visits.cancelled(cause, reason=text) for cause in ("visitor", "staff", "closure")),
        visits.closed(*many, reason=text, held_until=HELD),
        visits.closed(reason=text),
        visits.reopened(),
        visits.offered(booking=number),
        visits.reminded(),
        *visits.missed(),
        *visits.appealed(),
    ]


def sms(fact: VisitFact, language: str = "zh-Hans", visit: Visit | None = VISIT) -> str:
    after = evolve(NUMBER, visit, fact)
    assert after is not None
    rendered = render(fact, replace(after, language=language))
    assert rendered is not None
    return rendered.text


def test_every_fact_is_told_or_ignored_on_purpose() -> None:
    assert set(REACTIONS) == set(VISIT_FACTS.values())
    silent = {fact for fact, template in REACTIONS.items() if template is None}
    assert silent == {facts.VisitCheckedIn, facts.VisitServed}
    assert {type(fact) for fact in every_fact("x")} == set(REACTIONS) - silent


def test_whatever_is_told_is_carried_to_notify_has_an_end_and_nothing_else_does() -> None:
    assert {f"{type}.#" for type in TOLD} == set(TOLD_OF_VISITS)
    assert {fact.TYPE for fact in EXPIRY} == TOLD
    assert set(OVERTAKEN) | set(OVERTAKING) <= TOLD


def test_a_visit_in_sms() -> None:
    away = visits.closed(*OFFERS, held_until=HELD)
    told = [sms(fact) for fact in (visits.booked(), visits.moved(), visits.reminded(), away, *visits.missed())]
    assert told == [
        "【一窗】已预约天河区政务服务中心公安综合窗口，2月11日（周三）10:00-10:30。"
        "预约号VK7Q2M9XR4TD，凭此号和身份证件签到。如需取消或改期，请于2月11日08:00前在网上办理。",
        "【一窗】预约已改至2月12日（周四）10:00-10:30，天河区政务服务中心公安综合窗口。"
        "预约号VK7Q2M9XR4TD不变，凭此号和身份证件签到。如需取消或改期，请于2月12日08:00前在网上办理。",
        "【一窗】提醒：2月11日（周三）10:00请到天河区政务服务中心公安综合窗口。"
        "预约号VK7Q2M9XR4TD，凭此号和身份证件签到。如需取消或改期，请于2月11日08:00前在网上办理。",
        "【一窗】天河区政务服务中心公安综合窗口2月11日（周三）10:00停办，您的预约（VK7Q2M9XR4TD）不能按原时间办理。"
        "请于2月10日09:00前在网上选定为您保留的时间：2月13日10:00、2月13日14:00。原因：设备检修。",
        "【一窗】您2月11日（周三）10:00在天河区政务服务中心公安综合窗口的预约（VK7Q2M9XR4TD）未到场，记为爽约一次。"
        "如有异议，可向该大厅申诉。",
        "【一窗】因爽约2次，您在天河区政务服务中心的预约已暂停，2026年5月13日起可再预约（预约号VK7Q2M9XR4TD）。"
        "如有异议，可向该大厅申诉。",
    ]


def test_who_cancelled_is_told() -> None:
    causes = ("visitor", "staff", "closure")
    assert [sms(visits.cancelled(cause, reason="停电" if cause == "staff" else None)) for cause in causes] == [
        "【一窗】您2月11日（周三）10:00在天河区政务服务中心公安综合窗口的预约（VK7Q2M9XR4TD）已取消。",
        "【一窗】您2月11日（周三）10:00在天河区政务服务中心公安综合窗口的预约（VK7Q2M9XR4TD）已由大厅取消。原因：停电。",
        "【一窗】您2月11日（周三）10:00在天河区政务服务中心公安综合窗口的预约（VK7Q2M9XR4TD）因停办已取消。",
    ]


def test_a_freed_place_and_a_closure_without_others() -> None:
    assert sms(visits.offered(), visit=None) == (
        "【一窗】您候补的天河区政务服务中心公安综合窗口2月11日（周三）10:00-10:30有空位，"
        "为您保留至2月9日09:15，请在此前上网确认，预约号VK7Q2M9XR4TD。"
    )
    assert sms(visits.closed()).endswith("不能按原时间办理。请另行预约。原因：设备检修。")
    assert sms(visits.reopened()) == (
        "【一窗】天河区政务服务中心公安综合窗口恢复办理，您的预约（VK7Q2M9XR4TD）仍为2月11日（周三）10:00-10:30。"
        "此前为您保留的其他时间不再保留。"
    )


def test_what_comes_of_an_appeal() -> None:
    assert [sms(fact) for fact in visits.appealed()] == [
        "【一窗】您2月11日（周三）10:00在天河区政务服务中心公安综合窗口的预约（VK7Q2M9XR4TD）不再记为爽约。",
        "【一窗】申诉成立，您在天河区政务服务中心的预约已恢复，可再次预约（原预约号VK7Q2M9XR4TD）。",
        "【一窗】您在天河区政务服务中心的预约已恢复，可再次预约（原预约号VK7Q2M9XR4TD）。",
        "【一窗】您对爽约记录的申诉未获支持（预约号VK7Q2M9XR4TD），2026年5月13日起可再预约天河区政务服务中心。"
        "理由可上网查看。",
    ]


def test_until_when_it_can_be_cancelled_is_told_in_full_or_not_at_all() -> None:
    long = replace(
        VISIT, hall_name="番禺区沙湾街道政务服务中心（东涌分厅）", group_name="不动产登记和工程建设综合服务区"
    )
    told = [sms(visits.reminded(), language, long) for language in ("zh-Hans", "en")]
    assert told[0].endswith("如需取消或改期，请于2月11日08:00前在网上办理。")
    assert told[1].endswith("Check in with VK7Q2M9XR4TD and your ID. Cancel or move by 11 Feb 08:00.")
    assert "…" in told[1]
    late = replace(visits.booked(), occurred_at=BEGINS - timedelta(minutes=30))
    assert sms(late).endswith("凭此号和身份证件签到。"), "it is too late for that already"


def test_english() -> None:
    place = "天河区政务服务中心 公安综合窗口"
    told = [sms(fact, "en") for fact in (visits.booked(), visits.cancelled("closure"), visits.offered())]
    assert told == [
        f"[Yichuang] Booked: {place}, Wed 11 Feb 10:00-10:30. Check in with VK7Q2M9XR4TD and your ID."
        " Cancel or move by 11 Feb 08:00.",
        f"[Yichuang] Your visit VK7Q2M9XR4TD, Wed 11 Feb 10:00, {place}, was cancelled, as the hall is closed then.",
        f"[Yichuang] {place}, Wed 11 Feb 10:00-10:30 is free: confirm VK7Q2M9XR4TD online by 9 Feb 09:15.",
    ]


def test_a_reminder_speaks_of_cancelling_only_while_that_can_be_done() -> None:
    assert "取消" not in sms(visits.reminded(at=BEGINS - timedelta(hours=1)))


def test_times_are_told_as_clocks_in_china_show_them() -> None:
    from_elsewhere = visits.booked(starts_at=BEGINS.astimezone(None), ends_at=ENDS.astimezone(None))
    assert sms(from_elsewhere) == sms(visits.booked())


@pytest.mark.parametrize("language", ["zh-Hans", "en"])
@pytest.mark.parametrize("text", ["停电", "理由" * 1000, "reason " * 285, "🙂" * 1000, "{}" * 500, "第一行\n第二" * 90])
@pytest.mark.parametrize("name", ["大厅", "政务服务中心" * 30, "Hall " * 40])
@pytest.mark.parametrize("number", [NUMBER, "0197f3c0-0000-7000-8000-000000000001"])
def test_an_sms_takes_two_segments_at_most_and_has_the_number(language: str, text: str, name: str, number: str) -> None:
    visit = evolve(number, None, visits.booked(hall_name=name, group_name=name, language=language))
    assert visit is not None
    for fact in every_fact(text, number):
        rendered = render(fact, visit)
        assert rendered is not None
        assert segments(rendered.text) <= SEGMENTS, rendered.text
        assert number in rendered.text
        assert "\n" not in rendered.text


@pytest.mark.parametrize("language", ["zh-Hans", "en"])
@pytest.mark.parametrize("hall", ["番禺区政务服务中心（样例）", "广州市天河区政务服务中心（华利路办事大厅）"])
def test_the_times_that_are_held_instead_are_told_before_why(language: str, hall: str) -> None:
    visit = evolve(NUMBER, None, visits.booked(hall_name=hall, group_name="公共法律服务区（样例）", language=language))
    offers = [*OFFERS, BEGINS + timedelta(days=3)]
    text = sms(visits.closed(*offers, reason="消防设备例行检修，请见谅" * 5, held_until=HELD), language, visit)
    times = (
        ["13 Feb 10:00", "13 Feb 14:00", "14 Feb 10:00"]
        if language == "en"
        else ["2月13日10:00", "2月13日14:00", "2月14日10:00"]
    )
    assert [time for time in times if time not in text] == [], text
    assert segments(text) <= SEGMENTS


def test_no_message_names_a_person() -> None:
    for fact in every_fact("x"):
        assert APPLICANT not in sms(fact)
        assert visits.TOLD["visitor"] not in sms(fact)


def test_until_when_each_is_sent() -> None:
    midnight = datetime(2026, 2, 12, tzinfo=CHINA)
    offers = visits.closed(*OFFERS, held_until=HELD)
    ends = [
        (visits.booked(), ENDS),
        (visits.moved(), ENDS + timedelta(days=1)),
        (visits.cancelled(), midnight),
        (offers, midnight),
        (visits.offered(), START + timedelta(minutes=15)),
        (visits.reminded(), BEGINS),
        (visits.missed()[0], START + timedelta(days=7)),
        (visits.missed()[1], datetime(2026, 5, 13, tzinfo=CHINA)),
        (visits.reopened(), ENDS),
        *((fact, START + timedelta(days=7)) for fact in visits.appealed()[:3]),
        (visits.appealed()[3], datetime(2026, 5, 13, tzinfo=CHINA)),
    ]
    for fact, end in ends:
        visit = evolve(NUMBER, VISIT, fact)
        assert visit is not None
        assert expires_at(fact, visit) == end


def test_nothing_is_known_of_a_visit_before_it_was_booked() -> None:
    assert evolve(NUMBER, None, visits.moved()) is None
    guest = evolve(NUMBER, None, visits.booked(account=None))
    assert guest is not None
    assert guest.recipient == f"visit:{NUMBER}"


def test_a_code_in_each_language() -> None:
    assert set(PURPOSES) == set(CODE_PURPOSES)
    assert code_text("123456", "visit", "zh-Hans") == (
        "【一窗】验证码 123456，5 分钟内有效，用于预约办事。请勿告诉他人。"
    )
    assert code_text("123456", "visit", "en") == (
        "[Yichuang] Your code to book a visit is 123456, valid for 5 minutes. Do not tell anybody."
    )
    assert {segments(code_text("12345678", purpose, "zh-Hans")) for purpose in PURPOSES} == {1}
