"""A log restored from an older backup: what stands on it now is told, once; what it has lost is told no more.

On both databases. The log is cut off, as a copy that was made before ends there.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kernel.database import Database
from kernel.errors import Park
from kernel.eventlog.consumers import Consumer
from kernel.eventlog.following import NotOnLog
from kernel.eventlog.rebuilding import OtherLog, rebuilding
from kernel.eventlog.shadow import Scope
from kernel.eventlog.testing import tamper
from kernel.testing import visits
from kernel.testing.cases import appends, corrected_and_concluded, received
from services.notify.adapters import projection
from services.notify.adapters.resending import resend, tell
from services.notify.application.ports import NotTaken, Rejected
from services.notify.bootstrap import CASES, VISITS
from services.notify.conftest import Desk

FIRST, ANOTHER = "somebody", "somebody-else"
ALL_AT_ONCE = (received(applicant=FIRST), corrected_and_concluded()[1])


def restore(desk: Desk, position: int, log: Database | None = None) -> None:
    desk.clock.advance(timedelta(hours=2))
    head = f"UPDATE log_head SET position = {position}, chain = (SELECT chain FROM event WHERE position = {position})"
    tamper(log or desk.log_database, head, f"DELETE FROM event WHERE position > {position}")


def go_on(desk: Desk, consumer: Consumer = CASES) -> int:
    """As `yichuang replay --swap --new-log` does; from which position on the consumer follows the log then."""
    log = desk.log_database if consumer is CASES else desk.visits_database
    with rebuilding(consumer, desk.database, log, desk.clock) as rebuild:
        rebuild.build(Scope())
        rebuild.compare()
        with pytest.raises(OtherLog):
            rebuild.swap()
        return rebuild.swap(new_log=True).position


def told(desk: Desk, serial: str) -> list[tuple[Any, ...]]:
    return [(one["recipient"], one["position"]) for one in desk.messages(serial)]


@pytest.fixture(autouse=True)
def later(desk: Desk) -> None:
    """What is told has happened."""
    desk.clock.advance(timedelta(days=1))


@pytest.fixture
def cut(desk: Desk) -> Desk:
    """S-1 and S-2 came in and were told of; then the log was restored to what it was before S-2."""
    desk.write("S-1", received())
    desk.write("S-2", *ALL_AT_ONCE)
    assert desk.send() == 3
    restore(desk, 1)
    return desk


@pytest.mark.parametrize("started", ["before the swap", "after the swap"])
def test_whoever_is_given_the_place_and_the_serial_of_one_who_was_told_is_told_too(cut: Desk, started: str) -> None:
    if started == "before the swap":
        cut.log.append(appends("S-2", [received(applicant=ANOTHER)]))
    assert go_on(cut) == 1
    if started == "after the swap":
        cut.log.append(appends("S-2", [received(applicant=ANOTHER)]))
    cut.log.append(appends("S-3", [received(), received(attempt=2)]))
    cut.notify.cases.catch_up()
    assert cut.send() == 3
    assert told(cut, "S-2") == [(ANOTHER, 2)]
    assert [position for _, position in told(cut, "S-3")] == [3, 4]
    assert cut.later(days=2) == 0
    lost = cut.notify.messages.listed("S-2", None, 10, lost=True)
    assert [(one["recipient"], one["position"]) for one in lost] == [(FIRST, 3), (FIRST, 2)]


def test_an_event_that_comes_again_is_not_told_again(desk: Desk) -> None:
    desk.write("S-1", received())
    again = appends("S-1", corrected_and_concluded()[1:2], 1)
    desk.log.append(again)
    desk.notify.cases.catch_up()
    assert desk.send() == 2
    restore(desk, 1)
    desk.log.append(appends("S-3", [received()]))
    desk.log.append(again)
    assert go_on(desk) == 1
    desk.notify.cases.catch_up()
    assert desk.send() == 1
    assert [position for _, position in told(desk, "S-1")] == [1, 3]
    assert [position for _, position in told(desk, "S-3")] == [2]
    assert desk.notify.messages.listed(None, None, 10, lost=True) == []


def test_one_that_comes_again_to_its_old_place_hides_nothing_that_is_new_before_it(desk: Desk) -> None:
    desk.write("S-1", *corrected_and_concluded()[:4])
    again = appends("S-1", corrected_and_concluded()[4:6], 4)  # a step, of which nobody is told, and an extension
    desk.log.append(again)
    desk.notify.cases.catch_up()
    sent = desk.send()
    restore(desk, 4)
    desk.log.append(appends("S-3", [received()]))
    desk.log.append(replace(again, events=again.events[1:]))
    assert desk.log.head().position == 6
    assert go_on(desk) == 4
    desk.notify.cases.catch_up()
    assert desk.send() == 1
    assert len(desk.first.sent) == sent + 1
    assert told(desk, "S-3") != []


def test_what_was_not_sent_yet_is_sent_only_if_its_event_comes_again(desk: Desk) -> None:
    desk.write("S-1", received())
    assert desk.send() == 1
    again = appends("S-2", [received()])
    desk.log.append(again)
    desk.notify.cases.catch_up()
    desk.first.answers, desk.second.answers = [NotTaken("busy")], [NotTaken("busy")]
    desk.send()
    restore(desk, 1)
    go_on(desk)
    assert desk.later(days=1) == 0
    assert (desk.messages("S-2"), desk.notify.messages.standing().counts["failed_for_now"]) == ([], 0)
    desk.log.append(again)
    desk.notify.cases.catch_up()
    assert desk.send() == 1
    assert len(desk.first.sent + desk.second.sent) == 2


def test_one_that_was_sent_again_by_hand_is_not_told_again_when_its_event_comes_again(desk: Desk) -> None:
    desk.write("S-1", received())
    again = appends("S-2", [received()])
    desk.log.append(again)
    desk.notify.cases.catch_up()
    desk.send()
    (message,) = desk.messages("S-2")
    desk.receipt(message["id"], "failed", reason="switched off")
    assert resend(desk.database, message["id"], desk.clock.now()).id != message["id"]
    assert desk.send() == 1
    restore(desk, 1)
    go_on(desk)
    desk.log.append(again)
    desk.notify.cases.catch_up()
    assert (desk.send(), len(told(desk, "S-2"))) == (0, 1)


def test_what_was_lost_twice_is_kept_twice(cut: Desk) -> None:
    for person in (ANOTHER, "a third"):
        go_on(cut)
        cut.write("S-2", received(applicant=person))
        assert (cut.send(), told(cut, "S-2")) == (1, [(person, 2)])
        restore(cut, 1)
    go_on(cut)
    lost = cut.notify.messages.listed("S-2", None, 10, lost=True)
    assert sorted(one["recipient"] for one in lost) == sorted([FIRST, FIRST, ANOTHER, "a third"])
    assert len({one["id"] for one in lost}) == 4


def test_messages_that_keep_no_chain_value_yet_tell_as_much(cut: Desk) -> None:
    """They were made by the version before."""
    with cut.database.write() as tx:
        tx.exec_driver_sql("UPDATE message SET chain = NULL")
    cut.log.append(appends("S-2", [received(applicant=ANOTHER)]))
    assert go_on(cut) == 1
    cut.notify.cases.catch_up()
    assert (cut.send(), told(cut, "S-2")) == (1, [(ANOTHER, 2)])


def test_clocks_that_differ_have_nobody_told_again(desk: Desk) -> None:
    """What is recorded by a clock that is ahead of ours."""
    desk.write("S-1", received(at=desk.clock.now() + timedelta(seconds=5)))
    again = appends("S-2", [received(at=desk.clock.now() + timedelta(seconds=5))])
    desk.log.append(again)
    desk.notify.cases.catch_up()
    assert desk.send() == 2
    restore(desk, 1)
    desk.log.append(again)
    assert go_on(desk) == 1
    desk.notify.cases.catch_up()
    assert desk.send() == 0


def test_a_log_with_nothing_of_what_was_told_is_told_from_its_beginning(desk: Desk) -> None:
    desk.write("S-1", received())
    desk.write("S-2", received())
    tamper(desk.log_database, "DELETE FROM event WHERE position = 2", "UPDATE event SET id = 'another', chain = 'x'")
    restore(desk, 1)
    with desk.database.read() as tx:
        assert CASES.memory is not None
        assert CASES.memory.until(tx, desk.log) == 0


def test_where_no_message_is_left_to_judge_by_nobody_is_told_of_the_past(cut: Desk) -> None:
    with cut.database.write() as tx:
        tx.exec_driver_sql("DELETE FROM message")
    cut.log.append(appends("S-2", [received()]))
    assert go_on(cut) == 2
    cut.notify.cases.catch_up()
    assert cut.send() == 0


def test_visits_are_told_as_cases_are(desk: Desk) -> None:
    desk.visit("V-1", visits.booked())
    desk.visit("V-2", visits.booked())
    desk.write("S-1", received())
    assert desk.send() == 3
    restore(desk, 1, desk.visits_database)
    desk.visits.append(visits.appends("V-3", [visits.booked()]))
    assert go_on(desk, VISITS) == 1
    desk.notify.visits.catch_up()
    assert desk.send() == 1
    assert (len(told(desk, "V-3")), told(desk, "V-2"), len(told(desk, "S-1"))) == (1, [], 1)


def test_what_was_parked_of_the_lost_log_is_forgotten_and_what_is_owed_of_the_rest_is_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = {"S-1", "S-3"}
    load = projection._fact

    def fact(event: Any) -> Any:
        if event.stream in broken:
            raise Park("a fault of ours")
        return load(event)

    monkeypatch.setattr(projection, "_fact", fact)
    desk.write("S-1", received())
    desk.write("S-2", received())
    desk.write("S-3", received())
    desk.send()
    restore(desk, 2)
    with pytest.raises(NotOnLog, match="position 3 that notify has parked of S-3"):
        desk.notify.cases.requeue("S-3")
    broken.add("S-4")
    desk.log.append(appends("S-4", [received()]))
    assert go_on(desk) == 2
    desk.notify.cases.catch_up()
    assert [(one.position, one.stream) for one in desk.notify.cases.parked()] == [(1, "S-1"), (3, "S-4")]
    broken.clear()
    for serial in ("S-1", "S-4"):
        desk.notify.cases.requeue(serial)
    assert desk.send() == 2
    assert [len(told(desk, f"S-{number}")) for number in (1, 2, 3, 4)] == [1, 1, 0, 1]


def test_a_message_in_the_place_of_another_event_gives_way(desk: Desk) -> None:
    desk.write("S-1", received())
    with desk.database.write() as tx:  # as one of a log that was lost, and that nobody has put aside
        tx.exec_driver_sql("UPDATE message SET id = 'old', event_id = 'old', recipient = 'somebody'")
    (event,) = desk.log.read(0)
    (made,) = tell(desk.database, desk.notify.cases, CASES.projection(desk.clock), "filing", event)
    assert [one["id"] for one in desk.messages("S-1")] == [made]
    assert desk.send() == 1


def test_one_of_a_lost_log_is_not_sent_again_by_hand(cut: Desk) -> None:
    cut.first.answers = [Rejected("no such number")]
    cut.log.append(appends("S-2", [received()]))
    go_on(cut)
    lost = cut.notify.messages.listed("S-2", None, 10, lost=True)[0]["id"]
    with pytest.raises(Exception, match="on the log no more"):
        resend(cut.database, lost, cut.clock.now())
