"""What of an item stands in lists, and what of it is searched. Made once, when an item changes."""

from collections.abc import Mapping
from typing import Any

from services.catalog.domain.categories import BY_CODE
from services.catalog.domain.search import Entry, analyse

_TAKEN = (
    "code",
    "name",
    "name_en",
    "plain_name",
    "type",
    "kind",
    "audience",
    "department",
    "statutory_limit",
    "promised_limit",
    "charged",
    "online",
    "bookable",
    "sample",
    "categories",
    "everyday_names",
    "organ_code",
    "area",
)


def listing(document: Mapping[str, Any]) -> dict[str, Any]:
    """The members of ItemSummary, the department as its code, and what lists are filtered by."""
    windows = document["windows"]
    return {
        **{name: document[name] for name in _TAKEN},
        "fee": fee(document),
        "place": windows[0] if windows else None,
    }


def fee(document: Mapping[str, Any]) -> str | None:
    """What it costs, in a sentence; None where it is not known whether it costs anything."""
    if document["charged"] is None:
        return None
    if not document["charged"]:
        return "不收费"
    return "；".join(map(_charge, document["fees"])) or "收费"


def _charge(one: Mapping[str, Any]) -> str:
    if one["amount"] is None:
        return f"{one['name']}：{one['note']}" if one["note"] else str(one["name"])
    unit = f"/{one['unit']}" if one["unit"] else ""
    return f"{one['name']}{one['amount']}元{unit}"


def terms(document: Mapping[str, Any], department: str) -> str:
    """What the search finds the item by. `department`: its name."""
    categories = (BY_CODE[code].name for code in document["categories"])
    everyday = (document["plain_name"], *document["everyday_names"])
    entry = Entry(
        name=document["name"],
        everyday=tuple(name for name in everyday if name),
        about=(department, *categories),
    )
    return analyse(entry)
