"""Blocked after missed visits: the appeal, its decision, and no-shows that staff excuse."""

from datetime import date
from typing import Any

import pytest

from kernel.clock import parse_time
from kernel.contracts import waiting as contract
from kernel.contracts.appointment_refusals import (
    AppealDecided,
    AppealOpen,
    Blocked,
    NotBlocked,
    NotInThatState,
    UnknownAppeal,
    UnknownBooking,
)
from kernel.contracts.visit_facts import VisitAppealDismissed, VisitBlocked, VisitExcused, VisitUnblocked
from kernel.idempotency import KeyReused
from services.appointment.testing import TUESDAY, Desk, visitor

THURSDAY = date(2026, 2, 12)
LATER = date(2026, 2, 25)


@pytest.fixture
def blocked(desk: Desk) -> Desk:
    """Person 1 has missed Tuesday and Thursday; it is Friday."""
    desk.rule(last_working_day=10)
    for day in (TUESDAY, THURSDAY):
        desk.book(1, date=day)
    desk.advance(days=4)
    assert desk.app.sweeping.missed() == 2
    desk.app.planning.ahead()
    return desk


def missed(desk: Desk) -> list[str]:
    """Their numbers in the order of their days."""
    return [row[0] for row in desk.query("SELECT number FROM booking WHERE state = 'no_show' ORDER BY day")]


def appeal(desk: Desk, number: int = 1, **change: Any) -> dict[str, Any]:
    asked = {"hall": "tianhe", "reason": "我当天住院，有证明。", "visitor": visitor(number), "idempotency_key": None}
    return desk.app.appeals.file(desk.caller(change.pop("account", f"a-{number}")), {**asked, **change})


def decide(desk: Desk, id: str, granted: bool, hall: str = "tianhe") -> dict[str, Any]:
    decision = contract.Decision().load(
        {"granted": granted, "sentence": "经核实，予以采纳。" if granted else "无证明。"}
    )
    return desk.app.appeals.decide(hall, id, decision, "staff-3")


def test_an_appeal_is_filed_sealed_and_listed(blocked: Desk) -> None:
    filed = appeal(blocked)
    assert contract.Appeal().validate(filed) == {}
    assert (filed["state"], filed["blocked_until"], filed["sentence"]) == ("open", "2026-05-14", None)
    ((sealed,),) = blocked.query("SELECT reason FROM appeal")
    assert "住院".encode() not in bytes(sealed)
    assert blocked.app.appeals.show(blocked.caller("a-1"), filed["id"]) == filed
    listed = blocked.app.appeals.of_hall("tianhe", "open", 1, 20)
    assert contract.FiledAppeals().validate(listed) == {}
    (one,) = listed["items"]
    assert (one["reason"], [visit["number"] for visit in one["missed"]]) == ("我当天住院，有证明。", missed(blocked))
    for hall, state in (("elsewhere", None), ("tianhe", "granted")):
        assert blocked.app.appeals.of_hall(hall, state, 1, 20)["total"] == 0
    blocked.check()


def test_one_that_is_granted_lifts_the_block_at_once(blocked: Desk) -> None:
    filed = appeal(blocked)
    answer = decide(blocked, filed["id"], granted=True)
    assert contract.FiledAppeal().validate(answer) == {}
    assert (answer["state"], answer["sentence"]) == ("granted", "经核实，予以采纳。")
    number = missed(blocked)[1]
    row, now = blocked.booking(number), blocked.clock.now()
    assert blocked.facts(number)[-2:] == [
        VisitExcused(occurred_at=now, by="staff-3", hall="tianhe"),
        VisitUnblocked(occurred_at=now, by="staff-3", hall="tianhe", visitor=row.visitor, appeal=filed["id"]),
    ]
    assert blocked.app.appeals.show(blocked.caller("a-1"), filed["id"])["sentence"] == "经核实，予以采纳。"
    blocked.book(1, date=LATER)
    blocked.check()


def test_the_no_show_counts_no_more_toward_the_next_block(blocked: Desk) -> None:
    decide(blocked, appeal(blocked)["id"], granted=True)
    number = blocked.book(1, date=LATER)["number"]
    blocked.advance(days=13)
    assert blocked.app.sweeping.missed() == 1
    assert isinstance(blocked.facts(number)[-1], VisitBlocked), (
        "with the one of Tuesday, which stands, it is the second"
    )
    blocked.app.appeals.excuse("tianhe", missed(blocked)[0], "staff-3")
    blocked.app.planning.ahead()
    blocked.book(1, date=date(2026, 3, 4))
    blocked.advance(days=7)
    assert blocked.app.sweeping.missed() == 1
    assert blocked.query("SELECT count(*) FROM block WHERE lifted_at IS NULL") == [(1,)]
    blocked.check()


def test_one_that_is_dismissed_leaves_the_block(blocked: Desk) -> None:
    filed = appeal(blocked)
    decide(blocked, filed["id"], granted=False)
    number = missed(blocked)[1]
    row = blocked.booking(number)
    assert blocked.facts(number)[-1] == VisitAppealDismissed(
        occurred_at=blocked.clock.now(),
        by="staff-3",
        hall="tianhe",
        visitor=row.visitor,
        appeal=filed["id"],
        until=date(2026, 5, 14),
    )
    with pytest.raises(Blocked):
        blocked.book(1, date=LATER)
    again = appeal(blocked)
    assert decide(blocked, again["id"], granted=True)["state"] == "granted"
    blocked.check()


def test_a_decision_is_made_once(blocked: Desk) -> None:
    filed = appeal(blocked)
    first = decide(blocked, filed["id"], granted=True)
    before = blocked.traces()
    assert decide(blocked, filed["id"], granted=True) == first
    with pytest.raises(AppealDecided):
        decide(blocked, filed["id"], granted=False)
    assert blocked.traces() == before


def test_there_is_one_open_appeal_against_a_block(blocked: Desk) -> None:
    filed = appeal(blocked, idempotency_key="k")
    before = blocked.traces()
    assert appeal(blocked, idempotency_key="k") == filed
    with pytest.raises(KeyReused):
        appeal(blocked, idempotency_key="k", reason="另一个理由")
    for who in (visitor(1), visitor(1, mobile=9), {**visitor(9), "mobile": visitor(1)["mobile"]}):
        with pytest.raises(AppealOpen):
            appeal(blocked, visitor=who)
    assert blocked.traces() == before


def test_who_is_not_blocked_there_has_nothing_to_appeal_against(blocked: Desk) -> None:
    before = blocked.traces()
    for number, hall in ((2, "tianhe"), (1, "elsewhere")):
        with pytest.raises(NotBlocked):
            appeal(blocked, number, hall=hall)
    assert blocked.traces() == before
    blocked.advance(days=90)
    with pytest.raises(NotBlocked):
        appeal(blocked)


def test_anothers_appeal_or_another_halls_does_not_exist(blocked: Desk) -> None:
    id = appeal(blocked)["id"]
    with pytest.raises(UnknownAppeal):
        blocked.app.appeals.show(blocked.caller("a-2"), id)
    for hall, unknown in (("elsewhere", id), ("tianhe", "nothing")):
        with pytest.raises(UnknownAppeal) as refusal:
            decide(blocked, unknown, granted=True, hall=hall)
        assert refusal.value.status == 404


def test_a_guest_appeals_under_the_mobile_that_was_proven(desk: Desk) -> None:
    desk.rule(no_shows=1)
    guest = desk.caller(None, visitor(1)["mobile"])
    desk.app.bookings.book(guest, {**_asked(), "visitor": visitor(1)})
    desk.advance(days=2)
    desk.app.sweeping.missed()
    filed = desk.app.appeals.file(guest, {"hall": "tianhe", "reason": "堵车", "visitor": visitor(1)})
    decide(desk, filed["id"], granted=False)
    assert desk.app.appeals.show(guest, filed["id"])["sentence"] == "无证明。"
    with pytest.raises(UnknownAppeal):
        desk.app.appeals.show(desk.caller(None, visitor(2)["mobile"]), filed["id"])
    desk.check()


def _asked() -> dict[str, Any]:
    booking = {"hall": "tianhe", "items": ["passport"], "people": 1, "date": TUESDAY, "time": "09:00"}
    return {**booking, "language": "zh-Hans", "idempotency_key": None}


@pytest.mark.parametrize("which", [0, 1])
def test_staff_excuse_a_no_show_and_the_block_that_leans_on_it_falls(blocked: Desk, which: int) -> None:
    number = missed(blocked)[which]
    open_one = appeal(blocked)["id"]
    answer = blocked.app.appeals.excuse("tianhe", number, "staff-3")
    assert contract.Excused().validate(answer) == {}
    assert answer == {"number": number, "excused": True, "unblocked": True}
    assert [fact.TYPE for fact in blocked.facts(number)][2:] == (
        ["visit.excused"] if which == 0 else ["visit.blocked", "visit.excused", "visit.unblocked"]
    )
    assert [fact.TYPE for fact in blocked.facts(missed(blocked)[1])][-1] == "visit.unblocked"
    assert blocked.app.appeals.show(blocked.caller("a-1"), open_one)["state"] == "granted"
    before = blocked.traces()
    assert blocked.app.appeals.excuse("tianhe", number, "staff-3")["unblocked"] is False
    assert blocked.traces() == before
    blocked.book(1, date=LATER)
    blocked.check()


def test_a_block_stands_that_does_not_lean_on_what_is_excused(desk: Desk) -> None:
    desk.rule(per_week=5, last_working_day=10)
    for day in (10, 11, 12):
        desk.book(1, date=date(2026, 2, day))
    desk.advance(days=4)
    desk.app.sweeping.missed()
    first, second, third = missed(desk)
    assert [fact.TYPE for fact in desk.facts(third)][-1] == "visit.blocked"
    desk.app.appeals.excuse("tianhe", first, "staff-3")
    with pytest.raises(Blocked):
        desk.book(1, date=LATER)
    desk.app.appeals.excuse("tianhe", second, "staff-3")
    desk.app.planning.ahead()
    desk.book(1, date=LATER)
    desk.check()


@pytest.mark.parametrize(("days", "far"), [((10, 12, 13), 0), ((10, 11, 13), 2)])
def test_a_block_stands_that_is_too_far_from_what_is_excused(desk: Desk, days: tuple[int, ...], far: int) -> None:
    desk.rule(per_week=5, last_working_day=10, no_show_days=2)
    for day in days:
        desk.book(1, date=date(2026, 2, day))
    desk.advance(days=5)
    desk.app.sweeping.missed()
    assert desk.app.appeals.excuse("tianhe", missed(desk)[far], "staff-3")["unblocked"] is False
    with pytest.raises(Blocked):
        desk.book(1, date=LATER)


def test_a_block_stands_on_what_its_person_missed_under_another_mobile(desk: Desk) -> None:
    desk.rule(per_week=5, last_working_day=10)
    for number, day, mobile in ((1, 10, 7), (1, 11, 8), (2, 10, 8)):
        desk.book(number, date=date(2026, 2, day), visitor=visitor(number, mobile))
    desk.advance(days=4)
    desk.app.sweeping.missed()
    ((of_other,),) = desk.query("SELECT number FROM booking WHERE account = 'a-2'")
    assert desk.app.appeals.excuse("tianhe", of_other, "staff-3")["unblocked"] is False
    with pytest.raises(Blocked):
        desk.book(1, date=LATER, visitor=visitor(1, 7))


def test_only_a_no_show_of_the_hall_is_excused(blocked: Desk) -> None:
    coming = blocked.book(2, date=LATER)["number"]
    held = blocked.hold(3, date=LATER)["number"]
    with pytest.raises(NotInThatState):
        blocked.app.appeals.excuse("tianhe", coming, "staff-3")
    for hall, number in (("elsewhere", missed(blocked)[0]), ("tianhe", "nothing"), ("tianhe", held)):
        with pytest.raises(UnknownBooking):
            blocked.app.appeals.excuse(hall, number, "staff-3")


def test_of_who_was_erased_nothing_is_left_to_read(blocked: Desk) -> None:
    filed = appeal(blocked)
    row = blocked.booking(missed(blocked)[1])
    with blocked.database.write() as tx:
        blocked.tools.vault.erase(tx, row.visitor)
    assert blocked.app.appeals.of_hall("tianhe", None, 1, 20)["items"][0]["reason"] == ""
    assert filed["id"] == blocked.app.appeals.show(blocked.caller("a-1"), filed["id"])["id"]


@pytest.mark.parametrize("first", [0, 1])
def test_missed_visits_block_in_whatever_order_they_are_found(desk: Desk, first: int) -> None:
    """The service was away for days, and several sweepers find them now."""
    numbers = [desk.book(1, date=day)["number"] for day in (TUESDAY, THURSDAY)]
    desk.advance(days=4)
    for number in (numbers[first], numbers[1 - first]):
        assert desk.app.sweeping.miss(number)
    assert desk.query("SELECT count(*) FROM block") == [(1,)]
    told = [fact for number in numbers for fact in desk.facts(number) if isinstance(fact, VisitBlocked)]
    assert [fact.until for fact in told] == [date(2026, 5, 14)]
    desk.check()


@pytest.mark.parametrize(
    ("schema", "data", "field"),
    [
        (contract.AppealReason, {"reason": ""}, "reason"),
        (contract.AppealReason, {"reason": "x" * 1001}, "reason"),
        (contract.AppealReason, {"reason": "a\x00b"}, "reason"),
        (contract.AppealReason, {"reason": "第一行\n第二行"}, None),
        (contract.Decision, {"granted": "yes", "sentence": "x"}, "granted"),
        (contract.Decision, {"granted": True}, "sentence"),
    ],
)
def test_what_does_not_fit_is_refused_by_field(schema: Any, data: dict[str, Any], field: str | None) -> None:
    assert list(schema().validate(data)) == ([] if field is None else [field])


def test_an_appeal_is_filed_at_a_moment(blocked: Desk) -> None:
    assert parse_time(appeal(blocked)["filed_at"]) == blocked.clock.now()
