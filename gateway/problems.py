"""Refusals as problem details (RFC 9457), worded in the caller's language. The only place where anything is worded.

Tells nothing about a fault of ours but its number.
"""

from typing import Any

import marshmallow as ma
import orjson
from marshmallow import fields
from werkzeug.wrappers import Response

from gateway.wording import worded
from kernel.errors import Refusal, ServiceSlow
from kernel.traditional import to_traditional

CONTENT_TYPE = "application/problem+json"

TITLES: dict[int, tuple[str, str]] = {
    400: ("请求有误", "Bad request"),
    401: ("需要登录", "Sign-in needed"),
    403: ("没有权限", "Not allowed"),
    404: ("没有找到", "Not found"),
    405: ("不支持该操作", "Method not allowed"),
    408: ("请求超时", "Request time-out"),
    409: ("与当前状态冲突", "Conflict"),
    410: ("不再提供", "Gone"),
    413: ("内容过大", "Content too large"),
    414: ("地址过长", "Address too long"),
    415: ("内容类型不支持", "Unsupported content type"),
    422: ("内容有误", "Content not valid"),
    429: ("请求过于频繁", "Too many requests"),
    431: ("请求头过大", "Header fields too large"),
    500: ("系统内部错误", "Internal error"),
    503: ("服务暂时不可用", "Service unavailable"),
    504: ("服务响应超时", "Service time-out"),
}

# Seconds after which it is worth trying again, where the refusal itself does not say.
_RETRY_AFTER = {503: 2, 504: 1}


def _about(what: str) -> dict[str, Any]:
    return {"metadata": {"description": what}}


class FieldError(ma.Schema):
    """What is wrong with one member of the body, or one parameter."""

    field = fields.String(required=True, **_about("Dotted path, such as data.reason; empty: the body as a whole."))
    message = fields.String(required=True)


class Problem(ma.Schema):
    """A problem. Beside the standard members it carries what its sentence speaks of, named as here; others may come."""

    class Meta:
        unknown = ma.INCLUDE

    type = fields.String(required=True, metadata={"example": "urn:yichuang:problem:invalid_input"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    instance = fields.String(required=True)
    code = fields.String(required=True)
    errors = fields.List(fields.Nested(FieldError), **_about("The bad fields (invalid_input)."))
    retry_after = fields.Integer(**_about("Seconds after which to try again."))
    error_id = fields.String(**_about("Number of a fault of ours; tell it to the hall."))
    service = fields.String(**_about("The service that is down or slow, for operators."))
    state = fields.String(**_about("Where the case stands (not_allowed_in_state)."))
    allowed = fields.List(fields.String(), **_about("Types of events that the state allows."))
    allowed_text = fields.String(**_about("The same, as the sentence has them."))
    what = fields.String(**_about("The part of the request that cannot be read (bad_request)."))
    why = fields.String(**_about("Why an event cannot be read (unreadable_event)."))
    limit = fields.Integer(**_about("Bytes that the body may have (too_large)."))
    maximum = fields.Integer(**_about("The most that is allowed: bytes of a material, working days of an extension."))
    supported = fields.String(**_about("Content types that are taken."))
    method = fields.String(**_about("The method that was tried."))
    methods = fields.String(**_about("The methods that there are."))
    key = fields.String(**_about("The Idempotency-Key that was used for another request (key_reused)."))
    item = fields.String(**_about("Code of a service item."))
    serial = fields.String(**_about("Serial of a case."))
    name = fields.String(**_about("The name that is taken."))
    material = fields.String(**_about("Code of a material."))
    materials = fields.List(fields.String(), **_about("Codes of the materials that are missing."))
    names = fields.String(**_about("Names of materials, or the codes that there are."))
    formats = fields.String(**_about("Formats of files that are taken."))
    id = fields.String(**_about("The event's id."))
    source = fields.String(**_about("The event's source."))
    member = fields.String(**_about("What does not agree with who is speaking: source or routing key."))
    speaker = fields.String(**_about("Who said it."))
    speakers = fields.String(**_about("Who may say it."))
    version = fields.Integer(**_about("The version of the type that was used."))
    versions = fields.String(**_about("The versions that are taken."))
    occurred_at = fields.DateTime(**_about("When it happened, as was said."))
    received_at = fields.DateTime(**_about("When the case was filed."))
    now = fields.DateTime(**_about("The hall's clock."))
    skew = fields.Integer(**_about("Seconds that a clock may be ahead of the hall's."))
    effective_on = fields.Date(**_about("The day that was said."))
    earliest = fields.Date(**_about("The first day that is possible."))
    latest = fields.Date(**_about("The last day that is possible."))
    working_days = fields.Integer(**_about("The working days that were asked for."))


class MayBeDone(ServiceSlow):
    """The same of a request that changes something: it may have been done all the same."""

    zh = "系统未能及时答复，您的请求可能已经办理。请重试；带有 Idempotency-Key 的，请用同一个，不会重复办理。"
    en = (
        "There was no answer in time; what you asked for may have been done all the same. Please try again; with the"
        " same Idempotency-Key, if you sent one, nothing is done twice."
    )


class BadRequest(Refusal):
    """The request as such cannot be read: `what` says which part of it."""

    code = "bad_request"
    zh = "请求无法识别（{what}）。"
    en = "The request cannot be read ({what})."


class InvalidJson(Refusal):
    """The body is not JSON in UTF-8, or nested beyond reason."""

    code = "invalid_json"
    zh = "请求正文不是有效的 JSON。"
    en = "The body is not valid JSON."


class NotSigned(Refusal):
    """A provider's receipt came without its signature."""

    code = "not_signed"
    status = 401
    zh = "回执缺少签名。"
    en = "The receipt is not signed."


class NothingHere(Refusal):
    """No route of this path."""

    code = "unknown_route"
    status = 404
    zh = "没有这个地址。"
    en = "There is nothing at this address."


class WrongMethod(Refusal):
    """The path exists, for other methods."""

    code = "method_not_allowed"
    status = 405
    zh = "该地址不支持 {method}，可用：{methods}。"
    en = "{method} is not possible here; use {methods}."


class TooSlow(Refusal):
    """The request's body did not arrive in time."""

    code = "request_timeout"
    status = 408
    zh = "请求内容未能及时送达。"
    en = "The request did not arrive in time."


class TooLarge(Refusal):
    """The body is longer than `limit` bytes."""

    code = "too_large"
    status = 413
    zh = "内容过大，上限为 {limit} 字节。"
    en = "The body is too large; the limit is {limit} bytes."


class UriTooLong(Refusal):
    """The request line is longer than can be read."""

    code = "uri_too_long"
    status = 414
    zh = "请求地址过长。"
    en = "The address is too long."


class WrongContentType(Refusal):
    """The body's Content-Type is none that the route takes."""

    code = "unsupported_content_type"
    status = 415
    zh = "不支持的内容类型，可用：{supported}。"
    en = "This content type is not supported; use {supported}."


class TooManyGuesses(Refusal):
    """Too many wrong query codes for one case from one address; `retry_after` in seconds."""

    code = "too_many_guesses"
    status = 429
    zh = "查询密码错误次数过多，请在 {retry_after} 秒后再试。"
    en = "Too many wrong query codes; please try again in {retry_after} seconds."


class TooOften(Refusal):
    """Too many requests of a kind from one address, or by one person; `retry_after` in seconds."""

    code = "too_often"
    status = 429
    zh = "操作过于频繁，请在 {retry_after} 秒后再试。"
    en = "That was asked too often; please try again in {retry_after} seconds."


class TooManyListeners(Refusal):
    """As many displays are fed by this process as it can feed."""

    code = "too_many_listeners"
    status = 503
    zh = "叫号屏连接数已满，请在 {retry_after} 秒后再试。"
    en = "Too many displays are connected; please try again in {retry_after} seconds."


class TooManyListenersThere(TooManyListeners):
    """As many displays are fed at one address as may be."""

    code = "too_many_listeners_there"
    status = 429
    zh = "该网络地址的叫号屏连接数已满，请在 {retry_after} 秒后再试。"
    en = "Too many displays are connected from this address; please try again in {retry_after} seconds."


class HeadersTooLarge(Refusal):
    """The header fields are longer than can be read."""

    code = "headers_too_large"
    status = 431
    zh = "请求头过大。"
    en = "The header fields are too large."


def told_to(refusal: Refusal, unsafe: bool) -> Refusal:
    """The refusal as it is told to who asked for something to be read, or (`unsafe`) to be changed."""
    return MayBeDone(**refusal.params) if unsafe and refusal.code == ServiceSlow.code else refusal


def problem(refusal: Refusal, language: str, request_id: str) -> dict[str, Any]:
    """The members of the problem; a refusal's own parameters stand beside the standard ones."""
    chinese, english = TITLES.get(refusal.status, TITLES[400])
    members = {
        "type": f"urn:yichuang:problem:{refusal.code}",
        "title": in_language(chinese, english, language),
        "status": refusal.status,
        "detail": in_language(refusal.sentence("zh"), refusal.sentence("en"), language),
        "instance": f"urn:yichuang:request:{request_id}",
        "code": refusal.code,
    }
    if refusal.errors:
        members["errors"] = [{**error, "message": worded(error["message"], language)} for error in refusal.errors]
    return {**refusal.params, **members}


def respond(refusal: Refusal, language: str, request_id: str) -> Response:
    """The problem as an answer, with the header fields that belong to its status."""
    body = orjson.dumps(problem(refusal, language, request_id), default=str)
    response = Response(body, refusal.status, content_type=CONTENT_TYPE)
    response.headers["Content-Language"] = language
    response.headers["Cache-Control"] = "no-store"
    retry_after = refusal.params.get("retry_after", _RETRY_AFTER.get(refusal.status))
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    if refusal.status == 405:
        response.headers["Allow"] = refusal.params["methods"]
    return response


def in_language(chinese: str, english: str, language: str) -> str:
    """One of two sentences, in traditional characters if the caller wishes."""
    if language == "en":
        return english
    return to_traditional(chinese) if language == "zh-Hant" else chinese
