"""Answers that are the same for everybody: taken from catalog, made into bytes once, given out from the cache.

What goes out never says which version of the catalogue it was taken from.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson
from werkzeug.wrappers import Response

from gateway.auth import Caller
from gateway.cache import Cache, Page, Taken, key_of, matches
from gateway.call import Call, Json
from gateway.headers import SAFE
from kernel import logs
from kernel.errors import Refusal
from kernel.traditional import to_traditional

log = logs.get(__name__)

_HTML = "text/html"
_HREF = re.compile(rb'"href":"([^"]*)"')
_IN_ADDRESSES = "/:?&=#%+@,;()!$'*~"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-()")
# A form is a page of its own that does nothing: no script, nothing loaded, no address of ours.
_FORM_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"


def answer(call: Call, services: Caller, cache: Cache) -> Response:
    """The answer to a request of a shared route. Raises the refusals of catalog."""
    environ = call.http.environ

    def ask() -> Taken:
        _settle(services, cache)
        said: Json = services.call(call.route.service, call.route.rpc, call.payload())
        return Taken(_page(call, said), said["as_of"])

    return _response(cache.answer(key_of(environ), ask, call.route.life), environ)


def _settle(services: Caller, cache: Cache) -> None:
    """Learn which version there is, where no change has told: catalog may answer a list from one before it."""
    epoch = cache.unsettled
    if epoch is None:
        return
    try:
        cache.settle(services.call("catalog", "status", {})["version"], epoch)
    except Refusal as refusal:  # then nothing is kept yet; who asked hears from catalog itself whether it is away
        log.debug("version of the catalogue is not known", code=refusal.code)


def _page(call: Call, said: Json) -> Page:
    if "application/json" not in call.route.serves:
        return _file(call, said)
    body = orjson.dumps({name: value for name, value in said.items() if name != "as_of"})
    body = _HREF.sub(_quoted, body)
    if call.language == "zh-Hant":
        body = to_traditional(body.decode()).encode()
    return page_of(call, body, {"Content-Type": "application/json", "Content-Language": call.language})


def _quoted(href: re.Match[bytes]) -> bytes:
    """An address in ASCII: it must lead to the same place after its page was put into traditional characters."""
    return b'"href":"' + quote(href[1], safe=_IN_ADDRESSES).encode() + b'"'


def _file(call: Call, said: Json) -> Page:
    """A file as it is: whoever prints a form hands in what was published."""
    kind: str = said["media_type"]
    shown = kind.partition(";")[0].strip().lower() == _HTML
    headers = {
        "Content-Type": f"{_HTML}; charset=utf-8" if shown else kind,
        "Content-Disposition": disposition(said["name"], "inline" if shown else "attachment"),
        "Content-Security-Policy": _FORM_POLICY,
    }
    return page_of(call, base64.b64decode(said["content"]), headers)


def disposition(name: str, kind: str) -> str:
    """A Content-Disposition that names the file, in UTF-8 for those who read it (RFC 6266, RFC 8187)."""
    plain = "".join(letter if letter in _PLAIN else "_" for letter in name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def page_of(call: Call, body: bytes, headers: Mapping[str, str]) -> Page:
    """A page with its strong ETag, which is of the bytes, and all that goes with it."""
    etag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    lasting = {"ETag": etag, "Cache-Control": call.route.cache, "Vary": "Accept-Language"}
    brief = {**SAFE, **lasting, **{name: value for name, value in headers.items() if name != "Content-Type"}}
    brief.pop("Content-Disposition", None)
    whole = {**brief, **headers, "Content-Length": str(len(body))}
    return Page(call.route.path, body, etag, tuple(whole.items()), tuple(brief.items()))


def is_known(page: Page, environ: Mapping[str, Any]) -> bool:
    """Whether the caller says that it has this page already, so that 304 is enough."""
    return "HTTP_IF_NONE_MATCH" in environ and matches(environ["HTTP_IF_NONE_MATCH"], page.etag)


def _response(page: Page, environ: Mapping[str, Any]) -> Response:
    if is_known(page, environ):
        return Response(status=304, headers=page.brief)
    return Response(page.body, 200, page.headers)
