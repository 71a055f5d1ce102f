"""The tables of progress, written and read in sets. Nothing here knows what a fact means.

Two tables: `case_progress`, a row for each case as it stands, and `case_step`, a row for each entry of its timeline.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
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
STEP_TYPES: dict[str, str] = {
    "serial": "text",
    "stream_version": "integer",
    "position": "bigint",
    "type": "text",
    "occurred_at": "bigint",
    "state": "text",
    "data": "text",  # JSON
}

CASE_COLUMNS = tuple(item.name for item in fields(Case))
STEP_COLUMNS = tuple(STEP_TYPES)
_SELECTED = ", ".join(CASE_COLUMNS)
_UPDATED = ", ".join(f"{name} = excluded.{name}" for name in CASE_COLUMNS[1:])
_CONFLICT = f"ON CONFLICT (serial) DO UPDATE SET {_UPDATED}"

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


def save_cases(tx: Connection, cases: Iterable[Case]) -> None:
    """Write each case as it stands now; one statement however many."""
    rows = [_case_row(case) for case in cases]
    _write(tx, "case_progress", CASE_TYPES, CASE_COLUMNS, rows, _CONFLICT)


def add_steps(tx: Connection, steps: Sequence[StepRow]) -> None:
    """Add entries to timelines. One that is there already is an error of the database's."""
    _write(tx, "case_step", STEP_TYPES, STEP_COLUMNS, steps, "")


def clear(tx: Connection) -> None:
    """Forget everything, before a rebuild."""
    tx.exec_driver_sql("DELETE FROM case_step")
    tx.exec_driver_sql("DELETE FROM case_progress")


def _write(
    tx: Connection, table: str, types: dict[str, str], columns: Sequence[str], rows: Sequence[Any], conflict: str
) -> None:
    if not rows:
        return
    names = ", ".join(columns)
    if tx.dialect.name == "postgresql":
        # One JSON parameter costs a third of arrays by column: psycopg adapts each element of an array by itself.
        typed = ", ".join(f"{name} {types[name]}" for name in columns)
        document = orjson.dumps([dict(zip(columns, row, strict=True)) for row in rows]).decode()
        sql = f"INSERT INTO {table} ({names}) SELECT {names} FROM json_to_recordset(%s::json) AS r({typed}) {conflict}"
        tx.exec_driver_sql(sql, (document,))
    else:
        marks = ", ".join("?" * len(columns))
        tx.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({marks}) {conflict}", [tuple(row) for row in rows])


def case_of(row: Any) -> Case:
    case = Case(*row)
    case.due_provisional = bool(case.due_provisional)
    case.corrections = orjson.loads(row[_CORRECTIONS])
    return case


def _case_row(case: Case) -> list[Any]:
    row = [getattr(case, name) for name in CASE_COLUMNS]
    row[_CORRECTIONS] = orjson.dumps(case.corrections).decode() if case.corrections else "[]"
    return row


_CORRECTIONS = CASE_COLUMNS.index("corrections")
