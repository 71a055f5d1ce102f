"""One-time codes: sent while somebody waits, by whoever takes them, and kept nowhere."""

import json
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import marshmallow as ma
import pytest

from kernel.clock import FrozenClock, SystemClock
from kernel.config import Settings
from kernel.contracts.notify import SendCode, SmsUnavailable
from kernel.testing.cases import START
from kernel.testing.sms_provider import SmsProvider
from services.notify.application.codes import Codes
from services.notify.application.ports import NotTaken, Rejected, Unsure
from services.notify.bootstrap import hurried
from services.notify.conftest import Desk, RecordingProvider

MOBILE, CODE = "13800138000", "271828"
WANTED = {"mobile": MOBILE, "code": CODE, "purpose": "visit", "language": "zh-Hans"}


def ways(*answers: Any) -> tuple[RecordingProvider, RecordingProvider]:
    """Two providers; each of `answers` is the first answer of one."""
    found = RecordingProvider("sms"), RecordingProvider("sms-fallback")
    for provider, answer in zip(found, answers, strict=False):
        provider.answers = [answer]
    return found


def send(providers: Sequence[Any]) -> None:
    Codes(providers, FrozenClock(START)).send(**WANTED)


def test_a_code_goes_to_the_first_provider_and_no_other() -> None:
    first, second = ways()
    send([first, second])
    (sent,) = first.sent
    assert (sent.to, sent.channel, sent.subject, second.asked) == (MOBILE, "sms", None, [])
    assert sent.text == "【一窗】验证码 271828，5 分钟内有效，用于预约办事。请勿告诉他人。"


@pytest.mark.parametrize("answer", [NotTaken("http_503"), Unsure("no_answer"), Rejected("invalid number")])
def test_who_does_not_take_it_is_passed_over_under_the_same_key(answer: Any) -> None:
    first, second = ways(answer)
    send([first, second])
    assert [message.id for message in first.asked] == [message.id for message in second.sent]


def test_each_code_has_a_key_of_its_own() -> None:
    first, _ = ways()
    codes = Codes([first], FrozenClock(START))
    for _ in range(2):
        codes.send(**WANTED)
    assert len({message.id for message in first.sent}) == 2


def test_nobody_takes_it() -> None:
    with pytest.raises(SmsUnavailable) as refusal:
        send(ways(NotTaken("http_503"), Unsure("no_answer")))
    assert (refusal.value.code, refusal.value.status) == ("sms_unavailable", 503)


def test_a_provider_that_keeps_failing_is_asked_last_for_a_minute() -> None:
    first, second = ways()
    first.answers = [Unsure("no_answer")] * 5
    clock = FrozenClock(START)
    codes = Codes([first, second], clock)
    for _ in range(6):
        codes.send(**WANTED)
    assert (len(first.asked), len(second.asked)) == (5, 6)
    clock.advance(timedelta(minutes=1))
    codes.send(**WANTED)
    assert len(first.sent) == 1


def test_in_traditional_characters() -> None:
    first, _ = ways()
    Codes([first], FrozenClock(START)).send(**{**WANTED, "language": "zh-Hant"})
    assert first.sent[0].text == "【一窗】驗證碼 271828，5 分鐘內有效，用於預約辦事。請勿告訴他人。"


def test_nothing_of_it_is_kept(desk: Desk, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    desk.first.answers = [NotTaken("http_503")]
    desk.notify.codes.send(**WANTED)
    assert desk.notify.messages.listed(None, None, 10) == []
    written = caplog.text + "".join(capfd.readouterr())
    assert MOBILE not in written
    assert CODE not in written


def test_without_a_provider_a_developer_reads_it_in_the_outbox(tmp_path: Path) -> None:
    send(hurried(Settings(data_dir=tmp_path), SystemClock()))
    (file,) = (tmp_path / "outbox").glob("code.0.verification.code.sms.*.json")
    written = json.loads(file.read_text())
    assert CODE in written["text"]
    assert written["to"] == "138****8000"


def two(tmp_path: Path, first: SmsProvider, second: SmsProvider) -> Settings:
    return Settings(
        data_dir=tmp_path,
        rpc_timeout=1.5,
        sms_url=first.url,
        sms_secret=first.secret,
        sms_fallback_url=second.url,
        sms_fallback_secret=second.secret,
    )


def test_two_providers_that_hang_are_given_up_before_the_caller_gives_up(tmp_path: Path) -> None:
    released = threading.Event()

    def hang(id: str) -> None:
        released.wait(20)

    with SmsProvider("one") as first, SmsProvider("two") as second:
        first.before = second.before = hang
        settings = two(tmp_path, first, second)
        providers = hurried(settings, SystemClock())
        assert sum(provider.patience for provider in providers) < settings.rpc_timeout
        started = monotonic()
        with pytest.raises(SmsUnavailable):
            send(providers)
        assert monotonic() - started < settings.rpc_timeout
        released.set()


def test_the_second_provider_sends_what_the_first_could_not(tmp_path: Path) -> None:
    with SmsProvider("one") as first, SmsProvider("two") as second:
        first.before = lambda id: (503, b"")
        send(hurried(two(tmp_path, first, second), SystemClock()))
        assert [message.to for message in second.sent.values()] == [MOBILE]
        assert first.refused == second.refused == []


@pytest.mark.parametrize(
    "wrong",
    [{"mobile": "12800138000"}, {"code": "12345a"}, {"code": "1"}, {"purpose": "any"}, {"language": "fr"}, {"more": 1}],
)
def test_what_does_not_fit_is_refused(wrong: dict[str, Any]) -> None:
    assert SendCode().load(WANTED) == WANTED
    with pytest.raises(ma.ValidationError):
        SendCode().load({**WANTED, **wrong})
