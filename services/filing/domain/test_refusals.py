"""What refusals say: whole sentences of one language, names where the code has codes."""

import re

import pytest

from kernel.contracts.case import FACTS
from kernel.contracts.lifecycle import SPEAKERS, Speaker, State
from kernel.errors import Refusal
from services.filing.domain.refusals import (
    DueInPast,
    ExtensionTooLong,
    IdentityMismatch,
    NotAllowedInState,
    NotYoursToSay,
    UnknownCorrection,
    UnreadableEvent,
)

REFUSALS: list[Refusal] = [
    *(NotAllowedInState.at(state, type_) for state in State for type_ in FACTS),
    *(
        NotYoursToSay(type=type_, speaker=str(speaker), speakers=sorted(map(str, SPEAKERS[fact])))
        for type_, fact in FACTS.items()
        for speaker in Speaker
    ),
    ExtensionTooLong(working_days=11, maximum=10),
    ExtensionTooLong(working_days=3, maximum=0),
    DueInPast(due="2026-02-08", told_on="2026-02-09"),
    IdentityMismatch(member="routing_key"),
    UnreadableEvent(why="not_json"),
    UnreadableEvent(why="too_long", size=70_000, maximum=65_536),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_a_sentence_is_of_one_language_and_holds_no_code(refusal: Refusal) -> None:
    chinese, english = refusal.sentence("zh-Hans"), refusal.sentence("en")
    assert not re.findall(r"[A-Za-z]+", chinese.replace("JSON", ""))
    assert english.isascii()
    assert not re.search(r"[a-z]\.[a-z]|_|[{}]", english)
    assert refusal.to_wire()["zh"] == chinese


def test_an_applicant_reads_names_and_a_program_gets_codes() -> None:
    refusal = NotAllowedInState.at(State.CONCLUDED, "case.withdrawn")
    assert refusal.sentence("zh-Hans") == "办件目前状态为“已办结”，不能登记“撤回申请”；此状态下可以登记：评价。"
    assert refusal.sentence("en") == "The case is concluded, which does not allow: withdrawal. It allows: rating."
    assert refusal.params == {"state": "concluded", "type": "case.withdrawn", "allowed": ["case.rated"]}


def test_who_may_say_it_is_named() -> None:
    refusal = NotYoursToSay(type="case.withdrawn", speaker="department", speakers=["applicant"])
    assert refusal.sentence("zh-Hans") == "“撤回申请”不能由办理部门登记，只能由申请人登记。"
    assert refusal.sentence("en") == "This is not for the department to say: withdrawal. It is said by the applicant."


def test_what_cannot_be_read_is_told_in_words() -> None:
    assert UnreadableEvent(why="not_json").sentence("zh-Hans") == "无法读取事件：不是有效的 JSON。"
    assert UnreadableEvent(why="no_name").sentence("zh-Hans") == "无法读取事件：缺少 id 或 source。"
    assert UnreadableEvent(why="no_name").sentence("en") == "The event cannot be read: it has no id or no source."


def test_what_can_be_corrected_is_named_by_the_codes_to_use() -> None:
    refusal = UnknownCorrection(kind="material", name="diploma{0}", known=["application", "premises"])
    assert refusal.sentence("zh-Hans") == "该事项没有材料“diploma{0}”；可用：application, premises。"
    assert refusal.sentence("en") == "The item has no material diploma{0}; it has: application, premises."
    assert UnknownCorrection(kind="field", name="x", known=[]).sentence("zh-Hans") == "该事项没有填写项“x”；可用：无。"
