"""/openapi.json, made from the table of routes and the schemas of the contracts.

Describes nothing that is not served.
"""

import re
from functools import cache
from typing import Any

import marshmallow as ma
import orjson
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_cls

from gateway.auth import Access
from gateway.problems import CONTENT_TYPE, Problem
from gateway.route import Route
from gateway.routes import ROUTES
from kernel.contracts.envelope import Instant

TITLE = "一窗 政务服务大厅"
ABOUT = (
    "One-window government service hall. Errors are problem details (RFC 9457) in the caller's language"
    " (Accept-Language: zh-Hans, zh-Hant, en). Times are RFC 3339 with offset. An Idempotency-Key may come with every"
    " request. It counts where it is described: the same key with the same request does it once and gives the same"
    " answer, for a week at least. Everywhere else it is let pass and not needed, as a repeat does no harm by nature:"
    " reading changes nothing, PUT and PATCH set what is set already, logging in opens one more session, logging out"
    " ends what has ended, and an event or a receipt is known by its own id. What everybody gets alike has an ETag:"
    " sent back as If-None-Match it is answered with 304 while nothing has changed. Texts are written in simplified"
    " Chinese and put into traditional characters for zh-Hant; names have English beside them where it is known."
    " HEAD is answered wherever GET is."
)
_KEY = (
    "1 to 128 visible ASCII characters, made up by the caller for this one request and sent again with every repeat:"
    " it is then done once. The same key with another request is refused (409 key_reused)."
)
# What browsers and scanners say of a file. The hall goes by its first bytes, so any other type is taken as well.
_FILE_TYPES = (
    "image/png",
    "image/jpeg",
    "image/heic",
    "application/pdf",
    "application/zip",
    "application/octet-stream",
)
_DISPOSITION = 'Names the file: attachment; filename="scan.png" (UTF-8). Without it: the parameter filename, or "file".'
_SCHEMAS = {
    "application/json": {"type": "object"},
    "*/*": {"type": "string", "format": "binary"},
}
_SHARED_HEADERS = {
    "ETag": {"schema": {"type": "string"}, "description": "Of these bytes; changes when they do."},
    "Cache-Control": {"schema": {"type": "string"}, "description": "How long a browser or proxy may keep it."},
}
_SECURITY: dict[Access, list[dict[str, list[str]]]] = {
    Access.PUBLIC: [],
    Access.SIGNED_IN: [{"token": []}],
    Access.DEPARTMENT: [{"departmentKey": []}, {"token": []}],
    Access.HALL: [{"token": []}],
    Access.PROVIDER: [{"providerSignature": []}],
}


@cache
def description() -> bytes:
    """The whole of it as JSON, made once."""
    return orjson.dumps(build().to_dict())


def build() -> APISpec:
    """OpenAPI 3.0.3."""
    plugin = MarshmallowPlugin(schema_name_resolver=_name)
    spec = APISpec(TITLE, "1.0.0", "3.0.3", info={"description": ABOUT}, plugins=[plugin])
    assert plugin.converter is not None
    plugin.map_to_openapi_type(Instant, "string", "date-time")  # type: ignore[no-untyped-call]
    for name, scheme in _schemes().items():
        spec.components.security_scheme(name, scheme)
    for route in ROUTES:
        spec.path(route.path, operations={route.method.lower(): _operation(route)})
    return spec


def _schemes() -> dict[str, dict[str, Any]]:
    return {
        "token": {"type": "http", "scheme": "bearer", "description": "`token` of POST /api/v1/sessions."},
        "departmentKey": {"type": "http", "scheme": "basic", "description": "Organ code and key of a department."},
        "providerSignature": {
            "type": "apiKey",
            "in": "header",
            "name": "X-Yichuang-Signature",
            "description": "HMAC-SHA256 (hex) over X-Yichuang-Timestamp, a full stop and the body.",
        },
    }


def _name(schema: Any) -> str:
    """`filing.Draft`: two contracts may use one name. With a member left out it is another schema.

    But for `as_of`, which is never public.
    """
    cls: Any = resolve_schema_cls(schema)
    module = cls.__module__.rpartition(".")[2]
    left_out = sorted({*schema.exclude} - {"as_of"}) if isinstance(schema, ma.Schema) else []
    return "-without-".join([f"{module}.{cls.__name__}", *left_out])


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.tag],
        "x-access": route.access.value,
        "security": _SECURITY[route.access],
        "parameters": _parameters(route),
        "responses": _responses(route),
    }
    if route.body is not None:
        operation["requestBody"] = {"required": route.checker.validate({}) != {}, "content": _content(route)}
    return operation


def _parameters(route: Route) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"in": "path", "name": name, "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    if route.query is not None:
        found.append({"in": "query", "schema": route.query})
    if route.service:
        found.append(_header("Accept-Language", {"type": "string", "example": "zh-Hans"}))
    if route.shared:
        found.append(_header("If-None-Match", {"type": "string"}, "ETags that the caller has."))
    if route.takes_key:
        found.append(_header("Idempotency-Key", {"type": "string", "minLength": 1, "maxLength": 128}, _KEY))
    if route.takes_file:
        name = {"type": "string", "maxLength": 200}
        found.append(_header("Content-Disposition", {"type": "string"}, _DISPOSITION))
        found.append(
            {"in": "query", "name": "filename", "schema": name, "description": "Names a file sent as the body."}
        )
    if route.access is Access.PROVIDER:
        found.append({**_header("X-Yichuang-Timestamp", {"type": "string"}), "required": True})
    return found


def _header(name: str, schema: dict[str, Any], about: str = "") -> dict[str, Any]:
    described = {"description": about} if about else {}
    return {"in": "header", "name": name, "required": False, "schema": schema, **described}


def _content(route: Route) -> dict[str, Any]:
    content: dict[str, Any] = {media: {"schema": route.body} for media in route.types}
    if route.takes_file:
        content |= {media: {"schema": {"type": "string", "format": "binary"}} for media in _FILE_TYPES}
    return content


def _responses(route: Route) -> dict[str, Any]:
    if route.status == 204:
        done: dict[str, Any] = {"description": "Done."}
    else:
        schema = route.answer if route.answer is not None else _SCHEMAS.get(route.serves, {"type": "string"})
        done = {"description": "Done.", "content": {route.serves: {"schema": schema}}}
        if route.events is not None:
            done["content"]["text/event-stream"] = {"schema": route.events}
    problem = {"description": "Refused.", "content": {CONTENT_TYPE: {"schema": Problem}}}
    others = {str(status): {**problem, "description": told} for status, told in route.others.items() if status >= 400}
    accepted = {str(status): {**done, "description": told} for status, told in route.others.items() if status < 400}
    if route.shared:
        done["headers"] = _SHARED_HEADERS
        accepted["304"] = {"description": "The caller has it already (If-None-Match)."}
    return {str(route.status): done, **accepted, **others, "default": problem}
