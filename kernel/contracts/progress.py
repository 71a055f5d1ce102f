"""What progress is asked and what it answers: the schemas of its RPC methods.

Public: the gateway checks answers against these and describes its routes with them. Nothing here holds personal data.
"""

from datetime import date

import marshmallow as ma
from marshmallow import fields, validate

from kernel.contracts.accounts import LANGUAGES, Principal, Request
from kernel.contracts.case import FACTS
from kernel.contracts.envelope import Instant
from kernel.contracts.lifecycle import State
from kernel.contracts.standing import Sized
from kernel.errors import Refusal

MAX_WAIT = 2.0  # seconds that `await_position` may be asked to wait
MAX_PAGE_SIZE = 100

_CODE = validate.Length(1, 64)
_DAY = validate.Range(date(2000, 1, 1), date(2999, 12, 31))


class UnknownCase(Refusal):
    """No such case, or not with this code, or not yours: one answer, so that nobody learns which serials exist."""

    code = "unknown_case"
    status = 404
    zh = "没有找到该办件，请核对流水号和查询密码。"
    en = "No such case; please check the serial number and the query code."


class _Asked(Request):
    language = fields.String(load_default="zh-Hans", validate=validate.OneOf(LANGUAGES))


class ByQueryCode(_Asked):
    """`by_query_code`: a case for anybody who holds its serial and its query code."""

    serial = fields.String(required=True, validate=_CODE)
    code = fields.String(required=True, validate=_CODE)
    principal = fields.Nested(Principal, allow_none=True, load_default=None)


class OneCase(_Asked):
    """`case`: a case for its applicant, or for an officer of the organ that handles it."""

    principal = fields.Nested(Principal, required=True)
    serial = fields.String(required=True, validate=_CODE)


class OwnCases(_Asked):
    """`cases`: the caller's own cases, newest first. `filed_from` and `filed_to` are days in China, both included."""

    principal = fields.Nested(Principal, required=True)
    state = fields.String(load_default=None, validate=validate.OneOf([s.value for s in State if s is not State.NEW]))
    department = fields.String(load_default=None, validate=_CODE)
    filed_from = fields.Date(load_default=None, validate=_DAY)
    filed_to = fields.Date(load_default=None, validate=_DAY)
    page = fields.Integer(load_default=1, validate=validate.Range(1, 1_000_000))
    page_size = fields.Integer(load_default=20, validate=validate.Range(1, MAX_PAGE_SIZE))


class AwaitPosition(Request):
    """`await_position`: wait until what stands at `position` of the log can be seen here."""

    position = fields.Integer(required=True, validate=validate.Range(0))
    timeout = fields.Float(load_default=1.0, validate=validate.Range(0, MAX_WAIT))


class Reached(ma.Schema):
    reached = fields.Boolean(required=True)


class ItemRef(ma.Schema):
    """The service item as it was when the case was filed."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    version = fields.Integer(required=True)


class DepartmentRef(ma.Schema):
    code = fields.String(required=True)
    name = fields.String(required=True)


class CorrectionAsked(ma.Schema):
    """One thing to put right: a material or a field of the form, and what is wrong with it."""

    what = fields.String(required=True)
    material = fields.String()
    field = fields.String()


class Asked(ma.Schema):
    """What the applicant has to do while the case is `incomplete`."""

    corrections = fields.List(fields.Nested(CorrectionAsked), required=True)
    due = fields.Date(required=True, allow_none=True)


class Step(ma.Schema):
    """One entry of the timeline. `data` holds the event's public members, as the department wrote them."""

    type = fields.String(required=True, validate=validate.OneOf(list(FACTS)))
    text = fields.String(required=True)
    occurred_at = Instant(required=True)
    state = fields.String(required=True)
    data = fields.Dict(keys=fields.String(), required=True)


class CaseSummary(ma.Schema):
    """A case as it stands."""

    serial = fields.String(required=True)
    item = fields.Nested(ItemRef, required=True)
    department = fields.Nested(DepartmentRef, required=True)
    state = fields.String(required=True)
    state_text = fields.String(required=True)
    filed_at = Instant(required=True)
    updated_at = Instant(required=True)
    attempt = fields.Integer(required=True)
    statutory_due = fields.Date(required=True, allow_none=True)
    promised_due = fields.Date(required=True, allow_none=True)
    due_provisional = fields.Boolean(required=True)
    extended_working_days = fields.Integer(required=True, allow_none=True)
    asked = fields.Nested(Asked, required=True, allow_none=True)
    outcome = fields.String(required=True, allow_none=True)
    rating = fields.Integer(required=True, allow_none=True)


class CaseView(CaseSummary):
    """A case as it stands, and how it came to."""

    timeline = fields.List(fields.Nested(Step), required=True)


class CaseList(ma.Schema):
    items = fields.List(fields.Nested(CaseSummary), required=True)
    total = fields.Integer(required=True)
    page = fields.Integer(required=True)
    page_size = fields.Integer(required=True)


class Lag(ma.Schema):
    """How far a consumer of a log has come."""

    consumer = fields.String(required=True)
    checkpoint = fields.Integer(required=True)
    head = fields.Integer(required=True)
    oldest_unprocessed_seconds = fields.Float(required=True)
    parked = fields.Integer(required=True)


class Status(Lag, Sized):
    """RPC `status`."""
