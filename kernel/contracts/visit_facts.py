"""The facts of a visit (预约办事) as values: past tense, frozen, in their present versions. No personal data.

Values only; `kernel.contracts.visit` reads and writes them, and is what others import.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class VisitFact:
    """What all say: when it happened, who says so, and the hall, whose code ends the routing key."""

    TYPE: ClassVar[str]
    VERSION: ClassVar[int] = 1

    occurred_at: datetime
    by: str  # an account, a visitor's reference, a member of staff, or "clock"
    hall: str


@dataclass(frozen=True, kw_only=True)
class VisitBooked(VisitFact):
    """预约成功: times of a business group are taken. `visitor` is a reference, `account` None for a guest.

    `cancel_before`: until then it could be cancelled or moved, as the hall's rule was.
    """

    TYPE = "visit.booked"

    hall_name: str
    group: str
    group_name: str
    visitor: str
    items: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    people: int = 1
    account: str | None = None
    language: str = "zh-Hans"
    cancel_before: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class VisitMoved(VisitFact):
    """改期: other times were taken, and those of before given up."""

    TYPE = "visit.moved"

    moved_from: datetime
    starts_at: datetime
    ends_at: datetime
    cancel_before: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class VisitCancelled(VisitFact):
    """取消预约. `cause`: visitor, staff or closure. `reason`: what staff say; a visitor is not asked."""

    TYPE = "visit.cancelled"

    cause: str
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class VisitClosed(VisitFact):
    """停办: the hall cannot keep the time. Those in `offered` are held for the visitor until `held_until`."""

    TYPE = "visit.closed"

    reason: str
    offered: tuple[datetime, ...] = ()
    held_until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class VisitReopened(VisitFact):
    """恢复办理: the hall can keep the time after all; what was offered instead is held no more."""

    TYPE = "visit.reopened"

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, kw_only=True)
class VisitOffered(VisitFact):
    """候补到号: a freed time is held for somebody on the waiting list. Its stream is the entry on that list.

    `booking` is the number of the hold, to be confirmed like any other until `held_until`.
    """

    TYPE = "visit.offered"

    booking: str
    hall_name: str
    group: str
    group_name: str
    visitor: str
    starts_at: datetime
    ends_at: datetime
    held_until: datetime
    account: str | None = None
    language: str = "zh-Hans"


@dataclass(frozen=True, kw_only=True)
class VisitReminded(VisitFact):
    """提醒: the visitor is to be reminded of the visit at `starts_at`."""

    TYPE = "visit.reminded"

    starts_at: datetime


@dataclass(frozen=True, kw_only=True)
class VisitCheckedIn(VisitFact):
    """签到: the visitor has come, and is who the booking is for."""

    TYPE = "visit.checked_in"

    ticket: str | None = None


@dataclass(frozen=True, kw_only=True)
class VisitServed(VisitFact):
    """办结离厅: what the visitor came for was dealt with at a window."""

    TYPE = "visit.served"


@dataclass(frozen=True, kw_only=True)
class VisitNoShow(VisitFact):
    """爽约: the visitor did not come."""

    TYPE = "visit.no_show"


@dataclass(frozen=True, kw_only=True)
class VisitBlocked(VisitFact):
    """暂停预约: after this no-show the person can book at this hall again from the day `until` on."""

    TYPE = "visit.blocked"

    visitor: str
    until: date
    no_shows: int


@dataclass(frozen=True, kw_only=True)
class VisitExcused(VisitFact):
    """免记爽约: staff found that this no-show is not to count."""

    TYPE = "visit.excused"


@dataclass(frozen=True, kw_only=True)
class VisitUnblocked(VisitFact):
    """恢复预约: the block that this no-show brought is lifted; `appeal`: the one that was granted, if one was."""

    TYPE = "visit.unblocked"

    visitor: str
    appeal: str | None = None


@dataclass(frozen=True, kw_only=True)
class VisitAppealDismissed(VisitFact):
    """申诉未获支持: the block stays. The sentence that says why is read with the appeal, and is not here."""

    TYPE = "visit.appeal_dismissed"

    visitor: str
    appeal: str
    until: date


VISIT_FACTS: dict[str, type[VisitFact]] = {
    fact.TYPE: fact
    for fact in (
        VisitBooked,
        VisitMoved,
        VisitCancelled,
        VisitClosed,
        VisitReopened,
        VisitOffered,
        VisitReminded,
        VisitCheckedIn,
        VisitServed,
        VisitNoShow,
        VisitBlocked,
        VisitExcused,
        VisitUnblocked,
        VisitAppealDismissed,
    )
}
