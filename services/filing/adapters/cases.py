"""Filed cases in tables, and the counters from which their serials are made."""

import json
from collections.abc import Collection
from datetime import date
from typing import Any

import sqlalchemy as sa

from services.filing.adapters.sql import as_list, each_of
from services.filing.application.rows import CaseRow

_NUMBER = sa.text("SELECT number FROM organ_number WHERE organ = :organ")
# Whoever loses the race for a number, or finds the organ numbered meanwhile, writes nothing and looks again.
_NEW_NUMBER = sa.text(
    "INSERT INTO organ_number (organ, number) SELECT :organ, COALESCE(MAX(number), 0) + 1 FROM organ_number WHERE true"
    " ON CONFLICT DO NOTHING"
)
# The row stays locked until the case is on the log: a number is given out again unless it is used, so no gap is left.
_COUNT = sa.text(
    "INSERT INTO serial_counter (organ, day, last) VALUES (:organ, :day, 1)"
    " ON CONFLICT (organ, day) DO UPDATE SET last = serial_counter.last + 1 RETURNING last"
).bindparams(sa.bindparam("day", type_=sa.Date))
_ADD = sa.text(
    "INSERT INTO filed_case (serial, draft, account, item, rules, query_code, received_at)"
    " VALUES (:serial, :draft, :account, :item, :rules, :query_code, :received_at)"
)
_FIND = sa.text(
    "SELECT serial, draft, account, item, rules, query_code, received_at FROM filed_case WHERE serial = :serial"
)
_ADD_SUBMISSION = sa.text(
    "INSERT INTO submission (serial, attempt, data) VALUES (:serial, :attempt, :data) ON CONFLICT DO NOTHING"
)
_DATA = sa.text("SELECT data FROM submission WHERE serial = :serial ORDER BY attempt DESC LIMIT 1")
_ADD_COMMENT = sa.text(
    "INSERT INTO comment (reference, serial, account, comment) VALUES (:reference, :serial, :account, :comment)"
)


class CaseTables:
    """What `application.ports.CaseStore` promises."""

    def next_number(self, tx: sa.Connection, organ: str, day: date) -> tuple[int, int]:
        number = self._number(tx, organ)
        return number, tx.execute(_COUNT, {"organ": organ, "day": day}).scalar_one()

    def _number(self, tx: sa.Connection, organ: str) -> int:
        while (row := tx.execute(_NUMBER, {"organ": organ}).one_or_none()) is None:
            tx.execute(_NEW_NUMBER, {"organ": organ})
        return int(row.number)

    def add_case(self, tx: sa.Connection, case: CaseRow) -> None:
        tx.execute(_ADD, {**vars(case), "item": json.dumps(case.item), "rules": json.dumps(case.rules)})

    def case(self, tx: sa.Connection, serial: str) -> CaseRow | None:
        row = tx.execute(_FIND, {"serial": serial}).mappings().one_or_none()
        return None if row is None else CaseRow(**{**row, **_read(row), "query_code": bytes(row["query_code"])})

    def rules(self, tx: sa.Connection, serials: Collection[str]) -> dict[str, dict[str, Any]]:
        query = f"SELECT serial, rules FROM filed_case WHERE serial IN ({each_of(tx, 'serials')})"
        rows = tx.execute(sa.text(query), {"serials": as_list(serials)})
        return {row.serial: json.loads(row.rules) for row in rows}

    def add_submission(self, tx: sa.Connection, serial: str, attempt: int, data: bytes) -> bool:
        return tx.execute(_ADD_SUBMISSION, {"serial": serial, "attempt": attempt, "data": data}).rowcount == 1

    def submitted_data(self, tx: sa.Connection, serial: str) -> bytes:
        return bytes(tx.execute(_DATA, {"serial": serial}).scalar_one())

    def add_comment(self, tx: sa.Connection, reference: str, serial: str, account: str, comment: bytes) -> None:
        values = {"reference": reference, "serial": serial, "account": account, "comment": comment}
        tx.execute(_ADD_COMMENT, values)


def _read(row: Any) -> dict[str, Any]:
    return {"item": json.loads(row["item"]), "rules": json.loads(row["rules"])}
