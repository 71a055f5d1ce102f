"""From what happens to a visit to an SMS that is sent in time or not at all; on both databases."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from kernel.clock import format_time
from kernel.contracts import visit_facts as facts
from kernel.contracts.notify import MessageList
from kernel.eventlog import Append, NewEvent
from kernel.testing import eventually, visits
from kernel.testing.cases import APPLICANT, START, corrected_and_concluded, received
from kernel.testing.visits import BEGINS, ENDS, NUMBER
from services.notify.application.ports import ContactsAway, NotTaken, Unsure
from services.notify.conftest import Desk
from services.notify.domain.message import message_id

WHEN = {**visits.WHEN}


def at(desk: Desk, moment: datetime) -> None:
    desk.clock.advance(moment - desk.clock.now())


def told(desk: Desk, number: str = NUMBER) -> list[tuple[str, str, str | None]]:
    return [(message["type"], message["state"], message["reason"]) for message in desk.messages(number)]


def test_each_fact_that_is_told_becomes_one_sms(desk: Desk) -> None:
    life = [visits.booked(), visits.reminded(), facts.VisitCheckedIn(**WHEN), facts.VisitServed(**WHEN)]
    desk.visit(NUMBER, *life)
    assert desk.send() == 2
    assert told(desk) == [("visit.booked", "sending", None), ("visit.reminded", "sending", None)]
    assert desk.second.asked == desk.mail.asked == []


def test_a_message_about_a_visit_as_it_is_listed(desk: Desk) -> None:
    desk.visit(NUMBER, visits.booked(language="zh-Hant"))
    (message,) = desk.messages(NUMBER)
    assert MessageList().validate({"items": [message]}) == {}
    names = ("id", "log", "serial", "position", "channel", "language", "recipient", "expires_at")
    assert [message[name] for name in names] == [
        message_id("/appointment", f"{NUMBER}-1", "sms"),
        "appointment",
        NUMBER,
        1,
        "sms",
        "zh-Hant",
        APPLICANT,
        format_time(ENDS),
    ]
    assert message["text"].startswith("【一窗】已預約天河區政務服務中心公安綜合窗口")


def test_a_case_and_a_visit_at_the_same_positions_of_their_logs(desk: Desk) -> None:
    desk.write(NUMBER, *corrected_and_concluded()[:3])
    desk.visit(NUMBER, visits.booked(), visits.reminded())
    assert desk.send() == 5
    found = [(message["log"], message["position"]) for message in desk.notify.messages.listed(NUMBER, None, 10)]
    assert sorted(found) == [("appointment", 1), ("appointment", 2), ("filing", 1), ("filing", 2), ("filing", 3)]
    assert len(desk.notify.messages.listed(None, None, 4)) == 4


def test_newest_first_is_by_time_whatever_the_logs_positions(desk: Desk) -> None:
    desk.write("S-1", *corrected_and_concluded())
    desk.clock.advance(timedelta(hours=1))
    desk.visit(NUMBER, visits.booked())
    desk.clock.advance(timedelta(hours=1))
    desk.write("S-2", received())
    newest = [message["serial"] for message in desk.notify.messages.listed(None, None, 3)]
    assert newest == ["S-2", NUMBER, "S-1"]


def test_a_guest_is_reached_by_the_number_of_the_visit(desk: Desk) -> None:
    desk.visit(NUMBER, visits.booked(account=None))
    desk.people.raising[f"visit:{NUMBER}"] = ContactsAway("service_down")
    desk.send()
    assert told(desk) == [("visit.booked", "failed_for_now", "contact_unavailable: service_down")]
    desk.people.raising.clear()
    desk.later(seconds=5)
    assert told(desk) == [("visit.booked", "sending", None)]


def test_who_moved_is_reminded_of_the_new_time(desk: Desk) -> None:
    desk.visit(NUMBER, visits.booked())
    desk.visit(NUMBER, visits.moved(), visits.cancelled(), expected_version=1)
    desk.send()
    assert "2月12日" in desk.messages(NUMBER)[2]["text"]


def test_the_waiting_list_has_messages_of_its_own(desk: Desk) -> None:
    desk.visit("ENTRY", visits.offered(account=None))
    desk.send()
    assert desk.messages("ENTRY")[0]["recipient"] == "visit:ENTRY"
    assert told(desk, "ENTRY") == [("visit.offered", "sending", None)]


def test_an_event_of_a_visit_that_was_never_booked_is_parked(desk: Desk) -> None:
    desk.visit(NUMBER, visits.moved())
    desk.visit("OTHER", visits.booked())
    assert [event.stream for event in desk.notify.visits.parked()] == [NUMBER]
    assert len(desk.messages("OTHER")) == 1
    assert desk.notify.cases.parked() == []


def test_the_halls_tickets_are_passed_by(desk: Desk) -> None:
    ticket = NewEvent(
        id="t-1", source="/appointment", type="ticket.called", version=1, time=START, data={"any": 1}, organ="tianhe"
    )
    desk.visits.append(Append(stream="T-1", expected_version=0, events=(ticket,)))
    desk.visit(NUMBER, visits.booked())
    status = desk.notify.status()["visits"]
    assert (status["checkpoint"], status["head"], status["parked"]) == (2, 2, 0)
    assert desk.send() == 1


def test_what_the_broker_does_not_carry_is_read_from_the_log(desk: Desk) -> None:
    """The queue has the types that are told: to the follower, all else is a hole."""
    life = [visits.booked(), facts.VisitCheckedIn(**WHEN), facts.VisitServed(**WHEN)]
    desk.visits.append_all([visits.appends(f"V-{number}", life) for number in range(5)])
    carried = [event for event in desk.visits.read(0, 100) if event.type == "visit.booked"]
    desk.notify.visits.take(carried)
    assert desk.notify.status()["visits"]["checkpoint"] >= carried[-1].position
    assert desk.send() == 5


def test_no_reminder_once_the_visit_has_begun(desk: Desk) -> None:
    desk.visit(NUMBER, visits.booked())
    desk.send()
    at(desk, BEGINS - timedelta(seconds=1))
    desk.visit(NUMBER, visits.reminded(), expected_version=1)
    desk.clock.advance(timedelta(seconds=1))
    desk.send()
    assert told(desk)[1] == ("visit.reminded", "failed_for_good", "expired")
    assert len(desk.first.sent) == 1


def test_a_reminder_a_second_before_is_sent(desk: Desk) -> None:
    desk.visit(NUMBER, visits.booked(), visits.reminded())
    at(desk, BEGINS - timedelta(seconds=1))
    desk.send()
    assert [message.type for message in desk.first.sent] == ["visit.booked", "visit.reminded"]


def test_no_offer_once_its_time_is_held_no_more(desk: Desk) -> None:
    desk.visit("ENTRY", visits.offered())
    desk.later(minutes=15)
    assert told(desk, "ENTRY") == [("visit.offered", "failed_for_good", "expired")]
    assert desk.first.asked == []


def test_what_a_provider_could_not_take_is_over_when_its_time_is(desk: Desk) -> None:
    desk.first.answers, desk.second.answers = [NotTaken("http_503")] * 9, [NotTaken("http_503")] * 9
    desk.visit("ENTRY", visits.offered())
    desk.send()
    for wait in (25, 100, 400):
        desk.later(seconds=wait)
    (message,) = desk.messages("ENTRY")
    assert (message["state"], message["attempts"]) == ("failed_for_now", 4)
    assert message["next_attempt_at"] == message["expires_at"], "and not 25 minutes later"
    desk.first.answers, desk.second.answers = [], []
    desk.later(minutes=15)
    assert told(desk, "ENTRY") == [("visit.offered", "failed_for_good", "expired")]
    assert desk.first.sent == desk.second.sent == []


def test_what_ends_between_two_providers_is_not_given_to_the_second(desk: Desk) -> None:
    desk.first.answers = [NotTaken("http_503")]
    desk.first.during = lambda message: desk.clock.advance(timedelta(seconds=10))
    desk.visit("ENTRY", visits.offered(held_until=START + timedelta(seconds=5)))
    desk.send()
    assert told(desk, "ENTRY") == [("visit.offered", "failed_for_good", "expired")]
    assert desk.second.asked == []


def test_the_receipt_of_one_that_may_have_been_taken_still_counts(desk: Desk) -> None:
    desk.first.answers = [Unsure("no_answer")]
    desk.visit("ENTRY", visits.offered())
    desk.send()
    desk.later(minutes=15)
    (message,) = desk.messages("ENTRY")
    assert (message["reason"], message["provider"]) == ("expired", "sms")
    assert desk.receipt(message["id"])["state"] == "delivered"


def test_messages_of_a_visit_leave_in_order(desk: Desk) -> None:
    desk.first.answers = [Unsure("no_answer")]
    # That is for this visit's: the other's, which another thread sends at the same moment, lets it go first.
    desk.first.during = lambda message: eventually(lambda: message.serial == NUMBER or desk.first.asked)
    desk.visit(NUMBER, visits.booked(), visits.reminded(), *visits.missed())
    desk.visit("OTHER", visits.booked())
    assert desk.send() == 2
    assert [message.serial for message in desk.first.sent] == ["OTHER"]
    desk.later(seconds=25)
    assert [message.type for message in desk.first.sent if message.serial == NUMBER] == [
        "visit.booked",
        "visit.reminded",
        "visit.no_show",
        "visit.blocked",
    ]


@pytest.mark.parametrize(
    "after", [visits.moved(), visits.cancelled(), visits.closed(), visits.reopened()], ids=lambda fact: str(fact.TYPE)
)
def test_what_is_true_no_more_is_not_sent(desk: Desk, after: Any) -> None:
    desk.first.answers = [Unsure("no_answer")] * 4
    desk.visit(NUMBER, visits.booked(), visits.reminded())
    desk.send()
    desk.visit(NUMBER, after, expected_version=2)
    desk.first.answers = []
    desk.later(seconds=25)
    assert told(desk) == [
        ("visit.booked", "past", "overtaken"),
        ("visit.reminded", "past", "overtaken"),
        (after.TYPE, "sending", None),
    ]
    assert [message.type for message in desk.first.sent] == [after.TYPE]
    assert desk.notify.status()["messages"]["failed_for_good"] == 0


def test_what_another_visit_says_overtakes_nothing(desk: Desk) -> None:
    desk.visit(NUMBER, visits.booked())
    desk.visit("OTHER", visits.booked(), visits.cancelled())
    desk.send()
    assert told(desk) == [("visit.booked", "sending", None)]
