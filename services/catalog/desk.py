"""For tests of imports: a catalogue on one kind of database, files to bring into it, and a look at all its tables."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from kernel.clock import FrozenClock
from kernel.database import Database
from kernel.eventlog import EventLog, Recorded
from kernel.testing.tables import migrated
from services.catalog.adapters.reading_out import SqlContents
from services.catalog.adapters.tables import metadata
from services.catalog.adapters.writing import SqlStore
from services.catalog.application.exporting import Exporting, Format
from services.catalog.application.importing import Importing, Source
from services.catalog.domain.changes import Report
from services.catalog.domain.columns import REQUIRED
from services.catalog.domain.reading_json import FORMAT

NOON = "2026-02-09T12:00:00+08:00"
POLICE, LABOUR = "11440100000001003W", "11440100000002006D"  # codes that organs can have


class Desk:
    """Where files are handed in."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder
        migrated(database, Path(__file__).parent / "migrations")
        self.clock = FrozenClock(NOON)
        self.log = EventLog(database, self.clock)
        self.store = SqlStore(database, self.log)
        self.importing = Importing(self.store, self.clock)

    def bring(self, content: str | bytes, name: str = "items.csv", encoding: str = "utf-8", **how: Any) -> Report:
        """Import a file with this content."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return self.importing.run(Source.of(path, encoding), **how)

    def export(self, form: Format = "json") -> bytes:
        return b"".join(Exporting(SqlContents(self.database)).lines(form))

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that catalog holds, the log included."""
        with self.database.read() as tx:
            found = {
                name: [tuple(row) for row in tx.execute(sa.select(table).order_by(*table.primary_key))]
                for name, table in metadata.tables.items()
            }
        return {**found, "event": [(event.position, event.body) for event in self.facts()]}

    def column(self, table: str, name: str) -> dict[str, Any]:
        """One column, by primary key's first."""
        chosen = metadata.tables[table]
        with self.database.read() as tx:
            return {row[0]: row[1] for row in tx.execute(sa.select(next(iter(chosen.primary_key)), chosen.c[name]))}

    def active(self) -> list[str]:
        """Codes of the items that are offered."""
        return sorted(code for code, at in self.column("item", "retired_at").items() if at is None)

    def document(self, code: str, version: int) -> dict[str, Any]:
        table = metadata.tables["item_version"]
        wanted = sa.select(table.c.document).where(table.c.code == code, table.c.version == version)
        with self.database.read() as tx:
            return json.loads(tx.execute(wanted).scalar_one())  # type: ignore[no-any-return]

    def facts(self) -> list[Recorded]:
        return self.log.read(0)


def row(
    code: str, name: str | None = None, department: str = "公安局", organ: str = POLICE, **cells: str
) -> dict[str, str]:
    """A row's cells by column; a right one unless told otherwise."""
    plain = {
        "department": department,
        "category": "未分类",
        "name": f"事项{code}" if name is None else name,
        "item_code": code,
        "item_type": "1",
        "organ_code": organ,
        "area_code": "440100",
    }
    return {**plain, **cells}


def rows(count: int, prefix: str = "A", **cells: str) -> list[dict[str, str]]:
    """Right ones, with codes A1, A2, …"""
    return [row(f"{prefix}{number}", **cells) for number in range(1, count + 1)]


def csv_of(*lines: dict[str, str]) -> str:
    """A CSV file with these rows."""
    names = [*REQUIRED, *dict.fromkeys(name for line in lines for name in line if name not in REQUIRED)]
    written = io.StringIO()
    writer = csv.DictWriter(written, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return written.getvalue()


def json_of(items: list[Any] | None = None, departments: list[Any] | None = None, **parts: Any) -> str:
    """A JSON file, a record a line."""
    organs = [{"code": POLICE, "name": "公安局"}] if departments is None else departments
    lists = {"departments": organs, "items": items or [], **parts}
    members = [f'"format": "{FORMAT}"', *(f'"{name}": {_list(records)}' for name, records in lists.items())]
    return "{\n" + ",\n".join(members) + "\n}\n"


def _list(records: Any) -> str:
    if not isinstance(records, list):
        return json.dumps(records)
    return "[\n" + ",\n".join(json.dumps(record) for record in records) + "\n]"


def item(code: str, name: str = "", **members: Any) -> dict[str, Any]:
    """An item's elements in JSON, the fewest that are right."""
    return {"code": code, "name": name or f"事项{code}", "department": POLICE, **members}


def hall(name: str, **members: Any) -> dict[str, Any]:
    """A hall in JSON, the fewest members that are right."""
    plain = {
        "name": name,
        "level": "city",
        "area": "440100",
        "area_name": "广州市",
        "address": "一号路",
        "hours": "9-17",
    }
    return {"id": name, **plain, **members}
