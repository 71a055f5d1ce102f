"""The reads of progress: one query each (a page: two), none of them on the log."""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import text

from kernel.database import Database
from services.progress.adapters.tables import CASE_COLUMNS, case_of
from services.progress.domain.case import Case
from services.progress.domain.view import Filter, Found, TimelineStep

_CASE = ", ".join(f"c.{name}" for name in CASE_COLUMNS)
_STEP = "s.type, s.occurred_at, s.state, s.data"
_WITH_STEPS = f"SELECT {_CASE}, {_STEP} FROM case_progress c JOIN case_step s ON s.serial = c.serial"
# The digest is compared by the database, so that an unknown serial and a wrong code cost the same. It is keyed: how
# long the comparison takes tells nothing to one who does not hold the key.
_BY_CODE = text(f"{_WITH_STEPS} WHERE c.serial = :serial AND c.query_code_digest = :digest ORDER BY s.stream_version")
_BY_SERIAL = text(f"{_WITH_STEPS} WHERE c.serial = :serial ORDER BY s.stream_version")

_CONDITIONS = {
    "applicant": "applicant = :applicant",
    "state": "state = :state",
    "department": "department = :department",
    "filed_from": "filed_at >= :filed_from",
    "filed_to": "filed_at < :filed_to",
}


class SqlCases:
    """The cases in the tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def by_code(self, serial: str, digest: str) -> Found | None:
        """The case with this serial and this digest of its query code."""
        with self._database.single() as tx:
            return _whole(tx.execute(_BY_CODE, {"serial": serial, "digest": digest}).all())

    def by_serial(self, serial: str) -> Found | None:
        with self._database.single() as tx:
            return _whole(tx.execute(_BY_SERIAL, {"serial": serial}).all())

    def page_of(self, wanted: Filter, limit: int, offset: int) -> tuple[list[Case], int]:
        """A page of the applicant's cases, newest first, and how many there are in all."""
        values = {name: getattr(wanted, name) for name in _CONDITIONS if getattr(wanted, name) is not None}
        where = " AND ".join(_CONDITIONS[name] for name in values)
        page = f"SELECT {', '.join(CASE_COLUMNS)} FROM case_progress WHERE {where} ORDER BY filed_at DESC, serial DESC"
        with self._database.read() as tx:
            rows = tx.execute(text(f"{page} LIMIT :n OFFSET :o"), {**values, "n": limit, "o": offset}).all()
            total = tx.execute(text(f"SELECT count(*) FROM case_progress WHERE {where}"), values).scalar_one()
        return [case_of(row) for row in rows], int(total)


def _whole(rows: Sequence[Any]) -> Found | None:
    if not rows:
        return None
    steps = [TimelineStep(type_, at, state, orjson.loads(data)) for *_, type_, at, state, data in rows]
    return case_of(rows[0][: len(CASE_COLUMNS)]), steps
