"""The timers of the law: what happens when nobody speaks, once, whoever else speaks at the same moment."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from kernel.contracts.case import CaseAccepted, CaseLapsed
from services.filing.application import timekeeping
from services.filing.application.timekeeping import Timekeeping
from services.filing.test_submission import at_once
from services.filing.testing import MORNING, SHOP, Desk

OVER: dict[str, float] = {"days": 5, "hours": 15, "minutes": 10}  # from MORNING until the clock may speak
PLAIN = {**SHOP, "deemed_acceptance": False}


def turn(desk: Desk) -> int:
    return desk.filing.timekeeping.turn()


def looks(desk: Desk) -> list[str]:
    """Cases that the clock still has to look at."""
    with desk.database.read() as tx:
        return list(tx.execute(sa.text("SELECT serial FROM clock_look ORDER BY serial")).scalars())


def asks(desk: Desk, serial: str, due: str | None = "2026-02-14") -> None:
    said: dict[str, Any] = {"corrections": [{"what": "x", "material": "premises"}]}
    if due is not None:
        said["due"] = due
    assert desk.send(desk.event(serial, "case.incomplete", **said))[0].appended


def test_a_case_that_nobody_answered_is_accepted_by_the_clock(desk: Desk) -> None:
    serial, plain = desk.file(), desk.file(item=PLAIN)
    assert looks(desk) == [serial]
    desk.advance(**{**OVER, "minutes": 9})
    assert turn(desk) == 0
    desk.advance(minutes=1)
    assert turn(desk) == 1
    fact = desk.facts(serial)[-1]
    assert isinstance(fact, CaseAccepted)
    assert (fact.by, fact.deemed, fact.occurred_at) == ("clock", True, desk.clock.now())
    assert str(fact.effective_on) == MORNING[:10]
    recorded = desk.tools.log.stream(serial)[-1]
    assert (recorded.source, recorded.id) == ("/filing", f"deemed-{serial}-1")
    assert desk.types(plain) == ["case.received"]
    assert (turn(desk), looks(desk)) == (0, [])
    # The department goes on from there.
    assert desk.send(desk.event(serial, "case.approved", document_number="1"))[0].appended


def test_a_case_that_was_answered_is_left_alone(desk: Desk) -> None:
    answered, withdrawn = desk.file(), desk.file()
    desk.send(desk.event(answered, "case.accepted"))
    desk.filing.own_cases.withdraw("anna", withdrawn, None)
    desk.advance(**OVER)
    assert (turn(desk), looks(desk)) == (0, [])
    assert desk.types(answered) == ["case.received", "case.accepted"]
    assert desk.types(withdrawn) == ["case.received", "case.withdrawn"]


def test_corrections_that_never_came_end_the_case(desk: Desk) -> None:
    serial, patient = desk.file(), desk.file(item=PLAIN)
    asks(desk, serial)
    asks(desk, patient, due=None)
    desk.advance(**OVER)
    assert turn(desk) == 1
    assert isinstance(desk.facts(serial)[-1], CaseLapsed)
    assert desk.tools.log.stream(serial)[-1].id == f"lapsed-{serial}-1"
    assert desk.types(patient) == ["case.received", "case.incomplete"]
    assert (turn(desk), looks(desk)) == (0, [])


def test_corrections_that_came_set_the_days_going_anew(desk: Desk) -> None:
    serial = desk.file()
    asks(desk, serial)
    desk.advance(days=2)
    desk.filing.own_cases.correct("anna", serial, {}, [])
    desk.advance(days=3, hours=15, minutes=10)
    assert (turn(desk), looks(desk)) == (0, [serial])
    desk.advance(days=30)
    assert turn(desk) == 1
    assert desk.types(serial) == ["case.received", "case.incomplete", "case.received", "case.accepted"]
    assert desk.tools.log.stream(serial)[-1].id == f"deemed-{serial}-2"


def test_a_day_that_nobody_knows_for_sure_is_looked_at_again_the_next(desk: Desk) -> None:
    desk.advance(days=320)  # 2026-12-26
    serial = desk.file()
    desk.advance(days=60)
    assert (turn(desk), turn(desk), looks(desk)) == (0, 0, [serial])
    with desk.database.read() as tx:
        assert desk.tools.store.looks(tx, 2**62, 10)[0].look_at > desk.clock.now().timestamp() * 1_000_000
    assert desk.types(serial) == ["case.received"]


def test_the_clock_waits_until_what_was_said_while_filing_was_down_is_read(desk: Desk) -> None:
    serial = desk.file()
    accepted = desk.event(serial, "case.accepted")
    desk.advance(days=10)
    restarted = desk.another_process()
    assert turn(restarted) == 0
    restarted.send(accepted)
    restarted.advance(minutes=10)
    assert turn(restarted) == 0
    assert [fact.by for fact in restarted.facts(serial)][1:] == ["officer-7"]


def test_several_clocks_at_once_speak_once(desk: Desk) -> None:
    serials = [desk.file() for _ in range(4)]
    desks = [desk.another_process() for _ in range(3)]
    desk.advance(**OVER)
    at_once(*[lambda each=each: turn(each) for each in desks])
    turn(desk)
    assert [desk.types(serial) for serial in serials] == [["case.received", "case.accepted"]] * 4
    assert looks(desk) == []


@pytest.mark.parametrize("says", ["case.accepted", "case.incomplete"])
def test_who_speaks_between_the_clocks_look_and_its_word_was_first(
    desk: Desk, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    serial = desk.file()
    desk.advance(**OVER)
    other = desk.another_process()
    decide = Timekeeping._decide

    def decide_late(self: Timekeeping, *args: Any) -> Any:
        fact = decide(self, *args)
        more: dict[str, Any] = {"corrections": [{"what": "x", "field": "capital"}], "due": "2026-02-20"}
        other.send(other.event(serial, says, **(more if says == "case.incomplete" else {})))
        return fact

    with monkeypatch.context() as patched:
        patched.setattr(Timekeeping, "_decide", decide_late)
        assert turn(desk) == 0
    assert desk.types(serial) == ["case.received", says]
    assert turn(desk) == 0
    assert looks(desk) == ([serial] if says == "case.incomplete" else [])


def test_a_case_that_the_clock_cannot_settle_keeps_it_from_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = desk.file(), desk.file()
    desk.advance(**OVER)
    overdue = timekeeping.overdue

    def too_old(case: Any, rules: Any, now: Any) -> Any:
        fact = overdue(case, rules, now)
        return replace(fact, occurred_at=now - timedelta(days=99)) if case.serial == first else fact

    monkeypatch.setattr(timekeeping, "overdue", too_old)
    assert turn(desk) == 1
    assert (desk.types(first), desk.types(second)) == (["case.received"], ["case.received", "case.accepted"])
    assert "the clock was refused" in caplog.text
    assert (turn(desk), looks(desk)) == (0, [first])
