"""What departments send that is wrong: a clear answer, nothing changed, nothing lost.

Every case here sends the good event afterwards, which is taken: so none is refused for another reason than its own.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, strategies as st

from kernel.contracts.department import Reply
from kernel.messaging.topology import REJECTED
from services.filing.application.hearing import Heard, Message, hear
from services.filing.test_submission import POLICE
from services.filing.testing import ORGAN, OTHER_ORGAN, Desk, incoming

Event = dict[str, Any]
Spoil = Callable[[Desk, Event], Event | bytes]


def send_spoilt(desk: Desk, spoil: Spoil) -> Reply:
    """Spoil an event that would be taken and send it; then the good one. Returns the answer to the spoilt one."""
    serial = desk.file()
    good = desk.event(serial, "case.accepted")
    before = desk.traces()
    (reply,) = desk.send(spoil(desk, orjson.loads(orjson.dumps(good))))
    assert desk.traces() == before
    assert not reply.appended
    assert desk.send(good)[0].position == before[0] + 1
    return reply


def changed(**members: Any) -> Spoil:
    return lambda desk, event: {**event, **members}


def saying(**members: Any) -> Spoil:
    return lambda desk, event: {**event, "data": {**event["data"], **members}}


def later(**by: float) -> Spoil:
    def spoil(desk: Desk, event: Event) -> Event:
        at = (desk.clock.now() + timedelta(**by)).isoformat()
        return {**event, "data": {**event["data"], "occurred_at": at}}

    return spoil


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (changed(subject="20260209001999990"), "unknown_case"),
        (changed(subject="no serial at all"), "unknown_case"),
        (changed(type="case.forgotten", dataschema="urn:yichuang:case.forgotten:1"), "unknown_type"),
        (changed(dataschema="urn:yichuang:case.accepted:2"), "unknown_version"),
        (changed(dataschema="urn:yichuang:case.accepted:0"), "invalid_input"),
        (changed(dataschema="urn:yichuang:case.step:1"), "invalid_input"),
        (changed(specversion="0.3"), "invalid_input"),
        (changed(subject=None), "invalid_input"),
        (changed(id="x" * 129), "invalid_input"),
        (changed(id="a\x00b"), "invalid_input"),
        (changed(data="text"), "invalid_input"),
        (changed(data={"a": orjson.loads("[" * 200 + "]" * 200)}, time="2026-02-09T09:00:00+08:00"), "invalid_input"),
        (saying(deemed="yes"), "invalid_input"),
        (saying(effective=True), "invalid_input"),
        (saying(occurred_at="2026-02-09"), "invalid_input"),
        (later(seconds=301), "occurred_in_future"),
        (later(seconds=-301), "occurred_before_receipt"),
        (later(days=36500), "occurred_in_future"),
        (saying(effective_on="2026-02-08"), "effective_on_out_of_range"),
    ],
)
def test_an_event_that_is_wrong_is_refused_with_its_reason(desk: Desk, spoil: Spoil, code: str) -> None:
    reply = send_spoilt(desk, spoil)
    assert reply.code == code
    assert reply.detail
    assert reply.detail_en
    assert desk.outbox.rejected() == []


@pytest.mark.parametrize(("spoil", "field"), [(saying(deemed="yes"), "data.deemed"), (changed(id="x" * 129), "id")])
def test_a_wrong_member_is_named(desk: Desk, spoil: Spoil, field: str) -> None:
    assert [error["field"] for error in send_spoilt(desk, spoil).errors] == [field]


@pytest.mark.parametrize("seconds", [299, -299])
def test_a_clock_that_is_a_little_off_is_let_pass(desk: Desk, seconds: float) -> None:
    serial = desk.file()
    assert desk.send(later(seconds=seconds)(desk, desk.event(serial, "case.accepted")))[0].appended


def test_anothers_case_is_answered_like_one_that_does_not_exist(desk: Desk) -> None:
    foreign = desk.file(item=POLICE)
    before = desk.traces()
    (theirs,) = desk.send(desk.event(foreign, "case.accepted"))
    (nobodys,) = desk.send(desk.event("20260209001999990", "case.accepted"))
    assert desk.traces() == before
    assert (theirs.code, theirs.detail, theirs.state) == (nobodys.code, nobodys.detail, nobodys.state)
    assert theirs.code == "unknown_case"
    own = desk.event(foreign, "case.accepted", OTHER_ORGAN)
    assert desk.send(own, organ=OTHER_ORGAN)[0].appended


@pytest.mark.parametrize("type_", ["case.received", "case.withdrawn", "case.rated", "case.lapsed"])
def test_what_is_anothers_to_say_is_refused(desk: Desk, type_: str) -> None:
    serial = desk.file()
    more: dict[str, Any] = {"stars": 5} if type_ == "case.rated" else {}
    if type_ == "case.received":
        more = {"item": "i", "department": ORGAN}
    before = desk.traces()
    (reply,) = desk.send(desk.event(serial, type_, **more))
    assert reply.code == "not_yours_to_say"
    assert desk.traces() == before


def test_what_the_state_does_not_allow_is_refused_with_what_it_does(desk: Desk) -> None:
    serial = desk.file()
    desk.send(*desk.life(serial))
    before = desk.traces()
    (reply,) = desk.send(desk.event(serial, "case.step", step_name="审查"))
    assert (reply.code, reply.state, reply.allowed) == ("not_allowed_in_state", "concluded", ("case.rated",))
    assert desk.traces() == before


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        ({"corrections": [{"what": "x", "material": "diploma"}]}, "unknown_correction", "application, premises"),
        ({"corrections": [{"what": "x", "field": "premises"}]}, "unknown_correction", "trade_name, capital"),
        ({"due": "2026-02-08"}, "due_in_past", "2026-02-08"),
        ({"corrections": [{"what": "\u3000 ", "material": "premises"}]}, "invalid_input", ""),
    ],
)
def test_corrections_that_cannot_be_made_are_refused(desk: Desk, more: Event, code: str, words: str) -> None:
    serial = desk.file()
    good = {"corrections": [{"what": "x", "material": "premises"}], "due": "2026-02-09"}
    before = desk.traces()
    (reply,) = desk.send(desk.event(serial, "case.incomplete", **{**good, **more}))
    assert reply.code == code
    assert words in reply.detail
    assert words in reply.detail_en
    assert desk.traces() == before
    assert desk.send(desk.event(serial, "case.incomplete", **good))[0].appended


def test_a_second_extension_and_one_that_is_too_long_are_refused(desk: Desk) -> None:
    serial = desk.file()
    desk.send(desk.event(serial, "case.accepted"))
    codes = [
        desk.send(desk.event(serial, "case.extended", working_days=days, reason="核查"))[0].code for days in (11, 10, 1)
    ]
    assert codes == ["extension_too_long", None, "extended_already"]
    assert desk.types(serial)[2:] == ["case.extended"]


@pytest.mark.parametrize("apart", [True, False])
def test_an_id_that_says_something_else_is_refused(desk: Desk, apart: bool) -> None:
    serial, other = desk.file(), desk.file()
    first = desk.event(serial, "case.accepted", id_="d-1")
    others = [
        desk.event(serial, "case.accepted", id_="d-1", deemed=True),
        desk.event(other, "case.accepted", id_="d-1"),
    ]
    replies = (
        [reply for event in (first, *others) for reply in desk.send(event)] if apart else desk.send(first, *others)
    )
    assert [reply.code for reply in replies] == [None, "event_id_reused", "event_id_reused"]
    assert desk.traces() == (3, 0, 0)


def test_an_id_of_an_event_that_waits_is_not_free_either(desk: Desk) -> None:
    serial = desk.file()
    desk.send(desk.event(serial, "case.step", id_="d-1", step_name="审查"))
    before = desk.traces()
    (reply,) = desk.send(desk.event(serial, "case.step", id_="d-1", step_name="复核"))
    assert reply.code == "event_id_reused"
    assert desk.traces() == before


def test_the_same_id_of_another_department_is_another_event(desk: Desk) -> None:
    ours, theirs = desk.file(), desk.file(item=POLICE)
    assert desk.send(desk.event(ours, "case.accepted", id_="d-1"))[0].appended
    foreign = desk.event(theirs, "case.accepted", OTHER_ORGAN, id_="d-1")
    assert desk.send(foreign, organ=OTHER_ORGAN)[0].appended


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not JSON",
        b'{"id": "a", ',
        b"[]",
        b"null",
        b'{"id": "a"}',
        b'{"source": "/departments/x"}',
        b'{"id": 7, "source": "/departments/x"}',
        b'{"id": "a", "source": ""}',
        b"\xff\xfe\x00",
        b"[" * 60_000,
        pytest.param(b'{"id": "a", "source": "b", "data": "' + b"x" * 10_000_000 + b'"}', id="10 MB"),
    ],
)
def test_what_cannot_be_read_is_kept_for_the_operators_and_answered(desk: Desk, body: bytes) -> None:
    serial = desk.file()
    before = desk.traces()
    good = desk.event(serial, "case.accepted")
    unreadable, taken = desk.send(body, good)
    assert (unreadable.code, unreadable.about.id) == ("unreadable_event", None)
    assert taken.position == before[0] + 1
    (rejected,) = desk.outbox.rejected()
    assert rejected.body == body[: 64 * 1024]
    headers = rejected.properties["headers"]
    assert (headers["reason"], headers["user_id"]) == ("unreadable_event", ORGAN)
    assert (headers["size"], headers["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
    assert headers["detail"]


def test_a_full_queue_of_rejected_messages_keeps_nobody_from_being_answered(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    serial = desk.file()
    desk.outbox.full.add(REJECTED)
    assert desk.send(desk.event(serial, "case.step", step_name="审查")) == []
    replies = desk.send(b"not JSON", desk.event(serial, "case.accepted"))
    assert [reply.code for reply in replies] == ["unreadable_event", None, None]
    assert desk.outbox.rejected() == []
    assert desk.types(serial) == ["case.received", "case.accepted", "case.step"]
    assert "queue of rejected messages is full" in caplog.text


def test_a_message_without_a_sender_is_answered_to_nobody_and_kept(desk: Desk) -> None:
    serial = desk.file()
    event = desk.event(serial, "case.accepted")
    before = desk.traces()
    assert desk.send(event, b"not JSON", organ=None, key=f"{ORGAN}.case.accepted") == []
    assert [message.properties["headers"]["reason"] for message in desk.outbox.rejected()] == [
        "identity_missing",
        "unreadable_event",
    ]
    assert desk.traces() == before
    assert desk.send(event)[0].appended


@pytest.mark.parametrize(
    ("organ", "key"),
    [
        (OTHER_ORGAN, None),  # speaks in our name
        (ORGAN, f"{OTHER_ORGAN}.case.accepted"),  # under another's key
        ("guest", None),
    ],
)
def test_who_speaks_in_anothers_name_is_refused_and_shown_to_operators(desk: Desk, organ: str, key: str | None) -> None:
    serial = desk.file()
    event = desk.event(serial, "case.accepted")
    before = desk.traces()
    desk.filing.answering.take_batch([incoming(event, organ, key)])
    assert [message.routing_key for message in desk.outbox.sent] == [organ, "department-events.rejected"]
    (reply,) = desk.outbox.replies()
    assert reply.code == "identity_mismatch"
    (rejected,) = desk.outbox.rejected()
    assert rejected.properties["headers"]["reason"] == "identity_mismatch"
    assert desk.traces() == before
    assert desk.send(event)[0].appended


@pytest.mark.parametrize(
    "opinion", ["两行\r\n\t字", "\\u0000 \\", '"}],{"', "😀 \u2028 \uffff \u3000", "'; DROP TABLE event --"]
)
def test_strange_texts_are_kept_as_they_are(desk: Desk, opinion: str) -> None:
    serial = desk.file()
    replies = desk.send(
        desk.event(serial, "case.accepted"), desk.event(serial, "case.step", step_name="审查", opinion=opinion)
    )
    assert [reply.position for reply in replies] == [2, 3]
    assert desk.tools.log.stream(serial)[-1].data["opinion"] == opinion


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.dates().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
MEMBERS = ["deemed", "effective_on", "occurred_at", "by", "statutory_due"]


@given(
    st.dictionaries(st.sampled_from(["id", "source", "type", "subject", "time", "dataschema", "data"]), VALUES),
    st.dictionaries(st.sampled_from(MEMBERS) | st.text(max_size=5), VALUES),
    VALUES,
)
def test_nothing_that_is_sent_crashes_the_ear(members: dict[str, Any], data: dict[str, Any], alone: Any) -> None:
    good = {
        "specversion": "1.0",
        "id": "d-1",
        "source": f"/departments/{ORGAN}",
        "type": "case.accepted",
        "subject": "20260209001000017",
        "dataschema": "urn:yichuang:case.accepted:1",
        "data": {"occurred_at": "2026-02-09T09:00:00+08:00", "by": "officer-7", **data},
    }
    for said in ({**good, **members}, good, alone):
        body = json.dumps(said).encode("utf-8", "replace")
        heard = hear(Message(body=body, organ=ORGAN, routing_key=f"{ORGAN}.case.accepted"))
        assert isinstance(heard, Heard) or heard.refusal.to_wire()


def test_one_bad_event_keeps_no_other_from_being_taken(desk: Desk) -> None:
    serial = desk.file()
    life = desk.life(serial)
    bad = [b"not JSON", desk.event("nobody's", "case.accepted"), {**life[0], "id": "x", "dataschema": "?"}]
    mixed: list[Event | bytes] = [part for pair in zip(life, bad * 3, strict=False) for part in pair]
    replies = desk.send(*mixed)
    assert [reply.appended for reply in replies] == [True, False] * len(life)
    assert len(desk.types(serial)) == 1 + len(life)
