"""The tables of progress, written and read in sets. Nothing here knows what a fact means.

Two tables: `case_progress`, a row for each case as it stands, and `case_step`, a row for each entry of its timeline.
"""

from collections.abc import Collection, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

import orjson
from sqlalchemy import Connection

from services.progress.domain.case import Case

CASE_TYPES: dict[str, str] = {
    "serial": "text",
    "item": "text",
    "item_name": "text",
    "item_version": "integer",
    "department": "text",
    "department_name": "text",
    "applicant": "text",
    "query_code_digest": "text",
    "state": "text",
    "attempt": "integer",
    "filed_at": "bigint",
    "updated_at": "bigint",
    "stream_version": "integer",
    "statutory_due": "text",
    "promised_due": "text",
    "due_provisional": "boolean",
    "extended_working_days": "integer",
    "corrections": "text",  # JSON
    "corrections_due": "text",
    "outcome": "text",
    "rating": "integer",
}
CASE_COLUMNS = tuple(item.name for item in fields(Case))
STEP_COLUMNS = ("serial", "stream_version", "position", "type", "occurred_at", "state", "data")
_SELECTED = ", ".join(CASE_COLUMNS)
_UPDATED = ", ".join(f"{name} = excluded.{name}" for name in CASE_COLUMNS[1:])
_INTO = f"INSERT INTO case_progress ({_SELECTED})"
_CONFLICT = f"ON CONFLICT (serial) DO UPDATE SET {_UPDATED}"
_TYPED = ", ".join(f"{name} {CASE_TYPES[name]}" for name in CASE_COLUMNS)
_SAVE_SET = f"{_INTO} SELECT {_SELECTED} FROM json_to_recordset(%s::json) AS given({_TYPED}) {_CONFLICT}"
_SAVE_EACH = f"{_INTO} VALUES ({', '.join('?' * len(CASE_COLUMNS))}) {_CONFLICT}"
_COPY_STEPS = f"COPY case_step ({', '.join(STEP_COLUMNS)}) FROM STDIN"
_ADD_EACH = f"INSERT INTO case_step ({', '.join(STEP_COLUMNS)}) VALUES ({', '.join('?' * len(STEP_COLUMNS))})"

# The elements of a JSON array, as a set.
_ELEMENTS = {
    "postgresql": "SELECT json_array_elements_text(%s::json)",
    "sqlite": "SELECT value FROM json_each(?)",
}

StepRow = tuple[Any, ...]  # in the order of STEP_COLUMNS


def load_cases(tx: Connection, serials: Collection[str]) -> dict[str, Case]:
    """The cases with these serials, as they stand; one query however many."""
    wanted = orjson.dumps(list(serials)).decode()
    sql = f"SELECT {_SELECTED} FROM case_progress WHERE serial IN ({_ELEMENTS[tx.dialect.name]})"
    return {row[0]: case_of(row) for row in tx.exec_driver_sql(sql, (wanted,))}


def save_cases(tx: Connection, cases: Collection[Case]) -> None:
    """Write each case as it stands now; one statement however many."""
    if tx.dialect.name == "postgresql":
        # One JSON parameter costs a third of arrays by column, whose elements psycopg adapts one by one.
        tx.exec_driver_sql(_SAVE_SET, (orjson.dumps(list(cases)).decode(),))
    else:
        tx.exec_driver_sql(_SAVE_EACH, [_case_row(case) for case in cases])


def add_steps(tx: Connection, steps: Sequence[StepRow]) -> None:
    """Add entries to timelines. One that is there already is an error of the database's."""
    if tx.dialect.name == "postgresql":
        cursor: Any = tx.connection.cursor()  # psycopg's own: SQLAlchemy has no COPY
        with cursor, cursor.copy(_COPY_STEPS) as copy:
            for step in steps:
                copy.write_row(step)
    else:
        tx.exec_driver_sql(_ADD_EACH, list(steps))


def case_of(row: Any) -> Case:
    case = Case(*row)
    case.due_provisional = bool(case.due_provisional)
    case.corrections = orjson.loads(row[_CORRECTIONS])
    return case


def _case_row(case: Case) -> tuple[Any, ...]:
    row = list(_VALUES(case))
    row[_CORRECTIONS] = orjson.dumps(case.corrections).decode()
    return tuple(row)


_VALUES = attrgetter(*CASE_COLUMNS)
_CORRECTIONS = CASE_COLUMNS.index("corrections")
