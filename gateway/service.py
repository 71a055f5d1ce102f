"""The nameko class of the gateway: a switchboard, a few lines a route. What a route takes and answers: `routes`.

Most routes only ask the service that they name; methods stand here for the others. Knows no rule of the hall; every
answer is another service's.
"""

from dataclasses import replace
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST
from werkzeug.wrappers import Response

from gateway import health, openapi, pages, shared
from gateway.auth import bearer
from gateway.call import Answer, Call
from gateway.hall_day import Asking, HallDay
from gateway.problems import NotSigned
from gateway.routes import API, BY_NAME, ROUTES
from gateway.server import serves, serves_the_rest
from kernel import logs
from kernel.errors import Refusal, RemoteRefusal
from kernel.eventlog.events import Recorded
from kernel.messaging import topology
from kernel.messaging.broadcasting import hears

log = logs.get(__name__)

Json = dict[str, Any]

# How long an answer waits for progress to show what it says, so that people read their own writes.
SETTLE = 1.0


@serves_the_rest(ROUTES, Asking._answer)
class GatewayService(HallDay):
    """Everything under `/`."""

    name = "gateway"

    @serves(BY_NAME["register"])
    def register(self, call: Call) -> Answer:
        return Answer(self._ask(call), headers={"Location": f"{API}/accounts/me"})

    @serves(BY_NAME["sign_out"])
    def sign_out(self, call: Call) -> Answer:
        token = bearer(call.http.headers["Authorization"])
        self._ask(call, token=token)
        self.edge.tokens.drop(token)
        return Answer(None)

    @serves(BY_NAME["open_draft"])
    def open_draft(self, call: Call) -> Answer:
        draft = self._ask(call)
        return Answer(draft, headers={"Location": f"{API}/drafts/{draft['id']}"})

    @serves(BY_NAME["submit_draft"])
    def submit_draft(self, call: Call) -> Answer:
        filed = self._moved(call)
        return Answer(filed, headers={"Location": f"{API}/cases/{filed['serial']}"})

    @serves(BY_NAME["receipt"])
    def receipt(self, call: Call) -> Json:
        return _without_position(self._ask(call))

    @serves(BY_NAME["correct_case"])
    def correct_case(self, call: Call) -> Json:
        return self._moved(call)

    @serves(BY_NAME["withdraw_case"])
    def withdraw_case(self, call: Call) -> Json:
        return self._moved(call)

    @serves(BY_NAME["rate_case"])
    def rate_case(self, call: Call) -> Json:
        return self._moved(call)

    @serves(BY_NAME["take_department_event"])
    def take_department_event(self, call: Call) -> Answer:
        taken = self._ask(replace(call, body={"event": call.body}))
        self._settle(taken)
        return Answer(taken, status=202 if taken["status"] == "waiting" else 200)

    @serves(BY_NAME["progress"])
    def progress(self, call: Call) -> Json:
        guess = (call.path["serial"], self.edge.address_of(call.http.environ))
        self.edge.guesses.check(guess)
        try:
            return self._ask(call)
        except RemoteRefusal as refusal:
            if refusal.code == "unknown_case":
                self.edge.guesses.failed(guess)
            raise

    @serves(BY_NAME["book"])
    def book(self, call: Call) -> Answer:
        return _booked(self._ask(call))

    @serves(BY_NAME["hold"])
    def hold(self, call: Call) -> Answer:
        return _booked(self._ask(call))

    @serves(BY_NAME["appointment_calendar"])
    def appointment_calendar(self, call: Call) -> Response:
        return _file(self._ask(call))

    @serves(BY_NAME["appointment_qr"])
    def appointment_qr(self, call: Call) -> Response:
        return _file(self._ask(call))

    @serves(BY_NAME["join_waiting"])
    def join_waiting(self, call: Call) -> Answer:
        entry = self._ask(call)
        return Answer(entry, headers={"Location": f"{API}/waiting-list/{entry['number']}"})

    @serves(BY_NAME["file_appeal"])
    def file_appeal(self, call: Call) -> Answer:
        appeal = self._ask(call)
        return Answer(appeal, headers={"Location": f"{API}/appeals/{appeal['id']}"})

    @serves(BY_NAME["take_receipt"])
    def take_receipt(self, call: Call) -> Json:
        head = call.http.headers
        try:
            signed = {"timestamp": head["X-Yichuang-Timestamp"], "signature": head["X-Yichuang-Signature"]}
        except KeyError:
            raise NotSigned from None
        return self._ask(replace(call, body={**signed, "body": call.raw.decode()}))

    @serves(BY_NAME["welcome"])
    def welcome(self, call: Call) -> Response:
        return pages.page()

    @serves(BY_NAME["guide_page"])
    def guide_page(self, call: Call) -> Response:
        return pages.page()

    @serves(BY_NAME["hall_page"])
    def hall_page(self, call: Call) -> Response:
        return pages.page()

    @serves(BY_NAME["booking_page"])
    def booking_page(self, call: Call) -> Response:
        return pages.page()

    @serves(BY_NAME["visits_page"])
    def visits_page(self, call: Call) -> Response:
        return pages.page()

    @serves(BY_NAME["sitemap"])
    def sitemap(self, call: Call) -> Response:
        return pages.page()

    @serves(BY_NAME["asset"])
    def asset(self, call: Call) -> Response:
        return pages.asset(call.path["file"])

    @serves(BY_NAME["live"])
    def live(self, call: Call) -> Json:
        return {"status": "live"}

    @serves(BY_NAME["ready"])
    def ready(self, call: Call) -> Answer:
        found = health.readiness(self.services)
        return Answer(found) if not found["missing"] else Answer(found, 503, {"Retry-After": "2"})

    @serves(BY_NAME["metrics"])
    def metrics(self, call: Call) -> Response:
        edge = self.edge
        told = health.figures(self.services, edge.cache, len(edge.displays), edge.settings)
        return Response(told, content_type=CONTENT_TYPE_LATEST)

    @serves(BY_NAME["openapi"])
    def openapi(self, call: Call) -> Response:
        return Response(openapi.description(), content_type="application/json")

    @serves(BY_NAME["docs"])
    def docs(self, call: Call) -> Response:
        return pages.docs()

    @serves(BY_NAME["docs_file"])
    def docs_file(self, call: Call) -> Response:
        return pages.docs_file(call.path["file"])

    @hears(topology.CATALOG_EVENTS)
    def hear_of_the_catalogue(self, event: Recorded | None, connected: bool) -> None:
        self.edge.hear(event, connected)

    def _moved(self, call: Call) -> Json:
        """The same for what writes to the case log; the answer waits until progress can show it."""
        answer = self._ask(call)
        self._settle(answer)
        return _without_position(answer)

    def _settle(self, answer: Json) -> None:
        position = answer.get("position")
        if position is None:
            return
        asked = {"position": position, "timeout": SETTLE}
        try:
            self.services.call("progress", "await_position", asked, timeout=SETTLE + 0.5)
        except Refusal as refusal:  # it is on the log: that progress shows it later is no reason to say no
            log.warning("progress did not show a write in time", position=position, code=refusal.code)


def _booked(answer: Json) -> Answer:
    return Answer(answer, headers={"Location": f"{API}/appointments/{answer['number']}"})


def _file(document: Json) -> Response:
    """One's own, so nothing on the way may keep it."""
    response = Response(document["content"], content_type=document["media_type"])
    response.headers["Content-Disposition"] = shared.disposition(document["name"], "inline")
    return response


def _without_position(answer: Json) -> Json:
    return {name: value for name, value in answer.items() if name != "position"}
