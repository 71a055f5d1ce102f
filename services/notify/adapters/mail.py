"""E-mail through an SMTP server. The message's id is the Message-ID, so that one sent again can be told.

Until the server has been given the text nothing was sent; once it has, only its answer tells.
"""

import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from services.notify.application.ports import Accepted, Answer, NotTaken, Outgoing, Rejected, Unsure


class SmtpMail:
    """`url`: smtp://user:password@host:port (STARTTLS where it is offered), or smtps://."""

    name = "smtp"

    def __init__(self, url: str, sender: str, timeout: float = 10.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("SMTP_URL: not smtp://host or smtps://host")
        self._secure = parts.scheme == "smtps"
        self._host = parts.hostname
        self._port = parts.port or (465 if self._secure else 25)
        self._login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        self._sender = sender
        self._timeout = timeout

    @property
    def patience(self) -> float:
        return 2 * self._timeout

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
        mail["From"] = self._sender
        mail["To"] = message.to
        mail["Subject"] = message.subject or ""
        mail["Message-ID"] = f"<{message.id}@{self._sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no absence notes in return
        mail.set_content(message.text)
        return mail

    def _connect(self) -> smtplib.SMTP:
        if self._secure:
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=self._timeout, context=ssl.create_default_context()
            )
        else:
            client = smtplib.SMTP(self._host, self._port, timeout=self._timeout)
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
        except (smtplib.SMTPException, OSError) as error:
            return Unsure(f"no_answer: {_reason(error)}")
        return Accepted(None, receipt_follows=False)


def _refused(code: int, text: bytes | str) -> Answer:
    """RFC 5321, 4.2.1: 4yz may be tried again, 5yz not."""
    said = text.decode(errors="replace") if isinstance(text, bytes) else text
    return (NotTaken if 400 <= code < 500 else Rejected)(f"smtp_{code}: {said[:150]}")


def _reason(error: Exception) -> str:
    return type(error).__name__
