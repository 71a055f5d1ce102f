"""The frozen samples: every version of every type ever published can still be read.

A sample is never edited. A new version brings a new file.
"""

import json
from datetime import date
from pathlib import Path

import pytest

from kernel.clock import parse_time
from kernel.contracts.case import (
    FACTS,
    SCHEMAS,
    UPCASTERS,
    CaseAccepted,
    CaseIncomplete,
    CaseReceived,
    Correction,
    UnknownType,
    UnknownVersion,
    dump_fact,
    load_fact,
)
from kernel.contracts.department import Reference, read_reply
from kernel.contracts.envelope import parse_envelope
from kernel.contracts.lifecycle import SPEAKERS, TRANSITIONS
from kernel.errors import InvalidInput

SAMPLES = Path(__file__).parent / "samples"
ORGAN = "11440100000003009X"


def sample(type_: str, version: int) -> dict[str, object]:
    return json.loads((SAMPLES / f"{type_}.{version}.json").read_text())


def data_of(type_: str, version: int) -> dict[str, object]:
    return dict(sample(type_, version)["data"])  # type: ignore[call-overload]


def test_every_version_of_every_type_has_a_sample() -> None:
    cases = {tuple(path.stem.rsplit(".", 1)) for path in SAMPLES.glob("case.*.json")}
    assert cases == {(type_, str(version)) for type_, version in SCHEMAS}


@pytest.mark.parametrize(("type_", "version"), SCHEMAS)
def test_each_sample_is_an_event_and_loads(type_: str, version: int) -> None:
    envelope = parse_envelope(sample(type_, version))
    fact = load_fact(envelope.type, envelope.version, envelope.data)
    assert (envelope.type, envelope.version) == (type_, version)
    assert (type(fact), fact.occurred_at) == (FACTS[type_], envelope.time)


@pytest.mark.parametrize("type_", FACTS)
def test_what_is_loaded_in_the_present_version_is_dumped_as_it_was(type_: str) -> None:
    data = data_of(type_, FACTS[type_].VERSION)
    assert dump_fact(load_fact(type_, FACTS[type_].VERSION, data)) == data


@pytest.mark.parametrize("type_", FACTS)
def test_versions_have_no_holes_and_every_old_one_an_upcaster(type_: str) -> None:
    present = FACTS[type_].VERSION
    assert [version for t, version in SCHEMAS if t == type_] == list(range(1, present + 1))
    assert [version for t, version in UPCASTERS if t == type_] == list(range(1, present))


def test_a_receipt_of_version_1_is_lifted_to_version_2() -> None:
    assert load_fact("case.received", 1, data_of("case.received", 1)) == CaseReceived(
        occurred_at=parse_time("2026-02-09T09:30:00+08:00"),
        by="applicant-1",
        item="11440100000003009X3000131001000",
        item_name="11440100000003009X3000131001000",
        item_version=1,
        department=ORGAN,
        department_name=ORGAN,
        applicant="unknown",
        attempt=1,
        channel="window",
        notices=("sms",),
        language="zh-Hans",
        query_code_digest=None,
    )


def test_a_sample_is_read_whole() -> None:
    assert load_fact("case.incomplete", 1, data_of("case.incomplete", 1)) == CaseIncomplete(
        occurred_at=parse_time("2026-02-09T10:30:00+08:00"),
        by="officer-7",
        corrections=(
            Correction(what="场所证明不清晰，请重新拍摄。", material="premises"),
            Correction(what="请填写门牌号。", field="address"),
        ),
        due=date(2026, 3, 2),
    )


def test_what_a_department_may_leave_out_is_filled_in() -> None:
    said = {"occurred_at": "2026-02-09T11:30:00+08:00", "by": "officer-7"}
    assert load_fact("case.accepted", 1, said) == CaseAccepted(
        occurred_at=parse_time("2026-02-09T11:30:00+08:00"), by="officer-7"
    )


def test_replies_are_read_back() -> None:
    about = Reference(id="d-1", source=f"/departments/{ORGAN}", subject="202602090010000014")
    appended = read_reply((SAMPLES / "event.appended.1.json").read_text())
    refused = read_reply((SAMPLES / "event.refused.1.json").read_text())
    assert (appended.about, appended.appended, appended.position, appended.duplicate) == (about, True, 17, True)
    assert (refused.about, refused.appended, refused.code) == (about, False, "not_allowed_in_state")
    assert (refused.state, refused.allowed) == (
        "received",
        ("case.incomplete", "case.accepted", "case.declined", "case.withdrawn"),
    )


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"type": "event.appended", "data": {}}', b'{"type": 1}'])
def test_what_is_no_reply_is_not_taken_for_one(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_reply(body)


def test_a_type_or_version_that_nobody_published_is_refused() -> None:
    said = {"occurred_at": "2026-02-09T11:30:00+08:00", "by": "officer-7"}
    with pytest.raises(UnknownType):
        load_fact("case.forgotten", 1, said)
    with pytest.raises(UnknownVersion, match="versions: 1, 2"):
        load_fact("case.received", 3, said)


@pytest.mark.parametrize(
    ("type_", "change", "field"),
    [
        ("case.step", {"step_nme": "审查"}, "data.step_nme"),
        ("case.step", {"step_name": ""}, "data.step_name"),
        ("case.step", {"step_name": "a\nb"}, "data.step_name"),
        ("case.step", {"step_name": " \u3000\u200b"}, "data.step_name"),
        ("case.step", {"opinion": " \n\t"}, "data.opinion"),
        ("case.step", {"by": " "}, "data.by"),
        ("case.declined", {"reason": "\u3000"}, "data.reason"),
        ("case.refused", {"remedies": ["复议", " "]}, "data.remedies.1"),
        ("case.incomplete", {"corrections": [{"what": " ", "material": "a"}]}, "data.corrections.0.what"),
        ("case.step", {"opinion": "a\x00"}, "data.opinion"),
        ("case.refused", {"remedies": ["a\x00"]}, "data.remedies.0"),
        ("case.extended", {"working_days": "10"}, "data.working_days"),
        ("case.accepted", {"deemed": "yes"}, "data.deemed"),
        ("case.rated", {"stars": 6}, "data.stars"),
        ("case.incomplete", {"corrections": []}, "data.corrections"),
        ("case.incomplete", {"corrections": [{"what": "x", "material": "a", "field": "b"}]}, "data.corrections.0"),
        ("case.refused", {"remedies": []}, "data.remedies"),
    ],
)
def test_data_that_do_not_fit_are_refused_by_field(type_: str, change: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        load_fact(type_, 1, {**data_of(type_, 1), **change})
    assert [error["field"] for error in refusal.value.errors] == [field]


def test_every_fact_has_a_place_in_the_life_of_a_case_and_a_speaker() -> None:
    placed = {fact for following in TRANSITIONS.values() for fact in following}
    assert placed == set(FACTS.values()) == set(SPEAKERS)
