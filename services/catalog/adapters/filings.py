"""The projection that counts filings, by item and by the hall's calendar day. Never publishes anything."""

from collections import Counter
from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa

from kernel.clock import CHINA, parse_time
from kernel.contracts.case import CaseReceived
from kernel.database import Database
from kernel.eventlog.events import Recorded
from services.catalog.adapters.tables import item_filed

_ADD = sa.text(
    "INSERT INTO item_filed (item, day, filed) VALUES (:item, :day, :filed)"
    " ON CONFLICT (item, day) DO UPDATE SET filed = item_filed.filed + excluded.filed"
).bindparams(sa.bindparam("day", type_=sa.Date))
_SINCE = (
    sa.select(item_filed.c.item, sa.func.sum(item_filed.c.filed))
    .where(item_filed.c.day >= sa.bindparam("day"))
    .group_by(item_filed.c.item)
)


class FilingsProjection:
    """Counts each case once, when it is received for the first time."""

    name = "catalog"

    def apply(self, tx: sa.Connection, events: Sequence[Recorded]) -> None:
        """Take `events`, in the log's order."""
        counted = Counter(_filing(event) for event in events if _is_first(event))
        if counted:
            tx.execute(_ADD, [{"item": code, "day": day, "filed": filed} for (code, day), filed in counted.items()])


def _is_first(event: Recorded) -> bool:
    # What is sent in again after a correction is the same case.
    return event.type == CaseReceived.TYPE and event.data.get("attempt", 1) == 1


def _filing(event: Recorded) -> tuple[str, date]:
    data = event.data
    return data["item"], parse_time(data["occurred_at"]).astimezone(CHINA).date()


class SqlFilings:
    """The counts in the table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def since(self, day: date) -> dict[str, int]:
        """How often each item was filed since the beginning of `day`."""
        with self._database.single() as tx:
            return {code: int(filed) for code, filed in tx.execute(_SINCE, {"day": day})}
