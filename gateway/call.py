"""One request, as far as it was read and allowed: what the methods of the gateway get, and what they give back.

Reads nothing that its route does not take.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

from werkzeug.http import parse_options_header
from werkzeug.wrappers import Request

from gateway import languages, limits
from gateway.auth import Caller, Principal, Tokens, identify
from gateway.problems import BadRequest
from gateway.route import JSON, Route
from kernel.errors import InvalidInput

Json = dict[str, Any]

_KEY = re.compile(r"[!-~]{1,128}")
_BASE64 = limits.MATERIAL * 4 // 3 + limits.JSON  # the largest material in JSON


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request that its route lets in. `raw` holds the body where the route takes one, `body` its members."""

    route: Route
    http: Request
    path: Mapping[str, str]
    query: Mapping[str, str]
    principal: Principal | None
    language: str
    idempotency_key: str | None
    raw: bytes = b""
    body: Json = field(default_factory=dict)

    def payload(self, **others: Any) -> Json:
        """The request to the service that answers: path, query and body, and whatever else of ours it asks for."""
        route = self.route
        made = {**self.query, **self.body, **self.path, **others}
        if self.principal is not None:
            made |= _asked(route, "principal", self.principal)
        # A body with a language of its own means another: that of the account, or of the notices.
        if "language" not in route.takes:
            made |= _asked(route, "language", self.language)
        if self.idempotency_key is not None:
            made |= _asked(route, "idempotency_key", self.idempotency_key)
        return made


def _asked(route: Route, name: str, value: Any) -> Json:
    return {name: value} if name in route.asks else {}


@dataclass(frozen=True)
class Answer:
    """JSON (None: no body) with what differs from the route's usual answer."""

    body: Json | None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def read(route: Route, http: Request, path: Mapping[str, str], tokens: Tokens, services: Caller) -> Call:
    """Check and read a request. The cheap checks come first, the body last. Raises the refusals of every step."""
    environ = http.environ
    limits.check_length(environ, _limit(route, environ))
    query = _query(route, http)
    key = _idempotency_key(route, environ)
    principal = identify(route.access, environ.get("HTTP_AUTHORIZATION", ""), tokens, services)
    raw, body = _body(route, environ, http) if route.body is not None else (b"", {})
    return Call(
        route=route,
        http=http,
        path=path,
        query=query,
        principal=principal,
        language=language_of(environ, principal),
        idempotency_key=key,
        raw=raw,
        body=body,
    )


def language_of(environ: Mapping[str, Any], principal: Principal | None = None) -> str:
    """What the request asks for, else the account's language, else simplified Chinese."""
    asked = languages.preferred(environ.get("HTTP_ACCEPT_LANGUAGE", ""))
    return asked or (principal or {}).get("language") or languages.DEFAULT


def _limit(route: Route, environ: Mapping[str, Any]) -> int:
    return _BASE64 if route.takes_file and _media_type(environ) in JSON else route.limit


def _media_type(environ: Mapping[str, Any]) -> str:
    return parse_options_header(environ.get("CONTENT_TYPE", ""))[0].lower()


def _query(route: Route, http: Request) -> dict[str, str]:
    wanted = _parameters(http) if http.query_string else {}
    if route.query is None:
        return {}
    if any("\0" in name + value for name, value in wanted.items()):
        raise BadRequest(what="query")
    wrong = route.query.validate(wanted)
    if wrong:
        raise InvalidInput.from_messages(wrong)
    return wanted


def _parameters(http: Request) -> dict[str, str]:
    try:
        unquote_to_bytes(http.query_string).decode()  # `args` would put other characters in place of what isn't UTF-8
        return http.args.to_dict()
    except UnicodeDecodeError:
        raise BadRequest(what="query") from None


def _idempotency_key(route: Route, environ: Mapping[str, Any]) -> str | None:
    key: str | None = environ.get("HTTP_IDEMPOTENCY_KEY")
    if key is None or not route.takes_key:
        return None
    if not _KEY.fullmatch(key):
        raise BadRequest(what="Idempotency-Key")
    return key


def _body(route: Route, environ: dict[str, Any], http: Request) -> tuple[bytes, Json]:
    raw = limits.read_body(environ, _limit(route, environ))
    if route.takes_file and _media_type(environ) not in JSON:
        body = _file(raw, http)
    elif raw:
        limits.check_type(environ, route.types)
        body = limits.parse_object(raw)
    else:
        body = {}
    wrong = route.checker.validate(body)
    if wrong:
        raise InvalidInput.from_messages(wrong)
    return raw, body


def _file(raw: bytes, http: Request) -> Json:
    """A material sent as the body itself, in the form of MaterialFile."""
    _, options = parse_options_header(http.headers.get("Content-Disposition", ""))
    name = _as_utf8(options.get("filename", "")) or http.args.get("filename") or "file"
    return {"filename": name, "content": base64.b64encode(raw).decode()}


def _as_utf8(header: str) -> str:
    """Header fields arrive as Latin-1; many clients send UTF-8 in them all the same."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header
