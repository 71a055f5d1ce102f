"""Names that people read for what programs call by code: states, types of facts, and who says them.

Pure tables, each entry (Chinese, English), fit to stand within a sentence. Codes stay what machines compare.
"""

from collections.abc import Iterable

from kernel.contracts.lifecycle import Speaker, State

Text = tuple[str, str]

STATE_TEXT: dict[State, Text] = {
    State.NEW: ("未提交", "not filed yet"),
    State.RECEIVED: ("已收件", "received"),
    State.INCOMPLETE: ("待补正", "waiting for corrections"),
    State.ACCEPTED: ("已受理", "accepted"),
    State.SUSPENDED: ("已暂停计时", "suspended"),
    State.DECIDED: ("已作出决定", "decided"),
    State.CONCLUDED: ("已办结", "concluded"),
}

TYPE_TEXT: dict[str, Text] = {
    "case.received": ("提交申请或补正", "filing or correcting"),
    "case.incomplete": ("补正告知", "asking for corrections"),
    "case.accepted": ("受理", "acceptance"),
    "case.declined": ("不予受理", "declining"),
    "case.step": ("办理环节", "a step"),
    "case.suspended": ("暂停计时", "suspension"),
    "case.resumed": ("恢复计时", "resumption"),
    "case.extended": ("延长期限", "extension"),
    "case.approved": ("准予决定", "approval"),
    "case.refused": ("不予决定", "refusal"),
    "case.concluded": ("办结", "conclusion"),
    "case.withdrawn": ("撤回申请", "withdrawal"),
    "case.lapsed": ("逾期未补正终止", "lapsing"),
    "case.rated": ("评价", "rating"),
}

SPEAKER_TEXT: dict[Speaker, Text] = {
    Speaker.APPLICANT: ("申请人", "the applicant"),
    Speaker.DEPARTMENT: ("办理部门", "the department"),
    Speaker.CLOCK: ("系统（期限届满时自动登记）", "the hall's clock"),
}


def text(pair: Text, language: str) -> str:
    """The one of the two that is in `language`: "en", or Chinese for anything else."""
    return pair[language == "en"]


def listed(pairs: Iterable[Text], language: str) -> str:
    """Several, as they stand in a sentence."""
    return (", " if language == "en" else "、").join(text(pair, language) for pair in pairs)
