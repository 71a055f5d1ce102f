"""The words of every message about a case, by type of fact, language and channel. Pure.

A text holds no personal data but the serial and the item's name; what a department wrote is quoted as it wrote it.
"""

from collections.abc import Callable, Iterator

from kernel.contracts import case as facts
from kernel.contracts.case import Fact
from services.notify.domain.sms import fits
from services.notify.domain.words import Rendered, Words, clipped, day, line, sentence

Template = Callable[[Fact], Words]


def _template(function: Callable[..., Words]) -> Template:
    return function


def received(fact: facts.CaseReceived) -> Words:
    if fact.attempt > 1:
        return Words(("已收到您补正后的申请。", "Your corrected application was received."))
    more = ("办理进度将通知您。", "We will tell you how it goes.")
    return Words(("已收到您的申请。", "Your application was received."), more)


def incomplete(fact: facts.CaseIncomplete) -> Words:
    by = (f"，请在{day(fact.due)}前补正", f" by {fact.due}") if fact.due else ("，请尽快补正", "")
    what = [correction.what.rstrip("。.;； ") for correction in fact.corrections]
    return Words(
        (f"材料需要补正{by[0]}。", f"Corrections are needed{by[1]}."),
        ("补正内容：" + "；".join(what) + "。", "To correct: " + "; ".join(what) + "."),
    )


def accepted(fact: facts.CaseAccepted) -> Words:
    due = fact.promised_due or fact.statutory_due
    deemed = ("（逾期未告知，依法视为受理）", " by law, as no answer came in time") if fact.deemed else ("", "")
    by = (f"，预计{day(due)}前办结", f"; due by {due}") if due else ("", "")
    return Words((f"已受理{deemed[0]}{by[0]}。", f"Accepted{deemed[1]}{by[1]}."))


def declined(fact: facts.CaseDeclined) -> Words:
    right = (f"请向{fact.right_organ}申请。", f" Please apply to {fact.right_organ}.") if fact.right_organ else ("", "")
    return Words(
        ("不予受理。", "The case was not taken on."),
        (f"理由：{sentence(fact.reason)}{right[0]}", f"Reason: {sentence(fact.reason, '.')}{right[1]}"),
    )


def suspended(fact: facts.CaseSuspended) -> Words:
    days = (f"，预计{fact.expected_days}日", f", about {fact.expected_days} days") if fact.expected_days else ("", "")
    return Words(
        (
            f"进入特别程序（{fact.kind}）{days[0]}，期间不计入办理时限。",
            f"A special procedure has begun ({fact.kind}{days[1]}); its time does not count.",
        )
    )


def resumed(fact: facts.CaseResumed) -> Words:
    return Words(("特别程序已结束，恢复计时。", "The special procedure is over; time counts again."))


def extended(fact: facts.CaseExtended) -> Words:
    return Words(
        (
            f"办理期限依法延长{fact.working_days}个工作日。",
            f"The time limit was extended by {fact.working_days} working days.",
        ),
        (f"理由：{sentence(fact.reason)}", f"Reason: {sentence(fact.reason, '.')}"),
    )


def approved(fact: facts.CaseApproved) -> Words:
    number = fact.document_number
    return Words((f"已准予，文号：{number}。", f"Approved, document {number}."))


def refused(fact: facts.CaseRefused) -> Words:
    remedies = [remedy.rstrip("。.;； ") for remedy in fact.remedies]
    return Words(
        ("决定不予办理，您可依法申请行政复议或提起诉讼。", "Refused. You may ask for review or go to court."),
        (
            f"理由：{sentence(fact.reason)}救济途径：{'；'.join(remedies)}。",
            f"Reason: {sentence(fact.reason, '.')} Remedies: {'; '.join(remedies)}.",
        ),
    )


def concluded(fact: facts.CaseConcluded) -> Words:
    delivery = (f"送达方式：{sentence(fact.delivery)}", f"Delivery: {sentence(fact.delivery, '.')}")
    return Words(
        (f"已办结，结果：{sentence(fact.outcome)}", f"Concluded: {sentence(fact.outcome, '.')}"),
        delivery if fact.delivery else ("", ""),
    )


def withdrawn(fact: facts.CaseWithdrawn) -> Words:
    return Words(("已按您的要求撤回。", "Withdrawn, as you asked."))


def lapsed(fact: facts.CaseLapsed) -> Words:
    return Words(("因逾期未补正，办件已终止。", "The case has ended, as the corrections did not come in time."))


# What each fact has to tell the applicant; None: nothing, on purpose. A test asserts that no fact is missing.
REACTIONS: dict[type[Fact], Template | None] = {
    facts.CaseReceived: _template(received),
    facts.CaseIncomplete: _template(incomplete),
    facts.CaseAccepted: _template(accepted),
    facts.CaseDeclined: _template(declined),
    facts.CaseStep: None,  # steps inside a department are for whoever looks, not for the pocket
    facts.CaseSuspended: _template(suspended),
    facts.CaseResumed: _template(resumed),
    facts.CaseExtended: _template(extended),
    facts.CaseApproved: _template(approved),
    facts.CaseRefused: _template(refused),
    facts.CaseConcluded: _template(concluded),
    facts.CaseWithdrawn: _template(withdrawn),
    facts.CaseLapsed: _template(lapsed),
    facts.CaseRated: None,  # the applicant's own doing, answered at once where it was done
}

# The types of which nobody is told, so that they need not even be read.
SILENT = frozenset(fact.TYPE for fact, template in REACTIONS.items() if template is None)


def render(fact: Fact, channel: str, language: str, serial: str, item_name: str) -> Rendered | None:
    """The message for `fact`, Chinese in simplified characters; None where the applicant is told nothing."""
    template = REACTIONS[type(fact)]
    if template is None:
        return None
    words, english = template(fact), language == "en"
    head, detail = line(words.head[english]), line(words.detail[english])
    item = line(item_name)
    if channel == "email":
        return _email(serial, item, head, detail, english)
    return Rendered(None, next(text for text in _shorter(serial, item, head, detail, english) if fits(text)))


def _email(serial: str, item: str, head: str, detail: str, english: bool) -> Rendered:
    more = f"{detail}\n\n" if detail else ""
    if english:
        body = f"Your case {serial} ({item}):\n\n{head}\n\n{more}You can follow it with its serial and query code.\n"
        return Rendered(f"[Yichuang] Case {serial}: {clipped(head, 80)}", body)
    body = f"您的办件 {serial}（{item}）：\n\n{head}\n\n{more}您可凭流水号和查询密码查询办理进度。\n"
    return Rendered(f"【一窗】办件 {serial}：{clipped(head, 40)}", body)


def _shorter(serial: str, item: str, head: str, detail: str, english: bool) -> Iterator[str]:
    """The SMS in full, then ever shorter: first the detail is clipped, then the item, then the head.

    A serial has 64 characters at most, so that the last of them always fits.
    """
    for detail_length in (len(detail), *range(min(len(detail), 300), 9, -5), 0):
        yield _sms(serial, item, head, clipped(detail, detail_length), english)
    for item_length in range(min(len(item), 200), 7, -4):
        yield _sms(serial, clipped(item, item_length), head, "", english)
    for head_length in range(min(len(head), 300), 0, -5):
        yield _sms(serial, clipped(item, 8), clipped(head, head_length), "", english)


def _sms(serial: str, item: str, head: str, detail: str, english: bool) -> str:
    if english:
        return f"[Yichuang] {item} {serial}: {head} {detail}".rstrip()
    return f"【一窗】{item}（{serial}）：{head}{detail}"
