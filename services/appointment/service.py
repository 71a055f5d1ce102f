"""The nameko class of appointment: a switchboard, a few lines a method. Decides nothing itself."""

from collections.abc import Mapping
from typing import Any

from kernel import logs
from kernel.contracts import appointment as contract, closures as shut, hall_day, waiting
from kernel.contracts.accounts import Request
from kernel.contracts.visit_contact import ContactOfVisit
from kernel.errors import Refusal
from kernel.eventlog.events import Recorded
from kernel.messaging import topology
from kernel.messaging.broadcasting import hears
from kernel.messaging.consuming import every
from kernel.messaging.rpc import Services, rpc
from kernel.messaging.wiring import Application
from services.appointment.application.people import Caller, caller_of
from services.appointment.application.staff import check_manager, check_staff
from services.appointment.bootstrap import OWNER, build

Json = dict[str, Any]

log = logs.get(__name__)


class AppointmentService:
    """Answers what `kernel.contracts.appointment` lists; keeps slots and bookings; publishes its own log."""

    name = OWNER
    app = Application(build)
    services = Services()

    @rpc(contract.SlotsAsked)
    def slots(self, request: Json) -> Json:
        return self.app.free_times.show(request)

    @rpc(contract.Book)
    def book(self, request: Json) -> Json:
        return self._taken("book", request)

    @rpc(contract.Hold)
    def hold(self, request: Json) -> Json:
        return self._taken("hold", request)

    @rpc(contract.Confirm)
    def confirm(self, request: Json) -> Json:
        caller = caller_of(request["principal"])
        return self.app.bookings.confirm(caller, request["number"], request["idempotency_key"])

    @rpc(contract.AskAppointment)
    def appointment(self, request: Json) -> Json:
        return self.app.own_bookings.show(caller_of(request["principal"]), request["number"])

    @rpc(contract.OwnAppointmentsAsked)
    def own_appointments(self, request: Json) -> Json:
        caller = caller_of(request["principal"])
        return self.app.own_bookings.page(caller, request["page"], request["page_size"])

    @rpc(contract.Cancel)
    def cancel(self, request: Json) -> Json:
        caller = caller_of(request["principal"])
        return self.app.own_bookings.cancel(caller, request["number"], request["idempotency_key"])

    @rpc(contract.Move)
    def move(self, request: Json) -> Json:
        said = (request["number"], request["date"], request["time"], request["idempotency_key"])
        return self.app.own_bookings.move(caller_of(request["principal"]), *said)

    @rpc(contract.AskAppointment)
    def calendar(self, request: Json) -> Json:
        said = (request["number"], request["language"])
        return self.app.files.calendar(caller_of(request["principal"]), *said)

    @rpc(contract.AskAppointment)
    def qr(self, request: Json) -> Json:
        return self.app.files.qr(caller_of(request["principal"]), request["number"])

    @rpc(waiting.JoinWaiting)
    def join_waiting(self, request: Json) -> Json:
        caller = caller_of(request["principal"])
        return self.app.waiting.join(caller, self._with_visitor(caller, request))

    @rpc(waiting.OwnWaitingAsked)
    def own_waiting(self, request: Json) -> Json:
        caller = caller_of(request["principal"])
        return self.app.waiting.page(caller, request["page"], request["page_size"])

    @rpc(waiting.AskWaiting)
    def waiting_entry(self, request: Json) -> Json:
        return self.app.waiting.show(caller_of(request["principal"]), request["number"])

    @rpc(waiting.AskWaiting)
    def leave_waiting(self, request: Json) -> Json:
        return self.app.waiting.leave(caller_of(request["principal"]), request["number"])

    @rpc(waiting.FileAppeal)
    def file_appeal(self, request: Json) -> Json:
        caller = caller_of(request["principal"])
        return self.app.appeals.file(caller, self._with_visitor(caller, request))

    @rpc(waiting.AskAppeal)
    def appeal(self, request: Json) -> Json:
        return self.app.appeals.show(caller_of(request["principal"]), request["id"])

    @rpc(waiting.AppealsAsked)
    def appeals(self, request: Json) -> Json:
        check_manager(request["principal"], request["hall"])
        said = (request["hall"], request["state"], request["page"], request["page_size"])
        return self.app.appeals.of_hall(*said)

    @rpc(waiting.DecideAppeal)
    def decide_appeal(self, request: Json) -> Json:
        by = check_manager(request["principal"], request["hall"])
        decision = _members(request, waiting.Decision)
        return self.app.appeals.decide(request["hall"], request["id"], decision, by)

    @rpc(waiting.ExcuseNoShow)
    def excuse_no_show(self, request: Json) -> Json:
        by = check_manager(request["principal"], request["hall"])
        return self.app.appeals.excuse(request["hall"], request["number"], by)

    @rpc(contract.OfHall)
    def schedules(self, request: Json) -> Json:
        check_staff(request["principal"], request["hall"])
        return self.app.planning.schedules(request["hall"])

    @rpc(contract.SetSchedule)
    def set_schedule(self, request: Json) -> Json:
        by = check_manager(request["principal"], request["hall"])
        document = _members(request, contract.Schedule)
        return self.app.planning.set_schedule(request["hall"], request["group"], document, by)

    @rpc(contract.OfHall)
    def rule(self, request: Json) -> Json:
        check_staff(request["principal"], request["hall"])
        return self.app.planning.rule(request["hall"])

    @rpc(contract.SetRule)
    def set_rule(self, request: Json) -> Json:
        by = check_manager(request["principal"], request["hall"])
        return self.app.planning.set_rule(request["hall"], _members(request, contract.HallRule), by)

    @rpc(contract.OfHall)
    def closures(self, request: Json) -> Json:
        check_staff(request["principal"], request["hall"])
        return self.app.planning.closures(request["hall"])

    @rpc(shut.Close)
    def close(self, request: Json) -> Json:
        by = check_manager(request["principal"], request["hall"])
        closure, key = _members(request, shut.Closure), request["idempotency_key"]
        return self.app.planning.close(request["hall"], closure, by, key)

    @rpc(shut.Reopen)
    def reopen(self, request: Json) -> Json:
        by = check_manager(request["principal"], request["hall"])
        return self.app.planning.reopen(request["hall"], request["id"], by)

    @rpc(contract.OfHall)
    def hit_bookings(self, request: Json) -> Json:
        check_staff(request["principal"], request["hall"])
        return self.app.planning.hit(request["hall"])

    @rpc(contract.BookingsAsked)
    def bookings(self, request: Json) -> Json:
        check_staff(request["principal"], request["hall"])
        return self.app.expected.page(request)

    @rpc(contract.CancelForVisitor)
    def cancel_for_visitor(self, request: Json) -> Json:
        by = check_staff(request["principal"], request["hall"])
        said = (request["hall"], request["number"], request["reason"], by, request["idempotency_key"])
        return self.app.hall_cancelling.cancel(*said)

    @rpc(hall_day.CheckIn)
    def check_in(self, request: Json) -> Json:
        known = self._identity_number(request["principal"])
        return self.app.checking_in.answer(request["principal"], request, known)

    @rpc(hall_day.HallCheckIn)
    def hall_check_in(self, request: Json) -> Json:
        said = (request["hall"], request["code"], request["identity_number"], request["priority"])
        return self.app.checking_in.check_in_by_staff(_staff(request), *said)

    @rpc(hall_day.TakeTicket)
    def take_ticket(self, request: Json) -> Json:
        return self.app.walk_ins.take(_staff(request), request)

    @rpc(hall_day.AskTicket)
    def ticket(self, request: Json) -> Json:
        return self.app.queue_views.ticket(request["ticket"])

    @rpc(hall_day.ReturnTicket)
    def return_ticket(self, request: Json) -> Json:
        return self.app.calling.put_back(_staff(request), request)

    @rpc(hall_day.SetWindow)
    def set_window(self, request: Json) -> Json:
        return self.app.calling.set_window(_staff(request), request)

    @rpc(hall_day.AtWindow)
    def call_next(self, request: Json) -> Json:
        return self.app.calling.call_next(_staff(request), request)

    @rpc(hall_day.AtWindow)
    def recall_ticket(self, request: Json) -> Json:
        return self.app.calling.recall(_staff(request), request)

    @rpc(hall_day.ParkTicket)
    def park_ticket(self, request: Json) -> Json:
        return self.app.calling.park(_staff(request), request)

    @rpc(hall_day.TransferTicket)
    def transfer_ticket(self, request: Json) -> Json:
        return self.app.calling.transfer(_staff(request), request)

    @rpc(hall_day.AtWindow)
    def finish_ticket(self, request: Json) -> Json:
        return self.app.calling.finish(_staff(request), request)

    @rpc(hall_day.AtWindow)
    def miss_ticket(self, request: Json) -> Json:
        return self.app.calling.miss(_staff(request), request)

    @rpc(contract.OfHall)
    def queue(self, request: Json) -> Json:
        _staff(request)
        return self.app.queue_views.queue(request["hall"])

    @rpc(hall_day.HallShown)
    def display(self, request: Json) -> Json:
        return self.app.queue_views.display(request["hall"])

    @rpc(hall_day.HallShown)
    def wait(self, request: Json) -> Json:
        return self.app.statistics.wait(request["hall"])

    @rpc(hall_day.StatisticsAsked)
    def statistics(self, request: Json) -> Json:
        check_manager(request["principal"], request["hall"])
        days = (request["first_day"], request["last_day"])
        return self.app.statistics.of_hall(request["hall"], *days)

    @rpc(ContactOfVisit)
    def contact_of(self, request: Json) -> Json:
        return self.app.contacts.find(request["number"])

    @rpc(Request)
    def status(self, request: Json) -> Json:
        return self.app.status()

    @rpc(Request)
    def ping(self, request: Json) -> Json:
        self.app.ping()
        return {}

    @hears(topology.CATALOG_EVENTS)
    def heard(self, event: Recorded | None, connected: bool) -> None:
        self.app.adopting.heard()

    @every(1.0)
    def adopt(self) -> None:
        try:
            self.app.adopting.turn(lambda asked: self.services.call("catalog", "bookable_halls", asked))
        except Refusal as away:
            log.warning("halls not taken over yet", code=away.code)

    @every(2.0)
    def give_back(self) -> None:
        self.app.give_back()

    @every(2.0)
    def look_after_closures(self) -> None:
        self.app.look_after_closures()

    @every(60.0)
    def remind(self) -> None:
        self.app.sweeping.reminders()

    @every(2.0)
    def put_back(self) -> None:
        self.app.queue_day.put_back()

    @every(2.0)
    def count(self) -> None:
        self.app.follower.catch_up()

    @every(600)
    def look_ahead(self) -> None:
        self.app.planning.ahead()

    @every(600)
    def look_back(self) -> None:
        self.app.look_back()

    @every(0.1)
    def publish(self) -> None:
        self.app.relay.run_once()

    def _taken(self, kind: str, request: Json) -> Json:
        """Booked or held; or what is known without asking accounts or the tables."""
        caller, bookings = caller_of(request["principal"]), self.app.bookings
        bookings.check_visitor(caller, request["visitor"])
        before = bookings.known(kind, caller, request)
        if before is not None:
            return before
        request = self._with_person(caller, request)
        return (bookings.book if kind == "book" else bookings.hold)(caller, request)

    def _identity_number(self, principal: Json) -> str | None:
        """Of somebody with an account. Nobody is kept from checking in because accounts is away."""
        if principal["kind"] != "individual":
            return None
        try:
            asked = {"account": principal["account"]}
            return str(self.services.call("accounts", "person", asked, timeout=1.0)["identity_number"])
        except Refusal as refusal:
            log.debug("age of a visitor not known", code=refusal.code)
            return None

    def _with_visitor(self, caller: Caller, request: Json) -> Json:
        """Raises InvalidInput, Erased."""
        self.app.bookings.check_visitor(caller, request["visitor"])
        return self._with_person(caller, request)

    def _with_person(self, caller: Caller, request: Json) -> Json:
        """Whose visit it is: a guest says so, of everybody else accounts knows."""
        if caller.account is None:
            return request
        return {**request, "visitor": self.services.call("accounts", "person", {"account": caller.account})}


def _staff(request: Mapping[str, Any]) -> str:
    """Who of the hall's staff asks. Raises NotAllowed."""
    return check_staff(request["principal"], request["hall"])


def _members(request: Mapping[str, Any], schema: type[Any]) -> Json:
    """What a request says of the document that it sets."""
    return {name: request[name] for name in schema._declared_fields if name in request}
