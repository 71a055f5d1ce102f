"""What is stored of the catalogue, as the rest of the service knows it. Values only."""

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class DepartmentRow:
    """An organ. `organ_codes`: others under which its items were published."""

    code: str
    name: str
    name_en: str
    organ_codes: tuple[str, ...] = ()
    place: int = 0  # in lists

    def shown(self) -> Json:
        """As `kernel.contracts.items.Department` has it."""
        return {"code": self.code, "name": self.name, "name_en": self.name_en}


@dataclass(frozen=True)
class ListedRow:
    """An item that is offered, as it stands in lists. `listing` is JSON (services.catalog.domain.listing)."""

    code: str
    name: str
    department: str
    listing: bytes
    terms: str


@dataclass(frozen=True)
class Contents:
    """All that lists are made of, of one version. Items and departments in no order, halls in theirs."""

    version: int
    items: list[ListedRow]
    departments: list[DepartmentRow]
    halls: list[Json]


@dataclass(frozen=True)
class FileRow:
    """A file of an item, without its content."""

    name: str
    title: str
    media_type: str
    size: int


@dataclass(frozen=True)
class ItemRow:
    """One version of an item. `document` is what was imported of it (`kernel.contracts.items.ItemElements`).

    `newest`: the last version there is, `version` the one asked for. `retired_at`, `made_at`: microseconds.
    """

    as_of: int
    code: str
    name: str
    version: int
    newest: int
    made_at: int
    retired_at: int | None
    document: Json
    department: DepartmentRow
    files: tuple[FileRow, ...]
