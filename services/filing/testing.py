"""Filing without a broker, for its tests and benchmarks: a clock that stands still and a publisher that remembers.

Real tables and a real log on either database; nothing here is used by the service.
"""

import base64
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson

from kernel.clock import Clock, FrozenClock
from kernel.config import Settings
from kernel.contracts.case import Fact
from kernel.contracts.department import Reply, read_reply, source_of
from kernel.contracts.envelope import dataschema
from kernel.database import Database
from kernel.ids import new_id
from kernel.messaging.messages import Incoming, Outgoing
from kernel.messaging.publishing import BrokerRefuses
from kernel.messaging.topology import DEPARTMENT_REPLIES, REJECTED
from kernel.testing.tables import migrated
from services.filing.adapters.standing import standing
from services.filing.application.loading import facts_of
from services.filing.application.tools import Tools
from services.filing.bootstrap import MIGRATIONS, Filing, make_tools

MORNING = "2026-02-09T09:00:00+08:00"
ORGAN = "11440100000003009X"
OTHER_ORGAN = "11440100000001003W"
PDF = base64.b64encode(b"%PDF-1.7 one page").decode()

SHOP: dict[str, Any] = {
    "code": f"{ORGAN}3000131001001",
    "name": "个体工商户设立登记",
    "version": 4,
    "department": {"code": ORGAN, "name": "市场监督管理局"},
    "statutory_limit": {"amount": 20, "unit": "working_days"},
    "promised_limit": {"amount": 5, "unit": "working_days"},
    "deemed_acceptance": True,
    "extension_working_days": 10,
    "fields": [
        {"name": "trade_name", "label": "字号", "type": "text", "required": True, "max_length": 20},
        {"name": "capital", "label": "资金", "type": "integer", "required": False, "max_length": 12},
    ],
    "materials": [
        {"code": "application", "name": "申请书", "required": True, "waivable": False},
        {"code": "premises", "name": "场所证明", "required": True, "waivable": True},
    ],
    "window": {"name": "综合窗口", "address": "示例路1号", "hours": "9:00-17:00", "phone": "020-12345", "sample": True},
}


class Outbox:
    """A publisher that keeps what it is given; `away` makes it fail as if the broker were gone.

    `full`: keys to which nothing more can be sent, as the queue there is full.
    """

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.away: Exception | None = None
        self.full: set[str] = set()

    def publish_batch(self, messages: Sequence[Outgoing]) -> None:
        if self.away is not None:
            raise self.away
        self.sent += [message for message in messages if message.routing_key not in self.full]
        if any(message.routing_key in self.full for message in messages):
            raise BrokerRefuses("the broker refused a message")

    def replies(self) -> list[Reply]:
        """What departments were told since the last look."""
        found = [read_reply(message.body) for message in self.sent if message.exchange == DEPARTMENT_REPLIES]
        self.sent = [message for message in self.sent if message.exchange != DEPARTMENT_REPLIES]
        return found

    def rejected(self) -> list[Outgoing]:
        """What operators were shown since the last look."""
        found = [message for message in self.sent if message.routing_key == REJECTED]
        self.sent = [message for message in self.sent if message.routing_key != REJECTED]
        return found


class Desk:
    """Filing on a database, with people who file and departments that speak."""

    def __init__(self, database: Database, clock: Clock | None = None, sample_department: bool = False) -> None:
        self.clock = clock or FrozenClock(MORNING)
        self.settings = Settings(secret_key="5a" * 32)
        self.database = database
        self.outbox = Outbox()
        self.tools: Tools = make_tools(database, self.settings, self.clock)
        self.filing = Filing(self.tools, self.outbox, sample_department)

    @classmethod
    def new(cls, database: Database, sample_department: bool = False) -> "Desk":
        """On a database that has no tables yet."""
        migrated(database, MIGRATIONS)
        return cls(database, sample_department=sample_department)

    def another_process(self) -> "Desk":
        """Filing once more on the same database and clock, remembering nothing."""
        return Desk(self.database, self.clock)

    def advance(self, **by: float) -> None:
        """Let time pass: `advance(seconds=10)`."""
        assert isinstance(self.clock, FrozenClock)
        self.clock.advance(timedelta(**by))

    def draft(self, account: str = "anna", item: dict[str, Any] = SHOP) -> str:
        """A draft that can be submitted. Returns its id."""
        drafts = self.filing.drafts
        draft: str = drafts.open(account, item, "zh-Hans", None)["id"]
        drafts.change(account, draft, {"data": {"trade_name": "老王面馆"}})
        for material in item["materials"]:
            drafts.attach(account, draft, material["code"], "scan.pdf", PDF)
        return draft

    def file(self, account: str = "anna", item: dict[str, Any] = SHOP) -> str:
        """A filed case. Returns its serial."""
        serial: str = self.filing.submissions.submit(account, self.draft(account, item), None)["serial"]
        return serial

    def event(self, serial: str, type_: str, organ: str = ORGAN, id_: str | None = None, **data: Any) -> dict[str, Any]:
        """What a department sends, as a dictionary to spoil."""
        at = data.pop("occurred_at", self.clock.now().isoformat())
        return {
            "specversion": "1.0",
            "id": id_ or new_id(),
            "source": source_of(organ),
            "type": type_,
            "subject": serial,
            "time": at,
            "dataschema": dataschema(type_, 1),
            "data": {"occurred_at": at, "by": "officer-7", **data},
        }

    def life(self, serial: str, organ: str = ORGAN) -> list[dict[str, Any]]:
        """What a department says about a case that goes well, in order, a second apart."""
        says: list[tuple[str, dict[str, Any]]] = [
            ("case.accepted", {}),
            ("case.step", {"step_name": "审查"}),
            ("case.suspended", {"kind": "专家评审"}),
            ("case.resumed", {}),
            ("case.extended", {"working_days": 5, "reason": "核查"}),
            ("case.approved", {"document_number": "1"}),
            ("case.concluded", {"outcome": "准予"}),
        ]
        now = self.clock.now()
        return [
            self.event(serial, type_, organ, occurred_at=(now + timedelta(seconds=second)).isoformat(), **data)
            for second, (type_, data) in enumerate(says)
        ]

    def send(self, *events: dict[str, Any] | bytes, organ: str | None = ORGAN, key: str | None = None) -> list[Reply]:
        """Let the broker deliver a batch; what was replied."""
        self.filing.answering.take_batch([incoming(event, organ, key) for event in events])
        return self.outbox.replies()

    def tick(self) -> list[Reply]:
        """Let the timer ring; what was replied."""
        self.filing.answering.retry_waiting()
        return self.outbox.replies()

    def facts(self, serial: str) -> list[Fact]:
        """What the log tells of a case."""
        return facts_of(self.tools.log.stream(serial))

    def types(self, serial: str) -> list[str]:
        """The types of a case's facts, in order."""
        return [fact.TYPE for fact in self.facts(serial)]

    def traces(self) -> tuple[int, int, int]:
        """What would show that something has changed: the log's head, events that wait, replies that are unsent."""
        found = standing(self.database, self.clock.now())
        return found["log_position"], found["waiting_events"], found["unsent_replies"]

    def waiting_less(self, seconds: float) -> "Desk":
        """The same desk, at which events wait for so long."""
        desk = self.another_process()
        desk.tools = replace(desk.tools, wait=timedelta(seconds=seconds))
        desk.filing = Filing(desk.tools, desk.outbox)
        return desk


def incoming(event: dict[str, Any] | bytes, organ: str | None = ORGAN, key: str | None = None) -> Incoming:
    """A message as the broker delivers it."""
    body = event if isinstance(event, bytes) else orjson.dumps(event)
    type_ = event.get("type") if isinstance(event, dict) else "case.step"
    properties: dict[str, Any] = {"headers": {}}
    if organ is not None:
        properties["user_id"] = organ
    routing_key = key if key is not None else f"{organ}.{type_}"
    return Incoming(body=body, properties=properties, routing_key=routing_key, redelivered=False)
