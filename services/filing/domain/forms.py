"""The form of an item: what an applicant filled in, held against the fields that the item asks for.

Pure. Checks shape, never truth: what is said is for the department to examine.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import orjson

from kernel.contracts.filing import MAX_DATA_BYTES
from kernel.errors import InvalidInput

Data = dict[str, Any]


def merge(data: Mapping[str, Any], change: Mapping[str, Any]) -> Data:
    """`data` with the members of `change` put in; null takes one out. Raises InvalidInput over 64 KB."""
    merged = {**data, **change}
    kept = {name: value for name, value in merged.items() if value is not None}
    dump(kept)
    return kept


def dump(data: Mapping[str, Any]) -> bytes:
    """The data as JSON. Raises InvalidInput over 64 KB, or where a text is no Unicode or a number too large."""
    try:
        dumped = orjson.dumps(data)
    except orjson.JSONEncodeError:
        raise InvalidInput.from_messages({"data": ["Not valid JSON values."]}) from None
    if len(dumped) > MAX_DATA_BYTES:
        raise InvalidInput.from_messages({"data": [f"Longer than maximum length {MAX_DATA_BYTES}."]})
    return dumped


def check(fields: Sequence[Mapping[str, Any]], data: Mapping[str, Any]) -> None:
    """Raises InvalidInput that names every field that is missing, unknown, of the wrong type or too long."""
    wrong = {field["name"]: complaint for field in fields if (complaint := _complaint(field, data.get(field["name"])))}
    known = {field["name"] for field in fields}
    wrong |= {name: "Unknown field." for name in data if name not in known}
    if wrong:
        raise InvalidInput.from_messages({"data": {name: [complaint] for name, complaint in wrong.items()}})


def _complaint(field: Mapping[str, Any], value: Any) -> str | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return "Missing data for required field." if field["required"] else None
    if not _TYPES[field["type"]](value):
        return f"Not a valid {field['type']}."
    if isinstance(value, str) and len(value) > field["max_length"]:
        return f"Longer than maximum length {field['max_length']}."
    return None


def _is_date(value: Any) -> bool:
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


_TYPES: dict[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "date": _is_date,
}
