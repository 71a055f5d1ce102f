"""What the columns of a catalogue's CSV file mean: cells to elements of an item, and back.

A cell that can't be read raises ValueError with the reason; lengths and values are the schema's business.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kernel.contracts.items import TYPES, UNITS

REQUIRED = ("department", "category", "name", "item_code", "item_type", "organ_code", "area_code")

LONGEST_NAME = 200  # characters of a department's name

_YES = {"yes", "true", "1", "是"}
_NO = {"no", "false", "0", "否"}
_KINDS = {"即办件": "immediate", "承诺件": "promised"}
_AUDIENCES = {"个人": "individual", "自然人": "individual", "企业": "enterprise", "法人": "enterprise"}
_UNITS = {
    "": "working_days",
    "工作日": "working_days",
    "个工作日": "working_days",
    "日": "natural_days",
    "天": "natural_days",
    "个自然日": "natural_days",
    "自然日": "natural_days",
} | {unit: unit for unit in UNITS}
_LIMIT = re.compile(r"(\d{1,6}) *(\D*)")
_AREA = re.compile(r"\d{6}(\d{3}|\d{6})?")
_BY_TYPE_NAME = {name: code for code, name in TYPES.items()}


@dataclass(frozen=True)
class Column:
    """`member`: the element's name. `read` takes a stripped cell, `write` what the element holds."""

    member: str
    read: Callable[[str], Any]
    write: Callable[[Any], str]


def _text(cell: str) -> str:
    return cell


def _type(cell: str) -> str | None:
    if not cell:
        return None
    code = _BY_TYPE_NAME.get(cell, cell.zfill(2))
    if code not in TYPES:
        raise ValueError(f"no type of items: there are {', '.join(code.lstrip('0') for code in TYPES)}")
    return code


def _write_type(code: str | None) -> str:
    return (code or "").lstrip("0")


def _area(cell: str) -> str:
    if cell and not _AREA.fullmatch(cell):
        raise ValueError("no area code: 6, 9 or 12 digits")
    return cell


def is_area(cells: Mapping[str, str]) -> bool:
    """Whether the row's area code can be one."""
    return not cells["area_code"] or _AREA.fullmatch(cells["area_code"]) is not None


def _yes(cell: str) -> bool:
    found = _charged(cell)
    return bool(found)


def _charged(cell: str) -> bool | None:
    if not cell:
        return None
    if cell.lower() not in _YES | _NO:
        raise ValueError("neither yes nor no")
    return cell.lower() in _YES


def _write_yes(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def _limit(cell: str) -> dict[str, Any] | None:
    if not cell:
        return None
    found = _LIMIT.fullmatch(cell)
    if found is None or found[2] not in _UNITS:
        raise ValueError("no limit: a number of working days, or a number and working_days or natural_days")
    return {"amount": int(found[1]), "unit": _UNITS[found[2]]}


def _write_limit(limit: Mapping[str, Any] | None) -> str:
    return "" if limit is None else f"{limit['amount']} {limit['unit']}"


def _kind(cell: str) -> str | None:
    return _KINDS.get(cell, cell) or None


def _listed(separators: str) -> Callable[[str], list[str]]:
    cut = re.compile(f"[{separators}]")
    return lambda cell: [part.strip() for part in cut.split(cell) if part.strip()]


def _joined(by: str) -> Callable[[Any], str]:
    return lambda texts: by.join(texts)


def _audiences(cell: str) -> list[str]:
    return [_AUDIENCES.get(part, part) for part in _listed(";；、,")(cell)]


def _plain(name: str) -> Column:
    return Column(name, _text, str)


# Those of REQUIRED that are not here, department and category, are looked up by whoever imports.
COLUMNS: dict[str, Column] = {
    "name": _plain("name"),
    "item_code": _plain("code"),
    "item_type": Column("type", _type, _write_type),
    "organ_code": _plain("organ_code"),
    "area_code": Column("area", _area, str),
    "name_en": _plain("name_en"),
    "plain_name": _plain("plain_name"),
    "everyday_names": Column("everyday_names", _listed(";；、"), _joined(";")),
    "categories": Column("categories", _listed(";；、"), _joined(";")),
    "audience": Column("audience", _audiences, _joined(";")),
    "kind": Column("kind", _kind, lambda kind: kind or ""),
    "statutory_limit": Column("statutory_limit", _limit, _write_limit),
    "promised_limit": Column("promised_limit", _limit, _write_limit),
    "limit_note": _plain("limit_note"),
    "charged": Column("charged", _charged, _write_yes),
    "online": Column("online", _yes, _write_yes),
    "bookable": Column("bookable", _yes, _write_yes),
    "conditions": Column("conditions", _listed("\r\n"), _joined("\n")),
    "level": _plain("level"),
    "power_source": _plain("power_source"),
    "consultation": _plain("consultation"),
    "complaint": _plain("complaint"),
    "sample": Column("sample", _yes, _write_yes),
}
KNOWN = frozenset(REQUIRED) | frozenset(COLUMNS)
# In the order of an export.
ALL = (*REQUIRED, *(name for name in COLUMNS if name not in REQUIRED))
_ONE_LINE = frozenset(KNOWN) - {"conditions"}


def read(cells: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The elements that a row's cells say, and what is wrong by column; `department` and `category` left out."""
    said: dict[str, Any] = {}
    wrong: dict[str, list[str]] = {}
    for name, cell in cells.items():
        if "\n" in cell and name in _ONE_LINE:
            wrong[name] = ["holds a line break"]
        elif name in COLUMNS:
            try:
                said[COLUMNS[name].member] = COLUMNS[name].read(cell)
            except ValueError as error:
                wrong[name] = [str(error)]
    return said, wrong


def write(document: Mapping[str, Any]) -> dict[str, str]:
    """The inverse of `read`."""
    return {name: column.write(document[column.member]) for name, column in COLUMNS.items()}
