"""Windows of halls, in a table."""

import json
from typing import Any

import sqlalchemy as sa

from services.appointment.adapters.sql import lock_rows
from services.appointment.application.queue_rows import WindowRow

_NAMES = "hall, code, name, groups, open, changed_at, changed_by"
_ALL = sa.text(f"SELECT {_NAMES} FROM hall_window WHERE hall = :hall ORDER BY code")
_ONE = f"SELECT {_NAMES} FROM hall_window WHERE hall = :hall AND code = :code"
_PUT = sa.text(
    f"INSERT INTO hall_window ({_NAMES}) VALUES (:hall, :code, :name, :groups, :open, :changed_at, :changed_by)"
    " ON CONFLICT (hall, code) DO UPDATE SET name = excluded.name, groups = excluded.groups, open = excluded.open,"
    " changed_at = excluded.changed_at, changed_by = excluded.changed_by"
)


class WindowTables:
    """What `application.queue_ports.WindowStore` promises."""

    def windows(self, tx: sa.Connection, hall: str) -> list[WindowRow]:
        return [_row(*row) for row in tx.execute(_ALL, {"hall": hall})]

    def window(self, tx: sa.Connection, hall: str, code: str) -> WindowRow | None:
        row = tx.execute(sa.text(_ONE + lock_rows(tx)), {"hall": hall, "code": code}).one_or_none()
        return None if row is None else _row(*row)

    def put_window(self, tx: sa.Connection, row: WindowRow) -> None:
        tx.execute(_PUT, {**vars(row), "groups": json.dumps(row.groups)})


def _row(hall: str, code: str, name: str, groups: str, *rest: Any) -> WindowRow:
    open_, changed_at, changed_by = rest
    return WindowRow(
        hall=hall,
        code=code,
        name=name,
        groups=tuple(json.loads(groups)),
        open=bool(open_),
        changed_at=changed_at,
        changed_by=changed_by,
    )
