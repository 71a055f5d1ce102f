"""Timers of the law: looks at cases when their day has passed and says what follows, as the clock.

Never trusts its list of cases to look at: the log says where a case stands, and the append checks it once more.
"""

from datetime import timedelta

import sqlalchemy as sa

from kernel import logs
from kernel.clock import to_micros
from kernel.contracts.case import Fact, dump_fact
from kernel.contracts.department import SOURCE
from kernel.contracts.lifecycle import Speaker
from kernel.errors import Refusal
from kernel.eventlog import Append, Appended, Duplicate, NewEvent
from services.filing.application.loading import Cases, Known
from services.filing.application.rows import LookRow
from services.filing.application.tools import Tools
from services.filing.domain.case import Case, Now, decide, evolve
from services.filing.domain.deadlines import PATIENCE, event_id, look_at, overdue

_AT_ONCE = 500  # cases
_LATER = timedelta(days=1)  # until a case is looked at again whose day nobody knows for sure yet

log = logs.get(__name__)


class _Overtaken(Exception):
    """Somebody else said something about the case, or looked at it, since we did. Rolls back; we look again."""


class Timekeeping:
    """Says what nobody had to say. Several processes may do so at once."""

    def __init__(self, tools: Tools, cases: Cases) -> None:
        self._tools = tools
        self._cases = cases
        # What departments said in time, while filing was down, is in the queue still.
        self._patient_until = tools.clock.now() + PATIENCE

    def turn(self) -> int:
        """Look at the cases whose time has come; of how many something was said."""
        now = self._tools.now()
        if now.at < self._patient_until:
            return 0
        with self._tools.database.single() as tx:
            looks = {row.serial: row for row in self._tools.store.looks(tx, to_micros(now.at), _AT_ONCE)}
        known = self._cases.load_fresh(looks)
        return sum(self._look(looks[serial], one, now) for serial, one in known.items())

    def _look(self, row: LookRow, known: Known, now: Now) -> bool:
        try:
            return self._say(row, known, now)
        except _Overtaken:
            return False

    def _say(self, row: LookRow, known: Known, now: Now) -> bool:
        fact = self._decide(known, now)
        case = known.case if fact is None else evolve(known.case, fact)
        again = look_at(case, known.rules)
        if again is not None and again <= now.at:
            again = now.at + _LATER
        with self._tools.database.write() as tx:
            if not self._tools.store.look_again(tx, row, None if again is None else to_micros(again)):
                raise _Overtaken
            if fact is not None:
                self._append(tx, known.case, fact)
        return fact is not None

    def _decide(self, known: Known, now: Now) -> Fact | None:
        fact = overdue(known.case, known.rules, now.at)
        try:
            return None if fact is None else decide(known.case, fact, Speaker.CLOCK, now, known.rules)
        except Refusal as refusal:
            # A fault of ours, which must not keep the clock from the other cases.
            log.error("the clock was refused", serial=known.case.serial, code=refusal.code)
            return None

    def _append(self, tx: sa.Connection, case: Case, fact: Fact) -> None:
        event = NewEvent(
            id=event_id(case, fact),
            source=SOURCE,
            type=fact.TYPE,
            version=fact.VERSION,
            time=fact.occurred_at,
            data=dump_fact(fact),
            organ=case.organ,
        )
        request = Append(stream=case.serial, expected_version=case.version, events=(event,))
        (outcome,) = self._tools.log.append_within(tx, [request])
        if not isinstance(outcome, Appended | Duplicate):
            raise _Overtaken
