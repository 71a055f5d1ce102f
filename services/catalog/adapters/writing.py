"""An import in the tables: what it must know before, and all it writes, in one transaction with its fact last."""

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from kernel.clock import to_micros
from kernel.contracts.catalog_facts import STREAM, CatalogChanged, dump_changed
from kernel.database import Database
from kernel.eventlog import Append, Appended, EventLog, NewEvent
from kernel.ids import new_id
from services.catalog.adapters.tables import department, hall, item, item_file, item_version, version
from services.catalog.application.ports import State, Tick
from services.catalog.domain.changes import HallChange, ItemChange, Known, KnownFile, KnownHall, Plan
from services.catalog.domain.departments import Department
from services.catalog.domain.unfit import Overtaken

SOURCE = "/catalog"
_CHUNK = 1000  # rows handed to the driver, or taken from it, at once

Json = dict[str, Any]

_INSERT: dict[str, Callable[[sa.Table], Any]] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}

_VERSION = sa.select(sa.func.coalesce(sa.func.max(version.c.version), 0))
_ITEMS = sa.select(
    item.c.code, item.c.version, item.c.department, item.c.sample, item.c.digest, item.c.retired_at.is_not(None)
)
_HALLS = sa.select(hall.c.id, hall.c.place, hall.c.document, hall.c.digest, hall.c.retired_at.is_not(None))
_FILES = sa.select(item_file.c.code, item_file.c.name, item_file.c.title, item_file.c.media_type, item_file.c.digest)
_DOCUMENTS = (
    sa.select(item.c.code, item_version.c.document)
    .join(item_version, (item_version.c.code == item.c.code) & (item_version.c.version == item.c.version))
    .where(item.c.code.in_(sa.bindparam("codes", expanding=True)))
)
_LISTINGS = sa.select(item.c.code, item.c.listing).where(
    item.c.department.in_(sa.bindparam("departments", expanding=True)), item.c.retired_at.is_(None)
)


class SqlStore:
    """What `application.ports.Store` promises."""

    def __init__(self, database: Database, log: EventLog) -> None:
        """`log`: catalog's own, in the same database."""
        self._database = database
        self._log = log

    def state(self) -> State:
        with self._database.read() as tx:
            return State(
                version=int(tx.execute(_VERSION).scalar_one()),
                items={row[0]: Known(row[1], row[2], bool(row[3]), row[4], bool(row[5])) for row in tx.execute(_ITEMS)},
                departments=[_department(row) for row in tx.execute(sa.select(department).order_by(department.c.code))],
                halls={row[0]: _hall(row) for row in tx.execute(_HALLS)},
                files=_files(tx),
            )

    def documents(self, codes: Collection[str]) -> dict[str, str]:
        """The newest document of each of these items, JSON."""
        if not codes:
            return {}
        with self._database.read() as tx:
            return {row[0]: row[1] for row in tx.execute(_DOCUMENTS, {"codes": list(codes)})}

    def listings(self, departments: Collection[str]) -> Iterator[tuple[str, str]]:
        """Code and listing (JSON) of each active item of these departments."""
        with self._database.read() as tx:
            yield from ((row[0], row[1]) for row in tx.execute(_LISTINGS, {"departments": list(departments)}))

    def write(self, plan: Plan, fact: CatalogChanged, tick: Tick) -> None:
        """All of it or nothing, the fact last. Raises Overtaken if the catalogue is not at the version before.

        `tick` hears 1 for each item.
        """
        with self._database.write() as tx:
            self._claim(tx, plan, fact)
            _write_departments(tx, plan.departments)
            _write_items(tx, plan, fact, tick)
            _write_files(tx, plan.items)
            _write_halls(tx, plan, fact)
            self._say(tx, fact)

    def _claim(self, tx: sa.Connection, plan: Plan, fact: CatalogChanged) -> None:
        # First of all: of two imports the second waits here until the first has committed, and then finds the number
        # taken. Anywhere later it would have written rows beside those of the first.
        row = {
            "version": fact.version,
            "source": fact.source,
            "made_at": to_micros(fact.occurred_at),
            "summary": orjson.dumps(plan.summary).decode(),
        }
        claim = _INSERT[tx.dialect.name](version).values(row).on_conflict_do_nothing().returning(version.c.version)
        if tx.execute(claim).scalar_one_or_none() is None:
            raise Overtaken(version=fact.version)

    def _say(self, tx: sa.Connection, fact: CatalogChanged) -> None:
        event = NewEvent(
            id=new_id(),
            source=SOURCE,
            type=fact.TYPE,
            version=fact.VERSION,
            time=fact.occurred_at,
            data=dump_changed(fact),
            organ="",  # it is nobody's alone
        )
        (outcome,) = self._log.append_within(
            tx, [Append(stream=STREAM, expected_version=fact.version - 1, events=(event,))]
        )
        if not isinstance(outcome, Appended):
            raise Overtaken(version=fact.version)


def _write_departments(tx: sa.Connection, changed: list[Department]) -> None:
    places = {row.code: row.place for row in tx.execute(sa.select(department.c.code, department.c.place))}
    for one in changed:
        places.setdefault(one.code, len(places) + 1)
    # Away with all before any comes back: two may have exchanged their names.
    for some in _chunks(changed):
        tx.execute(department.delete().where(department.c.code.in_([one.code for one in some])))
    _execute(tx, department.insert(), ({**_department_row(one), "place": places[one.code]} for one in changed))


def _write_items(tx: sa.Connection, plan: Plan, fact: CatalogChanged, tick: Tick) -> None:
    at = to_micros(fact.occurred_at)
    for some in _chunks(plan.items):
        versions = [{**_version_row(one), "made_in": fact.version, "made_at": at} for one in some]
        tx.execute(item_version.insert(), versions)
        tx.execute(_replacing(tx, item), [{**_item_row(one), "updated_in": fact.version} for one in some])
        tick(len(some))
    this = item.update().where(item.c.code == sa.bindparam("this"))
    gone = this.values(retired_at=at, updated_in=fact.version)
    _execute(tx, gone, ({"this": code} for code in plan.retired))
    searched = this.values(terms=sa.bindparam("terms_now"))
    _execute(tx, searched, ({"this": code, "terms_now": terms} for code, terms in plan.searched))


def _write_files(tx: sa.Connection, items: list[ItemChange]) -> None:
    given = [one for one in items if one.files is not None]
    for some in _chunks(given):
        tx.execute(item_file.delete().where(item_file.c.code.in_([one.code for one in some])))
    _execute(tx, item_file.insert(), (row for one in given for row in _file_rows(one)))


def _write_halls(tx: sa.Connection, plan: Plan, fact: CatalogChanged) -> None:
    _execute(tx, _replacing(tx, hall), map(_hall_row, plan.halls))
    gone = hall.update().where(hall.c.id == sa.bindparam("this")).values(retired_at=to_micros(fact.occurred_at))
    _execute(tx, gone, ({"this": one} for one in plan.retired_halls))


def _replacing(tx: sa.Connection, table: sa.Table) -> Any:
    """INSERT that takes the place of a row with the same primary key."""
    statement = _INSERT[tx.dialect.name](table)
    (key,) = table.primary_key
    others = {column.name: statement.excluded[column.name] for column in table.c if column is not key}
    return statement.on_conflict_do_update(index_elements=[key], set_=others)


def _execute(tx: sa.Connection, statement: Any, rows: Iterable[Json]) -> None:
    for some in _chunks(rows):
        tx.execute(statement, some)


def _chunks(rows: Iterable[Any]) -> Iterator[list[Any]]:
    remaining = iter(rows)
    while some := list(islice(remaining, _CHUNK)):
        yield some


def _item_row(one: ItemChange) -> Json:
    return {
        "code": one.code,
        "version": one.version,
        "department": one.department,
        "name": one.name,
        "retired_at": None,
        "sample": one.sample,
        "digest": one.digest,
        "listing": one.listing.decode(),
        "terms": one.terms,
    }


def _version_row(one: ItemChange) -> Json:
    return {"code": one.code, "version": one.version, "document": one.document.decode()}


def _file_rows(one: ItemChange) -> Iterator[Json]:
    for file in one.files or ():
        about = file.about
        yield {
            "code": one.code,
            "name": file.name,
            "title": file.title,
            "media_type": file.media_type,
            "size": len(file.content),
            "digest": about.digest,
            "content": file.content,
        }


def _hall_row(one: HallChange) -> Json:
    return {
        "id": one.id,
        "place": one.place,
        "document": one.document.decode(),
        "digest": one.digest,
        "retired_at": None,
    }


def _department_row(one: Department) -> Json:
    return {
        "code": one.code,
        "name": one.name,
        "name_en": one.name_en,
        "area": one.area,
        "organ_codes": orjson.dumps(one.organ_codes).decode(),
        "sample": one.sample,
    }


def _department(row: Any) -> Department:
    codes = tuple(orjson.loads(row.organ_codes))
    return Department(row.code, row.name, row.name_en, row.area, codes, bool(row.sample))


def _hall(row: Any) -> KnownHall:
    document = orjson.loads(row[2])
    return KnownHall(row[1], document["sample"], document["area"], row[3], bool(row[4]))


def _files(tx: sa.Connection) -> dict[str, tuple[KnownFile, ...]]:
    found: dict[str, tuple[KnownFile, ...]] = {}
    for code, *about in tx.execute(_FILES):
        found[code] = (*found.get(code, ()), KnownFile(*about))
    return found
