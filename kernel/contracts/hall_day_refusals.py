"""Why appointment says no on the day of the visit: at check-in, when tickets are taken, and at the windows.

Codes are stable; people and programs act on them and on the members named here. Nothing here decides anything.
"""

from kernel.contracts.appointment_refusals import Full, minute_text
from kernel.errors import Refusal


class WrongDay(Refusal):
    """The booking is for another day. `date`: which."""

    code = "wrong_day"
    status = 409
    zh = "该预约的日期是 {date}，不能在今天签到。"
    en = "The booking is for {date}; it cannot be checked in today."


class TooEarly(Refusal):
    """`since`: from when on one can check in."""

    code = "too_early"
    status = 409
    zh = "还未到签到时间，{since_text} 起可以签到。"
    en = "It is too early; you can check in from {since_text}."

    def __init__(self, since: str) -> None:
        super().__init__(since=since, since_text=minute_text(since))


class TooLateToCheckIn(Refusal):
    """`until`: the last moment at which one could check in."""

    code = "too_late_to_check_in"
    status = 409
    zh = "已过签到时间（{until_text} 之前）。如需办理，请取号排队或重新预约。"
    en = "It is too late: one could check in until {until_text}. Please take a ticket, or book again."

    def __init__(self, until: str) -> None:
        super().__init__(until=until, until_text=minute_text(until))


class NoTicketsLeft(Full):
    """All tickets of the day for people without a booking are gone. `next`: times that can be booked instead."""

    code = "no_tickets_left"
    zh = "今天的现场号已发完。最近的可约时段：{next_text_zh}。"
    en = "There are no tickets left today. The next free times to book are: {next_text_en}."


class AlreadyWaiting(Refusal):
    """The person has a ticket in this queue. `number`: which."""

    code = "already_waiting"
    status = 409
    zh = "您已在该业务组排队，排队号 {number}。"
    en = "You wait in this queue already, with ticket {number}."


class UnknownTicket(Refusal):
    """No such ticket, or another hall's."""

    code = "unknown_ticket"
    status = 404
    zh = "没有找到该排队号。"
    en = "There is no such ticket."


class UnknownWindow(Refusal):
    """The hall has no such window."""

    code = "unknown_window"
    status = 404
    zh = "没有找到该窗口：{window}。"
    en = "There is no window {window}."


class WindowShut(Refusal):
    """The window is not open, so it calls nobody."""

    code = "window_shut"
    status = 409
    zh = "窗口 {window} 未开放，不能叫号。"
    en = "Window {window} is not open and calls nobody."


class WindowBusy(Refusal):
    """Somebody is at the window. `number`: who."""

    code = "window_busy"
    status = 409
    zh = "窗口 {window} 正在办理 {number}，请先办结、挂起、转办或过号。"
    en = "Window {window} has ticket {number}: finish, park, transfer or miss it first."


class NobodyAtWindow(Refusal):
    """No ticket is called to the window."""

    code = "nobody_at_window"
    status = 409
    zh = "窗口 {window} 当前没有正在办理的排队号。"
    en = "No ticket is called to window {window} now."


class TicketNotInThatState(Refusal):
    """The ticket is not where that can be done. `state`: where it stands."""

    code = "ticket_not_in_that_state"
    status = 409
    zh = "排队号 {number} 当前状态为“{state_zh}”，不能进行此操作。"
    en = "Ticket {number} is {state}; this cannot be done now."


class SameGroup(Refusal):
    """A ticket is transferred to another group's queue, not to its own."""

    code = "same_group"
    status = 409
    zh = "排队号 {number} 已在该业务组。"
    en = "Ticket {number} is in that group's queue already."
