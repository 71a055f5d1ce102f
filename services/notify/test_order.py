"""Messages of one case leave in the order of the log, whoever sends them and whatever fails; on both databases."""

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import bindparam, text

from kernel.testing.cases import corrected_and_concluded, received
from services.notify.adapters import messages
from services.notify.application.delivering import Patience
from services.notify.application.ports import NotTaken, Outgoing, Rejected, Unsure
from services.notify.conftest import Desk
from services.notify.domain.visits import OVERTAKING

TOLD = 7  # messages of `corrected_and_concluded`
MANY = 5_000  # messages that must not make a difference


class Watched:
    """The first message of a case is not answered before another of its case is begun, or in vain: `overtaken` says."""

    def __init__(self, desk: Desk, wait: float) -> None:
        self.overtaken = False
        self._wait = wait
        self._another = threading.Event()
        desk.first.during = self._during

    def _during(self, message: Outgoing) -> None:
        if message.type == "case.received" and message.position == 1:
            self.overtaken = self._another.wait(self._wait)
        else:
            self._another.set()


def in_order(asked: Iterable[Outgoing]) -> bool:
    found = [(message.serial, message.position) for message in asked]
    return sorted(found, key=lambda one: one[0]) == sorted(found)


def run_all(tasks: Iterable[Callable[[], Any]]) -> None:
    threads = [threading.Thread(target=task) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_messages_of_a_case_are_sent_one_after_the_other(desk: Desk) -> None:
    desk.write("S-1", *corrected_and_concluded())
    watched = Watched(desk, wait=0.3)
    assert desk.send() == TOLD, "in one round"
    assert not watched.overtaken
    assert in_order(desk.first.sent)


def test_without_the_line_later_messages_overtake(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the race is real, and the line is what wins it."""
    unguarded = str(messages._CLAIM[desk.database.dialect]).replace(messages._IN_ORDER, "")
    assert unguarded != str(messages._CLAIM[desk.database.dialect])
    monkeypatch.setitem(messages._CLAIM, desk.database.dialect, text(unguarded))
    desk.write("S-1", *corrected_and_concluded())
    watched = Watched(desk, wait=30)
    assert desk.send() == TOLD
    assert watched.overtaken


def test_several_processes_keep_the_order(desk: Desk) -> None:
    for number in range(20):
        desk.write(f"S-{number}", *corrected_and_concluded())
    run_all(desk.another().sender.run_once for _ in range(3))
    desk.send()
    assert len(desk.first.sent) == 20 * TOLD
    assert in_order(desk.first.sent)


def test_cases_and_channels_do_not_wait_for_each_other(desk: Desk) -> None:
    for number in range(4):
        desk.write(f"S-{number}", received(notices=("sms", "email")), *corrected_and_concluded()[1:3])
    claimed = desk.claim()
    assert {(one.serial, one.channel, one.type) for one in claimed} == {
        (f"S-{number}", channel, "case.received") for number in range(4) for channel in ("sms", "email")
    }
    assert desk.claim() == [], "until those are settled"


def test_all_workers_are_busy_though_a_round_begins_with_one_message(desk: Desk) -> None:
    desk.write("S-1", received())
    together = threading.Barrier(8)

    def meet(message: Outgoing) -> None:
        if message.serial == "S-1":
            for number in range(2, 10):
                desk.write(f"S-{number}", received())
        else:
            together.wait(10)

    desk.first.during = meet
    assert desk.send() == 9
    assert not together.broken


def test_what_waits_for_a_receipt_holds_nothing_back(desk: Desk) -> None:
    desk.write("S-1", *corrected_and_concluded())
    desk.send()
    assert [message["state"] for message in desk.messages()] == ["sending"] * TOLD
    assert len(desk.first.sent) == TOLD


def test_what_failed_for_good_holds_nothing_back(desk: Desk) -> None:
    desk.first.answers = [Rejected("invalid text")]
    desk.write("S-1", *corrected_and_concluded())
    assert desk.send() == TOLD
    assert len(desk.first.sent) == TOLD - 1


def test_what_is_tried_again_soon_is_waited_for(desk: Desk) -> None:
    desk.first.answers = [Unsure("no_answer")] * 3
    desk.write("S-1", *corrected_and_concluded())
    assert desk.send() == 1
    for wait in (25, 100):
        assert desk.later(seconds=wait - 1) == 0
        assert desk.later(seconds=1) == 1, "the same again, and nothing before it"
    assert desk.later(seconds=400) == TOLD
    assert in_order(desk.first.sent)


def test_what_is_tried_again_only_much_later_lets_the_others_go_ahead(desk: Desk) -> None:
    desk.first.answers = [Unsure("no_answer")] * 4
    desk.write("S-1", *corrected_and_concluded()[:3])
    desk.send()
    for wait in (25, 100):
        assert desk.later(seconds=wait) == 1
    assert desk.later(seconds=400) == 3, "it fails once more; its next attempt is 25 minutes away"
    assert [message.type for message in desk.first.sent] == ["case.incomplete", "case.received"]
    desk.write("S-1", *corrected_and_concluded()[3:4], expected_version=3)
    assert desk.send() == 1
    desk.write("S-1", *corrected_and_concluded()[5:6], expected_version=4)
    assert desk.later(minutes=16) == 0, "by now it is so near that it is waited for again"
    assert desk.later(minutes=9) == 2
    assert [message.position for message in desk.first.sent][-2:] == [1, 5]


def test_two_that_are_late_go_in_order(desk: Desk) -> None:
    down = [NotTaken("http_503")] * 20
    desk.first.answers, desk.second.answers = list(down), list(down)
    desk.write("S-1", *corrected_and_concluded()[:3])
    for _ in range(40):
        desk.later(seconds=30)
    desk.first.answers, desk.second.answers = [], []
    desk.later(hours=24)
    assert len(desk.first.sent + desk.second.sent) == 3
    assert in_order(desk.first.sent + desk.second.sent)


def test_what_a_dead_process_was_sending_goes_out_before_what_follows_it(desk: Desk) -> None:
    desk.write("S-1", *corrected_and_concluded())
    assert len(desk.claim()) == 1
    assert desk.later(seconds=59) == 0
    assert desk.later(seconds=1) == TOLD
    assert in_order(desk.first.sent)


def test_what_is_being_sent_is_always_waited_for() -> None:
    with pytest.raises(ValueError, match="hold"):
        Patience(hold=timedelta(seconds=60))


def plan(desk: Desk, statement: Any, values: dict[str, Any]) -> Iterator[str]:
    how = "EXPLAIN" if desk.database.dialect == "postgresql" else "EXPLAIN QUERY PLAN"
    with desk.database.write() as tx:
        for setting in messages.UNSORTED[desk.database.dialect]:
            tx.exec_driver_sql(setting)
        for row in tx.execute(text(f"{how} {statement}"), values):
            yield str(row[-1])


def fill(desk: Desk, **stand: str) -> None:
    """Many messages that stand like this (columns), besides one that waits."""
    columns = (
        "log, source, type, channel, language, recipient, text, attempts, claim, unsure, created_at, updated_at,"
        " state, due_at, accepted_at"
    )
    values = ", ".join(stand.get(column, column) for column in columns.split(", "))
    numbers = f"WITH RECURSIVE number(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM number WHERE n < {MANY})"
    desk.write("S-1", received())
    with desk.database.write() as tx:
        tx.exec_driver_sql(
            f"{numbers} INSERT INTO message (id, serial, position, event_id, {columns})"
            f" SELECT 'm-' || n, 'S-' || n, n, 'e-' || n, {values} FROM message, number WHERE position = 1"
        )


CLAIM = {"now": 2**60, "held": 2**60, "limit": 64, "lease": 2**60, "sms": "sms", "email": "smtp"}


def test_what_is_settled_costs_nothing(desk: Desk) -> None:
    fill(desk, state="'delivered'", due_at="NULL", accepted_at="created_at")
    with desk.database.write() as tx:
        tx.exec_driver_sql("ANALYZE message")
    claim = messages._CLAIM[desk.database.dialect]
    for statement, values in [
        (claim, CLAIM),
        (messages._OVERDUE, {"now": 2**60}),
        *((count, {}) for count in messages.COUNTS),
    ]:
        found = list(plan(desk, statement, values))
        assert not [line for line in found if "Seq Scan" in line], found
        assert not [line for line in found if line.startswith("SCAN message") and "INDEX" not in line], found
        assert any("message_" in line for line in found), found


def test_whether_a_message_is_overtaken_is_asked_of_an_index(desk: Desk) -> None:
    fill(desk)
    how = "EXPLAIN" if desk.database.dialect == "postgresql" else "EXPLAIN QUERY PLAN"
    asked = text(f"{how} {messages._OVERTAKEN.text}").bindparams(
        bindparam("ids", ["m-2", "m-3"], expanding=True), bindparam("overtaking", OVERTAKING, expanding=True)
    )
    for figures in ("SELECT 1", "ANALYZE message"):  # without any, and with those that there are
        with desk.database.write() as tx:
            tx.exec_driver_sql(figures)
            found = [str(row[-1]) for row in tx.execute(asked)]
        assert any("message_of_case" in line for line in found), found
        assert not [line for line in found if "Seq Scan" in line or "Hash" in line or "SCAN message" in line], found


def test_what_is_due_is_found_in_its_order_and_not_sorted(desk: Desk) -> None:
    fill(desk)  # of which the database has no figures: it takes them for a few
    found = list(plan(desk, messages._CLAIM[desk.database.dialect], CLAIM))
    assert any("message_unsent" in line for line in found), found
    assert not [line for line in found if "Sort" in line or "ORDER BY" in line], found
