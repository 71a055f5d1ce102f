"""Halls, their groups, rules, schedules and closures, in tables."""

import json
from collections.abc import Collection, Sequence
from datetime import date
from functools import lru_cache
from itertools import groupby

import sqlalchemy as sa

from services.appointment.adapters.sql import among, lock_rows, text, values_of
from services.appointment.application.rows import ClosureRow
from services.appointment.domain.halls import Group, GroupNamed, Hall
from services.appointment.domain.rules import HallRule, rule_of
from services.appointment.domain.schedule import DEFAULT_SCHEDULE, Schedule, schedule_of

_GROUPS = (
    "SELECT g.hall, g.no, g.id, g.hall_name, g.name, g.items, s.document AS schedule, r.document AS rule, g.retired"
    " FROM business_group g LEFT JOIN schedule s ON s.group_no = g.no LEFT JOIN hall_rule r ON r.hall = g.hall WHERE "
)
_HALLS = _GROUPS + "NOT g.retired"
_RETIRED = sa.text(
    f"{_GROUPS}g.retired AND g.hall = :hall AND EXISTS (SELECT 1 FROM booking b WHERE b.hall = g.hall"
    " AND b.group_no = g.no AND b.day >= :since AND b.state IN ('held', 'booked')) ORDER BY g.no"
).bindparams(sa.bindparam("since", type_=sa.Date))
_RULES = sa.text(
    "SELECT DISTINCT g.hall, r.document FROM business_group g LEFT JOIN hall_rule r ON r.hall = g.hall ORDER BY g.hall"
)
_PLACE = sa.text(_GROUPS + "g.no = :no")
_SET_GROUP = sa.text(
    "INSERT INTO business_group (id, hall, hall_name, name, items, retired)"
    " VALUES (:id, :hall, :hall_name, :name, :items, false)"
    " ON CONFLICT (id) DO UPDATE SET hall_name = excluded.hall_name, name = excluded.name, items = excluded.items,"
    " retired = false"
)
# They go by the hall's name as it is, like those that it has.
_RETIRE = "UPDATE business_group SET retired = true, hall_name = coalesce(:name, hall_name) WHERE hall = :hall AND NOT "
_SET_SCHEDULE = sa.text(
    "INSERT INTO schedule (group_no, document, updated_at, updated_by) VALUES (:group_no, :document, :at, :by)"
    " ON CONFLICT (group_no) DO UPDATE SET document = excluded.document, updated_at = excluded.updated_at,"
    " updated_by = excluded.updated_by"
)
_SET_RULE = sa.text(
    "INSERT INTO hall_rule (hall, document, updated_at, updated_by) VALUES (:hall, :document, :at, :by)"
    " ON CONFLICT (hall) DO UPDATE SET document = excluded.document, updated_at = excluded.updated_at,"
    " updated_by = excluded.updated_by"
)
_CLOSURE = "id, hall, group_no, first_day, last_day, since, until, reason, made_at, made_by"
_ADD_CLOSURE = sa.text(
    f"INSERT INTO closure ({_CLOSURE}) VALUES"
    " (:id, :hall, :group_no, :first_day, :last_day, :since, :until, :reason, :made_at, :made_by)"
).bindparams(sa.bindparam("first_day", type_=sa.Date), sa.bindparam("last_day", type_=sa.Date))
_WITHDRAW = sa.text(
    "UPDATE closure SET withdrawn_at = coalesce(withdrawn_at, :at), withdrawn_by = coalesce(withdrawn_by, :by)"
    " WHERE hall = :hall AND id = :id"
)
_CLOSURES = (
    sa.text(
        f"SELECT {_CLOSURE} FROM closure WHERE hall = :hall AND last_day >= :since AND withdrawn_at IS NULL"
        " ORDER BY first_day, id"
    )
    .bindparams(sa.bindparam("since", type_=sa.Date))
    .columns(first_day=sa.Date, last_day=sa.Date)
)


class HallTables:
    """What `application.ports.HallStore` promises."""

    def halls(self, tx: sa.Connection, ids: Collection[str] | None) -> dict[str, Hall]:
        if ids is None:
            rows = tx.execute(sa.text(f"{_HALLS} ORDER BY g.hall, g.no"))
        else:
            query = f"{_HALLS} AND {among(tx, 'g.hall', 'ids')} ORDER BY g.hall, g.no"
            rows = tx.execute(text(query), {"ids": values_of(tx, ids)})
        found = {}
        for hall, of_it in groupby(rows, lambda row: str(row[0])):
            made = [tuple(row) for row in of_it]
            groups = tuple(_group(hall, *row[1:7]) for row in made)
            found[hall] = Hall(hall, _rule(made[0][7]), groups)
        return found

    def rules(self, tx: sa.Connection) -> dict[str, HallRule]:
        return {hall: _rule(document) for hall, document in tx.execute(_RULES)}

    def retired(self, tx: sa.Connection, hall: str, since: date) -> tuple[Group, ...]:
        rows = tx.execute(_RETIRED, {"hall": hall, "since": since})
        return tuple(_group(*tuple(row)[:7], bool(row[8])) for row in rows)

    def place(self, tx: sa.Connection, group_no: int) -> tuple[Hall, Group]:
        row = tuple(tx.execute(_PLACE, {"no": group_no}).one())
        group = _group(*row[:7], bool(row[8]))
        return Hall(row[0], _rule(row[7]), (group,)), group

    def lock_hall(self, tx: sa.Connection, id: str) -> None:
        query = "SELECT no FROM business_group WHERE hall = :hall ORDER BY no"
        tx.execute(sa.text(query + lock_rows(tx)), {"hall": id}).all()

    def set_groups(self, tx: sa.Connection, hall: str, groups: Sequence[GroupNamed]) -> None:
        retire = sa.text(_RETIRE + f"({among(tx, 'id', 'ids')})")
        name = next((group.hall_name for group in groups), None)
        tx.execute(retire, {"hall": hall, "name": name, "ids": values_of(tx, [group.id for group in groups])})
        for group in sorted(groups, key=lambda one: one.id):
            tx.execute(_SET_GROUP, {**vars(group), "items": json.dumps(group.items)})

    def set_schedule(self, tx: sa.Connection, group_no: int, document: str, at: int, by: str) -> None:
        tx.execute(_SET_SCHEDULE, {"group_no": group_no, "document": document, "at": at, "by": by})

    def set_rule(self, tx: sa.Connection, hall: str, document: str, at: int, by: str) -> None:
        tx.execute(_SET_RULE, {"hall": hall, "document": document, "at": at, "by": by})

    def add_closure(self, tx: sa.Connection, row: ClosureRow) -> None:
        tx.execute(_ADD_CLOSURE, vars(row))

    def withdraw_closure(self, tx: sa.Connection, hall: str, id: str, at: int, by: str) -> bool:
        return tx.execute(_WITHDRAW, {"hall": hall, "id": id, "at": at, "by": by}).rowcount == 1

    def closures(self, tx: sa.Connection, hall: str, since: date) -> list[ClosureRow]:
        return [ClosureRow(**row) for row in tx.execute(_CLOSURES, {"hall": hall, "since": since}).mappings()]


# The same documents are read for every booking; parsed once, as values that nobody can change.


@lru_cache(maxsize=2000)
def _group(
    hall: str, no: int, id: str, hall_name: str, name: str, items: str, schedule: str | None, retired: bool = False
) -> Group:
    codes = tuple(json.loads(items))
    timed = _schedule(schedule)
    return Group(hall=hall, no=no, id=id, hall_name=hall_name, name=name, items=codes, schedule=timed, retired=retired)


def _schedule(document: str | None) -> Schedule:
    return DEFAULT_SCHEDULE if document is None else schedule_of(json.loads(document))


@lru_cache(maxsize=500)
def _rule(document: str | None) -> HallRule:
    return HallRule() if document is None else rule_of(json.loads(document))
