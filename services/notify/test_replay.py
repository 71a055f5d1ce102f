"""A rebuild of notify tells nobody of the past, whatever became of the messages; on both databases.

What was never told, because it was parked or not read yet, is told when its time comes.
"""

from collections.abc import Callable
from typing import Any

import pytest

from kernel.database import Database
from kernel.errors import Park
from kernel.eventlog.consumers import Consumer
from kernel.eventlog.rebuilding import mend
from kernel.eventlog.testing import rebuilt
from kernel.testing import visits
from kernel.testing.cases import appends, corrected_and_concluded, received
from services.notify.adapters import projection, visits as visit_messages
from services.notify.bootstrap import CASES, VISITS
from services.notify.conftest import Desk

CASE_LIVES, VISIT_LIVES = 5, 3


def told_everybody(desk: Desk) -> int:
    """Lives of cases and visits, all sent: how many messages."""
    for number in range(CASE_LIVES):
        desk.write(f"S-{number}", *corrected_and_concluded())
    for number in range(VISIT_LIVES):
        desk.visit(f"V-{number}", visits.booked(), visits.reminded())
    sent = desk.send()
    assert sent == 7 * CASE_LIVES + 2 * VISIT_LIVES
    return sent


def everything(desk: Desk) -> list[dict[str, Any]]:
    return desk.notify.messages.listed(None, None, 1000)


def execute(desk: Desk, statement: str) -> None:
    with desk.database.write() as tx:
        tx.exec_driver_sql(statement)


def rebuild(desk: Desk, consumer: Consumer) -> None:
    """As `yichuang replay --swap` does."""
    log: Database = desk.log_database if consumer is CASES else desk.visits_database
    rebuilt(consumer, desk.database, log, desk.clock)


def rebuild_both(desk: Desk) -> None:
    for consumer in (CASES, VISITS):
        rebuild(desk, consumer)


def contacts(desk: Desk) -> list[int]:
    with desk.database.read() as tx:
        counts = ("SELECT count(*) FROM case_contact", "SELECT count(*) FROM visit_contact")
        return [tx.exec_driver_sql(count).scalar_one() for count in counts]


def test_nothing_is_sent_twice(desk: Desk) -> None:
    sent = told_everybody(desk)
    before = everything(desk)
    rebuild_both(desk)
    assert (desk.send(), len(desk.first.asked)) == (0, sent)
    assert everything(desk) == before
    desk.notify.cases.take(desk.log.read(0, 1000))
    desk.notify.visits.take(desk.visits.read(0, 1000))
    assert everything(desk) == before


def test_nobody_is_told_of_the_past_though_no_message_is_left(desk: Desk) -> None:
    sent = told_everybody(desk)
    for table in ("message", "case_contact", "visit_contact"):
        execute(desk, f"DELETE FROM {table}")
    rebuild_both(desk)
    assert contacts(desk) == [CASE_LIVES, VISIT_LIVES]
    assert desk.later(days=1) == 0
    assert (everything(desk), len(desk.first.asked)) == ([], sent)


def test_a_log_that_is_read_again_by_what_tells_people_tells_them_again(desk: Desk) -> None:
    """The negative control: it is the quiet projection that keeps a rebuild from telling."""
    sent = told_everybody(desk)
    execute(desk, "DELETE FROM message")
    execute(desk, "DELETE FROM checkpoint")
    desk.notify.cases.catch_up()
    desk.notify.visits.catch_up()
    assert desk.send() == sent


def test_what_happens_after_a_rebuild_is_told(desk: Desk) -> None:
    told_everybody(desk)
    execute(desk, "DELETE FROM visit_contact")
    rebuild_both(desk)
    desk.write("S-0", received(attempt=3), expected_version=9)
    desk.visit("V-0", visits.cancelled(), expected_version=2)
    assert desk.send() == 2


def test_what_came_in_before_a_rebuild_and_was_not_read_is_told(desk: Desk) -> None:
    desk.visit("V-0", visits.booked())
    desk.send()
    desk.log.append(appends("S-1", [received()]))
    desk.visits.append(visits.appends("V-1", [visits.booked()]))
    rebuild_both(desk)
    desk.notify.cases.catch_up()
    desk.notify.visits.catch_up()
    assert desk.send() == 2


def faulty(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Events of S-1 and V-1 cannot be taken, until what this returns is called."""
    broken = {"S-1", "V-1"}
    for module in (projection, visit_messages):

        def fact(event: Any, load: Any = module._fact) -> Any:
            if event.stream in broken:
                raise Park("a fault of ours")
            return load(event)

        monkeypatch.setattr(module, "_fact", fact)
    return broken.clear


def test_what_was_parked_is_told_when_it_is_requeued(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    mend = faulty(monkeypatch)
    for number in (1, 2):
        desk.write(f"S-{number}", received(), *corrected_and_concluded()[1:2])
        desk.visit(f"V-{number}", visits.booked(), visits.reminded())
    assert desk.send() == 4
    mend()
    rebuild_both(desk)
    assert desk.send() == 0, "still owed"
    desk.notify.cases.requeue("S-1")
    desk.notify.visits.requeue("V-1")
    assert desk.send() == 4


def test_what_is_parked_is_still_told_though_its_case_was_rebuilt_in_between(desk: Desk) -> None:
    desk.write("S-1", received())
    assert desk.send() == 1
    execute(desk, "DELETE FROM case_contact")
    desk.write("S-1", *corrected_and_concluded()[1:3], expected_version=1)
    assert [one.position for one in desk.notify.cases.parked()] == [2, 3]
    assert mend(CASES, desk.database, desk.log, desk.clock, "S-1") == 1
    assert (contacts(desk)[0], desk.send(), len(desk.notify.cases.parked())) == (1, 0, 2)
    desk.notify.cases.requeue("S-1")
    assert (desk.notify.cases.parked(), desk.send()) == ([], 2)
