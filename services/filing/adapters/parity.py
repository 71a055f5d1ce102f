"""Holds the serial counters against the serials on the log: none given twice, none missing, the counter at the last.

Counts while somebody else reads the log; `mend` only ever raises a counter, as a number that was given out is given.
A number that was given and that no case has is in vain: the counter says how many of those are known of.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import date

import sqlalchemy as sa

from kernel.database import Database
from kernel.errors import Refusal
from kernel.eventlog.events import Recorded
from kernel.eventlog.parity import Finding, patient
from services.filing.domain.serials import is_serial

NAME = "serials"

_COUNTERS = (
    "SELECT n.number, c.organ, c.day, c.last, c.unused"
    " FROM serial_counter c JOIN organ_number n ON n.organ = c.organ ORDER BY c.day, n.number"
)
_NUMBER = sa.text("INSERT INTO organ_number (organ, number) VALUES (:organ, :number) ON CONFLICT DO NOTHING")
_DAY = sa.bindparam("day", type_=sa.Date)
_RAISE = sa.text(
    "INSERT INTO serial_counter (organ, day, last, unused) VALUES (:organ, :day, :last, :unused)"
    " ON CONFLICT (organ, day) DO UPDATE SET last = excluded.last, unused = excluded.unused"
    " WHERE serial_counter.last <= excluded.last AND serial_counter.unused <= excluded.unused"
).bindparams(_DAY)
# Before the cases are counted: whoever files one holds this row until it is on the log.
_LOCK = sa.text(
    "UPDATE serial_counter SET last = last WHERE organ = :organ AND day = :day"
    " RETURNING last, unused, (SELECT number FROM organ_number n WHERE n.organ = serial_counter.organ) AS number"
).bindparams(_DAY)
_GIVEN = sa.text(
    "SELECT stream FROM event WHERE stream >= :prefix AND stream < :behind AND stream_version = 1 ORDER BY stream"
)
_SETTLE = sa.text("UPDATE serial_counter SET unused = :unused WHERE organ = :organ AND day = :day").bindparams(_DAY)

Day = tuple[int, str]  # an organ's number, and a day as eight digits


class NothingToSettle(Refusal):
    """The counter gave no number that no case has."""

    code = "nothing_to_settle"
    status = 409
    zh = "{organ} 在 {day} 的流水号没有需要核销的空号：{why}。"
    en = "Of the serials of {organ} on {day} there is nothing to settle: {why}."


class SerialCounts:
    """The counters as one snapshot has them."""

    name = NAME

    def __init__(self, database: Database, stack: ExitStack) -> None:
        snapshot = stack.enter_context(patient(database))
        head = snapshot.exec_driver_sql("SELECT position, imported FROM log_head").one()
        self.until, self._imported = int(head[0]), int(head[1])
        self._counters = {
            (row[0], f"{row[2]:%Y%m%d}" if hasattr(row[2], "year") else row[2].replace("-", "")): (
                row[1],
                row[3],
                row[4],
            )
            for row in snapshot.exec_driver_sql(_COUNTERS)
        }
        self._given: Counter[Day] = Counter()
        self._last: dict[Day, int] = {}
        self._brought: Counter[Day] = Counter()  # of these, imported
        self._last_brought: dict[Day, int] = {}
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
                if event.position <= self._imported:
                    self._brought[day] += 1
                    self._last_brought[day] = max(self._last_brought.get(day, 0), number)

    def end(self) -> Iterator[Finding]:
        """What is wrong: with every counter, and every day of an organ's that has none."""
        for day in sorted({*self._counters, *self._given}):
            organ, kept, unused = self._counters.get(day, (self._organs.get(day), None, 0))
            given, last = self._given[day], self._last.get(day, 0)
            if kept is None or kept < last or kept - unused != given:
                # Where not all cases were imported, the numbers of the others were given elsewhere.
                left = self._last_brought.get(day, 0) - self._brought[day]
                yield Finding(
                    holder=NAME,
                    table="serial_counter",
                    kind="missing" if kept is None else "different",
                    stream=None,
                    key=[day[0], organ, day[1]],
                    columns={
                        "last": [kept, max(last, kept or 0)],
                        "unused": [unused, max(left, unused)],
                        "cases": [None if kept is None else kept - unused, given],
                    },
                )


def mend(database: Database, finding: Finding) -> bool:
    """Raise the counter to what the log has, or make it; whether that was all that was wrong, else nothing is done."""
    (_, last), (_, unused), (_, given) = (finding.columns[name] for name in ("last", "unused", "cases"))
    if last - unused != given:
        return False
    number, organ, day = finding.key
    values = {"number": number, "organ": organ, "day": _date(day), "last": last, "unused": unused}
    with database.write() as tx:
        tx.execute(_NUMBER, values)
        return tx.execute(_RAISE, values).rowcount == 1


def settle(database: Database, organ: str, day: date) -> list[int]:
    """Let the numbers that the organ's counter has given that day, and no case has, be in vain; which ones these are.

    Nobody gets them. Raises NothingToSettle.
    """
    about = {"organ": organ, "day": day}
    with database.write() as tx:
        counter = tx.execute(_LOCK, about).one_or_none()
        given = set() if counter is None else _given(tx, f"{day:%Y%m%d}{counter.number:03d}")
        if counter is None or max(given, default=0) > counter.last:
            why = "its counter is missing or too low, see: yichuang verify --repair"
            raise NothingToSettle(organ=organ, day=day.isoformat(), why=why)
        missing = [number for number in range(1, counter.last + 1) if number not in given]
        if len(missing) == counter.unused:
            why = f"its cases and {counter.unused} numbers in vain are all that it gave"
            raise NothingToSettle(organ=organ, day=day.isoformat(), why=why)
        tx.execute(_SETTLE, {**about, "unused": len(missing)})
    return missing


def _given(tx: sa.Connection, prefix: str) -> set[int]:
    streams = tx.execute(_GIVEN, {"prefix": prefix, "behind": f"{prefix}:"}).scalars()
    return {int(serial[11:-1]) for serial in streams if is_serial(serial)}


def _date(day: str) -> date:
    return date(int(day[:4]), int(day[4:6]), int(day[6:]))
