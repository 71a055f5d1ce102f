"""From an event to a message that is delivered, or visibly not; on both databases."""

import threading
from datetime import timedelta
from typing import Any

import pytest

from kernel.clock import FrozenClock, format_time
from kernel.contracts import notify as contract
from kernel.contracts.case import CaseLapsed, CaseReceived
from kernel.database import DatabaseAway
from kernel.testing.cases import APPLICANT, START, corrected_and_concluded, received
from services.notify.adapters import standing
from services.notify.application.choosing import Choice
from services.notify.application.delivering import Delivery, Patience
from services.notify.application.ports import Accepted, Answer, ContactsAway, NoContact, NotTaken, Rejected, Unsure
from services.notify.conftest import Desk
from services.notify.domain.message import message_id
from services.notify.domain.schedule import RETRIES


def test_each_event_of_a_life_becomes_one_message(desk: Desk) -> None:
    desk.write("S-1", *corrected_and_concluded())
    assert desk.send() == 7
    types = [fact.TYPE for fact in corrected_and_concluded() if fact.TYPE not in ("case.step", "case.rated")]
    assert [message["type"] for message in desk.messages()] == types
    assert {message["to"] for message in map(vars, desk.first.sent)} == {"13800138000"}
    assert desk.second.asked == desk.mail.asked == []


def test_a_message_as_it_is_listed(desk: Desk) -> None:
    desk.write("S-1", received())
    desk.send()
    listed = {"items": desk.messages()}
    assert contract.MessageList().validate(listed) == {}
    now = format_time(START)
    assert listed["items"] == [
        {
            "id": message_id("/filing", "S-1-1", "sms"),
            "log": "filing",
            "serial": "S-1",
            "position": 1,
            "source": "/filing",
            "event_id": "S-1-1",
            "type": "case.received",
            "channel": "sms",
            "language": "zh-Hans",
            "recipient": APPLICANT,
            "subject": None,
            "text": "【一窗】签注居住证（S-1）：已收到您的申请。办理进度将通知您。",
            "state": "sending",
            "attempts": 1,
            "next_attempt_at": None,
            "expires_at": None,
            "provider": "sms",
            "provider_reference": f"ref-{message_id('/filing', 'S-1-1', 'sms')}",
            "accepted_at": now,
            "reason": None,
            "created_at": now,
            "updated_at": now,
        }
    ]


def test_channels_and_language_are_the_applicant_s_choice_for_the_whole_case(desk: Desk) -> None:
    life = corrected_and_concluded()
    wished = received(notices=("sms", "email"), language="zh-Hant")
    desk.write("S-1", wished, *life[1:2])
    desk.send()
    assert [(m["type"], m["channel"], m["state"]) for m in desk.messages()] == [
        ("case.received", "sms", "sending"),
        ("case.received", "email", "delivered"),
        ("case.incomplete", "sms", "sending"),
        ("case.incomplete", "email", "delivered"),
    ]
    assert desk.first.sent[0].text.startswith("【一窗】簽註居住證（S-1）：已收到您的申請。")
    assert desk.mail.sent[0].to == "wang@example.com"
    assert "材料需要補正" in (desk.mail.sent[1].subject or "")


def test_a_case_may_wish_no_notices(desk: Desk) -> None:
    desk.write("S-1", received(notices=()), *corrected_and_concluded()[1:2])
    assert (desk.send(), desk.messages()) == (0, [])


def test_an_event_of_a_case_that_never_came_in_is_parked(desk: Desk) -> None:
    desk.write("S-1", CaseLapsed(occurred_at=START, by="clock"))
    desk.write("S-2", received())
    assert [event.stream for event in desk.notify.cases.parked()] == ["S-1"]
    assert len(desk.messages("S-2")) == 1


def test_a_message_is_tried_eight_times_and_then_failed_for_good(desk: Desk) -> None:
    desk.first.answers = [NotTaken("http_503")] * 8
    desk.second.answers = [NotTaken("http_503")] * 8
    desk.write("S-1", received())
    assert desk.send() == 1
    for attempt, wait in enumerate(RETRIES, 1):
        due = format_time(desk.clock.now() + wait)
        assert desk.only("state", "attempts", "next_attempt_at") == ("failed_for_now", attempt, due)
        desk.clock.advance(wait - timedelta(seconds=1))
        assert desk.send() == 0, "not before its time"
        assert desk.later(seconds=1) == 1
    assert desk.only("state", "attempts", "next_attempt_at") == ("failed_for_good", 8, None)
    assert desk.only("reason") == "http_503"
    assert desk.later(days=30) == 0


def test_a_provider_that_did_not_take_it_is_passed_over_at_once(desk: Desk) -> None:
    desk.first.answers = [NotTaken("http_503")]
    desk.second.during = lambda message: noted.append(desk.only("provider"))
    noted: list[str] = []
    desk.write("S-1", received())
    desk.send()
    assert desk.only("state", "provider", "attempts") == ("sending", "sms-fallback", 1)
    assert noted == ["sms-fallback"], "noted before it is asked, so that after a crash it alone is asked again"


def test_who_may_have_taken_it_is_asked_again_and_nobody_else(desk: Desk) -> None:
    desk.first.answers = [Unsure("no_answer"), NotTaken("http_503"), Unsure("no_answer")]
    desk.write("S-1", received())
    desk.send()
    for wait in RETRIES[:3]:
        assert desk.only("state", "provider") == ("failed_for_now", "sms")
        desk.later(seconds=wait.total_seconds())
    assert desk.only("state", "attempts") == ("sending", 4)
    assert desk.second.asked == []
    assert len({message.id for message in desk.first.asked}) == 1


def test_what_is_rejected_is_failed_for_good_at_once(desk: Desk) -> None:
    desk.first.answers = [Rejected("invalid number")]
    desk.write("S-1", received())
    desk.send()
    assert desk.only("state", "reason", "attempts") == ("failed_for_good", "invalid number", 1)
    assert desk.second.asked == []


def test_a_fault_in_a_provider_s_adapter_is_taken_as_not_knowing(desk: Desk) -> None:
    def break_down(message: Any) -> None:
        raise ZeroDivisionError

    desk.first.during = break_down
    desk.write("S-1", received())
    desk.send()
    assert desk.only("state", "provider", "reason") == ("failed_for_now", "sms", "fault: ZeroDivisionError")


@pytest.mark.parametrize("code", ["erased", "unknown_account"])
def test_nobody_is_there_to_be_told(desk: Desk, code: str) -> None:
    desk.people.raising[APPLICANT] = NoContact(code)
    desk.write("S-1", received())
    desk.send()
    assert desk.only("state", "reason", "attempts") == ("failed_for_good", code, 0)
    assert desk.first.asked == []


def test_a_channel_without_an_address(desk: Desk) -> None:
    desk.people.known = type(desk.people.known)(sms="13800138000", email=None)
    desk.write("S-1", received(notices=("email",)))
    desk.send()
    assert desk.only("state", "reason") == ("failed_for_good", "no_email_address")


def test_accounts_being_away_costs_no_attempt(desk: Desk) -> None:
    desk.people.raising[APPLICANT] = ContactsAway("service_down")
    desk.write("S-1", received())
    desk.send()
    for _ in range(20):
        assert desk.only("state", "attempts") == ("failed_for_now", 0)
        assert desk.later(seconds=5) == 1
    desk.people.raising.clear()
    desk.later(seconds=5)
    assert desk.only("state", "attempts", "reason") == ("sending", 1, None)


def test_what_a_dead_process_was_sending_is_taken_up_when_its_lease_is_over(desk: Desk) -> None:
    desk.write("S-1", received())
    lease, held = START + timedelta(seconds=60), START + timedelta(minutes=10)
    (claimed,) = desk.notify.messages.claim(START, 10, lease, held, {"sms": "sms-fallback", "email": "smtp"})
    assert desk.later(seconds=59) == 0
    desk.second.answers = [NotTaken("http_503")]
    assert desk.later(seconds=1) == 1
    assert desk.first.asked == [], "the dead one may have given it to the other"
    assert desk.later(seconds=25) == 1
    assert desk.only("state", "provider", "attempts") == ("sending", "sms-fallback", 2)
    assert [message.id for message in desk.second.asked] == [claimed.id] * 2


def test_what_is_saved_under_an_old_claim_is_void(desk: Desk) -> None:
    desk.write("S-1", received())
    desk.first.answers = [Rejected("said to the slow one")]
    slow = desk.claim()
    delivery = Delivery(
        desk.notify.messages, desk.people, {"sms": [desk.first], "email": [desk.mail]}, desk.clock, Patience()
    )
    result = delivery.attempt(slow[0])
    desk.later(seconds=60)
    assert result is not None
    desk.notify.messages.save([result], desk.clock.now())
    assert desk.only("state", "reason") == ("sending", None)


def test_a_message_is_not_begun_when_its_lease_would_end_under_way(desk: Desk) -> None:
    desk.write("S-1", received())
    desk.write("S-2", received())
    desk.first.during = lambda message: desk.clock.advance(timedelta(seconds=59.5))
    providers = {"sms": [desk.first], "email": [desk.mail]}
    delivery = Delivery(desk.notify.messages, desk.people, providers, desk.clock, Patience())
    claimed = desk.claim()
    results = [delivery.attempt(message) for message in claimed]
    assert [result and (result.state, result.attempts, result.reason) for result in results] == [
        ("sending", 1, None),
        ("failed_for_now", 0, "no_time_left"),
    ]


def test_providers_must_be_quicker_than_the_lease(desk: Desk) -> None:
    desk.first.patience = 40
    with pytest.raises(ValueError, match="lease"):
        desk.another()


def test_two_processes_send_each_message_once(desk: Desk) -> None:
    for number in range(20):
        desk.write(f"S-{number}", *corrected_and_concluded())
    senders = [desk.another().sender for _ in range(2)]
    threads = [threading.Thread(target=sender.run_once) for sender in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(desk.first.asked) == len({message.id for message in desk.first.asked}) == 140


def test_a_database_that_goes_away_between_sending_and_saving_makes_nothing_twice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("S-1", *corrected_and_concluded())

    def away(*_: Any) -> None:
        raise DatabaseAway("restarting")

    with monkeypatch.context() as broken:
        broken.setattr(desk.notify.messages, "save", away)
        with pytest.raises(DatabaseAway):
            desk.send()
    count = len(desk.first.asked)
    assert 1 <= count <= 7
    desk.send()
    desk.later(seconds=60)
    assert len(desk.first.asked) == len({message.id for message in desk.first.asked})
    assert {message["state"] for message in desk.messages()} == {"sending"}


def test_a_round_ends_though_more_and_more_comes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.notify.application.sending.ROUND", 64)
    monkeypatch.setattr("services.notify.application.sending.CLAIM", 32)
    for number in range(20):
        desk.write(f"S-{number}", *corrected_and_concluded())
    assert [desk.send(), desk.send(), desk.send()] == [64, 64, 12]


def test_status_counts_what_is_not_delivered(desk: Desk) -> None:
    desk.first.answers = [Rejected("invalid number"), Unsure("no_answer")]
    for number, channel in enumerate(("sms", "email", "sms", "sms"), 1):
        desk.write(f"S-{number}", received(notices=(channel,)))
        desk.send()
    desk.write("S-5", received())
    assert len(desk.claim()) == 1
    desk.write("S-6", received())
    desk.clock.advance(timedelta(seconds=7))
    status = desk.notify.status()
    assert contract.Status().validate(status) == {}
    assert status.pop("database_bytes") > 0
    never = {"accepted": 0, "failed": 0, "failures_running": 0, "answered_seconds": None, "accepted_seconds": None}
    assert status == {
        "consumer": "notify",
        "checkpoint": 6,
        "head": 6,
        "oldest_unprocessed_seconds": 0.0,
        "parked": 0,
        "visits": {
            "consumer": "notify-visits",
            "checkpoint": 0,
            "head": 0,
            "oldest_unprocessed_seconds": 0.0,
            "parked": 0,
        },
        "messages": {"created": 1, "sending": 2, "failed_for_now": 1, "failed_for_good": 1},
        "oldest_unsent_seconds": 7.0,
        "timers": {"messages": {"due": 1, "oldest_due_seconds": 7.0}},
        "providers": [{"provider": name, **never, "reason": None} for name in ("sms", "sms-fallback", "smtp")],
    }


def test_status_says_how_providers_have_answered(desk: Desk) -> None:
    desk.first.answers = [NotTaken("http_503"), NotTaken("http_503"), Rejected("invalid number"), Unsure("no_answer")]
    for number in range(3):
        desk.write(f"S-{number}", received())
        desk.send()
    desk.clock.advance(timedelta(seconds=7))
    desk.notify.note_answers()
    desk.write("S-4", received())
    desk.send()
    desk.notify.note_answers()
    first, second, mail = desk.notify.status()["providers"]
    assert first == {
        "provider": "sms",
        "failures_running": 1,
        "accepted": 0,
        "failed": 3,
        "answered_seconds": 0.0,
        "accepted_seconds": None,
        "reason": "no_answer",
    }
    assert (second["accepted"], second["accepted_seconds"], second["failures_running"]) == (2, 7.0, 0)
    assert mail["answered_seconds"] is None


def test_failures_running_go_on_over_processes_and_end_when_one_is_answered_well(desk: Desk) -> None:
    another = desk.another()
    for notify in (desk.notify, another, desk.notify):
        desk.first.answers = [NotTaken("http_503")]
        desk.write(f"S-{len(desk.first.asked)}", received())
        notify.sender.run_once()
        notify.note_answers()
    assert desk.notify.status()["providers"][0]["failures_running"] == 3
    desk.write("S-9", received())
    another.sender.run_once()
    another.note_answers()
    first = desk.notify.status()["providers"][0]
    assert (first["failures_running"], first["accepted"], first["failed"]) == (0, 1, 3)


def test_a_provider_that_is_no_longer_set_up_is_forgotten(desk: Desk) -> None:
    standing.keep(desk.database, ["sms"])
    assert [one["provider"] for one in desk.notify.status()["providers"]] == ["sms"]


def test_a_provider_that_keeps_failing_rests_for_a_minute() -> None:
    clock = FrozenClock(START)
    choice = Choice(["sms", "sms-fallback"], clock, limit=3)
    for _ in range(2):
        choice.note("sms", well=False)
    assert choice.first() == "sms"
    choice.note("sms", well=False)
    assert choice.first() == "sms-fallback"
    clock.advance(timedelta(seconds=61))
    assert choice.first() == "sms"
    choice.note("sms", well=False)
    assert choice.first() == "sms-fallback", "one more failure is enough after a rest"
    choice.note("sms", well=True)
    assert choice.first() == "sms"


def test_when_none_is_well_the_first_is_asked() -> None:
    choice = Choice(["sms", "sms-fallback"], FrozenClock(START), limit=1)
    choice.note("sms", well=False)
    choice.note("sms-fallback", well=False)
    assert choice.first() == "sms"


def test_an_applicant_of_old_whom_nobody_knows_is_failed_visibly(desk: Desk) -> None:
    desk.people.raising["unknown"] = NoContact("unknown_account")
    fact = received(applicant="unknown")
    assert isinstance(fact, CaseReceived)
    desk.write("S-1", fact)
    desk.send()
    assert desk.only("state", "recipient") == ("failed_for_good", "unknown")


@pytest.mark.parametrize(
    "answer", [Rejected("no\0such number"), NotTaken("a\0b"), Unsure("a\0b"), Accepted("r\0", True)]
)
def test_what_a_provider_says_with_control_characters_holds_up_nothing(desk: Desk, answer: Answer) -> None:
    desk.first.answers = [answer]
    desk.write("S-1", received(notices=("sms",)))
    desk.send()
    assert "\0" not in str(desk.only("reason", "provider_reference"))
    desk.write("S-2", received(notices=("sms",)))
    desk.send()
    assert [message.serial for message in desk.first.sent][-1] == "S-2"
