"""The nameko class of progress: a switchboard, a line a method. Decides nothing itself."""

from typing import Any

from kernel.contracts import progress as contract
from kernel.contracts.accounts import Request
from kernel.eventlog.following import Follower
from kernel.messaging import topology
from kernel.messaging.following import follows
from kernel.messaging.rpc import rpc
from kernel.messaging.wiring import Application
from services.progress.bootstrap import OWNER, build

Json = dict[str, Any]


class ProgressService:
    """Follows the case log and answers what `kernel.contracts.progress` lists."""

    name = OWNER
    app = Application(build)

    @follows(topology.PROGRESS)
    def follow(self) -> Follower:
        return self.app.follower

    @rpc(contract.ByQueryCode)
    def by_query_code(self, request: Json) -> Json:
        return self.app.reading.by_query_code(request)

    @rpc(contract.OneCase)
    def case(self, request: Json) -> Json:
        return self.app.reading.case(request)

    @rpc(contract.OwnCases)
    def cases(self, request: Json) -> Json:
        return self.app.reading.cases(request)

    @rpc(contract.AwaitPosition)
    def await_position(self, request: Json) -> Json:
        return self.app.reading.await_position(request)

    @rpc(Request)
    def status(self, request: Json) -> Json:
        return self.app.status()

    @rpc(Request)
    def ping(self, request: Json) -> Json:
        self.app.ping()
        return {}
