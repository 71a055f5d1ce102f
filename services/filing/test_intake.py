"""Department events that are taken: in order, shuffled, repeated, early, late; and answered, whatever dies."""

import random
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from kernel import tracing
from kernel.clock import parse_time
from kernel.contracts.case import CaseAccepted
from kernel.contracts.department import Reply
from kernel.errors import NotAllowed, Refusal
from kernel.messaging.connection import BrokerAway
from services.filing.service import _organ
from services.filing.test_submission import POLICE, at_once
from services.filing.testing import ORGAN, OTHER_ORGAN, Desk, incoming

WHOLE = [
    "case.received",
    "case.accepted",
    "case.step",
    "case.suspended",
    "case.resumed",
    "case.extended",
    "case.approved",
    "case.concluded",
]


def positions(replies: list[Reply]) -> list[int | None]:
    return [reply.position for reply in replies]


def test_a_whole_life_in_one_batch_is_appended_and_answered_event_by_event(desk: Desk) -> None:
    serial = desk.file()
    life = desk.life(serial)
    replies = desk.send(*life)
    assert desk.types(serial) == WHOLE
    assert positions(replies) == [2, 3, 4, 5, 6, 7, 8]
    assert [reply.about.id for reply in replies] == [event["id"] for event in life]
    assert not any(reply.duplicate for reply in replies)


@pytest.mark.parametrize("seed", range(5))
def test_a_shuffled_life_ends_as_it_would_have_in_order(desk: Desk, seed: int) -> None:
    serials = [desk.file() for _ in range(3)]
    events = [event for serial in serials for event in desk.life(serial)]
    random.Random(seed).shuffle(events)
    assert all(reply.appended for reply in desk.send(*events))
    assert [desk.types(serial) for serial in serials] == [WHOLE] * 3


@pytest.mark.parametrize("seed", range(3))
def test_a_life_in_many_batches_backwards_waits_and_then_ends(desk: Desk, seed: int) -> None:
    serial = desk.file()
    events = desk.life(serial)
    # The accepted event comes last: until then nothing can be decided, and nothing is refused.
    batches = [events[5:], events[3:5], events[1:3]]
    random.Random(seed).shuffle(batches)
    assert [desk.send(*batch) for batch in batches] == [[], [], []]
    assert desk.filing.status()["waiting_events"] == 6
    replies = desk.send(events[0])
    assert {reply.about.id for reply in replies} == {event["id"] for event in events}
    assert all(reply.appended for reply in replies)
    assert desk.types(serial) == WHOLE
    assert desk.traces() == (8, 0, 0)


def test_the_log_keeps_what_the_department_said_and_filing_added(desk: Desk) -> None:
    serial = desk.file()
    event = desk.event(serial, "case.accepted")
    desk.send(event)
    assert desk.facts(serial)[-1] == CaseAccepted(
        occurred_at=parse_time(event["time"]),
        by="officer-7",
        effective_on=parse_time(event["time"]).date(),
        statutory_due=parse_time("2026-03-13T00:00:00+08:00").date(),
        promised_due=parse_time("2026-02-14T00:00:00+08:00").date(),
    )
    recorded = desk.tools.log.stream(serial)[-1]
    assert (recorded.source, recorded.id, recorded.organ) == (f"/departments/{ORGAN}", event["id"], ORGAN)


def test_a_repeat_is_answered_with_the_first_position_and_writes_nothing(desk: Desk) -> None:
    serial = desk.file()
    life = desk.life(serial)
    first = desk.send(*life)
    before = desk.traces()
    again = desk.send(*life, *life)
    assert positions(again) == positions(first) * 2
    assert all(reply.duplicate for reply in again)
    assert desk.traces() == before


def test_a_repeat_within_a_batch_is_written_once(desk: Desk) -> None:
    serial = desk.file()
    event = desk.event(serial, "case.accepted")
    replies = desk.send(event, event, dict(reversed(event.items())))
    assert [(reply.position, reply.duplicate) for reply in replies] == [(2, False), (2, True), (2, True)]
    assert desk.types(serial) == ["case.received", "case.accepted"]


def test_an_early_event_waits_and_is_answered_when_what_it_needs_comes(desk: Desk) -> None:
    serial = desk.file()
    early = desk.event(serial, "case.step", step_name="审查")
    assert desk.send(early) == []
    assert desk.tick() == []
    assert desk.send(early, early) == []
    replies = desk.send(desk.event(serial, "case.accepted"))
    assert [(reply.position, reply.duplicate) for reply in replies] == [(2, False), (3, False)]
    assert replies[1].about.id == early["id"]
    assert desk.traces() == (3, 0, 0)


def test_an_early_event_is_refused_when_its_time_is_over(desk: Desk) -> None:
    serial = desk.file()
    early = desk.event(serial, "case.approved", document_number="1")
    desk.send(early)
    desk.advance(seconds=9.9)
    assert desk.tick() == []
    desk.advance(seconds=0.2)
    (reply,) = desk.tick()
    assert (reply.about.id, reply.code, reply.state) == (early["id"], "not_allowed_in_state", "received")
    assert reply.allowed == ("case.incomplete", "case.accepted", "case.declined", "case.withdrawn")
    assert desk.traces() == (1, 0, 0)
    assert desk.tick() == []


def test_what_waits_is_refused_at_once_when_the_applicant_ends_the_case(desk: Desk) -> None:
    serial = desk.file()
    desk.send(desk.event(serial, "case.step", step_name="审查"))
    desk.filing.own_cases.withdraw("anna", serial, None)
    (reply,) = desk.tick()
    assert (reply.code, reply.state) == ("not_allowed_in_state", "concluded")
    assert desk.types(serial) == ["case.received", "case.withdrawn"]


def test_what_waits_survives_a_restart(desk: Desk) -> None:
    serial = desk.file()
    desk.send(desk.event(serial, "case.step", step_name="审查"))
    after = desk.another_process()
    assert len(after.send(after.event(serial, "case.accepted"))) == 2
    assert after.types(serial) == ["case.received", "case.accepted", "case.step"]


def test_what_waits_and_cannot_be_read_any_more_is_refused_and_holds_up_nothing(desk: Desk) -> None:
    serial = desk.file()
    desk.send(desk.event(serial, "case.step", id_="d-1", step_name="审查"))
    with desk.database.write() as tx:
        tx.execute(sa.text("UPDATE waiting_event SET body = :body"), {"body": b"{}"})
    replies = desk.send(desk.event(serial, "case.accepted"))
    assert [reply.code for reply in replies] == [None, "unreadable_event"]
    assert desk.traces() == (2, 0, 0)


def test_what_another_process_appended_wakes_what_waits_here(desk: Desk) -> None:
    serial = desk.file()
    desk.send(desk.event(serial, "case.step", step_name="审查"))
    other = desk.another_process()
    other.tools.store.waiting = lambda *_: []  # type: ignore[method-assign]  # it looked just before the event waited
    other.send(other.event(serial, "case.accepted"))
    assert positions(desk.tick()) == [3]


def test_a_reply_to_what_waited_is_not_lost_when_the_broker_is_away(desk: Desk) -> None:
    serial = desk.file()
    desk.send(desk.event(serial, "case.step", step_name="审查"), desk.event(serial, "case.resumed"))
    accepted = desk.event(serial, "case.accepted")
    desk.outbox.away = BrokerAway("gone")
    with pytest.raises(BrokerAway):
        desk.send(accepted)
    assert desk.types(serial) == ["case.received", "case.accepted", "case.step"]
    assert desk.filing.status()["unsent_replies"] == 1
    after = desk.another_process()
    # The batch comes again, since it was not acknowledged; its repeat is answered, and so is what had waited.
    replies = after.send(accepted)
    assert [(reply.position, reply.duplicate) for reply in replies] == [(2, True), (3, False)]
    assert after.filing.status()["unsent_replies"] == 0


def test_a_stale_memory_turns_nobody_away(desk: Desk) -> None:
    serial = desk.file()
    desk.send(desk.event(serial, "case.incomplete", corrections=[{"what": "x", "material": "premises"}]))
    desk.another_process().filing.own_cases.correct("anna", serial, {}, [])
    # This process still remembers the case as incomplete, where a department may say nothing at all.
    assert positions(desk.send(desk.event(serial, "case.accepted"))) == [4]


def test_a_stale_memory_appends_nothing_that_is_not_allowed(desk: Desk) -> None:
    serial = desk.file()
    desk.send(desk.event(serial, "case.accepted"))
    desk.another_process().filing.own_cases.withdraw("anna", serial, None)
    (reply,) = desk.send(desk.event(serial, "case.step", step_name="审查"))
    assert (reply.code, reply.state) == ("not_allowed_in_state", "concluded")
    assert desk.types(serial) == ["case.received", "case.accepted", "case.withdrawn"]


def test_processes_that_share_the_cases_append_each_event_once(desk: Desk) -> None:
    serials = [desk.file() for _ in range(6)]
    desks = [desk.another_process() for _ in range(3)]
    # Of these each needs the one before, so none can be overtaken for good.
    types = ["case.accepted", "case.approved", "case.concluded"]
    events = [event for serial in serials for event in desk.life(serial) if event["type"] in types]

    def work(number: int) -> None:
        mixed = random.Random(number).sample(events, len(events))
        for start in range(0, len(mixed), 5):
            desks[number].filing.answering.take_batch([incoming(event) for event in mixed[start : start + 5]])

    at_once(*[lambda number=number: work(number) for number in range(3)])
    desk.tick()
    assert [desk.types(serial) for serial in serials] == [["case.received", *types]] * 6
    assert desk.traces() == (6 * 4, 0, 0)
    told = [reply for each in (desk, *desks) for reply in each.outbox.replies()]
    assert {reply.about.id for reply in told if reply.appended} == {event["id"] for event in events}
    assert not [reply for reply in told if not reply.appended]


def test_one_event_over_http_is_answered_by_the_same_rules(desk: Desk) -> None:
    serial, foreign = desk.file(), desk.file(item=POLICE)
    take = desk.filing.answering.take_one
    body = _bytes(desk.event(serial, "case.accepted"))
    assert take(body, ORGAN) == {"status": "appended", "position": 3, "duplicate": False}
    assert take(body, ORGAN) == {"status": "appended", "position": 3, "duplicate": True}
    assert take(_bytes(desk.event(serial, "case.resumed")), ORGAN) == {"status": "waiting"}
    for event, code in (
        (desk.event(foreign, "case.accepted"), "unknown_case"),
        (desk.event(serial, "case.accepted", OTHER_ORGAN), "identity_mismatch"),
        (desk.event(serial, "case.withdrawn"), "not_yours_to_say"),
    ):
        with pytest.raises(Refusal) as refusal:
            take(_bytes(event), ORGAN)
        assert refusal.value.code == code
    assert desk.outbox.sent == []


def test_what_waited_while_filing_was_down_is_not_refused_before_the_queue_is_read(desk: Desk) -> None:
    serial = desk.file()
    waits = desk.event(serial, "case.approved", document_number="1", occurred_at="2026-02-09T09:00:02+08:00")
    late = desk.event(serial, "case.concluded", outcome="准予", occurred_at="2026-02-09T09:00:03+08:00")
    accepted = desk.event(serial, "case.accepted")
    assert desk.send(waits) == []
    desk.advance(hours=1)
    restarted = desk.another_process()
    assert restarted.tick() == []
    assert positions(restarted.send(accepted)) == [2, 3]
    other = desk.event(desk.file(), "case.approved", document_number="1")
    assert restarted.send(late)[0].appended
    assert restarted.send(other) == []
    desk.advance(hours=1)
    assert [reply.code for reply in restarted.tick()] == ["not_allowed_in_state"]  # no longer than that, though


def test_an_event_over_http_succeeds_while_the_broker_is_away_and_what_waited_for_it_is_told_later(desk: Desk) -> None:
    serial = desk.file()
    waits = desk.event(serial, "case.approved", document_number="1", occurred_at="2026-02-09T09:00:02+08:00")
    assert desk.send(waits) == []
    desk.outbox.away = BrokerAway("gone")
    accepted = _bytes(desk.event(serial, "case.accepted"))
    assert desk.filing.answering.take_one(accepted, ORGAN) == {"status": "appended", "position": 2, "duplicate": False}
    desk.outbox.away = None
    assert positions(desk.tick()) == [3]


def _bytes(event: dict[str, Any]) -> bytes:
    return orjson.dumps(event)


def test_only_departments_and_their_officers_speak_over_http() -> None:
    speaks = {"account": "a", "role": None, "organ": ORGAN}
    assert _organ({"principal": {**speaks, "kind": "department"}}) == ORGAN
    assert _organ({"principal": {**speaks, "kind": "staff", "role": "officer"}}) == ORGAN
    for principal in (
        {**speaks, "kind": "individual"},
        {**speaks, "kind": "staff", "role": "window"},
        {**speaks, "kind": "staff", "role": "officer", "organ": None},
    ):
        with pytest.raises(NotAllowed):
            _organ({"principal": principal})


def test_the_sample_department_brings_a_case_to_its_end(empty_database: Any) -> None:
    desk = Desk.new(empty_database, sample_department=True)
    sample = desk.filing.sample_department
    assert sample is not None
    first, incomplete = desk.file(), desk.file()
    desk.send(desk.event(incomplete, "case.incomplete", corrections=[{"what": "x", "material": "premises"}]))
    said = []
    for _ in range(8):
        said.append(sample.turn())
        desk.advance(seconds=3)
    assert said == [0, 1, 1, 1, 1, 0, 0, 0]
    assert desk.types(first) == ["case.received", "case.accepted", "case.step", "case.approved", "case.concluded"]
    assert {fact.by for fact in desk.facts(first)[1:]} == {"sample-department"}
    assert desk.types(incomplete) == ["case.received", "case.incomplete"]


TRACE = f"00-{'4' * 32}-{'7' * 16}-01"


def traces(desk: Desk, serial: str) -> list[str | None]:
    return [event.traceparent for event in desk.tools.log.stream(serial)]


def test_the_trace_of_an_event_goes_on_to_the_log_and_back_in_the_reply(desk: Desk) -> None:
    serial = desk.file()
    accepted = {**desk.event(serial, "case.accepted"), "traceparent": TRACE}
    desk.filing.answering.take_batch([incoming(accepted)])
    (reply,) = desk.outbox.sent
    assert traces(desk, serial)[1:] == [TRACE]
    assert (reply.properties["headers"], orjson.loads(reply.body)["traceparent"]) == ({"traceparent": TRACE}, TRACE)


@pytest.mark.parametrize("made_up", [None, "00-ab", 7, {"a": 1}])
def test_an_event_without_a_trace_begins_one(desk: Desk, made_up: Any) -> None:
    serial = desk.file()
    events = [{**event, "traceparent": made_up} for event in desk.life(serial)[:2]]
    assert all(reply.appended for reply in desk.send(*events))
    first, second = traces(desk, serial)[1:]
    assert tracing.read(first) == first
    assert tracing.read(second) == second != first


def test_an_event_that_waits_keeps_the_trace_of_the_request_that_brought_it(desk: Desk) -> None:
    serial = desk.file()
    with tracing.joined(TRACE):
        take = desk.filing.answering.take_one
        assert take(_bytes(desk.life(serial)[1]), ORGAN) == {"status": "waiting"}
    desk.another_process().send(desk.event(serial, "case.accepted"))
    assert traces(desk, serial)[2] == TRACE


def test_what_the_applicant_says_is_in_the_trace_of_the_request(desk: Desk) -> None:
    with tracing.joined(TRACE):
        serial = desk.file()
    assert traces(desk, serial) == [TRACE]
