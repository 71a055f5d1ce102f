"""Holds the serial counters against the serials on the log: none given twice, none missing, the counter at the last.

Counts while somebody else reads the log; `mend` only ever raises a counter, as a number that was given out is given.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import date

import sqlalchemy as sa

from kernel.database import Database
from kernel.eventlog.events import Recorded
from kernel.eventlog.parity import Finding, patient
from services.filing.domain.serials import is_serial

NAME = "serials"

_COUNTERS = (
    "SELECT n.number, c.organ, c.day, c.last FROM serial_counter c JOIN organ_number n ON n.organ = c.organ"
    " ORDER BY c.day, n.number"
)
_NUMBER = sa.text("INSERT INTO organ_number (organ, number) VALUES (:organ, :number) ON CONFLICT DO NOTHING")
_RAISE = sa.text(
    "INSERT INTO serial_counter (organ, day, last) VALUES (:organ, :day, :last)"
    " ON CONFLICT (organ, day) DO UPDATE SET last = excluded.last WHERE serial_counter.last < excluded.last"
).bindparams(sa.bindparam("day", type_=sa.Date))

Day = tuple[int, str]  # an organ's number, and a day as eight digits


class SerialCounts:
    """The counters as one snapshot has them."""

    name = NAME

    def __init__(self, database: Database, stack: ExitStack) -> None:
        snapshot = stack.enter_context(patient(database))
        self.until = int(snapshot.exec_driver_sql("SELECT position FROM log_head").scalar_one())
        self._counters = {
            (row[0], f"{row[2]:%Y%m%d}" if hasattr(row[2], "year") else row[2].replace("-", "")): (row[1], row[3])
            for row in snapshot.exec_driver_sql(_COUNTERS)
        }
        self._given: Counter[Day] = Counter()
        self._last: dict[Day, int] = {}
        self._organs: dict[Day, str] = {}

    def take(self, events: Sequence[Recorded]) -> None:
        """The next events of the log."""
        for event in events:
            serial = event.stream
            if event.stream_version == 1 and event.position <= self.until and is_serial(serial):
                day, number = (int(serial[8:11]), serial[:8]), int(serial[11:-1])
                self._given[day] += 1
                self._last[day] = max(self._last.get(day, 0), number)
                self._organs[day] = event.organ

    def end(self) -> Iterator[Finding]:
        """What is wrong: with every counter, and every day of an organ's that has none."""
        for day in sorted({*self._counters, *self._given}):
            organ, kept = self._counters.get(day, (self._organs.get(day), None))
            given, last = self._given[day], self._last.get(day, 0)
            if kept != last or given != last:
                yield Finding(
                    holder=NAME,
                    table="serial_counter",
                    kind="missing" if kept is None else "different",
                    stream=None,
                    key=[day[0], organ, day[1]],
                    columns={"last": [kept, last], "cases": [kept, given]},
                )


def mend(database: Database, finding: Finding) -> bool:
    """Raise the counter to what the log has, or make it; whether that was all that was wrong."""
    (kept, last), (_, given) = finding.columns["last"], finding.columns["cases"]
    if (kept is not None and kept > last) or given != last:
        return False
    number, organ, day = finding.key
    values = {"number": number, "organ": organ, "day": date(int(day[:4]), int(day[4:6]), int(day[6:])), "last": last}
    with database.write() as tx:
        tx.execute(_NUMBER, values)
        return tx.execute(_RAISE, values).rowcount == 1
