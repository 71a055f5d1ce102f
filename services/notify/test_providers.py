"""The ways out: SMS over HTTP, e-mail, the outbox; and the way to a person's number."""

import json
import socketserver
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kernel import tracing
from kernel.clock import FrozenClock, SystemClock
from kernel.config import Settings
from kernel.testing import eventually, free_port
from kernel.testing.cases import START, received
from kernel.testing.sms_provider import SmsProvider
from services.notify.adapters.mail import SmtpMail
from services.notify.adapters.outbox import OutboxProvider, masked
from services.notify.adapters.sms import HttpSms
from services.notify.application.ports import (
    Accepted,
    Answer,
    NotTaken,
    Outgoing,
    Rejected,
    Unsure,
)
from services.notify.bootstrap import Notify, Outside, providers
from services.notify.conftest import Desk

MESSAGE = Outgoing(
    id="0b9e3c1a-0000-5000-8000-000000000001",
    channel="sms",
    to="13800138000",
    subject="【一窗】办件 S-1",
    text="【一窗】签注居住证（S-1）：已受理。",
    serial="S-1",
    position=7,
    type="case.accepted",
)


@pytest.fixture
def provider() -> Iterator[SmsProvider]:
    with SmsProvider("secret") as running:
        yield running


def http_sms(url: str, secret: str = "secret", read: float = 5.0) -> HttpSms:
    return HttpSms("sms", url, secret, FrozenClock(START), read=read)


def test_an_sms_is_posted_signed_and_under_its_key(provider: SmsProvider) -> None:
    sms = http_sms(provider.url)
    assert sms.send(MESSAGE) == Accepted("r-0", receipt_follows=True)
    assert sms.send(MESSAGE) == Accepted("r-0", receipt_follows=True)
    (sent,) = provider.sent.values()
    assert (sent.id, sent.to, sent.text) == (MESSAGE.id, MESSAGE.to, MESSAGE.text)
    assert (len(provider.asked), provider.refused) == (2, [])


def test_the_provider_is_told_the_trace(provider: SmsProvider) -> None:
    with tracing.joined(None) as request:
        http_sms(provider.url).send(MESSAGE)
    assert provider.traces == {MESSAGE.id: request.traceparent}


def test_a_message_is_sent_in_the_trace_of_its_event(desk: Desk) -> None:
    seen: list[str | None] = []
    desk.first.during = lambda message: seen.append(tracing.current())
    with tracing.joined(None) as request:
        desk.write("S-1", received())
    desk.send()
    assert seen == [request.traceparent]


def test_a_wrong_key_of_ours_fails_no_message_for_good(provider: SmsProvider) -> None:
    assert http_sms(provider.url, secret="another").send(MESSAGE) == NotTaken("signature")
    assert provider.sent == {}


@pytest.mark.parametrize(
    ("status", "body", "answer"),
    [
        (200, b"", Accepted(None, receipt_follows=True)),
        (200, b"[1]", Accepted(None, receipt_follows=True)),
        (201, b'{"reference": 17}', Accepted("17", receipt_follows=True)),
        (302, b"", NotTaken("http_302")),
        (400, b'{"reason": "invalid number"}', Rejected("invalid number")),
        (401, b"", NotTaken("http_401")),
        (404, b"", Rejected("http_404")),
        (408, b"", Unsure("http_408")),
        (409, b"", Unsure("http_409")),
        (422, b"<html>", Rejected("http_422")),
        (429, b"", NotTaken("http_429")),
        (500, b"", Unsure("http_500")),
        (500, b'{"accepted": false, "reason": "no route"}', NotTaken("no route")),
        (502, b"", Unsure("http_502")),
        (503, b'{"reason": "busy"}', NotTaken("busy")),
        (0, b"", Unsure("no_answer: ConnectionError")),
    ],
)
def test_what_each_answer_tells(provider: SmsProvider, status: int, body: bytes, answer: Answer) -> None:
    provider.before = lambda id: (status, body)
    assert http_sms(provider.url).send(MESSAGE) == answer


def test_a_provider_that_is_not_there_has_not_taken_it() -> None:
    answer = http_sms(f"http://127.0.0.1:{free_port()}/").send(MESSAGE)
    assert isinstance(answer, NotTaken)


def hanging(provider: SmsProvider) -> threading.Event:
    """From now on the provider sends, and then does not answer until the event is set."""
    released = threading.Event()

    def hang(id: str) -> None:
        released.wait(20)

    provider.after = hang
    return released


def test_a_provider_that_does_not_answer_may_have_taken_it(provider: SmsProvider) -> None:
    released = hanging(provider)
    assert http_sms(provider.url, read=0.5).send(MESSAGE) == Unsure("no_answer: ReadTimeout")
    released.set()
    eventually(lambda: list(provider.sent) == [MESSAGE.id])


def with_http(desk: Desk, first: SmsProvider, second: SmsProvider) -> Notify:
    ways = [
        HttpSms("sms", first.url, first.secret, desk.clock, read=0.2),
        HttpSms("sms-fallback", second.url, second.secret, desk.clock, read=0.2),
    ]
    outside = Outside(contacts=desk.people, providers={"sms": ways, "email": [desk.mail]}, secrets={}, hurried=ways)
    return Notify(desk.database, desk.logs, outside, desk.clock)


class Trickling(socketserver.StreamRequestHandler):
    """Takes a message, and gives its answer a byte at a time until the other side has enough of it."""

    def handle(self) -> None:
        self.request.recv(65_536)
        self.wfile.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 1000000\r\n\r\n")
        try:
            while not threading.Event().wait(0.05):
                self.wfile.write(b" ")
        except OSError:
            return


def test_an_answer_that_trickles_in_holds_nobody_up() -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Trickling) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        sms = http_sms(f"http://127.0.0.1:{server.server_address[1]}", read=1.0)
        begun = time.monotonic()
        assert sms.send(MESSAGE) == Accepted(None, receipt_follows=True)
        assert time.monotonic() - begun < 2 * sms.patience
        server.shutdown()


def test_an_answer_without_end_is_not_kept(provider: SmsProvider) -> None:
    provider.before = lambda id: (400, b'{"reason": "' + b"x" * 1_000_000 + b'"}')
    assert http_sms(provider.url).send(MESSAGE) == Rejected("http_400")


def test_a_message_that_was_sent_though_the_time_ran_out_is_not_sent_twice(desk: Desk, provider: SmsProvider) -> None:
    released = hanging(provider)
    with SmsProvider("second") as second:
        notify = with_http(desk, provider, second)
        desk.write("S-1", received())
        notify.sender.run_once()
        assert desk.only("state", "reason") == ("failed_for_now", "no_answer: ReadTimeout")
        released.set()
        desk.clock.advance(timedelta(seconds=25))
        notify.sender.run_once()
        assert desk.only("state", "provider", "attempts") == ("sending", "sms", 2)
        assert (len(provider.asked), len(provider.sent), second.asked) == (2, 1, [])


def test_a_busy_provider_is_passed_over(desk: Desk, provider: SmsProvider) -> None:
    provider.before = lambda id: (503, b"")
    with SmsProvider("second") as second:
        with_http(desk, provider, second).sender.run_once()
        desk.write("S-1", received())
        with_http(desk, provider, second).sender.run_once()
        assert desk.only("state", "provider") == ("sending", "sms-fallback")
        assert (provider.sent, len(second.sent)) == ({}, 1)


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks SMTP (RFC 5321) as far as needed; `replies` replace what it would say to a command."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.replies: dict[str, str] = {}
        self.received: list[str] = []
        self.pause = 0.0  # seconds before each reply
        self.url = f"smtp://127.0.0.1:{self.server_address[1]}"


class Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.say("220 ready")
        while line := self.rfile.readline().decode():
            if not self.answer(line.split()[0].upper()):
                return

    def answer(self, verb: str) -> bool:
        server: Any = self.server
        reply = server.replies.get(verb, {"DATA": "354 go on", "QUIT": "221 bye"}.get(verb, "250 fine"))
        if not reply:
            return False  # hang up
        self.say(reply)
        if verb == "DATA" and reply.startswith("354"):
            lines = iter(lambda: self.rfile.readline().decode(), ".\r\n")
            server.received.append("".join(lines))
            return self.answer("END")
        return verb != "QUIT"

    def say(self, reply: str) -> None:
        server: Any = self.server
        threading.Event().wait(server.pause)
        self.wfile.write(f"{reply}\r\n".encode())


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


MAIL = Outgoing(**{**vars(MESSAGE), "channel": "email", "to": "wang@example.com"})


def test_an_email_carries_the_message_s_id_and_its_time(mail_server: MailServer) -> None:
    mail = SmtpMail(mail_server.url, "hall@example.org", FrozenClock(START))
    assert mail.send(MAIL) == Accepted(None, receipt_follows=False)
    (text,) = mail_server.received
    assert f"Message-ID: <{MAIL.id}@example.org>" in text
    assert "To: wang@example.com" in text
    assert "Date: Mon, 09 Feb 2026 09:00:00 +0800" in text, "RFC 5322, 3.6: one of the two that every message has"


@pytest.mark.parametrize(
    ("verb", "reply", "answer"),
    [
        ("RCPT", "550 no such box", Rejected("smtp_550: no such box")),
        ("RCPT", "451 later", NotTaken("smtp_451: later")),
        ("MAIL", "452 full", NotTaken("smtp_452: full")),
        ("DATA", "554 no", Rejected("smtp_554: no")),
        ("END", "554 spam", Rejected("smtp_554: spam")),
        ("END", "451 later", NotTaken("smtp_451: later")),
        ("END", "", Unsure("no_answer: SMTPServerDisconnected")),
        ("EHLO", "", NotTaken("no_connection: SMTPServerDisconnected")),
    ],
)
def test_what_a_mail_server_says(mail_server: MailServer, verb: str, reply: str, answer: Answer) -> None:
    mail_server.replies[verb] = reply
    assert SmtpMail(mail_server.url, "hall@example.org", FrozenClock(START)).send(MAIL) == answer


def test_a_mail_server_that_is_slow_with_every_answer_is_not_given_the_text_too_late(mail_server: MailServer) -> None:
    # Each answer comes in time, all of them together do not: the claim on the message would be over by the last.
    mail_server.pause = 0.25
    mail = SmtpMail(mail_server.url, "hall@example.org", FrozenClock(START), timeout=0.4)
    begun = time.monotonic()
    assert mail.send(MAIL) == NotTaken("too_slow")
    assert time.monotonic() - begun < mail.patience
    assert mail_server.received == []


def test_a_mail_server_that_never_answers_is_left_in_time(mail_server: MailServer) -> None:
    mail_server.pause = 5.0
    mail = SmtpMail(mail_server.url, "hall@example.org", FrozenClock(START), timeout=0.2)
    begun = time.monotonic()
    assert isinstance(mail.send(MAIL), NotTaken)
    assert time.monotonic() - begun < 2


def test_a_mail_server_that_is_not_there() -> None:
    answer = SmtpMail(f"smtp://127.0.0.1:{free_port()}", "hall@example.org", FrozenClock(START)).send(MAIL)
    assert isinstance(answer, NotTaken)


def test_an_address_that_would_add_a_header_is_rejected(mail_server: MailServer) -> None:
    wrong = Outgoing(**{**vars(MAIL), "to": "wang@example.com\r\nBcc: all@example.com"})
    assert isinstance(SmtpMail(mail_server.url, "hall@example.org", FrozenClock(START)).send(wrong), Rejected)
    assert mail_server.received == []


@pytest.mark.parametrize("url", ["http://host", "smtp://", "host:25"])
def test_a_wrong_smtp_url_is_noticed_at_the_start(url: str) -> None:
    with pytest.raises(ValueError, match="SMTP_URL"):
        SmtpMail(url, "hall@example.org", FrozenClock(START))


def test_the_outbox_has_one_file_for_each_message(tmp_path: Path) -> None:
    outbox = OutboxProvider(tmp_path / "outbox")
    name = f"S-1.7.case.accepted.sms.{MESSAGE.id}.json"
    for _ in range(2):
        assert outbox.send(MESSAGE) == Accepted(name, receipt_follows=False)
    (file,) = (tmp_path / "outbox").iterdir()
    assert file.name == name
    assert json.loads(file.read_text()) == {
        "id": MESSAGE.id,
        "serial": "S-1",
        "type": "case.accepted",
        "channel": "sms",
        "to": "138****8000",
        "subject": MESSAGE.subject,
        "text": MESSAGE.text,
    }


def test_a_serial_cannot_lead_out_of_the_outbox(tmp_path: Path) -> None:
    outbox = OutboxProvider(tmp_path / "outbox")
    outbox.send(Outgoing(**{**vars(MESSAGE), "serial": "../../etc/passwd"}))
    assert [path.parent for path in tmp_path.rglob("*.json")] == [tmp_path / "outbox"]


def test_a_full_disk_is_not_taken(tmp_path: Path) -> None:
    outbox = OutboxProvider(tmp_path / "outbox")
    (tmp_path / "outbox").rmdir()
    assert outbox.send(MESSAGE) == NotTaken("outbox: No such file or directory")


@pytest.mark.parametrize(
    ("to", "shown"),
    [("13800138000", "138****8000"), ("wang@example.com", "w***@example.com"), ("110", "****")],
)
def test_numbers_and_addresses_are_masked(to: str, shown: str) -> None:
    assert masked(to) == shown


def test_providers_are_those_that_are_set_up(tmp_path: Path) -> None:
    def names(**settings: Any) -> dict[str, list[str]]:
        found = providers(Settings(data_dir=tmp_path, **settings), SystemClock())
        return {channel: [provider.name for provider in some] for channel, some in found.items()}

    first = {"sms_url": "http://a/", "sms_secret": "x"}
    second = {"sms_fallback_url": "http://b/", "sms_fallback_secret": "y"}
    assert names() == {"sms": ["outbox"], "email": ["outbox"]}
    assert names(**first) == {"sms": ["sms"], "email": ["outbox"]}
    assert names(**first, **second) == {"sms": ["sms", "sms-fallback"], "email": ["outbox"]}
    assert names(smtp_url="smtp://mail.example.org") == {"sms": ["outbox"], "email": ["smtp"]}
