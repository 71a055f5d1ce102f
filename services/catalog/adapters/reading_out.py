"""The whole catalogue, read out in one snapshot: a part at a time, never all of it in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import sqlalchemy as sa

from kernel.database import Database
from services.catalog.adapters.tables import department, hall, item, item_file, item_version

_AT_ONCE = {"yield_per": 500}  # rows that the driver fetches
_DEPARTMENTS = sa.select(department).order_by(department.c.code)
_HALLS = sa.select(hall.c.document).where(hall.c.retired_at.is_(None)).order_by(hall.c.place, hall.c.id)
_ITEMS = (
    sa.select(item_version.c.document)
    .join(item, (item.c.code == item_version.c.code) & (item.c.version == item_version.c.version))
    .where(item.c.retired_at.is_(None))
    .order_by(item.c.department, item.c.code)
)
_FILES = sa.select(item_file).where(item_file.c.code == sa.bindparam("item")).order_by(item_file.c.name)
_HAVING_FILES = sa.select(item_file.c.code).distinct()

Json = dict[str, Any]


class Contents:
    """Active items and halls, all departments, as JSON values."""

    def __init__(self, tx: sa.Connection) -> None:
        self._tx = tx

    def departments(self) -> Iterator[Json]:
        for row in self._tx.execute(_DEPARTMENTS):
            yield {
                "code": row.code,
                "name": row.name,
                "name_en": row.name_en,
                "area": row.area,
                "organ_codes": orjson.loads(row.organ_codes),
                "sample": bool(row.sample),
            }

    def items(self) -> Iterator[Json]:
        """Their elements, by department and code."""
        for (document,) in self._tx.execute(_ITEMS, execution_options=_AT_ONCE):
            yield orjson.loads(document)

    def halls(self) -> Iterator[Json]:
        for (document,) in self._tx.execute(_HALLS):
            yield orjson.loads(document)

    def having_files(self) -> set[str]:
        """Codes of items that have files, active or not."""
        return set(self._tx.execute(_HAVING_FILES).scalars())

    def files(self, code: str) -> list[Json]:
        """Name, title, media_type and content (bytes) of an item's files."""
        rows = self._tx.execute(_FILES, {"item": code})
        return [{name: row[name] for name in ("name", "title", "media_type", "content")} for row in rows.mappings()]


class SqlContents:
    """What `application.exporting.Archive` promises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def opened(self) -> Iterator[Contents]:
        """One state of the tables, for as long as it is open."""
        with self._database.read() as tx:
            yield Contents(tx)
