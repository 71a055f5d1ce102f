"""The words of every message about a visit (预约办事), by type of fact and language. Pure.

A text holds no personal data: the hall, the time, and the number that is shown at check-in. All of them are SMS.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from kernel.clock import CHINA
from kernel.contracts import visit_facts as facts
from kernel.contracts.visit_facts import VisitFact
from services.notify.domain.sms import fits
from services.notify.domain.visits import Visit
from services.notify.domain.words import WHOLE, Pair, Rendered, Words, clipped, day, line, sentence

Template = Callable[[VisitFact, Visit], Words]

_WEEKDAYS = (("一", "Mon"), ("二", "Tue"), ("三", "Wed"), ("四", "Thu"), ("五", "Fri"), ("六", "Sat"), ("日", "Sun"))
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_APPEAL: Pair = ("如有异议，可向该大厅申诉。", "If that is wrong, appeal to the hall.")


def _template(function: Callable[..., Words]) -> Template:
    return function


def booked(fact: facts.VisitBooked, visit: Visit) -> Words:
    place, when = _place(visit), _span(visit)
    return Words(
        (
            f"已预约{place[0]}，{when[0]}。预约号{visit.number}，凭此号和身份证件签到。",
            f"Booked: {place[1]}, {when[1]}. Check in with {visit.number} and your ID.",
        ),
        _leaving(visit, fact.occurred_at),
        least=WHOLE,
    )


def moved(fact: facts.VisitMoved, visit: Visit) -> Words:
    place, when = _place(visit), _span(visit)
    return Words(
        (
            f"预约已改至{when[0]}，{place[0]}。预约号{visit.number}不变，凭此号和身份证件签到。",
            f"Moved to {when[1]}, {place[1]}. Check in with {visit.number} and your ID.",
        ),
        _leaving(visit, fact.occurred_at),
        least=WHOLE,
    )


def cancelled(fact: facts.VisitCancelled, visit: Visit) -> Words:
    place, when = _place(visit), _begin(visit.starts_at)
    zh, en = {
        "staff": ("已由大厅取消", " by the hall"),
        "closure": ("因停办已取消", ", as the hall is closed then"),
    }.get(fact.cause, ("已取消", ""))
    reason = _reason(fact.reason) if fact.reason else ("", "")
    return Words(
        (
            f"您{when[0]}在{place[0]}的预约（{visit.number}）{zh}。",
            f"Your visit {visit.number}, {when[1]}, {place[1]}, was cancelled{en}.",
        ),
        reason,
    )


def closed(fact: facts.VisitClosed, visit: Visit) -> Words:
    place, when, reason = _place(visit), _begin(visit.starts_at), _reason(fact.reason)
    instead = _instead(fact)
    return Words(
        (
            f"{place[0]}{when[0]}停办，您的预约（{visit.number}）不能按原时间办理。",
            f"{place[1]} closed {_moment(visit.starts_at)[1]}: visit {visit.number}.",
        ),
        (instead[0] + reason[0], f"{instead[1]} {reason[1]}"),
        least=(len(instead[0]), len(instead[1])),
    )


def reopened(fact: facts.VisitReopened, visit: Visit) -> Words:
    place, when = _place(visit), _span(visit)
    return Words(
        (
            f"{place[0]}恢复办理，您的预约（{visit.number}）仍为{when[0]}。",
            f"{place[1]} is open after all: visit {visit.number} stays as it was, {when[1]}.",
        ),
        ("此前为您保留的其他时间不再保留。", "Other times are held no more."),
    )


def offered(fact: facts.VisitOffered, visit: Visit) -> Words:
    place, when, until = _place(visit), _span(visit), _moment(fact.held_until)
    return Words(
        (
            f"您候补的{place[0]}{when[0]}有空位，为您保留至{until[0]}，请在此前上网确认，预约号{fact.booking}。",
            f"{place[1]}, {when[1]} is free: confirm {fact.booking} online by {until[1]}.",
        )
    )


def reminded(fact: facts.VisitReminded, visit: Visit) -> Words:
    place, when = _place(visit), _begin(fact.starts_at)
    return Words(
        (
            f"提醒：{when[0]}请到{place[0]}。预约号{visit.number}，凭此号和身份证件签到。",
            f"Reminder: {when[1]}, {place[1]}. Check in with {visit.number} and your ID.",
        ),
        _leaving(visit, fact.occurred_at),
        least=WHOLE,
    )


def no_show(fact: facts.VisitNoShow, visit: Visit) -> Words:
    place, when = _place(visit), _begin(visit.starts_at)
    return Words(
        (
            f"您{when[0]}在{place[0]}的预约（{visit.number}）未到场，记为爽约一次。",
            f"You did not come to visit {visit.number}, {when[1]}, {place[1]}: it counts as missed.",
        ),
        _APPEAL,
    )


def blocked(fact: facts.VisitBlocked, visit: Visit) -> Words:
    hall, times = visit.hall_name, fact.no_shows
    return Words(
        (
            f"因爽约{times}次，您在{hall}的预约已暂停，{day(fact.until)}起可再预约（预约号{visit.number}）。",
            f"After {times} missed visits you can book at {hall} again from {fact.until} on ({visit.number}).",
        ),
        _APPEAL,
    )


def excused(fact: facts.VisitExcused, visit: Visit) -> Words:
    place, when = _place(visit), _begin(visit.starts_at)
    return Words(
        (
            f"您{when[0]}在{place[0]}的预约（{visit.number}）不再记为爽约。",
            f"Visit {visit.number}, {when[1]}, {place[1]}, no longer counts as missed.",
        )
    )


def unblocked(fact: facts.VisitUnblocked, visit: Visit) -> Words:
    why = ("申诉成立，", "Your appeal was granted: ") if fact.appeal else ("", "")
    return Words(
        (
            f"{why[0]}您在{visit.hall_name}的预约已恢复，可再次预约（原预约号{visit.number}）。",
            f"{why[1]}you can book at {visit.hall_name} again ({visit.number}).",
        )
    )


def appeal_dismissed(fact: facts.VisitAppealDismissed, visit: Visit) -> Words:
    return Words(
        (
            f"您对爽约记录的申诉未获支持（预约号{visit.number}），{day(fact.until)}起可再预约{visit.hall_name}。",
            f"Your appeal was dismissed ({visit.number}): you can book at {visit.hall_name} from {fact.until} on.",
        ),
        ("理由可上网查看。", "Read why online."),
    )


# What each fact has to tell the visitor; None: nothing, on purpose. A test asserts that no fact is missing.
REACTIONS: dict[type[VisitFact], Template | None] = {
    facts.VisitBooked: _template(booked),
    facts.VisitMoved: _template(moved),
    facts.VisitCancelled: _template(cancelled),
    facts.VisitClosed: _template(closed),
    facts.VisitReopened: _template(reopened),
    facts.VisitOffered: _template(offered),
    facts.VisitReminded: _template(reminded),
    facts.VisitCheckedIn: None,  # the visitor is there
    facts.VisitServed: None,
    facts.VisitNoShow: _template(no_show),
    facts.VisitBlocked: _template(blocked),
    facts.VisitExcused: _template(excused),
    facts.VisitUnblocked: _template(unblocked),
    facts.VisitAppealDismissed: _template(appeal_dismissed),
}

# The types that become messages. Nothing else on the log need even be read, the hall's tickets least of all.
TOLD = frozenset(fact.TYPE for fact, template in REACTIONS.items() if template is not None)


def render(fact: VisitFact, visit: Visit) -> Rendered | None:
    """The SMS for `fact`, Chinese in simplified characters; None where the visitor is told nothing."""
    template = REACTIONS[type(fact)]
    if template is None:
        return None
    english = visit.language == "en"
    return Rendered(None, next(text for text in _shorter(template, fact, visit, english) if fits(text)))


def _shorter(template: Template, fact: VisitFact, visit: Visit, english: bool) -> Iterator[str]:
    """The SMS in full, then ever shorter: first the detail is clipped, then the names, then the end.

    Names are clipped a little before a part of the detail goes that must not be missing.
    """
    words = template(fact, visit)
    head, detail = line(words.head[english]), line(words.detail[english])
    least = min(words.least[english], len(detail))
    yield _sms(head, detail, english)
    if least:
        yield from (_sms(head, clipped(detail, length), english) for length in range(len(detail), least + 1, -5))
        for short in (head, *_shorter_heads(template, fact, visit, english, 5)):
            yield _sms(short, detail[:least], english)
    for length in (*range(min(len(detail), 300), 9, -5), 0):
        yield _sms(head, clipped(detail, length), english)
    for head in _shorter_heads(template, fact, visit, english, 4):
        yield _sms(head, "", english)
    for length in range(len(head), 0, -1):
        yield _sms(clipped(head, length), "", english)


def _shorter_heads(template: Template, fact: VisitFact, visit: Visit, english: bool, least: int) -> Iterator[str]:
    """With names of ever fewer characters, down to `least`."""
    for length in range(min(max(len(visit.hall_name), len(visit.group_name)), 200), least - 1, -1):
        hall, group = clipped(visit.hall_name, length), clipped(visit.group_name, length)
        yield line(template(fact, replace(visit, hall_name=hall, group_name=group)).head[english])


def _sms(head: str, detail: str, english: bool) -> str:
    return f"[Yichuang] {head} {detail}".rstrip() if english else f"【一窗】{head}{detail}"


def _place(visit: Visit) -> Pair:
    return f"{visit.hall_name}{visit.group_name}", f"{visit.hall_name} {visit.group_name}"


def _leaving(visit: Visit, now: datetime) -> Pair:
    """Until when one can still think better of it; nothing once that is over."""
    if visit.cancel_before is None:
        return "不能前来请尽早取消。", "Please cancel if you cannot come."
    if visit.cancel_before <= now:
        return "", ""
    until = _moment(visit.cancel_before)
    return f"如需取消或改期，请于{until[0]}前在网上办理。", f"Cancel or move by {until[1]}."


def _instead(fact: facts.VisitClosed) -> Pair:
    if not (fact.offered and fact.held_until):
        return "请另行预约。", "Please book again."
    until, times = _moment(fact.held_until), [_moment(time) for time in fact.offered]
    return (
        f"请于{until[0]}前在网上选定为您保留的时间：{'、'.join(time[0] for time in times)}。",
        f"Pick by {until[1]} online: {', '.join(time[1] for time in times)}.",
    )


def _reason(text: str) -> Pair:
    return f"原因：{sentence(text)}", f"Reason: {sentence(text, '.')}"


def _span(visit: Visit) -> Pair:
    """2月11日（周三）10:00-12:00"""
    begin, ends = _begin(visit.starts_at), visit.ends_at.astimezone(CHINA)
    return f"{begin[0]}-{ends:%H:%M}", f"{begin[1]}-{ends:%H:%M}"


def _begin(moment: datetime) -> Pair:
    at = moment.astimezone(CHINA)
    zh, en = _WEEKDAYS[at.weekday()]
    return f"{at.month}月{at.day}日（周{zh}）{at:%H:%M}", f"{en} {at.day} {_MONTHS[at.month - 1]} {at:%H:%M}"


def _moment(moment: datetime) -> Pair:
    at = moment.astimezone(CHINA)
    return f"{at.month}月{at.day}日{at:%H:%M}", f"{at.day} {_MONTHS[at.month - 1]} {at:%H:%M}"
