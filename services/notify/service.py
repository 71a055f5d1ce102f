"""The nameko class of notify: a switchboard, a line a method. Decides nothing itself."""

from typing import Any

from kernel.contracts import notify as contract
from kernel.contracts.accounts import Request
from kernel.eventlog.following import Follower
from kernel.messaging import topology
from kernel.messaging.consuming import every
from kernel.messaging.following import follows
from kernel.messaging.rpc import rpc
from kernel.messaging.wiring import Application
from services.notify.bootstrap import OWNER, build

Json = dict[str, Any]


class NotifyService:
    """Follows two logs, sends what it calls for, and answers what `kernel.contracts.notify` lists."""

    name = OWNER
    app = Application(build)

    @follows(topology.NOTIFY)
    def follow_cases(self) -> Follower:
        return self.app.cases

    @follows(topology.NOTIFY_VISITS)
    def follow_visits(self) -> Follower:
        return self.app.visits

    @every(0.2)
    def send(self) -> None:
        self.app.sender.run_once()

    @every(1.0)
    def note_answers(self) -> None:
        self.app.note_answers()

    @rpc(contract.Receipt)
    def receipt(self, request: Json) -> Json:
        return self.app.receipts.take(request)

    @rpc(contract.SendCode)
    def send_code(self, request: Json) -> Json:
        self.app.codes.send(**request)
        return {}

    @rpc(contract.MessagesOf)
    def messages(self, request: Json) -> Json:
        return self.app.of_case(request["serial"])

    @rpc(Request)
    def status(self, request: Json) -> Json:
        return self.app.status()

    @rpc(Request)
    def ping(self, request: Json) -> Json:
        self.app.ping()
        return {}
