"""Delivery receipts: believed when signed and fresh, and settled whenever they come; on both databases."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from kernel.contracts.notify import BadSignature, Receipted, UnknownMessage, sign
from kernel.errors import InvalidInput
from kernel.testing.cases import START, received
from services.notify.adapters import messages
from services.notify.application.ports import NotTaken, Outgoing
from services.notify.conftest import Desk


def sent(desk: Desk) -> str:
    desk.write("S-1", received())
    desk.send()
    return str(desk.only("id"))


def test_a_receipt_settles_the_message(desk: Desk) -> None:
    message = sent(desk)
    answer = desk.receipt(message)
    assert answer == {"id": message, "state": "delivered"}
    assert Receipted().validate(answer) == {}
    assert desk.only("state", "provider_reference", "attempts") == ("delivered", "at-the-provider", 1)


def test_a_message_that_the_provider_could_not_deliver_is_failed_for_good(desk: Desk) -> None:
    assert desk.receipt(sent(desk), "failed", reason="handset off")["state"] == "failed_for_good"
    assert desk.only("state", "reason") == ("failed_for_good", "handset off")


def test_delivered_is_final(desk: Desk) -> None:
    message = sent(desk)
    desk.receipt(message)
    assert desk.receipt(message, "failed", reason="late")["state"] == "delivered"
    assert desk.receipt(message)["state"] == "delivered"
    assert desk.only("reason") is None


def test_the_news_that_it_was_delivered_after_all_is_believed(desk: Desk) -> None:
    message = sent(desk)
    desk.later(hours=72)
    assert desk.only("state", "reason") == ("failed_for_good", "no_receipt")
    assert desk.receipt(message)["state"] == "delivered"
    assert desk.only("state", "reason") == ("delivered", None)


def test_a_receipt_is_waited_for_three_days(desk: Desk) -> None:
    sent(desk)
    desk.later(hours=71, minutes=59)
    assert desk.only("state") == "sending"
    desk.later(minutes=1)
    assert desk.only("state", "reason") == ("failed_for_good", "no_receipt")
    assert len(desk.first.asked) == 1, "what was taken is not sent again"


def before_the_save(desk: Desk, status: str) -> None:
    """The provider's receipt arrives while its answer to us is still on its way."""

    def answer_early(message: Outgoing) -> None:
        desk.receipt(message.id, status, reason="early")

    desk.first.during = answer_early
    sent(desk)


@pytest.mark.parametrize(("status", "state"), [("delivered", "delivered"), ("failed", "failed_for_good")])
def test_a_receipt_that_comes_before_the_send_is_saved_wins(desk: Desk, status: str, state: str) -> None:
    before_the_save(desk, status)
    assert desk.only("state", "attempts", "provider_reference") == (state, 1, "at-the-provider")
    assert desk.later(days=4) == 0
    assert desk.only("state") == state


def test_without_the_guard_an_early_receipt_is_lost(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the race is real, and the guard is what wins it."""
    unguarded = str(messages._SAVE).replace(" AND state = 'sending'", "")
    assert unguarded != str(messages._SAVE)
    monkeypatch.setattr(messages, "_SAVE", text(unguarded))
    before_the_save(desk, "delivered")
    assert desk.only("state") == "sending"
    desk.later(hours=72)
    assert desk.only("state") == "failed_for_good", "though it was delivered, and we had been told"


def test_a_receipt_may_come_before_anything_was_saved(desk: Desk) -> None:
    desk.write("S-1", received())
    assert desk.receipt(desk.only("id"))["state"] == "delivered"
    assert desk.send() == 0


def test_a_provider_speaks_of_failure_only_for_what_was_given_to_it(desk: Desk) -> None:
    desk.first.answers = [NotTaken("http_503")]
    message = sent(desk)
    assert desk.only("provider") == "sms-fallback"
    with pytest.raises(UnknownMessage):
        desk.receipt(message, "failed", provider="sms")
    assert desk.only("state") == "sending"
    assert desk.receipt(message, "failed", provider="sms-fallback")["state"] == "failed_for_good"


def test_a_provider_cannot_settle_what_another_has(desk: Desk) -> None:
    message = sent(desk)
    before = desk.messages()
    for status in ("delivered", "failed"):
        with pytest.raises(UnknownMessage):
            desk.receipt(message, status, provider="sms-fallback")
    assert desk.messages() == before
    desk.receipt(message)
    with pytest.raises(UnknownMessage):
        desk.receipt(message, provider="sms-fallback")


def test_a_provider_that_replaced_the_one_noted_is_noted_before_it_is_asked(desk: Desk) -> None:
    desk.write("S-1", received())
    lease, held = START + timedelta(seconds=60), START + timedelta(minutes=10)
    desk.notify.messages.claim(START, 10, lease, held, {"sms": "outbox", "email": "outbox"})
    desk.first.during = lambda message: states.append(desk.receipt(message.id)["state"])
    states: list[str] = []
    desk.later(seconds=60)
    assert states == ["delivered"]


def test_a_receipt_for_no_message_of_ours(desk: Desk) -> None:
    with pytest.raises(UnknownMessage):
        desk.receipt("00000000-0000-0000-0000-000000000000")


def signed(desk: Desk, body: str, provider: str = "sms", secret: str = "first-secret", age: int = 0) -> dict[str, Any]:
    timestamp = str(int(desk.clock.now().timestamp()) - age)
    signature = sign(secret, timestamp, body.encode())
    return {"provider": provider, "timestamp": timestamp, "signature": signature, "body": body}


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "second-secret"},
        {"provider": "sms-fallback"},
        {"provider": "nobody", "secret": ""},
        {"age": 301},
        {"age": -301},
    ],
)
def test_a_receipt_that_is_not_signed_by_its_provider_now_changes_nothing(desk: Desk, wrong: dict[str, Any]) -> None:
    body = json.dumps({"id": sent(desk), "status": "delivered"})
    with pytest.raises(BadSignature):
        desk.notify.receipts.take(signed(desk, body, **wrong))
    assert desk.only("state") == "sending"
    assert desk.notify.receipts.take(signed(desk, body, age=299))["state"] == "delivered"


@pytest.mark.parametrize("change", [{"timestamp": "now"}, {"timestamp": "²"}, {"signature": "é"}, {"body": "{}"}])
def test_a_receipt_changed_on_the_way_is_refused(desk: Desk, change: dict[str, str]) -> None:
    request = signed(desk, json.dumps({"id": sent(desk), "status": "delivered"}))
    with pytest.raises(BadSignature):
        desk.notify.receipts.take({**request, **change})


@pytest.mark.parametrize("body", ["no json", "[]", "{}", '{"id": "x", "status": "perhaps"}'])
def test_a_receipt_that_says_nothing_is_refused(desk: Desk, body: str) -> None:
    with pytest.raises(InvalidInput):
        desk.notify.receipts.take(signed(desk, body))


def test_an_old_receipt_cannot_be_played_again(desk: Desk) -> None:
    request = signed(desk, json.dumps({"id": sent(desk), "status": "delivered"}))
    desk.clock.advance(timedelta(minutes=6))
    with pytest.raises(BadSignature):
        desk.notify.receipts.take(request)
