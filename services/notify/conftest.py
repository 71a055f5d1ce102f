"""A notify on each kind of database, beside the logs that it follows, with providers and contacts that obey."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kernel.clock import FrozenClock
from kernel.contracts.case import Fact
from kernel.contracts.notify import sign
from kernel.contracts.visit_facts import VisitFact
from kernel.database import open_url
from kernel.eventlog import EventLog
from kernel.testing import visits
from kernel.testing.cases import START, appends, make_log
from kernel.testing.tables import migrated
from services.notify.application.delivering import Patience
from services.notify.application.ports import Accepted, Answer, Contact, Outgoing
from services.notify.bootstrap import MIGRATIONS, Logs, Notify, Outside
from services.notify.domain.message import Claimed

SECRETS = {"sms": "first-secret", "sms-fallback": "second-secret"}


class RecordingProvider:
    """Answers with `answers` in turn, then accepts; `sent` are those it accepted, `asked` all. Runs `during` first."""

    patience = 1.0

    def __init__(self, name: str, receipts: bool = True) -> None:
        self.name = name
        self.receipts = receipts
        self.answers: list[Answer] = []
        self.asked: list[Outgoing] = []
        self.sent: list[Outgoing] = []
        self.during: Callable[[Outgoing], None] = lambda message: None
        self._lock = threading.Lock()

    def send(self, message: Outgoing) -> Answer:
        self.during(message)
        with self._lock:
            self.asked.append(message)
            answer = self.answers.pop(0) if self.answers else Accepted(f"ref-{message.id}", self.receipts)
            if isinstance(answer, Accepted):
                self.sent.append(message)
        return answer


class People:
    """Contacts of everybody, but for those whose look-up was told to raise."""

    def __init__(self) -> None:
        self.known = Contact(sms="13800138000", email="wang@example.com")
        self.raising: dict[str, Exception] = {}

    def find(self, account: str) -> Contact:
        if account in self.raising:
            raise self.raising[account]
        return self.known


class Desk:
    """notify beside a log; tests write facts to the log and look at what becomes of the messages."""

    def __init__(self, url: Callable[[str], str], name: str) -> None:
        self.database = open_url(url("notify"), f"{name}_notify")
        migrated(self.database, MIGRATIONS)
        self.log_database = make_log(open_url(url("filing"), f"{name}_filing"))
        self.visits_database = make_log(open_url(url("appointment"), f"{name}_appointment"))
        self.clock = FrozenClock(START)
        self.log = EventLog(self.log_database, self.clock)
        self.visits = EventLog(self.visits_database, self.clock)
        self.first, self.second = RecordingProvider("sms"), RecordingProvider("sms-fallback")
        self.mail = RecordingProvider("smtp", receipts=False)
        self.people = People()
        self.notify = self.another()

    def another(self, **patience: Any) -> Notify:
        """One more process of notify, so to speak."""
        providers = {"sms": [self.first, self.second], "email": [self.mail]}
        sms = [self.first, self.second]
        outside = Outside(contacts=self.people, providers=providers, secrets=SECRETS, hurried=sms)
        return Notify(self.database, self.logs, outside, self.clock, Patience(**patience))

    @property
    def logs(self) -> Logs:
        return Logs(cases=self.log_database, visits=self.visits_database)

    def write(self, serial: str, *life: Fact, expected_version: int = 0) -> None:
        self.log.append(appends(serial, life, expected_version))
        self.notify.cases.catch_up()

    def visit(self, number: str, *life: VisitFact, expected_version: int = 0) -> None:
        self.visits.append(visits.appends(number, life, expected_version))
        self.notify.visits.catch_up()

    def claim(self) -> list[Claimed]:
        """What a process claims that begins at START, with the first providers."""
        lease, held = START + timedelta(seconds=60), START + timedelta(minutes=10)
        return self.notify.messages.claim(START, 10, lease, held, {"sms": "sms", "email": "smtp"})

    def send(self) -> int:
        return self.notify.sender.run_once()

    def later(self, **by: float) -> int:
        self.clock.advance(timedelta(**by))
        return self.send()

    def messages(self, serial: str = "S-1") -> list[dict[str, Any]]:
        return self.notify.messages.of_case(serial)

    def only(self, *members: str) -> Any:
        """These members of the only message there is."""
        (message,) = self.messages()
        return tuple(message[member] for member in members) if len(members) > 1 else message[members[0]]

    def receipt(self, message: str, status: str = "delivered", provider: str = "sms", **more: Any) -> dict[str, Any]:
        body = json.dumps({"id": message, "status": status, "reference": "at-the-provider", **more})
        timestamp = str(int(self.clock.now().timestamp()))
        signature = sign(SECRETS[provider], timestamp, body.encode())
        request = {"provider": provider, "timestamp": timestamp, "signature": signature, "body": body}
        return self.notify.receipts.take(request)


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path: Path, unique_name: str) -> Iterator[Desk]:
    if request.param == "sqlite":
        found = Desk(lambda owner: f"sqlite:///{tmp_path}/{owner}.sqlite3", unique_name)
    else:
        postgres_url: str = request.getfixturevalue("postgres_url")
        found = Desk(lambda owner: postgres_url, unique_name)
    yield found
    found.notify.close()
