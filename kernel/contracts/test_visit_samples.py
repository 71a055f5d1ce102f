"""The frozen samples of a visit's and a ticket's facts: every version ever published can still be read.

A sample is never edited.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from kernel.clock import parse_time
from kernel.contracts.case import UnknownType, UnknownVersion
from kernel.contracts.envelope import parse_envelope
from kernel.contracts.ticket_facts import TICKET_FACTS
from kernel.contracts.visit import VISIT_SCHEMAS, dump_visit_fact, load_visit_fact
from kernel.contracts.visit_facts import VISIT_FACTS, VisitBooked, VisitFact
from kernel.errors import InvalidInput

FACTS = {**VISIT_FACTS, **TICKET_FACTS}
SAMPLES = Path(__file__).parent / "samples"
PERSONAL = {"name", "identity_number", "identity", "mobile", "email", "address", "contact", "priority"}


def sample(type_: str, version: int = 1) -> dict[str, Any]:
    return json.loads((SAMPLES / f"{type_}.{version}.json").read_text())  # type: ignore[no-any-return]


def test_every_version_of_every_type_has_a_sample_and_a_schema() -> None:
    written = {
        tuple(path.stem.rsplit(".", 1)) for path in (*SAMPLES.glob("visit.*.json"), *SAMPLES.glob("ticket.*.json"))
    }
    assert written == {(type_, str(version)) for type_, version in VISIT_SCHEMAS}
    assert {(fact.TYPE, fact.VERSION) for fact in FACTS.values()} <= set(VISIT_SCHEMAS)


@pytest.mark.parametrize(("type_", "version"), VISIT_SCHEMAS)
def test_each_sample_is_an_event_and_loads_and_is_dumped_as_it_was_in_its_present_version(
    type_: str, version: int
) -> None:
    envelope = parse_envelope(sample(type_, version))
    fact = load_visit_fact(envelope.type, envelope.version, envelope.data)
    assert (envelope.type, envelope.version, fact.occurred_at) == (type_, version, envelope.time)
    assert isinstance(fact, FACTS[type_])
    if version == FACTS[type_].VERSION:
        assert dump_visit_fact(fact) == envelope.data


@pytest.mark.parametrize("fact", FACTS.values())
def test_no_fact_has_a_member_for_personal_data(fact: type[VisitFact]) -> None:
    assert not PERSONAL & set(VISIT_SCHEMAS[fact.TYPE, fact.VERSION].fields)


def test_a_sample_is_read_whole() -> None:
    assert load_visit_fact("visit.booked", 1, sample("visit.booked")["data"]) == VisitBooked(
        occurred_at=parse_time("2026-02-09T09:00:00+08:00"),
        by="account-1",
        hall="tianhe",
        hall_name="天河区政务服务中心",
        group="tianhe.0f1e2d3c",
        group_name="公安综合窗口",
        visitor="0197f3c0-0000-7000-8000-000000000001",
        account="account-1",
        items=("11440100000003009X3000131001001", "11440100000003009X3000131001002"),
        people=2,
        starts_at=parse_time("2026-02-11T10:00:00+08:00"),
        ends_at=parse_time("2026-02-11T12:00:00+08:00"),
        language="zh-Hant",
    )


def test_until_when_a_visit_can_be_cancelled_may_be_told_with_it() -> None:
    before = {"cancel_before": "2026-02-11T08:00:00+08:00"}
    for type_ in ("visit.booked", "visit.moved"):
        data = {**sample(type_)["data"], **before}
        assert dump_visit_fact(load_visit_fact(type_, 1, data)) == data


def test_why_somebody_was_let_ahead_is_told_no_more_though_it_was_written_once() -> None:
    before, now = sample("ticket.issued")["data"], sample("ticket.issued", 2)["data"]
    assert before == {**now, "priority": "elderly"}
    assert load_visit_fact("ticket.issued", 1, before) == load_visit_fact("ticket.issued", 2, now)


@pytest.mark.parametrize(
    ("type_", "change", "field"),
    [
        ("visit.booked", {"items": []}, "data.items"),
        ("visit.booked", {"people": 0}, "data.people"),
        ("visit.booked", {"people": "2"}, "data.people"),
        ("visit.booked", {"mobile": "13800138000"}, "data.mobile"),
        ("visit.booked", {"starts_at": "2026-02-11T10:00:00"}, "data.starts_at"),
        ("visit.cancelled", {"cause": "weather"}, "data.cause"),
        ("visit.closed", {"reason": " "}, "data.reason"),
        ("visit.blocked", {"until": "soon"}, "data.until"),
        ("ticket.issued", {"kind": "guest"}, "data.kind"),
        ("ticket.issued", {"priority": "friend"}, "data.priority"),
        ("ticket.issued", {"priority": "disabled"}, "data.priority"),
        ("ticket.issued", {"low": -1}, "data.low"),
        ("ticket.issued", {"identity_number": "440105199003070013"}, "data.identity_number"),
        ("ticket.parked", {"until": "2026-02-10T10:00:00"}, "data.until"),
        ("ticket.transferred", {"to": ""}, "data.to"),
    ],
)
def test_what_does_not_fit_is_refused_by_field(type_: str, change: dict[str, Any], field: str) -> None:
    version = FACTS[type_].VERSION
    with pytest.raises(InvalidInput) as refusal:
        load_visit_fact(type_, version, {**sample(type_, version)["data"], **change})
    assert [error["field"] for error in refusal.value.errors] == [field]


def test_what_nobody_published_is_refused() -> None:
    with pytest.raises(UnknownType):
        load_visit_fact("visit.forgotten", 1, {})
    with pytest.raises(UnknownVersion, match="versions: 1"):
        load_visit_fact("visit.served", 2, {})
