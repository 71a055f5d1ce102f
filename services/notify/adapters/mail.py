"""E-mail through an SMTP server. The message's id is the Message-ID, so that one sent again can be told.

Until the server has been given the text nothing was sent; once it has, only its answer tells. It is not given the text
so late that its answer could come after our claim on the message, when another process sends it again.
"""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from time import monotonic
from typing import Any
from urllib.parse import unquote, urlsplit

from kernel.clock import Clock
from services.notify.application.ports import Accepted, Answer, NotTaken, Outgoing, Rejected, Unsure


class _TooSlow(smtplib.SMTPException):
    """So little time is left that we might not hear what the server says to the text."""


class _Bounded(smtplib.SMTP):
    """A conversation that ends in `seconds`, however many answers it has. The last `reserved` are for the text."""

    def __init__(self, seconds: float, reserved: float, *args: Any, **kwargs: Any) -> None:
        self._until = monotonic() + seconds
        self._reserved = reserved
        super().__init__(*args, **kwargs)

    def getreply(self) -> tuple[int, bytes]:
        # smtplib's own time-out begins anew with each answer: a server that takes its time with all of them would
        # hold the message for longer than it is ours.
        if self.sock is not None:
            self.sock.settimeout(max(self._until - monotonic(), 0.001))
        return super().getreply()

    def data(self, msg: Any) -> tuple[int, bytes]:
        if monotonic() > self._until - self._reserved:
            raise _TooSlow
        return super().data(msg)


class _BoundedOverTls(_Bounded, smtplib.SMTP_SSL):
    """The same over TLS from the start."""


class SmtpMail:
    """`url`: smtp://user:password@host:port (STARTTLS where it is offered), or smtps://."""

    name = "smtp"

    def __init__(self, url: str, sender: str, clock: Clock, timeout: float = 10.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("SMTP_URL: not smtp://host or smtps://host")
        self._secure = parts.scheme == "smtps"
        self._host = parts.hostname
        self._port = parts.port or (465 if self._secure else 25)
        self._login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        self._sender = sender
        self._clock = clock
        self._timeout = timeout

    @property
    def patience(self) -> float:
        return 3 * self._timeout

    def send(self, message: Outgoing) -> Answer:
        try:
            written = self._written(message)
        except ValueError as error:  # an address or a subject that no header can hold
            return Rejected(f"bad_header: {error}")
        try:
            client = self._connect()
        except (smtplib.SMTPException, OSError) as error:
            return NotTaken(f"no_connection: {_reason(error)}")
        try:
            return self._deliver(client, message.to, written)
        finally:
            client.close()

    def _written(self, message: Outgoing) -> EmailMessage:
        mail = EmailMessage()
        mail["Date"] = format_datetime(self._clock.now())
        mail["From"] = self._sender
        mail["To"] = message.to
        mail["Subject"] = message.subject or ""
        mail["Message-ID"] = f"<{message.id}@{self._sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no absence notes in return
        mail.set_content(message.text)
        return mail

    def _connect(self) -> smtplib.SMTP:
        bounds, address = (self.patience, self._timeout), (self._host, self._port)
        if self._secure:
            context = ssl.create_default_context()
            client: smtplib.SMTP = _BoundedOverTls(*bounds, *address, timeout=self._timeout, context=context)
        else:
            client = _Bounded(*bounds, *address, timeout=self._timeout)
            client.ehlo_or_helo_if_needed()
            if client.has_extn("starttls"):
                client.starttls(context=ssl.create_default_context())
        if self._login:
            client.login(*self._login)
        return client

    def _deliver(self, client: smtplib.SMTP, to: str, mail: EmailMessage) -> Answer:
        try:
            client.sendmail(self._sender, [to], mail.as_bytes())
        except smtplib.SMTPRecipientsRefused as error:
            code, text = error.recipients[to]
            return _refused(code, text)
        except smtplib.SMTPResponseException as error:  # to MAIL or DATA
            return _refused(error.smtp_code, error.smtp_error)
        except _TooSlow:
            return NotTaken("too_slow")
        except (smtplib.SMTPException, OSError) as error:
            return Unsure(f"no_answer: {_reason(error)}")
        return Accepted(None, receipt_follows=False)


def _refused(code: int, text: bytes | str) -> Answer:
    """RFC 5321, 4.2.1: 4yz may be tried again, 5yz not."""
    said = text.decode(errors="replace") if isinstance(text, bytes) else text
    return (NotTaken if 400 <= code < 500 else Rejected)(f"smtp_{code}: {said[:150]}")


def _reason(error: Exception) -> str:
    return type(error).__name__
