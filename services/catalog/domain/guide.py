"""The guide (办事指南) of an item, and its form: what was imported of it, with what catalog knows beside it. Pure."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from kernel.clock import format_time, from_micros
from kernel.contracts.items import TYPES
from kernel.traditional import to_traditional
from services.catalog.domain import categories, printing
from services.catalog.domain.listing import fee
from services.catalog.domain.rows import FileRow, ItemRow

Json = dict[str, Any]

HREF = "/api/v1/items/"

# Made when they are asked for, of every item that has fields, unless the item has files of these names.
RENDERED: dict[str, tuple[str, Callable[[Json], str]]] = {
    "blank-form.html": ("申请表（空表）", printing.blank_form),
    "sample-form.html": ("申请表（样表）", printing.sample_form),
}

# What filing keeps of an item (`kernel.contracts.items.ItemForm`).
_FORM = (
    "code",
    "name",
    "name_en",
    "version",
    "department",
    "kind",
    "statutory_limit",
    "promised_limit",
    "deemed_acceptance",
    "extension_working_days",
    "fields",
    "materials",
    "window",
)


def is_current(row: ItemRow) -> bool:
    """Whether this is what people can file now."""
    return row.version == row.newest and row.retired_at is None


def guide(row: ItemRow) -> Json:
    """Everything about the item (`kernel.contracts.items.Item`)."""
    document = row.document
    return {
        **document,
        "version": row.version,
        "current": is_current(row),
        "updated_at": format_time(from_micros(row.made_at)),
        "type_name": TYPES.get(document["type"]),
        "department": row.department.shown(),
        "categories": _categories(document["categories"]),
        "window": _window(document),
        "fee": fee(document),
        "files": _files(row),
        "links": _links(row),
    }


def form(row: ItemRow) -> Json:
    """What filing needs to take an application (`kernel.contracts.items.ItemForm`)."""
    known = {
        **row.document,
        "version": row.version,
        "department": row.department.shown(),
        "window": _window(row.document),
    }
    return {name: known[name] for name in _FORM}


def rendered(row: ItemRow, name: str, language: str = "zh-Hans") -> bytes | None:
    """A form to print, HTML in UTF-8, in Chinese of either kind; None if the item has none of this name."""
    if name not in _rendered(row):
        return None
    _, make = RENDERED[name]
    known = {**row.document, "version": row.version, "department": row.department.shown()}
    page = make(known)
    if language == "zh-Hant":
        page = to_traditional(page).replace('lang="zh-Hans"', 'lang="zh-Hant"')
    return page.encode()


def _rendered(row: ItemRow) -> list[str]:
    stored = {file.name for file in row.files}
    return [name for name in RENDERED if name not in stored] if row.document["fields"] else []


def _files(row: ItemRow) -> list[Json]:
    made = [FileRow(name, RENDERED[name][0], printing.MEDIA_TYPE, _size(row, name)) for name in _rendered(row)]
    return [_file(row.code, file) for file in (*row.files, *made)]


def _size(row: ItemRow, name: str) -> int:
    return len(rendered(row, name) or b"")


def _file(code: str, file: FileRow) -> Json:
    return {
        "name": file.name,
        "title": file.title,
        "media_type": file.media_type,
        "size": file.size,
        "href": f"{HREF}{code}/files/{file.name}",
    }


def _links(row: ItemRow) -> dict[str, str | None]:
    files_online = row.document["online"] and is_current(row)
    return {
        "file_online": "/api/v1/drafts" if files_online else None,
        "progress": "/api/v1/progress/{serial}",
        "result": "/api/v1/progress/{serial}",
        "ask": None,
        "book": f"/api/v1/halls?item={row.code}" if row.document["bookable"] and is_current(row) else None,
    }


def _window(document: Json) -> Json | None:
    return document["windows"][0] if document["windows"] else None


def _categories(named: list[str]) -> list[Json]:
    found = {category.code: category for text in named for category in categories.find(text)}
    return [asdict(category) for category in found.values()]
