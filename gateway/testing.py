"""The gateway without a broker: its routes over a client of services that records, and is as strict as a service."""

from collections.abc import Callable
from typing import Any

import orjson
from werkzeug.test import Client, TestResponse
from werkzeug.wrappers import Request, Response

from gateway.edge import Edge
from gateway.front import Front
from gateway.route import Route
from gateway.routes import ROUTES
from gateway.service import GatewayService
from kernel.config import Settings
from kernel.contracts import accounts
from kernel.errors import InvalidInput, NotSignedIn, Refusal, RemoteRefusal

Json = dict[str, Any]

PERSON = {"account": "a1", "kind": "individual", "role": None, "organ": None, "hall": None, "language": "zh-Hans"}
OFFICER = {**PERSON, "account": "s1", "kind": "staff", "role": "officer", "organ": "11440105007512345X"}
CLERK = {**PERSON, "account": "s2", "kind": "staff", "role": "hall_manager", "hall": "guangzhou"}
DEPARTMENT = {**PERSON, "account": "11440105007512345X", "kind": "department", "organ": "11440105007512345X"}

_SCHEMAS = {(route.service, route.rpc): route for route in ROUTES if route.service}


class RecordingServices:
    """Stands for all services: checks what it is asked as they would, keeps it, and answers what it was given."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Json]] = []
        self.answers: dict[tuple[str, str], Any] = {("progress", "await_position"): {"reached": True}}
        self.tokens: dict[str, Json] = {"person": PERSON, "officer": OFFICER, "clerk": CLERK}
        self.keys: dict[tuple[str, str], Json] = {("11440105007512345X", "key"): DEPARTMENT}

    def call(self, service: str, method: str, payload: Json, timeout: float | None = None) -> Any:
        """As `ServiceClient.call`."""
        sent = orjson.loads(orjson.dumps(payload))
        self.asked.append((service, method, sent))
        if (service, method) in self.answers:
            return self._answer(service, method, sent)
        if service == "accounts":
            return self._authenticate(method, sent)
        raise AssertionError(f"nobody said what {service}.{method} answers")

    def asked_of(self, service: str, method: str) -> list[Json]:
        """The requests that one method got."""
        return [payload for to, name, payload in self.asked if (to, name) == (service, method)]

    def _answer(self, service: str, method: str, sent: Json) -> Any:
        route = _SCHEMAS.get((service, method))
        if route is not None and route.request is not None:
            wrong = route.request().validate(sent)
            if wrong:
                raise RemoteRefusal(InvalidInput.from_messages(wrong).to_wire())
        answer = self.answers[service, method]
        if isinstance(answer, Refusal):
            raise RemoteRefusal(answer.to_wire()) if answer.status < 500 else answer
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _authenticate(self, method: str, sent: Json) -> Json:
        known: Callable[[], Json | None] = {
            "authenticate": lambda: self.tokens.get(accounts.Token().load(sent)["token"]),
            "authenticate_department": lambda: self.keys.get((sent["organ"], sent["key"])),
        }[method]
        principal = known()
        if principal is None:
            raise RemoteRefusal(NotSignedIn().to_wire())
        return principal


class _Direct:
    """An endpoint that runs its method at once, without nameko's workers."""

    def __init__(self, service: GatewayService, route: Route) -> None:
        self.route = route
        self._method = getattr(service, route.name)

    def handle_request(self, request: Request) -> Response:
        response: Response = self._method(request)
        return response


class Hall:
    """The gateway's WSGI application at work. `ask` sends a request, `services` is who answers."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.services = RecordingServices()
        self.edge = Edge(settings or Settings())
        service: Any = GatewayService()
        service.services, service.edge = self.services, self.edge
        self._client = Client(Front([_Direct(service, route) for route in ROUTES], self.edge.cache))

    def ask(self, method: str, path: str, *, token: str | None = None, **options: Any) -> TestResponse:
        """One request; `token` is sent as a bearer token, `json` as a JSON body."""
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self._client.open(path, method=method, headers=headers, **options)

    def answer(self, service: str, method: str, answer: Any) -> None:
        """What a service answers from now on; a Refusal or another exception is raised."""
        self.services.answers[service, method] = answer
