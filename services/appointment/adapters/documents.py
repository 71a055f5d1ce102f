"""What people put into their calendars (iCalendar, RFC 5545) and show at the hall's door (a QR code of the number).

Holds no name and no number of a person: a file is passed on more easily than it should be.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import segno
from icalendar import Alarm, Calendar, Event

from kernel.clock import parse_time
from kernel.contracts.appointment_refusals import NotInThatState, minute_text
from kernel.traditional import to_traditional

_BEFORE = timedelta(hours=-1)  # when a calendar reminds
_WORDS = {
    "zh": ("预约办事：{group_name}", "预约号：{number}。请携带有效身份证件到场签到。", "最晚取消时间：{until}。"),
    "en": ("Visit: {group_name}", "Booking {number}. Bring your identity document.", " Cancel by {until}."),
}
# What a calendar that has the event already is to make of it (RFC 5546).
_STATUS = {"booked": "CONFIRMED", "checked_in": "CONFIRMED", "served": "CONFIRMED", "cancelled": "CANCELLED"}


def calendar(booking: dict[str, Any], version: int, now: datetime, language: str) -> str:
    """`booking`: `kernel.contracts.appointment.Appointment`; `version` grows with each change. Raises NotInThatState.

    A calendar that reads a later one changes the same event, whose UID is the booking's number.
    """
    status = _STATUS.get(booking["state"])
    if status is None:
        raise NotInThatState(booking["state"])
    if booking["closed"] and status == "CONFIRMED":
        status = "TENTATIVE"  # the hall cannot keep the time
    made = Calendar()
    made.add("prodid", "-//Yichuang//Appointments//ZH")
    made.add("version", "2.0")
    made.add("method", "CANCEL" if status == "CANCELLED" else "PUBLISH")
    made.add_component(_event(booking, version, now, status, language))
    text: str = made.to_ical().decode()
    return text


def _event(booking: dict[str, Any], version: int, now: datetime, status: str, language: str) -> Event:
    title, more = _said(booking, now, language)
    event = Event()
    event.add("uid", f"{booking['number']}@yichuang")
    event.add("dtstamp", now.astimezone(UTC))
    event.add("dtstart", parse_time(booking["starts_at"]).astimezone(UTC))
    event.add("dtend", parse_time(booking["ends_at"]).astimezone(UTC))
    event.add("sequence", version)
    event.add("status", status)
    event.add("summary", title)
    event.add("location", booking["hall_name"])
    event.add("description", more)
    event.add_component(_alarm(title))
    return event


def _said(booking: dict[str, Any], now: datetime, language: str) -> tuple[str, str]:
    """Title and description. Until when it can be cancelled is said as long as it can."""
    words = {**booking, "until": minute_text(booking["cancel_before"])}
    title, more, leaving = (text.format_map(words) for text in _WORDS["en" if language == "en" else "zh"])
    more += leaving if now < parse_time(booking["cancel_before"]) else ""
    return (to_traditional(title), to_traditional(more)) if language == "zh-Hant" else (title, more)


def _alarm(title: str) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("trigger", _BEFORE)
    alarm.add("description", title)
    return alarm


def qr(number: str) -> str:
    """The booking's number as a QR code (ISO/IEC 18004), SVG, readable where a quarter of it is dirty."""
    text: str = segno.make(number, error="q", micro=False).svg_inline(scale=6, border=4)
    return text.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
