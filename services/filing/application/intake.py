"""Intake of department events: many at once, decided together, appended in one transaction, each with its verdict.

Never writes half a batch, and never forgets an event that it told nobody about.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from kernel.clock import to_micros
from kernel.contracts.case import dump_fact
from kernel.contracts.department import Reference, refused
from kernel.database import DatabaseAway
from kernel.errors import Refusal
from kernel.eventlog import Append, Appended, EventIdReused, NewEvent, Recorded
from kernel.ids import new_id
from services.filing.application.hearing import Heard, Message, Unheard, hear
from services.filing.application.loading import Cases, Known, looks_of
from services.filing.application.planning import Plan, plan
from services.filing.application.ports import Key
from services.filing.application.rows import ReplyRow, WaitingRow
from services.filing.application.tools import Tools

_TRIES = 10
_RETRIED = 500  # cases whose waiting events are looked at in one go


@dataclass(frozen=True)
class Taken:
    """On the log at `position`."""

    position: int
    duplicate: bool = False


@dataclass(frozen=True)
class Waits:
    """Kept until what it needs has come, or its time is over; its reply follows then."""


@dataclass(frozen=True)
class Refused:
    """Not taken; nothing has changed."""

    refusal: Refusal


Verdict = Taken | Waits | Refused


class _Overtaken(Exception):
    """Another process appended to one of the cases, or settled one of the waiting events, since we looked."""


class Intake:
    """Takes department events. Several processes may do so at once."""

    def __init__(self, tools: Tools, cases: Cases) -> None:
        self._tools = tools
        self._cases = cases
        # What waited while nobody took events waits once more: what it needs may have come, and still be in the queue.
        self._patient_until = to_micros(tools.clock.now() + tools.wait)

    def take(self, messages: Sequence[Message]) -> list[tuple[Heard | Unheard, Verdict]]:
        """What was heard and what becomes of it, message by message. Returns when all of it is committed."""
        heard = [hear(message) for message in messages]
        verdicts = self.settle([one for one in heard if isinstance(one, Heard)])
        return [(one, verdicts[one] if isinstance(one, Heard) else Refused(one.refusal)) for one in heard]

    def retry_waiting(self) -> None:
        """Decide again on the events that wait; those whose time is over are refused. Replies are left in the store."""
        with self._tools.database.single() as tx:
            serials = self._tools.store.waiting_serials(tx, _RETRIED)
        if serials:
            self.settle([], serials)

    def settle(self, events: Sequence[Heard], serials: Collection[str] = ()) -> dict[Heard, Verdict]:
        """Decide on `events`, and on what waits for their cases and for those named."""
        for attempt in range(_TRIES):
            try:
                # What was remembered may be what misled us: the second time the log is asked.
                return _Round(self._tools, self._cases, events, serials, self._patient_until, attempt == 0).run()
            except _Overtaken:
                continue
        raise DatabaseAway(f"overtaken {_TRIES} times by another process")


class _Round:
    """One attempt: look, decide, write. Raises _Overtaken when what it saw has changed in between."""

    def __init__(
        self,
        tools: Tools,
        cases: Cases,
        events: Sequence[Heard],
        serials: Collection[str],
        patient_until: int,
        trusting: bool,
    ) -> None:
        self._tools = tools
        self._cases = cases
        self._serials = {*serials, *(event.serial for event in events)}
        self._verdicts: dict[Heard, Verdict] = {}
        self._echoes: list[tuple[Heard, Heard]] = []  # a repeat, and the event whose verdict it shares
        self._waiting: dict[Key, Heard] = {}
        self._unreadable: list[ReplyRow] = []
        self._now = tools.now()
        self._patient_until = patient_until
        self._events = events
        self._load = cases.load if trusting else cases.load_fresh

    def run(self) -> dict[Heard, Verdict]:
        fresh = self._new_ones(self._distinct(self._events))
        plans = self._plan(fresh)
        self._look_again(plans)
        positions = self._write(plans)
        for made in plans:
            self._judge(made, positions)
        self._cases.remember(made.after for made in plans if made.after is not None and made.appended)
        # Backwards: the first of a batch may itself repeat one that waits.
        for echo, first in reversed(self._echoes):
            verdict = self._verdicts[first]
            self._verdicts[echo] = replace(verdict, duplicate=True) if isinstance(verdict, Taken) else verdict
        return self._verdicts

    def _distinct(self, events: Sequence[Heard]) -> dict[Key, Heard]:
        """Each event once; what comes again in the same batch shares its verdict, unless it says something else."""
        first: dict[Key, Heard] = {}
        for event in events:
            self._compare(event, first.setdefault(event.key, event))
        return first

    def _compare(self, event: Heard, first: Heard) -> bool:
        """Whether `event` repeats `first`, or only borrows its id; False if it is the first."""
        if event is first:
            return False
        if event.digest == first.digest:
            self._echoes.append((event, first))
        else:
            self._verdicts[event] = Refused(EventIdReused(id=event.key[1]))
        return True

    def _new_ones(self, events: Mapping[Key, Heard]) -> list[Heard]:
        """Those that neither are on the log nor wait already."""
        with self._tools.database.single() as tx:
            rows = self._tools.store.waiting(tx, self._serials, events)
        self._wake(rows)
        # Also for those that wait: one that came twice may have been appended by another process, and wait here still.
        recorded = self._tools.log.find({*events, *self._waiting})
        for event in (*self._waiting.values(), *events.values()):
            if event.key in recorded:
                self._verdicts[event] = _already(event, recorded[event.key])
        new = [event for event in events.values() if event not in self._verdicts]
        return [event for event in new if not self._compare(event, self._waiting.get(event.key, event))]

    def _wake(self, rows: Iterable[WaitingRow]) -> None:
        for row in rows:
            heard = hear(Message(body=row.body, organ=row.organ, traceparent=row.traceparent))
            if isinstance(heard, Heard):
                self._waiting[heard.key] = replace(heard, deadline=max(row.deadline, self._patient_until))
            else:
                # Understood when it came, but not by a newer program: refused, so that it holds up nothing else.
                self._unreadable.append(self._reply_to(row.organ, (row.source, row.id), heard.about, heard.refusal))

    def _plan(self, fresh: Iterable[Heard]) -> list[Plan]:
        by_case: dict[str, list[Heard]] = defaultdict(list)
        for event in (*self._waiting.values(), *fresh):
            if event not in self._verdicts:
                by_case[event.serial].append(event)
        plans = self._plan_cases(by_case, self._load)
        doubtful = {serial for serial, made in plans.items() if made.doubtful}
        # What was remembered of these cases may be out of date: nobody is turned away before the log was asked.
        plans |= self._plan_cases({serial: by_case[serial] for serial in doubtful}, self._cases.load_fresh)
        return list(plans.values())

    def _plan_cases(
        self, by_case: Mapping[str, list[Heard]], load: Callable[[Collection[str]], dict[str, Known]]
    ) -> dict[str, Plan]:
        known = load(by_case)
        micros = to_micros(self._now.at)
        return {serial: plan(known.get(serial), events, self._now, micros) for serial, events in by_case.items()}

    def _look_again(self, plans: Sequence[Plan]) -> None:
        """An event that came to two of us may have been appended after we looked for it and before we loaded its case.

        The case has moved on because of that very event then, which must not be refused for it.
        """
        turned_away = [event.key for made in plans for event, _ in made.refused]
        if turned_away and self._tools.log.find(turned_away):
            raise _Overtaken

    def _write(self, plans: Sequence[Plan]) -> dict[Heard, int]:
        """Everything in one transaction, the log last. Returns the positions."""
        appending = [made for made in plans if made.appended]
        replies = self._replies(plans)
        new = [self._row(event) for made in plans for event in made.waiting if event.deadline is None]
        if not (appending or replies or new):
            return {}
        with self._tools.database.write() as tx:
            store = self._tools.store
            if not store.exchange_waiting(tx, [(reply.source, reply.event_id) for reply in replies], new):
                raise _Overtaken
            store.add_replies(tx, replies)
            store.set_looks(tx, looks_of((made.after.case, made.after.rules) for made in appending if made.after))
            outcomes = self._tools.log.append_within(tx, [_request(made) for made in appending])
            if not all(isinstance(outcome, Appended) for outcome in outcomes):
                raise _Overtaken
        return _positions(appending, outcomes)

    def _row(self, event: Heard) -> WaitingRow:
        return WaitingRow(
            source=event.key[0],
            id=event.key[1],
            serial=event.serial,
            organ=event.organ,
            body=event.body,
            deadline=to_micros(self._now.at + self._tools.wait),
            traceparent=event.about.traceparent,
        )

    def _replies(self, plans: Sequence[Plan]) -> list[ReplyRow]:
        """What the senders of events that had waited are told, kept with the effect until it is published."""
        known = [(event, self._verdicts[event]) for event in self._waiting.values() if event in self._verdicts]
        settled = [(event, verdict.refusal if isinstance(verdict, Refused) else None) for event, verdict in known]
        for made in plans:
            settled += [(event, None) for event, _ in made.appended]
            settled += made.refused
        told = [(event, why) for event, why in settled if event.deadline is not None]
        return self._unreadable + [self._reply_to(event.organ, event.key, event.about, why) for event, why in told]

    def _reply_to(self, organ: str, key: Key, about: Reference, why: Refusal | None) -> ReplyRow:
        id_ = new_id()
        return ReplyRow(
            id=id_,
            organ=organ,
            source=key[0],
            event_id=key[1],
            subject=about.subject or "",
            body=None if why is None else refused(id_, self._now.at, about, why),
        )

    def _judge(self, made: Plan, positions: Mapping[Heard, int]) -> None:
        self._verdicts |= {event: Taken(positions[event]) for event, _ in made.appended}
        self._verdicts |= {event: Refused(refusal) for event, refusal in made.refused}
        self._verdicts |= {event: Waits() for event in made.waiting}


def _already(event: Heard, recorded: Recorded) -> Verdict:
    """What becomes of an event whose id is on the log: it repeats what stands there, or says something else."""
    if recorded.digest == event.digest:
        return Taken(recorded.position, duplicate=True)
    return Refused(EventIdReused(id=event.key[1]))


def _request(made: Plan) -> Append:
    if made.before is None:
        raise ValueError("nothing can be appended to a case that does not exist")
    events = tuple(
        NewEvent(
            id=event.key[1],
            source=event.key[0],
            type=fact.TYPE,
            version=fact.VERSION,
            time=fact.occurred_at,
            data=dump_fact(fact),
            organ=event.organ,
            digest=event.digest,
            traceparent=event.about.traceparent,
        )
        for event, fact in made.appended
    )
    return Append(stream=made.before.case.serial, expected_version=made.before.case.version, events=events)


def _positions(plans: Sequence[Plan], outcomes: Sequence[object]) -> dict[Heard, int]:
    positions: dict[Heard, int] = {}
    for made, outcome in zip(plans, outcomes, strict=True):
        first = outcome.first if isinstance(outcome, Appended) else 0
        positions |= {event: first + index for index, (event, _) in enumerate(made.appended)}
    return positions
