"""Windows: they open and shut, call who is next, and say what becomes of whom they called.

Of two windows that call at the same moment each gets another ticket; a window has one ticket at a time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from kernel.clock import from_micros, to_micros
from kernel.contracts.hall_day_refusals import (
    AlreadyWaiting,
    NobodyAtWindow,
    UnknownTicket,
    UnknownWindow,
    WindowBusy,
    WindowShut,
)
from kernel.contracts.ticket_facts import (
    AtWindow,
    TicketCalled,
    TicketFinished,
    TicketMissed,
    TicketParked,
    TicketRecalled,
    TicketReturned,
    TicketTransferred,
)
from kernel.contracts.visit_facts import VisitServed
from kernel.eventlog import Append
from services.appointment.application.locked import change_locked
from services.appointment.application.once import Said, once
from services.appointment.application.queue_rows import TicketRow, WindowRow
from services.appointment.application.saying import append_last, append_to
from services.appointment.application.ticketing import Place, about, change, place_of, shown_to_staff
from services.appointment.application.tools import Tools
from services.appointment.domain.booking import State, decide
from services.appointment.domain.tickets import State as TicketState
from services.appointment.domain.times import day_of

Json = dict[str, Any]
Changed = tuple[TicketRow | None, Sequence[Append]]  # who is at the window then, and what goes on the log
Step = Callable[[sa.Connection, "_Scene"], Changed]


class _Scene:
    """A window that nobody else acts at, who acts, and when."""

    def __init__(self, place: Place, window: WindowRow, ticket: TicketRow | None, staff: str, now: datetime) -> None:
        self.place, self.window, self.staff, self.now = place, window, staff, now
        self._ticket = ticket

    @property
    def nobody(self) -> bool:
        return self._ticket is None

    @property
    def ticket(self) -> TicketRow:
        """Raises NobodyAtWindow."""
        if self._ticket is None:
            raise NobodyAtWindow(window=self.window.code)
        return self._ticket

    def said(self, type_: type[AtWindow], ticket: TicketRow, **members: Any) -> AtWindow:
        """The fact of this type about the ticket."""
        return type_(**about(ticket, self.place, self.staff, self.now), window=self.window.code, **members)


class Calling:
    """Handlers of what windows do; answers are `kernel.contracts.hall_day.WindowState`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def set_window(self, staff: str, request: Mapping[str, Any]) -> Json:
        """Make it, open or shut it, or give it other groups. Raises UnknownGroup, or WindowBusy to shut it."""
        store = self._tools.store
        with self._tools.database.write() as tx:
            place = place_of(self._tools, tx, request["hall"])
            store.window(tx, place.id, request["window"])  # whoever calls to it at this moment is seen below
            row = self._window_row(staff, request, place)
            at_it = store.at_window(tx, row.hall, row.code)
            if at_it is not None and not row.open:
                raise WindowBusy(window=row.code, number=at_it.number)
            store.put_window(tx, row)
            return self._shown(tx, place, row, at_it)

    def _window_row(self, staff: str, request: Mapping[str, Any], place: Place) -> WindowRow:
        return WindowRow(
            hall=place.id,
            code=request["window"],
            name=request["name"],
            groups=tuple(sorted({place.group(id).no for id in request["groups"]})),
            open=request["open"],
            changed_at=to_micros(self._tools.clock.now()),
            changed_by=staff,
        )

    def call_next(self, staff: str, request: Mapping[str, Any]) -> Json:
        """The waiting ticket with the lowest rank, if there is one. Raises WindowShut or WindowBusy."""
        return self._act("next", staff, request, self._next)

    def recall(self, staff: str, request: Mapping[str, Any]) -> Json:
        """Call the one at the window once more. Raises NobodyAtWindow, as do all below."""
        return self._act("recall", staff, request, lambda tx, at: self._say(tx, at, TicketRecalled))

    def park(self, staff: str, request: Mapping[str, Any]) -> Json:
        """Set it aside for `minutes`, or as long as the hall's rule says."""
        return self._act("park", staff, request, lambda tx, at: self._park(tx, at, request["minutes"]))

    def transfer(self, staff: str, request: Mapping[str, Any]) -> Json:
        """Send it to another group's queue. Raises UnknownHall, UnknownGroup, SameGroup or AlreadyWaiting."""
        return self._act("transfer", staff, request, lambda tx, at: self._transfer(tx, at, request["group"]))

    def finish(self, staff: str, request: Mapping[str, Any]) -> Json:
        """It has been dealt with, and so has the booking that it is for."""
        return self._act("finish", staff, request, self._finish)

    def miss(self, staff: str, request: Mapping[str, Any]) -> Json:
        """Nobody came. A booking stays checked in: who has come to the hall is no no-show, and may come after all."""
        return self._act("miss", staff, request, lambda tx, at: self._say(tx, at, TicketMissed))

    def put_back(self, staff: str, request: Mapping[str, Any]) -> Json:
        """A parked or missed ticket of today waits again (`kernel.contracts.hall_day.StaffTicket`)."""
        answer = None
        while answer is None:
            with self._tools.database.write() as tx:
                answer = self._put_back(tx, staff, request)
        return answer

    def _put_back(self, tx: sa.Connection, staff: str, request: Mapping[str, Any]) -> Json | None:
        """None where the queue that is locked is the ticket's no more: it was sent to another in between."""
        store, now = self._tools.store, self._tools.clock.now()
        seen = store.ticket(tx, request["ticket"])
        if seen is None or seen.hall != request["hall"] or seen.day != day_of(now):
            raise UnknownTicket
        place = place_of(self._tools, tx, seen.hall)
        self._check_alone(tx, seen, seen.group_no)
        row = store.ticket(tx, seen.id, lock=True) or seen
        if row.group_no != seen.group_no:
            return None
        rank = now if row.state is TicketState.MISSED else from_micros(row.rank)
        fact = TicketReturned(**about(row, place, staff, now), rank=rank)
        after, append = change(self._tools, tx, row, fact, place)
        append_last(self._tools, tx, [append])
        return shown_to_staff(after, place)

    def _act(self, what: str, staff: str, request: Mapping[str, Any], step: Step) -> Json:
        """One thing done at a window, once for each idempotency key."""
        key, asked = request["idempotency_key"], _asked(what, request)

        def do(tx: sa.Connection) -> Said:
            scene = self._scene(tx, staff, request)
            at_it, appends = step(tx, scene)
            return self._shown(tx, scene.place, scene.window, at_it), appends

        return once(self._tools, staff, key, asked, do)

    def _scene(self, tx: sa.Connection, staff: str, request: Mapping[str, Any]) -> _Scene:
        store = self._tools.store
        # The window first: whoever else acts at it waits here, and sees what became of its ticket.
        window = store.window(tx, request["hall"], request["window"])
        if window is None:
            raise UnknownWindow(window=request["window"])
        place = place_of(self._tools, tx, window.hall)
        return _Scene(place, window, store.at_window(tx, window.hall, window.code), staff, self._tools.clock.now())

    def _next(self, tx: sa.Connection, scene: _Scene) -> Changed:
        if not scene.nobody:
            raise WindowBusy(window=scene.window.code, number=scene.ticket.number)
        if not scene.window.open:
            raise WindowShut(window=scene.window.code)
        row = self._tools.store.next_ticket(tx, day_of(scene.now), scene.window.groups)
        if row is None:
            return None, ()
        after, append = change(self._tools, tx, row, scene.said(TicketCalled, row), scene.place)
        return after, [append]

    def _say(self, tx: sa.Connection, scene: _Scene, type_: type[AtWindow]) -> Changed:
        row = self._locked(tx, scene.ticket)
        after, append = change(self._tools, tx, row, scene.said(type_, row), scene.place)
        return (after if after.at_window is not None else None), [append]

    def _park(self, tx: sa.Connection, scene: _Scene, minutes: int | None) -> Changed:
        row = self._locked(tx, scene.ticket)
        until = scene.now + timedelta(minutes=minutes or scene.place.rule.park_minutes)
        _, append = change(self._tools, tx, row, scene.said(TicketParked, row, until=until), scene.place)
        return None, [append]

    def _transfer(self, tx: sa.Connection, scene: _Scene, group: str) -> Changed:
        to = scene.place.open_group(group)  # in one that the catalogue has no more it would wait for nobody
        if to.no != scene.ticket.group_no:
            self._check_alone(tx, scene.ticket, to.no)
        row = self._locked(tx, scene.ticket)
        fact = scene.said(TicketTransferred, row, to=to.id, to_name=to.name)
        _, append = change(self._tools, tx, row, fact, scene.place, to=to.no)
        return None, [append]

    def _finish(self, tx: sa.Connection, scene: _Scene) -> Changed:
        appends = self._serve(tx, scene) if scene.ticket.booking is not None else []
        row = self._locked(tx, scene.ticket)
        _, append = change(self._tools, tx, row, scene.said(TicketFinished, row), scene.place)
        return None, [*appends, append]

    def _serve(self, tx: sa.Connection, scene: _Scene) -> list[Append]:
        """The booking, which is locked before the ticket."""
        row = self._tools.store.booking(tx, str(scene.ticket.booking), lock=True)
        if row is None:
            raise RuntimeError(f"a ticket for a booking that there is not: {scene.ticket.id}")
        fact = VisitServed(occurred_at=scene.now, by=scene.staff, hall=row.hall)
        decide(row.as_booking(), fact, scene.place.rule)
        change_locked(self._tools, tx, row, replace(row, state=State.SERVED, version=row.version + 1))
        return [append_to(row.number, row.version, [fact])]

    def _locked(self, tx: sa.Connection, seen: TicketRow) -> TicketRow:
        """As it is now: the clock may have closed it meanwhile."""
        return self._tools.store.ticket(tx, seen.id, lock=True) or seen

    def _check_alone(self, tx: sa.Connection, row: TicketRow, group_no: int) -> None:
        """Locks the group's queue. Raises AlreadyWaiting where the person has another ticket in it."""
        store = self._tools.store
        store.lock_day(tx, group_no, row.day)
        other = None if row.identity is None else store.live_ticket(tx, group_no, row.day, row.identity)
        if other is not None and other.id != row.id:
            raise AlreadyWaiting(number=other.number)

    def _shown(self, tx: sa.Connection, place: Place, window: WindowRow, at_it: TicketRow | None) -> Json:
        today = day_of(self._tools.clock.now())
        waiting = self._tools.store.waiting(tx, today, window.groups, _FOREVER, "")
        return window_state(place, window, at_it, sum(waiting.values()))


_FOREVER = 2**62  # behind every rank


def window_state(place: Place, window: WindowRow, at_it: TicketRow | None, waiting: int) -> Json:
    """In the form of `kernel.contracts.hall_day.WindowState`."""
    return {
        "window": window.code,
        "name": window.name,
        "open": window.open,
        "groups": [{"group": place.named[no].id, "name": place.named[no].name} for no in window.groups],
        "waiting": waiting,
        "ticket": None if at_it is None else shown_to_staff(at_it, place),
    }


def _asked(what: str, request: Mapping[str, Any]) -> Json:
    return {"do": what, **{name: request.get(name) for name in ("hall", "window", "group", "minutes")}}
