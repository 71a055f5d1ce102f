"""The hall's front door: one WSGI application that finds the route, and words everything that goes wrong.

What a route's endpoint returns gets its security headers here, is counted and logged.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Protocol

import orjson
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from gateway import limits, problems, shared, traffic
from gateway.auth import NotADepartment
from gateway.cache import Cache, Page, key_of
from gateway.call import Answer, Call, language_of
from gateway.headers import SAFE
from gateway.route import PRIVATE, Route
from kernel import logs, tracing
from kernel.errors import Refusal, RemoteFault

log = logs.get(__name__)

_LONGEST_PATH = 2048
_READING = ("GET", "HEAD")
_STATUS = {200: "200 OK", 304: "304 NOT MODIFIED"}
_TOKEN = 'Bearer realm="yichuang"'
_KEY_OR_TOKEN = f'Basic realm="yichuang", {_TOKEN}'


class Endpoint(Protocol):
    """Answers the requests of one route."""

    route: Route

    def handle_request(self, request: Request) -> Response: ...


class Front:
    """The WSGI application over the endpoints of a table of routes. What `cache` has needs no endpoint."""

    def __init__(self, endpoints: Iterable[Endpoint], cache: Cache) -> None:
        self._cache = cache
        rules = [
            Rule(endpoint.route.rule, methods=[endpoint.route.method], endpoint=endpoint) for endpoint in endpoints
        ]
        self._match = Map(rules, merge_slashes=False, redirect_defaults=False).bind("hall").match

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        started = time.perf_counter()
        with tracing.work("HTTP", tracing.SERVER, traffic.trace_of(environ)) as work:
            page = self._kept(environ)
            if page is not None:
                return _give(page, environ, start_response, work, started)
            environ["yichuang.request_id"] = tracing.id_of(work.traceparent)
            route, response = self._answer(environ)
            for name, value in SAFE.items():
                response.headers.setdefault(name, value)
            response.headers["X-Request-Id"] = environ["yichuang.request_id"]
            path = route.path if route else "(none)"
            _record(work, path, environ["REQUEST_METHOD"], response.status_code, started)
            return response(environ, start_response)

    def _kept(self, environ: dict[str, Any]) -> Page | None:
        """The page for a request that only reads; what comes with a body is left to its route."""
        if (
            environ["REQUEST_METHOD"] not in _READING
            or environ.get("CONTENT_LENGTH")
            or "HTTP_TRANSFER_ENCODING" in environ
        ):
            return None
        return self._cache.get(key_of(environ))

    def _answer(self, environ: dict[str, Any]) -> tuple[Route | None, Response]:
        route = None
        try:
            endpoint, values = self._find(environ)
            route = endpoint.route
            request = Request(environ, populate_request=False)
            environ["yichuang.path"] = values
            return route, endpoint.handle_request(request)
        except Refusal as refusal:
            return route, refuse(refusal, environ)

    def _find(self, environ: dict[str, Any]) -> tuple[Endpoint, Mapping[str, str]]:
        path, method = _path(environ), environ["REQUEST_METHOD"]
        try:
            found: tuple[Endpoint, Mapping[str, str]] = self._match(path, method)
            return found
        except MethodNotAllowed as error:
            raise problems.WrongMethod(method=method[:16], methods=", ".join(error.valid_methods or ())) from None
        except HTTPException:
            raise problems.NothingHere from None


def _give(
    page: Page, environ: dict[str, Any], start_response: Callable[..., Any], work: tracing.work, started: float
) -> Iterable[bytes]:
    """A page from the cache, past everything that is of no use to it. The same header fields as of one just made."""
    known, method = shared.is_known(page, environ), environ["REQUEST_METHOD"]
    status, headers = (304, page.brief) if known else (200, page.headers)
    start_response(_STATUS[status], [*headers, ("X-Request-Id", tracing.id_of(work.traceparent))])
    _record(work, page.route, method, status, started)
    return [] if known or method == "HEAD" else [page.body]


def _record(work: tracing.work, path: str, method: str, status: int, started: float) -> None:
    traffic.record(path, method, status, time.perf_counter() - started)
    work.tell(f"{traffic.known(method)} {path}", **{"http.route": path, "http.response.status_code": status})


def _path(environ: Mapping[str, Any]) -> str:
    raw = environ.get("PATH_INFO", "")
    if len(raw) > _LONGEST_PATH:
        raise problems.UriTooLong
    try:
        path: str = raw.encode("latin-1").decode()
    except UnicodeError:
        raise problems.BadRequest(what="path") from None
    if "\0" in path:
        raise problems.BadRequest(what="path")
    return path


def refuse(refusal: Refusal, environ: dict[str, Any], language: str | None = None) -> Response:
    """The refusal as a problem, with what HTTP asks of its status beside it."""
    response = problems.respond(refusal, language or language_of(environ), environ["yichuang.request_id"])
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = _KEY_OR_TOKEN if isinstance(refusal, NotADepartment) else _TOKEN
    if isinstance(refusal, problems.TooLarge):
        response.call_on_close(partial(limits.drain, environ))
    return response


def fault(error: BaseException, environ: dict[str, Any]) -> Response:
    """A fault of ours: logged whole, told by its number only, which is the request's."""
    request_id = environ["yichuang.request_id"]
    log.error("request failed", error_id=request_id, exc_info=error)
    return refuse(RemoteFault(error_id=request_id), environ)


def as_json(call: Call, answer: Answer) -> Response:
    """A service's answer, with the status, language and life that its route gives it."""
    body = b"" if answer.body is None else orjson.dumps(answer.body)
    response = Response(body, answer.status or call.route.status, content_type="application/json")
    response.headers["Content-Language"] = call.language
    response.headers["Cache-Control"] = call.route.cache
    if call.route.cache != PRIVATE:
        response.headers["Vary"] = "Accept-Language"
    response.headers.update(answer.headers)
    return response
