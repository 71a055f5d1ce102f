"""Blocked after missed visits: an appeal to the hall's staff, their decision, and no-shows that staff excuse.

What people write is sealed and never on the log. Whoever changes a block holds the visitor's lock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from kernel.clock import format_time, from_micros, to_micros
from kernel.contracts.appointment_refusals import AppealDecided, AppealOpen, NotBlocked, UnknownAppeal, UnknownBooking
from kernel.contracts.visit_facts import VisitAppealDismissed, VisitExcused, VisitFact, VisitUnblocked
from kernel.ids import new_id
from kernel.vault import Erased
from services.appointment.application.locked import change_locked, lock_visitors_of
from services.appointment.application.once import Said, once
from services.appointment.application.people import Caller, Person, person_of
from services.appointment.application.rows import AppealRow, BlockRow, BookingRow
from services.appointment.application.saying import append_last, append_to
from services.appointment.application.tools import Tools
from services.appointment.domain.booking import State, decide
from services.appointment.domain.rules import HallRule, block_after
from services.appointment.domain.times import day_of

_SHOWN = timedelta(days=365)  # before an appeal: no-shows that staff see with it
Told = tuple[BookingRow, Sequence[VisitFact]]


class Appeals:
    """Handlers of `file_appeal`, `appeal`, and of what a hall's staff do; answers are of `kernel.contracts.waiting`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def file(self, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
        """`request`: loaded `FileAppeal`. Raises NotBlocked, AppealOpen."""
        person, key = person_of(self._tools.vault, caller, request["visitor"]), request.get("idempotency_key")
        asked = {"appeal": request["hall"], "reason": request["reason"], "by": [person.identity, person.mobile]}
        return once(self._tools, caller.name, key, asked, lambda tx: self._file(tx, caller, person, request))

    def _file(self, tx: sa.Connection, caller: Caller, person: Person, request: Mapping[str, Any]) -> Said:
        keys = (person.identity, person.mobile)
        references, _ = self._tools.store.lock_visitors(tx, {one: new_id() for one in keys})
        block = self._block(tx, request["hall"], keys)
        row = self._filed(tx, (caller, person, references[person.identity]), block, request["reason"])
        return self._shown(tx, row), ()

    def _block(self, tx: sa.Connection, hall: str, keys: Sequence[str]) -> BlockRow:
        """The last to end."""
        blocks = self._tools.store.blocks_of(tx, set(keys), day_of(self._tools.clock.now()))
        of_hall = [one for one in blocks if one.hall == hall]
        if not of_hall:
            raise NotBlocked
        if self._tools.store.appealed(tx, of_hall[-1].booking):
            raise AppealOpen
        return of_hall[-1]

    def _filed(self, tx: sa.Connection, who: tuple[Caller, Person, str], block: BlockRow, reason: str) -> AppealRow:
        caller, person, visitor = who
        row = AppealRow(
            id=new_id(),
            hall=block.hall,
            booking=block.booking,
            identity=person.identity,
            mobile=person.mobile,
            visitor=visitor,
            account=caller.account,
            until=block.until,
            state="open",
            reason=self._tools.vault.seal(tx, visitor, reason.encode()),
            filed_at=to_micros(self._tools.clock.now()),
        )
        self._tools.store.add_appeal(tx, row)
        return row

    def show(self, caller: Caller, id: str) -> dict[str, Any]:
        """Raises UnknownAppeal, also for another's."""
        with self._tools.database.read() as tx:
            row = self._tools.store.appeal(tx, id)
            if row is None or not caller.has(row):
                raise UnknownAppeal
            return self._shown(tx, row)

    def of_hall(self, hall: str, state: str | None, page: int, page_size: int) -> dict[str, Any]:
        """In the form of `kernel.contracts.waiting.FiledAppeals`."""
        start = (page - 1) * page_size
        with self._tools.database.read() as tx:
            rows, total = self._tools.store.appeals(tx, hall, state, page_size, start)
            items = [self._for_staff(tx, row) for row in rows]
        return {"items": items, "total": total, "page": page, "page_size": page_size}

    def decide(self, hall: str, id: str, decision: Mapping[str, Any], by: str) -> dict[str, Any]:
        """`decision`: loaded `Decision`. The same once more is the same. Raises UnknownAppeal, AppealDecided."""
        state = "granted" if decision["granted"] else "dismissed"
        with self._tools.database.write() as tx:
            row = self._of_hall(tx, hall, id)
            # Of both: who appeals may share but a mobile with the one who missed the visit.
            missed = self._tools.store.booking(tx, row.booking)
            lock_visitors_of(self._tools, tx, [row] if missed is None else [row, missed])
            row = self._of_hall(tx, hall, id)
            if row.state not in ("open", state):
                raise AppealDecided(row.state)
            if row.state == "open":
                row = self._decide(tx, row, state, decision["sentence"], by)
            return self._for_staff(tx, row)

    def _decide(self, tx: sa.Connection, row: AppealRow, state: str, sentence: str, by: str) -> AppealRow:
        now = self._tools.clock.now()
        sealed = self._tools.vault.seal(tx, row.visitor, sentence.encode())
        after = replace(row, state=state, sentence=sealed, decided_at=to_micros(now), decided_by=by)
        self._tools.store.decide_appeal(tx, after)
        if state == "granted":
            self._excuse(tx, row.booking, by, row.id)
        else:
            fact = VisitAppealDismissed(
                occurred_at=now, by=by, hall=row.hall, visitor=row.visitor, appeal=row.id, until=row.until
            )
            self._say(tx, [(self._locked(tx, row.booking), [fact])])
        return after

    def excuse(self, hall: str, number: str, by: str) -> dict[str, Any]:
        """A no-show counts no more, and a block that it brought is lifted; `kernel.contracts.waiting.Excused`.

        To excuse it once more changes nothing. Raises UnknownBooking, NotInThatState.
        """
        store = self._tools.store
        with self._tools.database.write() as tx:
            row = store.booking(tx, number)
            if row is None or row.hall != hall or row.version == 0 or row.forgotten:
                raise UnknownBooking
            lock_visitors_of(self._tools, tx, [row])
            lifted = self._excuse(tx, number, by, None)
        return {"number": number, "excused": True, "unblocked": lifted}

    def _excuse(self, tx: sa.Connection, number: str, by: str, appeal: str | None) -> bool:
        """Under the visitor's lock. Whether a block was lifted."""
        row = self._locked(tx, number)
        if row.excused:
            return False
        rule = self._tools.store.place(tx, row.group_no)[0].rule
        now = self._tools.clock.now()
        excused = decide(row.as_booking(), VisitExcused(occurred_at=now, by=by, hall=row.hall), rule)

        def unblocked(of: BookingRow) -> VisitUnblocked:
            return VisitUnblocked(occurred_at=now, by=by, hall=of.hall, visitor=of.visitor, appeal=appeal)

        lifted = self._unfounded(tx, row, rule)
        others = [self._locked(tx, one) for one in lifted if one != number]
        for one in lifted:
            self._tools.store.lift_block(tx, one, to_micros(now), by)
            self._tools.store.grant_appeals(tx, one, to_micros(now), by)
        said = [excused, unblocked(row)] if number in lifted else [excused]
        self._say(tx, [(row, said), *((other, [unblocked(other)]) for other in others)])
        return bool(lifted)

    def _unfounded(self, tx: sa.Connection, row: BookingRow, rule: HallRule) -> list[str]:
        """Blocks, by their bookings, that do not stand without this no-show."""
        blocks = self._tools.store.blocks_of(tx, {row.identity, row.mobile}, day_of(self._tools.clock.now()))
        of_hall = [one for one in blocks if one.hall == row.hall]
        return [one.booking for one in of_hall if one.booking == row.number or not self._stands(tx, one, row, rule)]

    def _stands(self, tx: sa.Connection, block: BlockRow, without: BookingRow, rule: HallRule) -> bool:
        """Whether what its own person missed is enough, or has nothing to do with this no-show."""
        span = timedelta(days=rule.no_show_days)
        first, last = without.day - span, without.day + span
        near = self._tools.store.bookings_of(tx, {block.identity}, {block.mobile}, first, last)
        missed = {one.number: one.day for one in near if one.hall == block.hall and _counts(one)}
        missed.pop(without.number, None)
        day = missed.get(block.booking)
        return day is None or day < without.day or block_after(rule, missed.values(), day) is not None

    def _say(self, tx: sa.Connection, said: Sequence[Told]) -> None:
        for row, facts in said:
            excused = row.excused or any(isinstance(fact, VisitExcused) for fact in facts)
            after = replace(row, version=row.version + len(facts), excused=excused)
            change_locked(self._tools, tx, row, after)
        append_last(self._tools, tx, [append_to(row.number, row.version, facts) for row, facts in said])

    def _locked(self, tx: sa.Connection, number: str) -> BookingRow:
        row = self._tools.store.booking(tx, number, lock=True)
        if row is None:
            raise UnknownBooking
        return row

    def _of_hall(self, tx: sa.Connection, hall: str, id: str) -> AppealRow:
        row = self._tools.store.appeal(tx, id)
        if row is None or row.hall != hall:
            raise UnknownAppeal
        return row

    def _shown(self, tx: sa.Connection, row: AppealRow) -> dict[str, Any]:
        return {
            "id": row.id,
            "hall": row.hall,
            "state": row.state,
            "blocked_until": row.until.isoformat(),
            "filed_at": format_time(from_micros(row.filed_at)),
            "decided_at": None if row.decided_at is None else format_time(from_micros(row.decided_at)),
            "sentence": None if row.sentence is None else self._read(tx, row, row.sentence),
        }

    def _for_staff(self, tx: sa.Connection, row: AppealRow) -> dict[str, Any]:
        filed = day_of(from_micros(row.filed_at))
        visits = self._tools.store.bookings_of(tx, {row.identity}, {row.mobile}, filed - _SHOWN, filed)
        missed = [one for one in visits if one.hall == row.hall and one.state is State.NO_SHOW]
        shown = [
            {"number": one.number, "starts_at": format_time(one.starts_at), "excused": one.excused}
            for one in sorted(missed, key=lambda one: one.starts_at)
        ]
        return {**self._shown(tx, row), "reason": self._read(tx, row, row.reason), "missed": shown}

    def _read(self, tx: sa.Connection, row: AppealRow, sealed: bytes) -> str:
        """Nothing is left to read of somebody who was erased."""
        try:
            return self._tools.vault.open(tx, row.visitor, sealed).decode()
        except Erased:
            return ""


def _counts(row: BookingRow) -> bool:
    return row.state is State.NO_SHOW and not row.excused
