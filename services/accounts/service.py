"""The nameko class of accounts: a switchboard, a line a method. Decides nothing itself."""

from typing import Any

from kernel.contracts import accounts as contract
from kernel.errors import Refusal
from kernel.messaging.consuming import every
from kernel.messaging.rpc import Services, rpc
from kernel.messaging.wiring import Application
from services.accounts.bootstrap import OWNER, build

Json = dict[str, Any]


class AccountsService:
    """Answers what `kernel.contracts.accounts` lists."""

    name = OWNER
    app = Application(build)
    services = Services()

    @rpc(contract.Register)
    def register(self, request: Json) -> Json:
        return self.app.people.register(request)

    @rpc(contract.Credentials)
    def open_session(self, request: Json) -> Json:
        return self.app.sessions.open(request)

    @rpc(contract.Token)
    def close_session(self, request: Json) -> Json:
        self.app.sessions.close(request["token"])
        return {}

    @rpc(contract.Token)
    def authenticate(self, request: Json) -> Json:
        return self.app.sessions.authenticate(request["token"])

    @rpc(contract.OpenVerification)
    def open_verification(self, request: Json) -> Json:
        made = self.app.guests.open_verification(request["mobile"])
        try:
            self.services.call("notify", "send_code", {**request, "code": made["code"], "purpose": "visit"})
        except Refusal:
            self.app.guests.forget(made["verification"])
            raise
        return {name: made[name] for name in ("verification", "expires_at")}

    @rpc(contract.CodeSaid)
    def open_guest_session(self, request: Json) -> Json:
        return self.app.guests.open_session(request["verification"], request["code"])

    @rpc(contract.PersonOf)
    def person(self, request: Json) -> Json:
        return self.app.people.person(request["account"])

    @rpc(contract.DepartmentKey)
    def authenticate_department(self, request: Json) -> Json:
        return self.app.sessions.authenticate_department(request["organ"], request["key"])

    @rpc(contract.Profile)
    def profile(self, request: Json) -> Json:
        return self.app.people.profile(request["principal"]["account"])

    @rpc(contract.ContactOf)
    def contact(self, request: Json) -> Json:
        return self.app.people.contact(request["account"])

    @rpc(contract.Request)
    def status(self, request: Json) -> Json:
        return self.app.status()

    @rpc(contract.Request)
    def ping(self, request: Json) -> Json:
        self.app.ping()
        return {}

    @every(3600)
    def clean(self) -> None:
        self.app.sessions.clean()
