"""What the public reads about a state and about each fact: Chinese (simplified) and English sentences.

Pure. Quotes departments only where a sentence needs their words; the rest stands in the timeline's data.
"""

from collections.abc import Callable
from datetime import date
from typing import Any

STATES: dict[str, tuple[str, str]] = {
    "received": ("已收件，等待受理", "Received, waiting to be accepted"),
    "incomplete": ("待补正", "Waiting for your corrections"),
    "accepted": ("已受理，办理中", "Accepted, being handled"),
    "suspended": ("特别程序中，暂停计时", "Suspended for a special procedure; time does not count"),
    "decided": ("已作出决定，等待办结", "Decided, being completed"),
    "concluded": ("已办结", "Concluded"),
}

# How a case ended when no result was handed over.
ENDINGS: dict[str, tuple[str, str]] = {
    "declined": ("不予受理", "Not taken on"),
    "withdrawn": ("已撤回", "Withdrawn"),
    "lapsed": ("逾期未补正，已终止", "Ended because the corrections did not come"),
}

Data = dict[str, Any]
Wording = Callable[[Data], tuple[str, str]]


def state_text(state: str, outcome: str | None, language: str) -> str:
    """The state in words; of a concluded case also how it ended, when that was not by a result."""
    texts = ENDINGS.get(outcome or "") if state == "concluded" else None
    return (texts or STATES[state])[language == "en"]


def step_text(type_: str, data: Data, language: str) -> str:
    """One sentence on one fact, from its public data."""
    return TEXTS[type_](data)[language == "en"]


def _received(data: Data) -> tuple[str, str]:
    attempt = data.get("attempt", 1)
    if attempt == 1:
        return "已收到您的申请。", "Your application was received."
    return (
        f"已收到您补正后的申请（第 {attempt} 次提交）。",
        f"Your corrected application was received (attempt {attempt}).",
    )


def _incomplete(data: Data) -> tuple[str, str]:
    count, due = len(data["corrections"]), data.get("due")
    zh = f"材料需要补正，共 {count} 处" + (f"，请在{_day(due)}前补正。" if due else "。")
    en = f"Corrections are needed: {count}" + (f", by {due}." if due else ".")
    return zh, en


def _accepted(data: Data) -> tuple[str, str]:
    due = data.get("promised_due") or data.get("statutory_due")
    zh = "逾期未告知，依法视为已受理" if data.get("deemed") else "已受理"
    en = "Accepted by law, as no answer came in time" if data.get("deemed") else "Accepted"
    return zh + (f"，预计{_day(due)}前办结。" if due else "。"), en + (f"; due by {due}." if due else ".")


def _step(data: Data) -> tuple[str, str]:
    return f"已完成环节：{data['step_name']}。", f"A step was finished: {data['step_name']}."


def _extended(data: Data) -> tuple[str, str]:
    days = data["working_days"]
    return f"办理期限延长 {days} 个工作日。", f"The time limit was extended by {days} working days."


def _suspended(data: Data) -> tuple[str, str]:
    kind = data["kind"]
    return f"进入特别程序（{kind}），暂停计时。", f"A special procedure has begun ({kind}); time does not count."


def _rated(data: Data) -> tuple[str, str]:
    return f"您已评价：{data['stars']} 星。", f"You rated the service: {data['stars']} of 5."


def _always(zh: str, en: str) -> Wording:
    return lambda data: (zh, en)


TEXTS: dict[str, Wording] = {
    "case.received": _received,
    "case.incomplete": _incomplete,
    "case.accepted": _accepted,
    "case.declined": _always("不予受理，理由见详情。", "The case was not taken on; see the reason."),
    "case.step": _step,
    "case.suspended": _suspended,
    "case.resumed": _always("特别程序结束，恢复计时。", "The special procedure is over; time counts again."),
    "case.extended": _extended,
    "case.approved": _always("准予，已作出决定。", "Decided: approved."),
    "case.refused": _always(
        "决定不予办理，理由和救济途径见详情。", "Decided: refused; see the reasons and your remedies."
    ),
    "case.concluded": _always("已办结。", "Concluded."),
    "case.withdrawn": _always("您已撤回申请。", "You withdrew the application."),
    "case.lapsed": _always("逾期未补正，办件终止。", "The corrections did not come in time; the case has ended."),
    "case.rated": _rated,
}


def _day(text: str) -> str:
    day = date.fromisoformat(text)
    return f"{day.year}年{day.month}月{day.day}日"
