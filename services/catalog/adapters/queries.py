"""The reads of catalog: one statement each, the same on both databases. Knows what is stored, not what it means."""

from collections.abc import Iterator
from typing import Any

import orjson
import sqlalchemy as sa

from kernel.database import Database
from services.catalog.adapters.tables import department, hall, item, item_file, item_version, version
from services.catalog.domain.rows import Contents, DepartmentRow, FileRow, ItemRow, ListedRow

_CHUNK = 500  # rows fetched at once

# An empty catalogue is version 0.
_AS_OF = sa.select(sa.func.coalesce(sa.func.max(version.c.version), 0)).scalar_subquery()
_VERSION = sa.select(_AS_OF)
_LISTED = sa.select(item.c.code, item.c.name, item.c.department, item.c.listing, item.c.terms).where(
    item.c.retired_at.is_(None)
)
_DEPARTMENT = (department.c.code, department.c.name, department.c.name_en, department.c.organ_codes, department.c.place)
_DEPARTMENTS = sa.select(*_DEPARTMENT)
_HALLS = sa.select(hall.c.document).where(hall.c.retired_at.is_(None)).order_by(hall.c.place, hall.c.id)
_ITEM = (
    sa.select(
        _AS_OF.label("as_of"),
        item.c.code,
        item.c.name,
        item.c.version.label("newest"),
        item.c.retired_at,
        item_version.c.version,
        item_version.c.made_at,
        item_version.c.document,
        *(column.label(f"department_{column.name}") for column in _DEPARTMENT),
    )
    .join(item_version, item_version.c.code == item.c.code)
    .join(department, department.c.code == item.c.department)
    .where(
        item.c.code == sa.bindparam("code"),
        item_version.c.version == sa.func.coalesce(sa.bindparam("version", type_=sa.Integer), item.c.version),
    )
)
_FILES = (
    sa.select(item_file.c.name, item_file.c.title, item_file.c.media_type, item_file.c.size)
    .where(item_file.c.code == sa.bindparam("code"))
    .order_by(item_file.c.name)
)
_FILE = sa.select(item_file.c.media_type, item_file.c.content).where(
    item_file.c.code == sa.bindparam("code"), item_file.c.name == sa.bindparam("name")
)


class SqlCatalogue:
    """The catalogue in the tables. Each call sees one state of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def version(self) -> int:
        """The catalogue's version; 0: nothing was ever imported."""
        with self._database.single() as tx:
            return int(tx.execute(_VERSION).scalar_one())

    def contents(self) -> Contents:
        """All that lists are made of."""
        with self._database.read() as tx:
            return Contents(
                version=int(tx.execute(_VERSION).scalar_one()),
                items=[_listed(*row) for row in _fetched(tx)],
                departments=[_department(*row) for row in tx.execute(_DEPARTMENTS)],
                halls=[orjson.loads(document) for (document,) in tx.execute(_HALLS)],
            )

    def item(self, code: str, version: int | None = None) -> ItemRow | None:
        """An item, in its last version or in another; None where there is none such."""
        with self._database.read() as tx:
            found = tx.execute(_ITEM, {"code": code, "version": version}).one_or_none()
            if found is None:
                return None
            return _item(found._mapping, tuple(FileRow(*row) for row in tx.execute(_FILES, {"code": code})))

    def file(self, code: str, name: str) -> tuple[str, bytes] | None:
        """Media type and content of a stored file."""
        with self._database.single() as tx:
            row = tx.execute(_FILE, {"code": code, "name": name}).one_or_none()
        return (row[0], bytes(row[1])) if row else None


def _fetched(tx: sa.Connection) -> Iterator[Any]:
    """All listed items, so many at a time: others on the same event loop have their turn in between."""
    result = tx.execute(_LISTED, execution_options={"stream_results": True})
    while rows := result.fetchmany(_CHUNK):
        yield from rows


def _listed(code: str, name: str, department: str, listing: str, terms: str) -> ListedRow:
    return ListedRow(code, name, department, listing.encode(), terms)


def _department(code: str, name: str, name_en: str, organ_codes: str, place: int) -> DepartmentRow:
    return DepartmentRow(code, name, name_en, tuple(orjson.loads(organ_codes)), place)


def _item(row: sa.RowMapping, files: tuple[FileRow, ...]) -> ItemRow:
    return ItemRow(
        as_of=int(row["as_of"]),
        code=row["code"],
        name=row["name"],
        version=row["version"],
        newest=row["newest"],
        made_at=row["made_at"],
        retired_at=row["retired_at"],
        document=orjson.loads(row["document"]),
        department=_department(*(row[f"department_{column.name}"] for column in _DEPARTMENT)),
        files=files,
    )
