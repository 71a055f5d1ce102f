"""The gateway's part in a hall's day where it is more than to ask: above all the feed for displays.

Knows no rule of the hall.
"""

from typing import Any

from werkzeug.wrappers import Response

from gateway import shared
from gateway.call import Answer, Call
from gateway.displays import feed
from gateway.edge import EdgeProvider
from gateway.routes import API, BY_NAME
from gateway.server import serves
from kernel.errors import Refusal
from kernel.eventlog.events import Recorded
from kernel.messaging import topology
from kernel.messaging.broadcasting import hears
from kernel.messaging.rpc import Services

Json = dict[str, Any]

EVENTS = "text/event-stream"


class Asking:
    """What every method of the gateway has: the services behind it, and what it keeps between requests."""

    services = Services()
    edge = EdgeProvider()

    def _ask(self, call: Call, **others: Any) -> Json:
        """Have the route's service answer."""
        answer: Json = self.services.call(call.route.service, call.route.rpc, call.payload(**others))
        return answer

    def _answer(self, call: Call) -> Json | Response:
        """What a route without a method gets: its service's answer, or the cache's, if that can give it by now."""
        if call.route.shared:
            return shared.answer(call, self.services, self.edge.cache)
        return self._ask(call)


class HallDay(Asking):
    """Taking a ticket, and what displays show."""

    @serves(BY_NAME["take_ticket"])
    def take_ticket(self, call: Call) -> Answer:
        ticket = self._ask(call)
        return Answer(ticket, headers={"Location": f"{API}/tickets/{ticket['id']}"})

    @serves(BY_NAME["display"])
    def display(self, call: Call) -> Json | Response:
        wanted = call.http.accept_mimetypes.best_match([EVENTS, "application/json"], default=EVENTS)
        if wanted != EVENTS or call.http.method == "HEAD":
            return self._ask(call)
        return self._feed(call)

    @hears(topology.VISIT_EVENTS, "ticket.#")
    def hear_of_queues(self, event: Recorded | None, connected: bool) -> None:
        self.edge.displays.hear(event, connected)

    def _feed(self, call: Call) -> Response:
        """Listened to before it is asked: what changes in between is heard. Raises what the hall's first answer is."""
        listener = self.edge.displays.listen(call.path["hall"], self.edge.address_of(call.http.environ))
        listener.begin_anew()
        try:
            first = self._first(call)
        except Exception:  # whatever it is, nobody listens then
            listener.close()
            raise
        call.http.environ["eventlet.minimum_write_chunk_size"] = 1  # an event goes out at once, however short
        response = Response(feed(listener, lambda: self._ask(call), first), content_type=EVENTS)
        response.call_on_close(listener.close)  # also where nobody has read a byte of it
        response.headers["X-Accel-Buffering"] = "no"
        return response

    def _first(self, call: Call) -> Json | None:
        """None where nobody answers for now: then the display waits. Raises UnknownHall."""
        try:
            return self._ask(call)
        except Refusal as refusal:
            if refusal.status < 500:
                raise
            return None
