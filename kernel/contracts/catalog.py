"""What catalog is asked and what it answers: service items (事项) and the departments that handle them.

Public: the gateway describes its routes with these. Limits are of the item's kind of day; lengths are characters.
"""

import marshmallow as ma
from marshmallow import fields, validate

from kernel.contracts.accounts import LANGUAGES, Principal, Request
from kernel.errors import Refusal

AUDIENCES = ["individual", "enterprise"]
UNITS = ["working_days", "natural_days"]
FIELD_TYPES = ["text", "date", "integer", "boolean"]
MAX_PAGE_SIZE = 100

_CODE = validate.Length(1, 64)


class UnknownItem(Refusal):
    """No item of this code is offered."""

    code = "unknown_item"
    status = 404
    zh = "没有找到该事项：{item}。"
    en = "There is no service item {item}."


class _Asked(Request):
    principal = fields.Nested(Principal, load_default=None, allow_none=True)
    language = fields.String(load_default="zh-Hans", validate=validate.OneOf(LANGUAGES))


class ItemsAsked(_Asked):
    """RPC `items` (→ ItemPage)."""

    page = fields.Integer(load_default=1, validate=validate.Range(1, 1_000_000))
    page_size = fields.Integer(load_default=20, validate=validate.Range(1, MAX_PAGE_SIZE))


class ItemAsked(_Asked):
    """RPC `item` (→ Item). Raises UnknownItem."""

    code = fields.String(required=True, validate=_CODE)


class DepartmentsAsked(_Asked):
    """RPC `departments` (→ DepartmentList)."""


class Department(ma.Schema):
    """An organ. `code` is its unified social credit code (GB 32100-2015), the name it has on every exchange."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    name_en = fields.String(required=True)


class DepartmentList(ma.Schema):
    items = fields.List(fields.Nested(Department), required=True)
    total = fields.Integer(required=True)


class Limit(ma.Schema):
    """A time limit. Counting starts the day after (民法典 201); working days are those of 行政许可法 82."""

    amount = fields.Integer(required=True, strict=True, validate=validate.Range(0, 3660))
    unit = fields.String(required=True, validate=validate.OneOf(UNITS))


class FormField(ma.Schema):
    """One question of the form. `max_length` counts characters and holds for texts."""

    name = fields.String(required=True, validate=validate.Regexp(r"[a-z][a-z0-9_]{0,63}\Z"))
    label = fields.String(required=True)
    type = fields.String(required=True, validate=validate.OneOf(FIELD_TYPES))
    required = fields.Boolean(required=True)
    max_length = fields.Integer(required=True, strict=True, validate=validate.Range(1, 10_000))


class MaterialAsked(ma.Schema):
    """A paper to hand in. `waivable` (容缺): the case may be filed without it, and it is handed in later."""

    code = fields.String(required=True, validate=validate.Regexp(r"[a-z0-9][a-z0-9-]{0,63}\Z"))
    name = fields.String(required=True)
    required = fields.Boolean(required=True)
    waivable = fields.Boolean(required=True)


class Window(ma.Schema):
    """Where a person can go instead. `sample` marks a place that stands in for a real one.

    `phone` is null where none is known; hours that stand in for real ones end in （样例）.
    """

    name = fields.String(required=True)
    address = fields.String(required=True)
    hours = fields.String(required=True)
    phone = fields.String(required=True, allow_none=True)
    sample = fields.Boolean(required=True)


class ItemSummary(ma.Schema):
    """An item as it stands in a list."""

    code = fields.String(required=True, metadata={"description": "实施编码, 31 characters"})
    name = fields.String(required=True)
    name_en = fields.String(required=True)
    plain_name = fields.String(required=True, metadata={"description": "日常用语"})
    kind = fields.String(required=True, validate=validate.OneOf(["immediate", "promised"]))
    audience = fields.List(fields.String(validate=validate.OneOf(AUDIENCES)), required=True)
    department = fields.Nested(Department, required=True)
    statutory_limit = fields.Nested(Limit, required=True, allow_none=True)
    promised_limit = fields.Nested(Limit, required=True, allow_none=True)


class Item(ItemSummary):
    """An item, complete enough to file. A draft keeps the version that it was opened with.

    `deemed_acceptance`: silence after five working days counts as acceptance (行政许可法 32).
    `extension_working_days`: by how much the head of the organ may lengthen the limit, once (行政许可法 42).
    """

    version = fields.Integer(required=True, strict=True, validate=validate.Range(1))
    deemed_acceptance = fields.Boolean(required=True)
    extension_working_days = fields.Integer(required=True, strict=True, validate=validate.Range(0, 366))
    fields_ = fields.List(fields.Nested(FormField), required=True, data_key="fields")
    materials = fields.List(fields.Nested(MaterialAsked), required=True)
    window = fields.Nested(Window, required=True)


class ItemPage(ma.Schema):
    items = fields.List(fields.Nested(ItemSummary), required=True)
    total = fields.Integer(required=True)
    page = fields.Integer(required=True)
    page_size = fields.Integer(required=True)
