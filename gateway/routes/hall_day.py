"""Routes of a hall's day: checking in, tickets, windows, display, waits and statistics."""

from typing import Any

import marshmallow as ma

from gateway.auth import Access
from gateway.route import Route
from gateway.routes.common import API, PUBLIC, SIGNED_IN, filters
from kernel.contracts import appointment, hall_day

HALL = Access.HALL
_HALL = f"{API}/halls/{{hall}}"
_AT = f"{_HALL}/windows/{{window}}"
_NO_HALL = {404: "No such hall."}
_NO_WINDOW = {404: "No such window, group or ticket.", 409: "Not as it stands: shut, busy, or nobody there."}
_CHECKED_IN = {404: "No such booking, or another's.", 409: "Wrong day, too early, too late, or cancelled."}


def _route(name: str, method: str, path: str, summary: str, access: Access, **options: Any) -> Route:
    return Route(
        name=name,
        method=method,
        path=path,
        summary=summary,
        access=access,
        tag="hall's day",
        service="appointment",
        rpc=options.pop("rpc", name),
        **options,
    )


def _window(
    what: str,
    name: str,
    summary: str,
    request: type[ma.Schema] = hall_day.AtWindow,
    body: type[ma.Schema] | None = None,
) -> Route:
    return _route(
        name,
        "POST",
        f"{_AT}/{what}",
        summary,
        HALL,
        request=request,
        body=body,
        answer=hall_day.WindowState(),
        others=_NO_WINDOW,
    )


_ARRIVING = [
    _route(
        "check_in",
        "POST",
        f"{API}/appointments/{{number}}/check-in",
        "The visitor has come: a ticket. Staff say the identity number, which must be the booking's. 签到",
        SIGNED_IN,
        request=hall_day.CheckIn,
        body=hall_day.CheckInSaid,
        answer=hall_day.TicketTaken(),
        others=_CHECKED_IN,
    ),
    _route(
        "hall_check_in",
        "POST",
        f"{_HALL}/check-ins",
        "The same at the hall's desk, by code or by the identity number alone. 现场签到",
        HALL,
        request=hall_day.HallCheckIn,
        body=hall_day.HallCheckInSaid,
        answer=hall_day.TicketTaken(),
        others=_CHECKED_IN,
    ),
    _route(
        "take_ticket",
        "POST",
        f"{_HALL}/tickets",
        "A ticket for somebody without a booking. 现场取号",
        HALL,
        request=hall_day.TakeTicket,
        body=hall_day.TicketWanted,
        answer=hall_day.TicketTaken(),
        status=201,
        others={409: "No tickets left (with the next free times), closed, or the person waits already."},
    ),
    _route(
        "ticket",
        "GET",
        f"{API}/tickets/{{ticket}}",
        "How a ticket stands, for whoever knows its id: who is ahead, and the wait. 排队进度",
        PUBLIC,
        request=hall_day.AskTicket,
        answer=hall_day.TicketStanding(),
    ),
    _route(
        "return_ticket",
        "POST",
        f"{_HALL}/tickets/{{ticket}}/return",
        "A parked or missed ticket waits again. 恢复排队",
        HALL,
        request=hall_day.ReturnTicket,
        answer=hall_day.StaffTicket(),
        others=_NO_WINDOW,
    ),
]

_WINDOWS = [
    _route(
        "set_window",
        "PUT",
        _AT,
        "Name a window, give it groups, open or shut it. 设置窗口",
        HALL,
        request=hall_day.SetWindow,
        body=hall_day.WindowSaid,
        answer=hall_day.WindowState(),
        others=_NO_WINDOW,
    ),
    _window("next", "call_next", "Call who is next; `ticket` is null where nobody waits. 叫号"),
    _window("recall", "recall_ticket", "Call the same once more. 重呼"),
    _window("park", "park_ticket", "Set it aside for a while. 挂起", hall_day.ParkTicket, hall_day.Parking),
    _window(
        "transfer",
        "transfer_ticket",
        "Send it to another group's queue. 转办",
        hall_day.TransferTicket,
        hall_day.Transferring,
    ),
    _window("finish", "finish_ticket", "It has been dealt with. 办结"),
    _window("no-show", "miss_ticket", "Nobody came to the window. 过号"),
]

_LOOKING = [
    _route(
        "queue",
        "GET",
        f"{_HALL}/queue",
        "Windows, and who waits in which order. 排队情况",
        HALL,
        request=appointment.OfHall,
        answer=hall_day.Queue(),
        others=_NO_HALL,
    ),
    _route(
        "display",
        "GET",
        f"{_HALL}/display",
        "Numbers and windows for a display, as server-sent events, or as JSON where only that is accepted. The events:"
        " `snapshot` (all of it, as the JSON) first and whenever something may have been missed, and `change`. 叫号屏",
        PUBLIC,
        request=hall_day.HallShown,
        answer=hall_day.Display(),
        events=hall_day.DisplayChange(),
        others={**_NO_HALL, 429: "Too many listen from this address.", 503: "Too many listen, or nobody answers."},
    ),
    _route(
        "wait",
        "GET",
        f"{_HALL}/wait",
        "The wait to expect now, by group, and how well waits were foretold. 预计等候时间",
        PUBLIC,
        request=hall_day.HallShown,
        answer=hall_day.Waits(),
        others=_NO_HALL,
    ),
    _route(
        "hall_statistics",
        "GET",
        f"{_HALL}/statistics",
        "What was counted, by day and group; for who manages the hall. 大厅统计",
        HALL,
        rpc="statistics",
        request=hall_day.StatisticsAsked,
        query=filters(hall_day.StatisticsAsked, "hall"),
        answer=hall_day.HallStatistics(),
        others=_NO_HALL,
    ),
]

ROUTES = [*_ARRIVING, *_WINDOWS, *_LOOKING]
