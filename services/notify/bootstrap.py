"""The only place where notify is wired together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernel.clock import Clock, SystemClock, seconds_since
from kernel.config import Settings
from kernel.database import Database, migrate, open_database
from kernel.eventlog import LogReader
from kernel.eventlog.consumers import Consumer, Table
from kernel.eventlog.following import Follower
from kernel.messaging.rpc import ServiceClient
from services.notify.adapters.accounts import AccountsContacts
from services.notify.adapters.mail import SmtpMail
from services.notify.adapters.messages import SqlMessages
from services.notify.adapters.outbox import OutboxProvider
from services.notify.adapters.projection import ContactProjection, NotifyProjection, clear
from services.notify.adapters.sms import HttpSms
from services.notify.application.delivering import Delivery, Patience
from services.notify.application.ports import Contacts, Provider
from services.notify.application.receipts import Receipts
from services.notify.application.sending import Sender

OWNER = "notify"
LOG_OWNER = "filing"  # whose log is followed
MIGRATIONS = Path(__file__).parent / "migrations"
CONSUMER = Consumer(
    name=NotifyProjection.name,
    owner=OWNER,
    log=LOG_OWNER,
    migrations=MIGRATIONS,
    tables=(Table("case_contact", "serial"),),
    projection=NotifyProjection,
    quiet=ContactProjection,
)
FIRST_SMS, SECOND_SMS = "sms", "sms-fallback"  # names of providers, in the database and in the URLs of their receipts


@dataclass(frozen=True, kw_only=True)
class Outside:
    """What notify reaches for outside: people's numbers, providers by channel, and the keys of those with receipts."""

    contacts: Contacts
    providers: Mapping[str, Sequence[Provider]]
    secrets: Mapping[str, str]


class Notify:
    """The application: what follows the log, what sends, and what takes receipts."""

    def __init__(
        self, database: Database, log: Database, outside: Outside, clock: Clock, patience: Patience | None = None
    ) -> None:
        patience = patience or Patience()
        self._database = database
        self._log = log
        self._clock = clock
        self.messages = SqlMessages(database)
        delivery = Delivery(self.messages, outside.contacts, outside.providers, clock, patience)
        self.sender = Sender(self.messages, delivery, clock, patience)
        self.receipts = Receipts(self.messages, outside.secrets, clock)
        self.follower = Follower(NotifyProjection(clock), database, LogReader(log), clock)

    def rebuild(self) -> int:
        """Read the whole log again; how many events that were. What was sent stays sent, and nothing is sent twice."""
        return self.follower.rebuild(clear)

    def of_case(self, serial: str) -> dict[str, Any]:
        """The messages about a case (`MessageList`)."""
        return {"items": self.messages.of_case(serial)}

    def status(self) -> dict[str, Any]:
        """How far we have come, and how the messages stand (`Status`)."""
        standing, now = self.messages.standing(), self._clock.now()
        return {
            **self.follower.lag().figures(now),
            "messages": standing.counts,
            "oldest_unsent_seconds": seconds_since(standing.oldest_unsent, now),
        }

    def ping(self) -> None:
        """Raises what the database raises when it is away."""
        self.follower.checkpoint()

    def close(self) -> None:
        self._database.close()
        self._log.close()


class _Served(Notify):
    """With a client of its own to call accounts with."""

    def __init__(self, client: ServiceClient, *args: Any) -> None:
        super().__init__(*args)
        self._client = client

    def close(self) -> None:
        self._client.close()
        super().close()


def build(settings: Settings) -> Notify:
    """The application on the installation's database, migrated, with the providers that are set up."""
    database = open_database(settings, OWNER)
    migrate(database, MIGRATIONS)
    client = ServiceClient(settings.amqp_uri, settings.rpc_timeout)
    clock = SystemClock()
    outside = Outside(
        contacts=AccountsContacts(client),
        providers=providers(settings, clock),
        secrets={FIRST_SMS: settings.sms_secret, SECOND_SMS: settings.sms_fallback_secret},
    )
    return _Served(client, database, open_database(settings, LOG_OWNER), outside, clock)


def providers(settings: Settings, clock: Clock) -> dict[str, Sequence[Provider]]:
    """By channel, in the order in which they are asked; the outbox where none is set up."""
    outbox = OutboxProvider(settings.data_dir / "outbox")
    sms: list[Provider] = []
    if settings.sms_url:
        sms.append(HttpSms(FIRST_SMS, settings.sms_url, settings.sms_secret, clock))
    if settings.sms_url and settings.sms_fallback_url:
        sms.append(HttpSms(SECOND_SMS, settings.sms_fallback_url, settings.sms_fallback_secret, clock))
    mail: list[Provider] = [SmtpMail(settings.smtp_url, settings.mail_from, clock)] if settings.smtp_url else []
    return {"sms": sms or [outbox], "email": mail or [outbox]}
