"""A hall (政务服务中心) with its units, as it is imported and shown. Values only.

Longitude and latitude are degrees, GCJ-02 as Chinese maps have it.
"""

import marshmallow as ma
from marshmallow import fields, validate

from kernel.contracts.values import CODE_LENGTH, many, named, phone, text, texts, url

LEVELS = ["city", "district", "street"]


class HallUnit(ma.Schema):
    """A unit inside (进驻单位): where it is, when it is open, and what it handles (codes of items)."""

    name = named(100)
    department = fields.String(load_default=None, allow_none=True, validate=CODE_LENGTH)
    floor = text(50)
    windows = text(100)
    hours = text(300)
    phone = phone()
    items = texts(64, 2000)


class HallElements(ma.Schema):
    """A hall as it is imported (one object under `halls`)."""

    id = fields.String(required=True, validate=validate.Regexp(r"[a-z0-9][a-z0-9-]{0,63}\Z"))
    name = named()
    name_en = text(200)
    level = fields.String(required=True, validate=validate.OneOf(LEVELS))
    area = fields.String(  # GB/T 2260, 10114
        required=True,
        validate=validate.Regexp(r"\d{6}(\d{3}|\d{6})?\Z", error="Not 6, 9 or 12 digits."),
    )
    area_name = named(100)
    address = named(300)
    hours = named(300)
    phone = phone()
    transit = texts(500, 20)
    driving = texts(500, 20)
    longitude = fields.Float(load_default=None, allow_none=True, validate=validate.Range(73, 136))
    latitude = fields.Float(load_default=None, allow_none=True, validate=validate.Range(3, 54))
    map_url = url()
    website = url()
    email = fields.Email(load_default=None, allow_none=True)
    introduction = text(5000)
    units = many(HallUnit, 100)
    sample = fields.Boolean(load_default=False)


class HallSummary(ma.Schema):
    """A hall as it stands in a list."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    name_en = fields.String(required=True)
    level = fields.String(required=True, validate=validate.OneOf(LEVELS))
    area = fields.String(required=True)
    area_name = fields.String(required=True)
    address = fields.String(required=True)
    hours = fields.String(required=True)
    phone = fields.String(required=True, allow_none=True)
    map_url = fields.String(required=True, allow_none=True)
    sample = fields.Boolean(required=True)


class ItemNamed(ma.Schema):
    """An item by code and name; from here to its guide."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    name_en = fields.String(required=True)
    href = fields.String(required=True)


class HallUnitShown(HallUnit):
    """The same, its items by name. Those that were retired are left out."""

    items = fields.List(fields.Nested(ItemNamed), required=True)


class Hall(HallElements):
    """大厅详情."""

    units = fields.List(fields.Nested(HallUnitShown), required=True)
