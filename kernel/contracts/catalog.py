"""What catalog is asked and what it answers: items, guides, departments, categories, halls, and the search over them.

Public: the gateway describes its routes with these. Every answer says in `as_of` which version of the catalogue it was
taken from; the gateway keeps no answer that is older than the last change it heard of, and shows the rest without it.
"""

import marshmallow as ma
from marshmallow import fields, validate

from kernel.contracts.accounts import LANGUAGES, Principal, Request
from kernel.contracts.halls import LEVELS, Hall, HallSummary
from kernel.contracts.items import AUDIENCES, Category, Department, Item, ItemSummary
from kernel.contracts.standing import Relayed, Sized
from kernel.contracts.values import CODE_LENGTH, FILE_NAME
from kernel.errors import Refusal

MAX_PAGE_SIZE = 100
LONGEST_QUERY = 200  # characters of a query; who wants to find something says less


class UnknownItem(Refusal):
    """No item of this code was ever offered."""

    code = "unknown_item"
    status = 404
    zh = "没有找到该事项：{item}。"
    en = "There is no service item {item}."


class UnknownItemVersion(Refusal):
    """The item is there, and never had a version of this number."""

    code = "unknown_item_version"
    status = 404
    zh = "该事项没有第{version}版：{item}。"
    en = "The service item {item} has no version {version}."


class RetiredItem(Refusal):
    """The item is no longer offered. Cases filed under it go on."""

    code = "retired_item"
    status = 410
    zh = "事项“{name}”（{item}）已于{day}取消，不再受理新的申请。"
    en = "The service item {name} ({item}) was retired on {day}; nothing new can be filed under it."


class NotOnline(Refusal):
    """The item can't be filed online; the guide says where to go."""

    code = "not_online"
    status = 409
    zh = "事项“{name}”尚未开通网上办理，请到窗口办理。"
    en = "The service item {name} can't be filed online; please go to its window."


class UnknownDepartment(Refusal):
    code = "unknown_department"
    status = 404
    zh = "没有找到该部门：{department}。"
    en = "There is no department {department}."


class UnknownHall(Refusal):
    code = "unknown_hall"
    status = 404
    zh = "没有找到该大厅：{hall}。"
    en = "There is no hall {hall}."


class UnknownFile(Refusal):
    code = "unknown_file"
    status = 404
    zh = "该事项没有名为“{file}”的文件。"
    en = "The item has no file {file}."


# A filter that names a category or a department that does not exist: an empty list would look like an answer.
NO_SUCH_VALUE = "No such value."
NO_AREA = "Neither digits of an area code nor a name."
NOTHING_ASKED = "Says nothing to search for."


class Asked(Request):
    principal = fields.Nested(Principal, load_default=None, allow_none=True)
    language = fields.String(load_default="zh-Hans", validate=validate.OneOf(LANGUAGES))


class _Paged(Asked):
    page = fields.Integer(load_default=1, validate=validate.Range(1, 1_000_000))
    page_size = fields.Integer(load_default=20, validate=validate.Range(1, MAX_PAGE_SIZE))


def _query() -> fields.String:
    return fields.String(load_default="", validate=validate.Length(max=LONGEST_QUERY))


def _filter() -> fields.String:
    return fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 64))


class ItemsAsked(_Paged):
    """RPC `items` (→ ItemPage). Filters hold together; categories are named by code or name.

    Without `q` in the order of departments and names; with it the best first. Raises InvalidInput (NO_SUCH_VALUE).
    """

    q = _query()
    audience = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(AUDIENCES))
    theme = _filter()
    life_event = _filter()
    group = _filter()
    activity = _filter()
    department = _filter()
    online = fields.Boolean(load_default=None, allow_none=True)
    bookable = fields.Boolean(load_default=None, allow_none=True)


class SearchAsked(_Paged):
    """RPC `search` (→ SearchPage): one search over items, departments and halls."""

    q = _query()


class HotAsked(Asked):
    """RPC `hot_items` (→ HotPage): what was filed most in the last 30 days."""

    page_size = fields.Integer(load_default=10, validate=validate.Range(1, MAX_PAGE_SIZE))


class ItemAsked(Asked):
    """RPC `item` (→ Item). Raises UnknownItem, UnknownItemVersion, RetiredItem; a `version` asked for is shown."""

    code = fields.String(required=True, validate=CODE_LENGTH)
    version = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(1, 1_000_000))


class ItemFormAsked(Asked):
    """RPC `item_form` (→ kernel.contracts.items.ItemForm). Raises UnknownItem, RetiredItem, NotOnline."""

    code = fields.String(required=True, validate=CODE_LENGTH)


class FileAsked(Asked):
    """RPC `file` (→ File). Raises UnknownItem, UnknownFile."""

    code = fields.String(required=True, validate=CODE_LENGTH)
    file = fields.String(required=True, validate=FILE_NAME)


class DepartmentsAsked(Asked):
    """RPC `departments` (→ DepartmentList)."""


class DepartmentAsked(_Paged):
    """RPC `department` (→ DepartmentPage): by its code, or one of its organ codes. Raises UnknownDepartment."""

    department = fields.String(required=True, validate=CODE_LENGTH)


class CategoriesAsked(Asked):
    """RPC `categories` (→ CategoryList)."""


class HallsAsked(_Paged):
    """RPC `halls` (→ HallPage). `area`: the start of an area code, or a part of its name. Raises InvalidInput.

    `item`: only halls that handle it; none for an item that is not offered.
    """

    q = _query()
    area = _filter()
    item = fields.String(load_default=None, allow_none=True, validate=CODE_LENGTH)
    level = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(LEVELS))


class BookableHallsAsked(Request):
    """RPC `bookable_halls` (→ BookableHalls), for appointment."""

    page = fields.Integer(load_default=1, validate=validate.Range(1, 1_000_000))
    page_size = fields.Integer(load_default=20, validate=validate.Range(1, MAX_PAGE_SIZE))


class HallAsked(Asked):
    """RPC `hall` (→ HallAnswer). Raises UnknownHall."""

    hall = fields.String(required=True, validate=CODE_LENGTH)


class _Answer(ma.Schema):
    as_of = fields.Integer(required=True, metadata={"description": "version of the catalogue"})


class _Page(_Answer):
    total = fields.Integer(required=True)
    page = fields.Integer(required=True)
    page_size = fields.Integer(required=True)


class DepartmentCounted(Department):
    items = fields.Integer(required=True, metadata={"description": "how many items it offers"})


class DepartmentList(_Answer):
    items = fields.List(fields.Nested(DepartmentCounted), required=True)
    total = fields.Integer(required=True)


class FacetValue(ma.Schema):
    """One value that a list can be narrowed to, and how many of the present list would be left."""

    value = fields.String(required=True)
    name = fields.String(required=True)
    name_en = fields.String(required=True)
    count = fields.Integer(required=True)


class Facets(ma.Schema):
    """By filter. What nothing in the list has is left out."""

    audience = fields.List(fields.Nested(FacetValue), required=True)
    theme = fields.List(fields.Nested(FacetValue), required=True)
    life_event = fields.List(fields.Nested(FacetValue), required=True)
    group = fields.List(fields.Nested(FacetValue), required=True)
    activity = fields.List(fields.Nested(FacetValue), required=True)
    department = fields.List(fields.Nested(FacetValue), required=True)
    online = fields.List(fields.Nested(FacetValue), required=True)
    bookable = fields.List(fields.Nested(FacetValue), required=True)


class ItemPage(_Page):
    """`did_you_mean`: another query that fits better, null where this one does."""

    items = fields.List(fields.Nested(ItemSummary), required=True)
    facets = fields.Nested(Facets, required=True)
    did_you_mean = fields.String(required=True, allow_none=True)


class SearchPage(ItemPage):
    """The items, page by page, and on every page the departments and halls that fit."""

    departments = fields.List(fields.Nested(DepartmentCounted), required=True)
    halls = fields.List(fields.Nested(HallSummary), required=True)


class DepartmentPage(_Page):
    """The department's page: all its items (F5)."""

    department = fields.Nested(Department, required=True)
    organ_codes = fields.List(fields.String(), required=True)
    items = fields.List(fields.Nested(ItemSummary), required=True)


class HotItem(ItemSummary):
    filed = fields.Integer(required=True, metadata={"description": "filings in the last 30 days"})


class HotPage(_Page):
    items = fields.List(fields.Nested(HotItem), required=True)


class ItemAnswer(Item, _Answer):
    pass


class CategoryCounted(Category):
    items = fields.Integer(required=True)


class CategoryList(_Answer):
    items = fields.List(fields.Nested(CategoryCounted), required=True)
    total = fields.Integer(required=True)


class HallPage(_Page):
    items = fields.List(fields.Nested(HallSummary), required=True)


class BookableUnit(ma.Schema):
    """A unit of a hall; `items`: codes of what it handles that can be booked."""

    name = fields.String(required=True)
    items = fields.List(fields.String(), required=True)


class BookableHall(ma.Schema):
    id = fields.String(required=True)
    name = fields.String(required=True)
    units = fields.List(fields.Nested(BookableUnit), required=True)


class BookableHalls(_Page):
    """All halls, also those where nothing can be booked."""

    items = fields.List(fields.Nested(BookableHall), required=True)


class HallAnswer(Hall, _Answer):
    pass


class File(_Answer):
    """A file; `content` is base64."""

    name = fields.String(required=True)
    media_type = fields.String(required=True)
    content = fields.String(required=True)


class Status(Sized):
    """RPC `status`: versions, and how far the case log has been read for hot items."""

    version = fields.Integer(required=True)  # of the catalogue
    searched = fields.Integer(required=True)  # the version that lists and searches are answered from
    items = fields.Integer(required=True)
    consumer = fields.String(required=True)
    checkpoint = fields.Integer(required=True)
    head = fields.Integer(required=True)
    oldest_unprocessed_seconds = fields.Float(required=True)
    parked = fields.Integer(required=True)
    relay = fields.Nested(Relayed, required=True)
