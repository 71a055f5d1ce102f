"""One transaction for all who book or hold at this moment: each gets all of its places, or none and a reason.

Locks in the order of `ports`; everything is decided in memory in between, and the log comes last. Never waits for
anything but these locks.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, TypeGuard

import sqlalchemy as sa

from kernel.clock import to_micros
from kernel.contracts.appointment_refusals import BeyondClosing, Closed, Full, UnknownHall
from kernel.errors import Refusal
from kernel.idempotency import Asked, KeyReused
from kernel.ids import new_id
from services.appointment.application.locked import add_with_places
from services.appointment.application.rows import BookingRow, EntryRow, Wanting, hold_of, reminder, until
from services.appointment.application.saying import append_last, append_to, booked, shown
from services.appointment.application.standing import Standing, booked_now, standing
from services.appointment.application.tools import Tools
from services.appointment.domain.booking import State
from services.appointment.domain.halls import Group, Hall
from services.appointment.domain.rules import Visit, check_time
from services.appointment.domain.schedule import visit_minutes
from services.appointment.domain.slots import Slot, needed_ids
from services.appointment.domain.times import instant

Outcome = dict[str, Any] | Refusal


@dataclass(frozen=True, kw_only=True)
class Wish(Wanting):
    """A time that is wanted. `starts` in minutes since midnight; `number` is what the booking will have."""

    number: str
    contact: bytes | None = field(repr=False)  # to be sealed
    day: date
    starts: int
    hold: bool
    asked: Asked | None  # under its idempotency key


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a wish comes to at a group: the time, and the slots to be taken."""

    hall: Hall
    group: Group
    visit: Visit
    slots: tuple[int, ...]


@dataclass(eq=False)
class _Attempt:
    """A wish under way. It has an outcome as soon as nothing more is to be done about it.

    `plans`: one for each group that would do; the first that has places is taken.
    """

    wish: Wish
    outcome: Outcome | None = None
    plans: Sequence[Plan] = ()
    _plan: Plan | None = None

    @property
    def plan(self) -> Plan:
        if self._plan is None:
            raise RuntimeError("asked for its plan before one was taken")
        return self._plan

    @plan.setter
    def plan(self, plan: Plan) -> None:
        self._plan = plan

    @contextmanager
    def refusable(self) -> Iterator[None]:
        """A refusal ends this attempt and no other."""
        try:
            yield
        except Refusal as refusal:
            self.outcome = refusal


def take_all(tools: Tools, wishes: Sequence[Wish]) -> list[Outcome]:
    """One outcome for each, in order; all that is written is committed together."""
    attempts: dict[Any, _Attempt] = {}
    for wish in wishes:
        attempts.setdefault(_name(wish), _Attempt(wish))
    with tools.database.write() as tx:
        _Taking(tools, tx, list(attempts.values())).run()
    return [_outcome(wish, attempts[_name(wish)]) for wish in wishes]


def _name(wish: Wish) -> Any:
    """What makes two wishes one: the same key of the same caller."""
    return wish.number if wish.asked is None else (wish.asked.owner, wish.asked.key)


def _outcome(wish: Wish, attempt: _Attempt) -> Outcome:
    if wish.asked is not None and wish.asked != attempt.wish.asked:
        return KeyReused(key=wish.asked.key)
    if attempt.outcome is None:
        raise RuntimeError("nothing came of a wish")
    return attempt.outcome


class _Taking:
    """The transaction."""

    def __init__(self, tools: Tools, tx: sa.Connection, attempts: Sequence[_Attempt]) -> None:
        self._tools, self._store, self._tx = tools, tools.store, tx
        self._attempts = attempts
        self._standing: Standing | None = None
        self._entries: list[EntryRow] = []  # of the persons, on the waiting list
        self._slots: dict[int, Slot] = {}
        self._taken: Counter[int] = Counter()
        self._served: set[str] = set()  # keys of those who have got a place
        self._made: list[tuple[_Attempt, BookingRow]] = []

    def run(self) -> None:
        """All steps. Whoever is refused in one takes no part in the next."""
        self._lock_visitors()
        # Only now: what waited for a lock is decided by the time at which it got it.
        self._now = self._tools.clock.now()
        self._replay()
        self._plan_all()
        self._check_persons()
        self._lock_slots()
        self._take_all()
        self._forget_strangers()
        self._write()

    def _open(self) -> list[_Attempt]:
        return [attempt for attempt in self._attempts if attempt.outcome is None]

    def _lock_visitors(self) -> None:
        keys = {key: new_id() for attempt in self._attempts for key in _keys(attempt.wish)}
        self._references, self._strangers = self._store.lock_visitors(self._tx, keys)

    def _replay(self) -> None:
        """Equal requests have the same visitor, whose row is the lock that they contend for."""
        keyed = [(attempt, attempt.wish.asked) for attempt in self._attempts if attempt.wish.asked is not None]
        answers = self._tools.idempotency.replay_all(self._tx, [asked for _, asked in keyed])
        for (attempt, _), answer in zip(keyed, answers, strict=True):
            attempt.outcome = answer

    def _plan_all(self) -> None:
        halls = self._store.halls(self._tx, {attempt.wish.hall for attempt in self._open()})
        for attempt in self._open():
            with attempt.refusable():
                attempt.plans = _planned(attempt.wish, halls, self._now)

    def _check_persons(self) -> None:
        """Before any slot is locked: most of those who may not book never touch one."""
        wishes = [attempt.wish for attempt in self._open()]
        if not wishes:
            return
        identities, mobiles = {one.identity for one in wishes}, {one.mobile for one in wishes}
        self._entries = self._store.lock_entries_of(self._tx, identities, mobiles)
        self._standing = standing(self._store, self._tx, wishes, [wish.day for wish in wishes], self._now)
        for attempt in self._open():
            with attempt.refusable():
                self._has.check_given_up(attempt.wish, attempt.plans[0].hall)
                attempt.plans = self._allowed(attempt)

    def _allowed(self, attempt: _Attempt) -> list[Plan]:
        """Those that the person may have: the same visit is longer at one group than at another."""
        return _not_refused(attempt.plans, lambda plan: self._has.check(attempt.wish, plan.hall, plan.visit))

    @property
    def _has(self) -> Standing:
        if self._standing is None:
            raise RuntimeError("asked what persons have before it was read")
        return self._standing

    def _lock_slots(self) -> None:
        wanted = {slot for attempt in self._open() for plan in attempt.plans for slot in plan.slots}
        self._slots = self._store.lock_slots(self._tx, wanted)

    def _take_all(self) -> None:
        for attempt in self._open():
            with attempt.refusable():
                if self._served.intersection(_keys(attempt.wish)):  # the same person has got another place just now
                    attempt.plans = self._allowed(attempt)
                there = _not_refused(attempt.plans, lambda plan: check_places(plan, self._slots, self._taken))
                attempt.plan = there[0]
                self._take(attempt)

    def _take(self, attempt: _Attempt) -> None:
        row = self._row(attempt)
        attempt.outcome = shown(row, attempt.plan.group, attempt.plan.hall.rule)
        self._taken.update(attempt.plan.slots)
        self._has.visits.append(row)
        self._served.update(_keys(attempt.wish))
        self._made.append((attempt, row))

    def _row(self, attempt: _Attempt) -> BookingRow:
        wish, plan = attempt.wish, attempt.plan
        visitor = self._references[wish.identity]
        row = hold_of(wish, wish.number, visitor, plan.group.no, plan.visit, self._now)
        if wish.hold:
            return replace(row, held_until=self._held_until(plan))
        return replace(row, state=State.BOOKED, version=1, remind_at=reminder(wish.day, self._now))

    def _held_until(self, plan: Plan) -> int:
        """Never beyond the time that is held."""
        begins = instant(plan.visit.day, plan.visit.starts)
        return min(until(self._now, plan.hall.rule.hold_seconds), to_micros(begins))

    def _forget_strangers(self) -> None:
        """Nothing stays of people who were refused."""
        known = {key for _, row in self._made for key in (row.identity, row.mobile)}
        refused = sorted(self._strangers - known)
        if refused:
            self._store.drop_visitors(self._tx, refused)

    def _write(self) -> None:
        if not self._made:
            return
        slots = [attempt.plan.slots for attempt, _ in self._made]
        add_with_places(self._tools, self._tx, list(zip(self._sealed(), slots, strict=True)))
        self._store.change_entries(
            self._tx, booked_now(self._entries, [(row, one.plan.group) for one, row in self._made if not one.wish.hold])
        )
        kept = [(one.wish.asked, one.outcome) for one, _ in self._made if one.wish.asked is not None]
        self._tools.idempotency.keep_all(self._tx, [(asked, answer) for asked, answer in kept if _is_answer(answer)])
        facts = [
            append_to(row.number, 0, [booked(row, one.plan.hall, one.plan.group, row.by, self._now)])
            for one, row in self._made
            if not one.wish.hold
        ]
        if facts:
            append_last(self._tools, self._tx, facts)

    def _sealed(self) -> list[BookingRow]:
        texts = [(row.visitor, one.wish.contact) for one, row in self._made if one.wish.contact is not None]
        sealed = iter(self._tools.vault.seal_all(self._tx, texts))
        return [row if one.wish.contact is None else replace(row, contact=next(sealed)) for one, row in self._made]


def check_places(plan: Plan, slots: Mapping[int, Slot], taken: Mapping[int, int]) -> None:
    """`slots`: as they are on the table; `taken`: what was given away since. Raises Closed, BeyondClosing or Full."""
    wanted = [slots.get(id) for id in plan.slots]
    length = plan.group.schedule.slot_minutes
    if wanted[0] is None or any(slot is not None and (slot.closed or slot.minutes != length) for slot in wanted):
        raise Closed
    if None in wanted:
        raise BeyondClosing(minutes=plan.visit.ends - plan.visit.starts)
    if any(slot is not None and slot.free <= taken.get(slot.id, 0) for slot in wanted):
        raise Full([])


def _not_refused(plans: Sequence[Plan], check: Callable[[Plan], None]) -> list[Plan]:
    """Those that `check` lets pass. If none does: raises Full where one is full, else what it raises of the first."""
    passed, refused = [], []
    for plan in plans:
        try:
            check(plan)
            passed.append(plan)
        except Refusal as refusal:
            refused.append(refusal)
    if not passed:
        raise min(refused, key=lambda one: not isinstance(one, Full))
    return passed


def _planned(wish: Wish, halls: Mapping[str, Hall], now: datetime) -> list[Plan]:
    hall = halls.get(wish.hall)
    if hall is None:
        raise UnknownHall(hall=wish.hall)
    said = (wish.items, wish.people, wish.day, wish.starts, now)
    return [plan_of(hall, group, *said) for group in hall.groups_for(wish.items)]


def plan_of(hall: Hall, group: Group, items: Iterable[str], people: int, day: date, starts: int, now: datetime) -> Plan:
    """What a visit then would take. Raises InThePast or OutsideWindow."""
    length = group.schedule.slot_minutes
    slots = needed_ids(group.no, day, starts, visit_minutes(group.schedule, items, people), length)
    visit = Visit(day, starts, starts + len(slots) * length)
    check_time(hall.rule, visit, now)
    return Plan(hall=hall, group=group, visit=visit, slots=slots)


def _keys(wish: Wish) -> tuple[str, str]:
    return wish.identity, wish.mobile


def _is_answer(outcome: Outcome | None) -> TypeGuard[dict[str, Any]]:
    return isinstance(outcome, dict)
