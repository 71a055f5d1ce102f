"""The catalogue as lists and searches see it: of one version, in memory, never changed.

Pure: built from what was read, by whoever read it. Rows are the items that are offered, in the order of lists.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
import orjson

from kernel.contracts.items import TYPES
from services.catalog.domain import categories
from services.catalog.domain.facets import Facets, Rows, Value
from services.catalog.domain.listing import terms
from services.catalog.domain.rows import Contents, DepartmentRow, Json, ListedRow
from services.catalog.domain.search import ANALYSIS, EnglishIndex, Entry, SearchIndex, analyse, normalise

KINDS = ("theme", "life_event", "group", "activity")
FACETS = ("audience", *KINDS, "department", "online", "bookable")

_FIXED = {
    "audience": [Value("individual", "个人", "Individuals"), Value("enterprise", "企业", "Enterprises")],
    "online": [Value("true", "可网上办理", "Online"), Value("false", "窗口办理", "At a window")],
    "bookable": [Value("true", "可预约", "Can be booked"), Value("false", "不可预约", "Can't be booked")],
}
# Of an item's listing, what is for us alone.
_UNSHOWN = ("categories", "everyday_names", "organ_code", "area")


class Snapshot:
    """One version of the catalogue. Safe to share: nothing of it changes."""

    def __init__(self, contents: Contents) -> None:
        self.version = contents.version
        self.departments = sorted(contents.departments, key=lambda row: (row.place, row.code))
        self.halls = contents.halls
        self._by_department = {department.code: department for department in self.departments}
        items = _in_order(contents.items, self.departments)
        self.names = [item.name for item in items]
        self.row_of = {item.code: row for row, item in enumerate(items)}
        self._listings = [item.listing for item in items]
        self.facets = _facets(items, self.departments)
        self.index = SearchIndex(map(self._terms, items), self.names)
        self.english = EnglishIndex(orjson.loads(item.listing)["name_en"] for item in items)
        self.department_index = _index([Entry(department.name) for department in self.departments])
        # People name halls by where they are.
        self.hall_index = _index([Entry(hall["name"], (hall["area_name"], hall["address"])) for hall in self.halls])

    def __len__(self) -> int:
        return len(self.names)

    def all_rows(self) -> Rows:
        """Every item, in the order of lists."""
        return np.arange(len(self.names), dtype=np.int32)

    def summary(self, row: int) -> Json:
        """An item as it stands in a list (`kernel.contracts.items.ItemSummary`)."""
        listing: Json = orjson.loads(self._listings[row])
        department = self._by_department[listing["department"]]
        shown = {name: value for name, value in listing.items() if name not in _UNSHOWN}
        return {**shown, "type_name": TYPES.get(listing["type"]), "department": department.shown()}

    def departments_named(self, text: str) -> list[DepartmentRow]:
        """Those that have this code, or this (simplified) name, or that published items under this organ code."""
        named = [row for row in self.departments if text in (row.code, row.name)]
        return named or [row for row in self.departments if text in row.organ_codes]

    def departments_called(self, text: str) -> list[DepartmentRow]:
        """Those whose whole name a query says, with the level of who bears it (区民政局) or without."""
        asked = normalise(text)
        return [row for row in self.departments if asked in _called(row.name)]

    def _terms(self, item: ListedRow) -> str:
        """Its analysed terms; made anew where another version of the analysis made them."""
        if item.terms.startswith(f"{ANALYSIS}|"):
            return item.terms
        return terms(orjson.loads(item.listing), self._by_department[item.department].name)


@lru_cache(maxsize=10_000)
def _called(name: str) -> tuple[str, ...]:
    whole = normalise(name)
    return (whole, whole[1:]) if whole[:1] in "省市区县" else (whole,)


def _in_order(items: Iterable[ListedRow], departments: list[DepartmentRow]) -> list[ListedRow]:
    place = {department.code: at for at, department in enumerate(departments)}
    return sorted(items, key=lambda item: (place[item.department], item.name, item.code))


def _facets(items: list[ListedRow], departments: list[DepartmentRow]) -> Facets:
    coded: dict[str, Sequence[categories.Category | DepartmentRow]] = {
        **{kind: [one for one in categories.CATEGORIES if one.kind == kind] for kind in KINDS},
        "department": departments,
    }
    values = {name: [Value(one.code, one.name, one.name_en) for one in given] for name, given in coded.items()}
    return Facets({name: {**_FIXED, **values}[name] for name in FACETS}, map(_values, items))


def _values(item: ListedRow) -> list[tuple[str, str]]:
    """What an item has, by filter."""
    listing = orjson.loads(item.listing)
    return [
        *(("audience", audience) for audience in listing["audience"]),
        *((categories.BY_CODE[code].kind, code) for code in listing["categories"] if code in categories.BY_CODE),
        ("department", item.department),
        *((name, _said(listing[name])) for name in ("online", "bookable")),
    ]


def _said(flag: bool) -> str:
    return "true" if flag else "false"


def _index(entries: list[Entry]) -> SearchIndex:
    return SearchIndex(map(analyse, entries), [entry.name for entry in entries])
