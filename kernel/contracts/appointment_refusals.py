"""Why appointment says no. Codes are stable; people and programs act on them and on the members named here.

Nothing here decides anything: the rules stand where they are applied.
"""

from kernel.clock import CHINA, parse_time
from kernel.errors import Refusal

# States of a booking, of an entry on the waiting list that has ended, and of an appeal that was decided, in words.
_BOOKINGS = {
    "new": ("尚未预约", "not made yet"),
    "held": ("暂留待确认", "held and not confirmed"),
    "expired": ("暂留已过期", "expired"),
    "booked": ("已预约", "booked"),
    "checked_in": ("已签到", "checked in"),
    "served": ("已办结", "served"),
    "cancelled": ("已取消", "cancelled"),
    "no_show": ("未到场", "missed"),
}
_ENTRIES = {"booked": "已预约", "lapsed": "保留时段逾期未确认", "left": "已退出", "over": "候补日期已过"}
_APPEALS = {"granted": "已支持", "dismissed": "未支持"}
_LIMITS = {"day": ("每日", "day"), "week": ("每周", "week"), "month": ("每月", "month")}


def minute_text(instant: str) -> str:
    """2026-02-10 09:00: an instant as people read it here."""
    return f"{parse_time(instant).astimezone(CHINA):%Y-%m-%d %H:%M}"


class Full(Refusal):
    """No place is left then, at any group that handles it.

    `next`: up to three times that are free, as `contracts.appointment.NextTime`.
    """

    code = "full"
    status = 409
    zh = "该时段已约满。最近的可约时段：{next_text_zh}。"
    en = "That time is full. The next free times are: {next_text_en}."

    def __init__(self, times: list[dict[str, str]]) -> None:
        listed = [f"{time['date']} {time['time']}" for time in times]
        zh, en = "、".join(listed) or "暂无", ", ".join(listed) or "none for now"
        super().__init__(next=times, next_text_zh=zh, next_text_en=en)


class LimitReached(Refusal):
    """The person has as many bookings as the hall allows. `limit`: day, week or month; `until`: its last day."""

    code = "limit_reached"
    status = 409
    zh = "您在该大厅{limit_zh}最多可预约 {most} 次，已达上限；{until} 之后的日期可继续预约。"
    en = "This hall allows {most} bookings a {limit}, and you have them all; days after {until} can be booked."

    def __init__(self, limit: str, most: int, until: str) -> None:
        super().__init__(limit=limit, limit_zh=_LIMITS[limit][0], most=most, until=until)


class AlreadyBooked(Refusal):
    """The person has a booking on that day, at that time or as the only one the day may have."""

    code = "already_booked"
    status = 409
    zh = "您在 {date} 当天已有预约。如需其他时间，请将原预约改期，或选择其他日期。"
    en = "You have a booking on {date} already. Move it if another time suits you better, or choose another day."


class Blocked(Refusal):
    """Visits were missed too often. `until`: the first day on which the person can book again."""

    code = "blocked"
    status = 403
    zh = "因多次预约后未到场，您的预约功能已暂停至 {until}；如有异议，可向大厅工作人员申诉。"
    en = "After visits that you missed you cannot book until {until}; if that is wrong, appeal to the hall's staff."


class GivenUpTooOften(Refusal):
    """The person has cancelled, or let lapse, so many of today's bookings and holds at this hall."""

    code = "given_up_too_often"
    status = 409
    zh = "今天在该大厅取消或放弃的预约已达 {most} 次，请明天再约。"
    en = "{most} of today's bookings at this hall were cancelled or not confirmed. Please book again tomorrow."


class MovedTooOften(Refusal):
    """The booking was moved as often as the hall allows."""

    code = "moved_too_often"
    status = 409
    zh = "该预约已改期 {most} 次，不能再改期；如不能前来，请取消。"
    en = "This booking was moved {most} times, as often as is possible. If you cannot come, please cancel it."


class TooLate(Refusal):
    """It is too short before the visit to cancel or move it. `before`: the last moment for that."""

    code = "too_late"
    status = 409
    zh = "已过可取消或改期的时间（{before_text} 之前）。如不能前来，请致电大厅说明。"
    en = "This could be cancelled or moved until {before_text}. If you cannot come, please call the hall."

    def __init__(self, before: str) -> None:
        super().__init__(before=before, before_text=minute_text(before))


class OutsideWindow(Refusal):
    """The day cannot be booked yet, or no more. `first` and `last` are the days that can."""

    code = "outside_window"
    status = 409
    zh = "目前可预约的日期为 {first} 至 {last}。"
    en = "Days that can be booked now are {first} to {last}."


class InThePast(Refusal):
    """The time has passed."""

    code = "in_the_past"
    status = 409
    zh = "该时间已过，请选择之后的时间。"
    en = "That time has passed; please choose a later one."


class Closed(Refusal):
    """The hall or the group is closed then."""

    code = "closed"
    status = 409
    zh = "该时段不对外办理业务，请从可预约时段中选择。"
    en = "The hall is not open for this at that time; please choose one of the free times."


class BeyondClosing(Refusal):
    """The visit takes `minutes`, and there is not so much time before closing."""

    code = "beyond_closing"
    status = 409
    zh = "本次办理约需 {minutes} 分钟，将超出办理时间，请选择更早的时段，或分次预约。"
    en = "The visit takes about {minutes} minutes, more than there are before closing: come earlier or book parts."


class NotBookable(Refusal):
    """No group of the hall handles all these items; `items` are those that keep them apart."""

    code = "not_bookable"
    status = 422
    zh = "所选事项不能在该大厅一次预约办理：{items}。请分别预约，或选择办理该事项的其他大厅。"
    en = "This hall does not take these items in one visit: {items}. Book them one by one, or at another hall."


class UnknownBooking(Refusal):
    """No such booking, or another's: one answer, so that nobody learns which numbers exist."""

    code = "unknown_booking"
    status = 404
    zh = "没有找到该预约。"
    en = "There is no such booking."


class UnknownHall(Refusal):
    """No hall of this id takes bookings."""

    code = "unknown_hall"
    status = 404
    zh = "没有找到该大厅，或该大厅不提供预约：{hall}。"
    en = "There is no hall {hall} that takes bookings."


class UnknownGroup(Refusal):
    """The hall has no such business group."""

    code = "unknown_group"
    status = 404
    zh = "没有找到该业务组：{group}。"
    en = "There is no business group {group}."


class HoldExpired(Refusal):
    """What was held was not confirmed in time, and has been given to others."""

    code = "hold_expired"
    status = 409
    zh = "保留时间已过，请重新选择时段。"
    en = "The time was held for you only for a while, which is over; please choose again."


class NotInThatState(Refusal):
    """The booking is past the state in which that can be done. `state`: where it stands."""

    code = "not_in_that_state"
    status = 409
    zh = "该预约当前状态为“{state_zh}”，不能进行此操作。"
    en = "The booking is {state_en}; this cannot be done any more."

    def __init__(self, state: str) -> None:
        zh, en = _BOOKINGS[state]
        super().__init__(state=state, state_zh=zh, state_en=en)


class StillFree(Refusal):
    """Nobody need wait: such times are free. `next`: up to three of them, as `contracts.appointment.NextTime`."""

    code = "still_free"
    status = 409
    zh = "所选日期仍有可约时段，请直接预约：{next_text_zh}。"
    en = "There are free times on these days, which can be booked: {next_text_en}."

    def __init__(self, times: list[dict[str, str]]) -> None:
        listed = [f"{time['date']} {time['time']}" for time in times]
        super().__init__(next=times, next_text_zh="、".join(listed), next_text_en=", ".join(listed))


class WaitingLimit(Refusal):
    """The person has as many entries on the hall's waiting list as it allows."""

    code = "waiting_limit"
    status = 409
    zh = "您在该大厅最多可同时候补 {most} 次，已达上限。"
    en = "This hall allows a person {most} entries on its waiting list at once, and you have them all."


class UnknownEntry(Refusal):
    """No such entry on a waiting list, or another's."""

    code = "unknown_entry"
    status = 404
    zh = "没有找到该候补登记。"
    en = "There is no such entry on a waiting list."


class EntryOver(Refusal):
    """The entry has come to its end, so nobody can leave it. `state`: how it ended."""

    code = "entry_over"
    status = 409
    zh = "该候补登记已结束（{state_zh}），不能进行此操作。"
    en = "The entry on the waiting list is over ({state}); this cannot be done any more."

    def __init__(self, state: str) -> None:
        super().__init__(state=state, state_zh=_ENTRIES[state])


class UnknownClosure(Refusal):
    """The hall has no such closure, or it was taken back."""

    code = "unknown_closure"
    status = 404
    zh = "没有找到该停办安排。"
    en = "There is no such closure."


class NotBlocked(Refusal):
    """There is nothing to appeal against."""

    code = "not_blocked"
    status = 409
    zh = "您在该大厅的预约功能未被暂停，无需申诉。"
    en = "You can book at this hall; there is nothing to appeal against."


class AppealOpen(Refusal):
    """The person has appealed already, and the hall has not decided yet."""

    code = "appeal_open"
    status = 409
    zh = "您的申诉正在处理中，请等待大厅答复。"
    en = "You have appealed already; please wait for the hall's decision."


class UnknownAppeal(Refusal):
    """No such appeal, or another's, or another hall's."""

    code = "unknown_appeal"
    status = 404
    zh = "没有找到该申诉。"
    en = "There is no such appeal."


class AppealDecided(Refusal):
    """The appeal was decided before, otherwise. `state`: granted or dismissed."""

    code = "appeal_decided"
    status = 409
    zh = "该申诉已作出处理（{state_zh}），不能更改。"
    en = "The appeal was decided before ({state}); this cannot be changed."

    def __init__(self, state: str) -> None:
        super().__init__(state=state, state_zh=_APPEALS[state])
