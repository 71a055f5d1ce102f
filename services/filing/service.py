"""filing on the wire: drafts, submissions, what happens to cases, and the department events from the broker.

A switchboard: every method checks who asks and calls one handler.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from kernel.contracts import filing as contract
from kernel.contracts.envelope import MAX_BYTES
from kernel.errors import InvalidInput, NotAllowed
from kernel.messaging import topology
from kernel.messaging.consuming import Incoming, batches, every
from kernel.messaging.rpc import Services, rpc
from kernel.messaging.wiring import Application
from services.filing.bootstrap import build

Request = dict[str, Any]


class FilingService:
    """See `kernel.contracts.filing` for what each method is asked and answers."""

    name = "filing"
    app = Application(build)
    services = Services()

    @rpc(contract.OpenDraft)
    def open_draft(self, request: Request) -> Request:
        account, key = _individual(request), request["idempotency_key"]
        # A repeat gets its draft whatever has become of the item, and of catalog, since.
        before = self.app.drafts.opened(account, request["item"], key) if key else None
        if before is not None:
            return before
        item = self.services.call("catalog", "item_form", {"code": request["item"]})
        return self.app.drafts.open(account, item, request["language"], key)

    @rpc(contract.AskDraft)
    def draft(self, request: Request) -> Request:
        return self.app.drafts.show(_individual(request), request["draft"])

    @rpc(contract.ChangeDraft)
    def change_draft(self, request: Request) -> Request:
        return self.app.drafts.change(_individual(request), request["draft"], request)

    @rpc(contract.AttachMaterial)
    def attach_material(self, request: Request) -> Request:
        file = {name: request[name] for name in ("draft", "material", "filename", "content")}
        return self.app.drafts.attach(_individual(request), **file)

    @rpc(contract.SubmitDraft)
    def submit_draft(self, request: Request) -> Request:
        return self.app.submissions.submit(_individual(request), request["draft"], request["idempotency_key"])

    @rpc(contract.AskReceipt)
    def receipt(self, request: Request) -> Request:
        return self.app.submissions.receipt(_individual(request), request["serial"])

    @rpc(contract.CorrectCase)
    def correct_case(self, request: Request) -> Request:
        said = {"data": request["data"], "files": request["materials"], "key": request["idempotency_key"]}
        return self.app.own_cases.correct(_individual(request), request["serial"], **said)

    @rpc(contract.WithdrawCase)
    def withdraw_case(self, request: Request) -> Request:
        said = {"reason": request["reason"], "key": request["idempotency_key"]}
        return self.app.own_cases.withdraw(_individual(request), request["serial"], **said)

    @rpc(contract.RateCase)
    def rate_case(self, request: Request) -> Request:
        said = {name: request[name] for name in ("stars", "tags", "comment")}
        key = request["idempotency_key"]
        return self.app.own_cases.rate(_individual(request), request["serial"], **said, key=key)

    @rpc(contract.TakeDepartmentEvent)
    def take_department_event(self, request: Request) -> Request:
        return self.app.answering.take_one(_body(request["event"]), _organ(request))

    @rpc(contract.AskStatus)
    def status(self, request: Request) -> Request:
        return self.app.status()

    @batches(topology.FILING)
    def take_department_events(self, batch: list[Incoming]) -> None:
        self.app.answering.take_batch(batch)

    @every(1.0)
    def retry_waiting_events(self) -> None:
        self.app.answering.retry_waiting()

    @every(3600)
    def clean(self) -> None:
        self.app.clean()

    @every(60)
    def keep_time(self) -> None:
        self.app.timekeeping.turn()

    @every(1.0)
    def play_department(self) -> None:
        if self.app.sample_department is not None:
            self.app.sample_department.turn()


def _individual(request: Request) -> str:
    """The account of the person who asks. Raises NotAllowed for anybody who has no cases of their own."""
    if request["principal"]["kind"] != "individual":
        raise NotAllowed
    return str(request["principal"]["account"])


def _organ(request: Request) -> str:
    """The organ in whose name an event may be said: a department, or an officer of one."""
    principal = request["principal"]
    speaks = principal["kind"] == "department" or principal["role"] == "officer"
    if not (speaks and principal["organ"]):
        raise NotAllowed
    return str(principal["organ"])


def _body(event: Mapping[str, Any]) -> bytes:
    """The event as bytes, the form that the rules on size and repeats speak of."""
    try:
        body = orjson.dumps(event)
    except orjson.JSONEncodeError:
        raise InvalidInput.from_messages({"event": ["Not valid JSON values."]}) from None
    if len(body) > MAX_BYTES:
        raise InvalidInput.from_messages({"event": [f"Longer than maximum length {MAX_BYTES}."]})
    return body
