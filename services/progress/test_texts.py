"""The sentences of the timeline: spelled as in the messages that people get about the same facts."""

from services.progress.domain.texts import step_text


def test_dates_are_spelled_as_in_messages() -> None:
    accepted = step_text("case.accepted", {"promised_due": "2026-02-24"}, "zh-Hans")
    assert accepted == "已受理，预计2026年2月24日前办结。"
    incomplete = step_text("case.incomplete", {"corrections": [{}], "due": "2026-02-24"}, "zh-Hans")
    assert incomplete.endswith("，请在2026年2月24日前补正。")


def test_a_refusal_speaks_of_no_licence_as_most_items_are_none() -> None:
    refused = step_text("case.refused", {}, "zh-Hans")
    assert "许可" not in refused
    assert refused == "决定不予办理，理由和救济途径见详情。"
