"""The envelope: what is read comes back whole, what is nonsense is refused with the field named."""

import contextlib
import json

import pytest
from hypothesis import given, strategies as st

from kernel.contracts.envelope import MAX_BYTES, EnvelopeSchema, _load_quickly, dump_envelope, parse_envelope
from kernel.errors import InvalidInput

GOOD = {
    "specversion": "1.0",
    "id": "d-1",
    "source": "/departments/11440100007482532K",
    "type": "case.step",
    "subject": "20260209001000017",
    "time": "2026-02-09T09:00:00+08:00",
    "datacontenttype": "application/json",
    "dataschema": "urn:yichuang:case.step:1",
    "data": {"occurred_at": "2026-02-09T09:00:00+08:00", "by": "officer-7", "step_name": "审查"},
}


def test_what_is_dumped_is_read_back() -> None:
    envelope = parse_envelope(json.dumps(GOOD))
    assert parse_envelope(dump_envelope(envelope)) == envelope


def test_extensions_of_others_are_let_pass() -> None:
    assert parse_envelope({**GOOD, "traceparent": "00-ab"}) == parse_envelope(GOOD)


def test_without_time_the_data_say_when_it_happened() -> None:
    without = {name: value for name, value in GOOD.items() if name != "time"}
    assert parse_envelope(without) == parse_envelope(GOOD)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"id": ""}, "id"),
        ({"id": "a\x00b"}, "id"),
        ({"id": "x" * 129}, "id"),
        ({"source": 7}, "source"),
        ({"subject": None}, "subject"),
        ({"time": "2026-02-09T09:00:00"}, "time"),
        ({"time": "0001-01-01T00:00:00+14:00"}, "time"),
        ({"datacontenttype": "text/xml"}, "datacontenttype"),
        ({"dataschema": "urn:yichuang:case.step:0"}, "dataschema"),
        ({"dataschema": "urn:yichuang:case.step:1\n"}, "dataschema"),
        ({"dataschema": "urn:yichuang:case.approved:1"}, "dataschema"),
        ({"data": []}, "data"),
        ({"data": {}, "time": None}, "data.occurred_at"),
    ],
)
def test_nonsense_is_refused_with_its_field(change: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_envelope({**GOOD, **change})
    assert [error["field"] for error in refusal.value.errors] == [field]


def test_a_body_over_the_limit_is_not_even_parsed() -> None:
    with pytest.raises(InvalidInput, match="invalid_input"):
        parse_envelope(b"[" * (MAX_BYTES + 1))


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse_envelope(body)


NONSENSE = st.none() | st.integers() | st.text() | st.lists(st.text())


@given(st.dictionaries(st.sampled_from(sorted(set(GOOD) - {"time", "datacontenttype"})), NONSENSE, min_size=1))
def test_no_members_crash_the_reader(change: dict[str, object]) -> None:
    changed = {**GOOD, **change}
    with contextlib.suppress(InvalidInput):
        assert dump_envelope(parse_envelope(changed))


LIKELY = st.sampled_from(
    ["1.0", "case.step", "urn:yichuang:case.step:1", "a\x00", "a\n", "\u3000", "x" * 64, "x" * 65, "application/json"]
)


@given(
    st.dictionaries(st.sampled_from(sorted(GOOD)), LIKELY | NONSENSE | st.just({}) | st.just({1: 2})),
    st.sets(st.sampled_from(sorted(GOOD)), max_size=3),
)
def test_the_quick_way_in_says_what_the_schema_says_or_nothing(change: dict[str, object], absent: set[str]) -> None:
    changed = {name: value for name, value in {**GOOD, **change}.items() if name not in absent}
    quickly = _load_quickly(changed)
    if quickly is not None:
        loaded = EnvelopeSchema().load(changed)
        assert quickly == {name: loaded[name] for name in quickly}


def test_the_quick_way_is_taken_by_what_is_plain() -> None:
    assert _load_quickly(GOOD) is not None
