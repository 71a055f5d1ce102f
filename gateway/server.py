"""HTTP below the routes: eventlet's server and nameko's, made to answer whatever arrives and to survive it.

What cannot even be parsed is refused here, as a problem like everything else.
"""

import functools
import socket
import struct
from collections.abc import Callable, Iterable
from email.message import Message
from typing import Any, TypeVar

import eventlet
from eventlet import wsgi
from eventlet.event import Event
from nameko.exceptions import ContainerBeingKilled
from nameko.web.handlers import HttpRequestHandler
from nameko.web.server import HttpOnlyProtocol, WebServer
from werkzeug.wrappers import Request, Response

from gateway import front, problems, traffic
from gateway.call import Answer, Call, language_of, read
from gateway.edge import EdgeProvider
from gateway.route import Route
from kernel import logs, tracing
from kernel.errors import CannotListen, Refusal, ServiceDown

log = logs.get(__name__)

LONGEST_LINE = 8192  # bytes of the request line; a header field may be as long, all of them eight times that
WORKERS = 2000
BACKLOG = 512  # connections that wait to be accepted
PATIENCE = 30.0  # seconds without a byte until a connection is closed


class Protocol(HttpOnlyProtocol):  # type: ignore[misc]
    """eventlet's reading of HTTP/1.1, with its refusals as problems."""

    def _read_request_line(self) -> Any:
        line = super()._read_request_line()
        if len(line) >= LONGEST_LINE:
            self._refuse(problems.UriTooLong())
            return ""
        return line

    def parse_request(self) -> bool:
        try:
            if not super().parse_request():
                return False
        except (wsgi.HeaderLineTooLong, wsgi.HeadersTooLarge):
            self._refuse(problems.HeadersTooLarge())
            return False
        if _is_misframed(self.headers):
            self._refuse(problems.BadRequest(what="Content-Length, Transfer-Encoding"))
            return False
        return True

    def handle_one_response(self) -> None:
        super().handle_one_response()
        if "yichuang.cut" in self.environ:
            # Closed in the usual way, a connection whose sender never stops lingers for a minute on both sides.
            self.close_connection = 1
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # An answer from memory waits for nothing. A client that has its next request ready before we look would be
        # served on and on, and all others would wait.
        eventlet.sleep(0)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the standard library finds wrong with a request line or a header field."""
        refusals = {414: problems.UriTooLong(), 431: problems.HeadersTooLarge()}
        self._refuse(refusals.get(code, problems.BadRequest(what="HTTP")))

    def _refuse(self, refusal: Refusal) -> None:
        self.close_connection = 1
        with tracing.joined(None) as own:
            request_id = tracing.id_of(own.traceparent)
            response = problems.respond(refusal, language_of({"HTTP_ACCEPT_LANGUAGE": ""}), request_id)
            response.headers.extend({"Connection": "close", "X-Request-Id": request_id})
            head = f"HTTP/1.1 {response.status}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in response.headers.items())
            self.wfile.write(head.encode("latin-1") + b"\r\n" + response.get_data())
            traffic.record("(none)", "OTHER", refusal.status, 0.0)


def _is_misframed(headers: Message) -> bool:
    """Whether it is in doubt where the body ends: that is how requests are smuggled past a proxy."""
    lengths, codings = headers.get_all("content-length", []), headers.get_all("transfer-encoding", [])
    if len(lengths) + len(codings) > 1:
        return True
    return any(not (length.isascii() and length.isdigit()) for length in lengths) or any(
        coding.lower() != "chunked" for coding in codings
    )


class HallServer(WebServer):  # type: ignore[misc]
    """Serves the `Front` over this container's endpoints."""

    _starting: bool
    _sock: Any

    def setup(self) -> None:
        # A worker here does nothing but wait for services. With the few that suit a service, one that is slow would
        # soon hold them all, and nobody could look up a case or see that we live.
        self.container._worker_pool.resize(WORKERS)

    def get_wsgi_app(self) -> Any:
        (edge,) = (one.edge for one in self.container.dependencies if isinstance(one, EdgeProvider))
        return front.Front(self._providers, edge.cache)

    def get_wsgi_server(self, sock: Any, wsgi_app: Any, protocol: Any = Protocol, debug: bool = False) -> Any:
        return wsgi.Server(
            sock,
            sock.getsockname(),
            wsgi_app,
            protocol=protocol,
            debug=debug,
            log=wsgi.LoggerNull(),
            log_output=False,
            url_length_limit=LONGEST_LINE,
            capitalize_response_headers=False,  # ours are written as they should be
            socket_timeout=PATIENCE,
        )

    def start(self) -> None:
        """Listen, as nameko does but alone: with SO_REUSEPORT a second hall would silently take half of the requests.

        Raises CannotListen.
        """
        if self._starting:
            return
        self._starting = True
        self._sock = _listening(self.bind_addr)
        self._serv = self.get_wsgi_server(self._sock, self.get_wsgi_app())
        self._gt = self.container.spawn_managed_thread(self.run)

    def stop(self) -> None:
        if self._sock is not None:  # a start that failed is stopped, too
            super().stop()

    def run(self) -> None:
        while self._is_accepting:
            try:
                sock, address = self._sock.accept()
            except OSError as error:
                # Out of file descriptors, most likely: wait for some to come back. nameko would end the gateway.
                log.warning("cannot accept", exc_info=error)
                eventlet.sleep(0.1)
                continue
            sock.settimeout(self._serv.socket_timeout)
            self.container.spawn_managed_thread(functools.partial(self.process_request, sock, address))

    def process_request(self, sock: Any, address: Any) -> None:
        try:
            super().process_request(sock, address)
        except Exception as error:  # one client's broken connection: what is raised here would end the gateway
            log.debug("connection failed", exc_info=error)
            sock.close()

    def context_data_from_headers(self, request: Request) -> dict[str, str | None]:
        return {tracing.HEADER: tracing.current()}


def _listening(address: tuple[str, int]) -> Any:
    try:
        sock = eventlet.listen(address, backlog=BACKLOG, reuse_port=False)
    except OSError as error:
        raise CannotListen(*address, error) from None
    sock.settimeout(None)
    return sock


class HttpEndpoint(HttpRequestHandler):  # type: ignore[misc]
    """nameko's HTTP entrypoint for one route of the table."""

    server = HallServer()

    def __init__(self, route: Route) -> None:
        super().__init__(route.method, route.rule, expected_exceptions=(Refusal,))
        self.route = route

    def handle_request(self, request: Request) -> Response:
        """Run the method in a worker. Raises ServiceDown while the container stops."""
        finished = Event()
        try:
            self.container.spawn_worker(
                self,
                (request,),
                {},
                context_data=self.server.context_data_from_headers(request),
                handle_result=functools.partial(self.handle_result, finished),
            )
        except ContainerBeingKilled:
            raise ServiceDown(service="gateway") from None
        response: Response = finished.wait()
        return response


T = TypeVar("T")
Method = Callable[[Any, Call], Answer | Response | dict[str, Any] | None]


def serves(route: Route) -> Callable[[Method], Callable[[Any, Request], Response]]:
    """Make a method answer a route: it gets a Call, and returns JSON, an Answer, a Response, or None for 204.

    The class has `services` (a client of the services) and `edge` (what the gateway keeps between requests).
    """

    def decorate(method: Method) -> Callable[[Any, Request], Response]:
        @functools.wraps(method)
        def respond(service: Any, request: Request) -> Response:
            return _respond(service, route, method, request)

        return HttpEndpoint.decorator(route)(respond)  # type: ignore[no-any-return]

    return decorate


def serves_the_rest(routes: Iterable[Route], method: Method) -> Callable[[type[T]], type[T]]:
    """Make a class answer by `method` all routes for which it has none of their name.

    nameko finds entrypoints on the functions of a class: each route gets a function of its own. Raises TypeError for a
    route that no service answers.
    """

    def complete(service: type[T]) -> type[T]:
        for route in (each for each in routes if not hasattr(service, each.name)):
            if not route.service:
                raise TypeError(f"{route.name} needs a method: no service answers it")
            setattr(service, route.name, serves(route)(method))
        return service

    return complete


def _respond(service: Any, route: Route, method: Method, request: Request) -> Response:
    environ, language = request.environ, None
    try:
        call = read(route, request, environ["yichuang.path"], service.edge.tokens, service.services)
        language = call.language
        service.edge.keep_pace(call)
        return _response(call, method(service, call))
    except Refusal as refusal:
        return front.refuse(problems.told_to(refusal, route.unsafe), environ, language)
    except Exception as error:  # the edge of the hall: whatever failed inside is told as a number, never as it is
        return front.fault(error, environ)


def _response(call: Call, result: Answer | Response | dict[str, Any] | None) -> Response:
    if isinstance(result, Response):
        result.headers.setdefault("Cache-Control", call.route.cache)
        return result
    return front.as_json(call, result if isinstance(result, Answer) else Answer(result))
