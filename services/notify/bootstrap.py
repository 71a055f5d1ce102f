"""The only place where notify is wired together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernel.clock import Clock, SystemClock
from kernel.config import Settings
from kernel.database import Database, migrate, open_database
from kernel.eventlog import LogReader
from kernel.eventlog.consumers import Consumer, Table
from kernel.messaging.rpc import ServiceClient
from services.notify.adapters import projection, standing, visits
from services.notify.adapters.contacts import RpcContacts
from services.notify.adapters.lost import Told
from services.notify.adapters.mail import SmtpMail
from services.notify.adapters.messages import SqlMessages
from services.notify.adapters.outbox import OutboxProvider
from services.notify.adapters.projection import CaseContacts, CaseMessages
from services.notify.adapters.sms import HttpSms
from services.notify.adapters.visits import VisitContacts, VisitMessages
from services.notify.application.codes import Codes
from services.notify.application.delivering import Delivery, Patience
from services.notify.application.observing import Observing
from services.notify.application.ports import Contacts, Provider
from services.notify.application.receipts import Receipts
from services.notify.application.sending import Sender

OWNER = "notify"
MIGRATIONS = Path(__file__).parent / "migrations"
CASES = Consumer(
    name=CaseMessages.name,
    owner=OWNER,
    log=projection.LOG,
    migrations=MIGRATIONS,
    tables=(Table("case_contact", "serial"),),
    projection=CaseMessages,
    quiet=CaseContacts,
    memory=Told(projection.LOG),
)
VISITS = Consumer(
    name=VisitMessages.name,
    owner=OWNER,
    log=visits.LOG,
    migrations=MIGRATIONS,
    tables=(Table("visit_contact", "number"),),
    projection=VisitMessages,
    quiet=VisitContacts,
    memory=Told(visits.LOG),
)
IN_TIME = 0.8  # of RPC_TIMEOUT, in which all providers together answer whether they take a code
FIRST_SMS, SECOND_SMS = "sms", "sms-fallback"  # names of providers, in the database and in the URLs of their receipts


@dataclass(frozen=True, kw_only=True)
class Outside:
    """What notify reaches for outside: people's numbers, providers by channel, and the keys of those with receipts.

    `hurried`: providers of SMS that answer while somebody waits.
    """

    contacts: Contacts
    providers: Mapping[str, Sequence[Provider]]
    secrets: Mapping[str, str]
    hurried: Sequence[Provider]


@dataclass(frozen=True)
class Logs:
    """The databases of the logs that are followed."""

    cases: Database
    visits: Database


class Notify:
    """The application: what follows the logs, what sends, and what takes receipts."""

    def __init__(
        self, database: Database, logs: Logs, outside: Outside, clock: Clock, patience: Patience | None = None
    ) -> None:
        patience = patience or Patience()
        self._database = database
        self._logs = logs
        self._clock = clock
        self.messages = SqlMessages(database)
        self._observing = Observing(clock)
        providers = {channel: self._observing.watched(some) for channel, some in outside.providers.items()}
        standing.keep(database, sorted({provider.name for some in providers.values() for provider in some}))
        delivery = Delivery(self.messages, outside.contacts, providers, clock, patience)
        self.sender = Sender(self.messages, delivery, clock, patience)
        self.receipts = Receipts(self.messages, outside.secrets, clock)
        self.codes = Codes(self._observing.watched(outside.hurried), clock)
        self.cases = CASES.follower(database, LogReader(logs.cases), clock)
        self.visits = VISITS.follower(database, LogReader(logs.visits), clock)

    def of_case(self, serial: str) -> dict[str, Any]:
        """The messages about a case or a visit (`MessageList`)."""
        return {"items": self.messages.of_case(serial)}

    def status(self) -> dict[str, Any]:
        """How far we have come, and how messages and providers stand (`Status`)."""
        now = self._clock.now()
        return {
            **self.cases.lag().figures(now),
            "visits": self.visits.lag().figures(now),
            **standing.standing(self._database, now),
        }

    def note_answers(self) -> None:
        """Put into the database how providers have answered since the last time."""
        standing.note(self._database, self._observing.take())

    def ping(self) -> None:
        """Raises what the database raises when it is away."""
        self.cases.checkpoint()

    def close(self) -> None:
        for database in (self._database, self._logs.cases, self._logs.visits):
            database.close()


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
        contacts=RpcContacts(client),
        providers=providers(settings, clock),
        secrets={FIRST_SMS: settings.sms_secret, SECOND_SMS: settings.sms_fallback_secret},
        hurried=hurried(settings, clock),
    )
    logs = Logs(cases=open_database(settings, CASES.log), visits=open_database(settings, VISITS.log))
    return _Served(client, database, logs, outside, clock)


def providers(settings: Settings, clock: Clock) -> dict[str, Sequence[Provider]]:
    """By channel, in the order in which they are asked; the outbox where none is set up."""
    outbox = OutboxProvider(settings.data_dir / "outbox")
    sms = [HttpSms(*account, clock) for account in _sms_accounts(settings)]
    mail: list[Provider] = [SmtpMail(settings.smtp_url, settings.mail_from, clock)] if settings.smtp_url else []
    return {"sms": sms or [outbox], "email": mail or [outbox]}


def hurried(settings: Settings, clock: Clock) -> Sequence[Provider]:
    """The same providers of SMS, each with so little time that the last one answers before a caller gives up."""
    accounts = _sms_accounts(settings)
    if not accounts:
        return [OutboxProvider(settings.data_dir / "outbox")]
    each = settings.rpc_timeout * IN_TIME / len(accounts)
    return [HttpSms(*account, clock, connect=each / 3, read=each * 2 / 3) for account in accounts]


def _sms_accounts(settings: Settings) -> list[tuple[str, str, str]]:
    """Name, URL and key of each provider that is set up."""
    first = (FIRST_SMS, settings.sms_url, settings.sms_secret)
    second = (SECOND_SMS, settings.sms_fallback_url, settings.sms_fallback_secret)
    return [account for account in (first, second) if settings.sms_url and account[1]]
