"""progress beside a log, on both databases: what it shows, to whom, and that it can be made again from the log."""

from datetime import date, timedelta
from typing import Any

import pytest

from kernel.clock import FrozenClock
from kernel.contracts import progress as contract
from kernel.contracts.case import CaseLapsed, CaseWithdrawn
from kernel.contracts.progress import UnknownCase
from kernel.testing.cases import APPLICANT, ORGAN, START, corrected_and_concluded, received
from kernel.vault import Vault
from services.progress.conftest import KEY, Watched

SERIAL = "440106-20260209-000017"
CODE = "7K3M9QXT"


def digest(serial: str, code: str = CODE) -> str:
    return Vault(KEY).blind("query_code", f"{serial}:{code}")


def person(account: str = APPLICANT) -> dict[str, Any]:
    return {"account": account, "kind": "individual"}


def officer(organ: str, role: str = "officer") -> dict[str, Any]:
    return {"account": "o-1", "kind": "staff", "role": role, "organ": organ}


def by_code(watched: Watched, **request: str) -> dict[str, Any]:
    return watched.progress.reading.by_query_code(contract.ByQueryCode().load(request))


def case(watched: Watched, **request: Any) -> dict[str, Any]:
    return watched.progress.reading.case(contract.OneCase().load(request))


def cases(watched: Watched, **request: Any) -> dict[str, Any]:
    return watched.progress.reading.cases(contract.OwnCases().load({"principal": person(), **request}))


def filed(watched: Watched, serial: str = SERIAL) -> None:
    watched.write(serial, *corrected_and_concluded(digest=digest(serial)))
    watched.follow()


def test_a_case_is_shown_to_who_holds_its_code(watched: Watched) -> None:
    filed(watched)
    seen = by_code(watched, serial=SERIAL, code="7k3m-9qxt")
    assert contract.CaseView().validate(seen) == {}
    assert (seen["serial"], seen["state"], seen["attempt"], seen["rating"]) == (SERIAL, "concluded", 2, 5)
    assert seen["filed_at"] == "2026-02-09T09:00:00+08:00"
    assert [step["type"] for step in seen["timeline"]] == [fact.TYPE for fact in corrected_and_concluded()]


def test_a_code_that_looks_like_another_is_read_as_it(watched: Watched) -> None:
    watched.write(SERIAL, received(query_code_digest=digest(SERIAL, "10AB")))
    watched.follow()
    assert by_code(watched, serial=f" {SERIAL} ", code="io ab")["state"] == "received"


@pytest.mark.parametrize(("serial", "code"), [("440106-20260209-000018", CODE), (SERIAL, "AAAAAAAA")])
def test_an_unknown_serial_and_a_wrong_code_are_refused_alike(watched: Watched, serial: str, code: str) -> None:
    filed(watched)
    with pytest.raises(UnknownCase) as refused:
        by_code(watched, serial=serial, code=code)
    assert refused.value.to_wire() == UnknownCase().to_wire()


def test_a_code_is_worth_nothing_with_another_case(watched: Watched) -> None:
    filed(watched)
    filed(watched, "440106-20260209-000018")
    with pytest.raises(UnknownCase):
        watched.progress.reading.by_query_code(
            contract.ByQueryCode().load({"serial": SERIAL, "code": digest("440106-20260209-000018")})
        )


def test_a_case_without_a_code_is_shown_to_no_stranger(watched: Watched) -> None:
    watched.write(SERIAL, received(query_code_digest=None))
    watched.follow()
    with pytest.raises(UnknownCase):
        by_code(watched, serial=SERIAL, code="None")


@pytest.mark.parametrize(
    ("principal", "may"),
    [
        (person(), True),
        (person("somebody else"), False),
        (officer(ORGAN), True),
        (officer("another organ"), False),
        (officer(ORGAN, role="window"), False),
        ({"account": ORGAN, "kind": "department", "organ": ORGAN}, True),
    ],
)
def test_a_case_is_for_its_applicant_and_its_organ(watched: Watched, principal: dict[str, Any], may: bool) -> None:
    filed(watched)
    if may:
        assert case(watched, principal=principal, serial=SERIAL)["serial"] == SERIAL
    else:
        with pytest.raises(UnknownCase):
            case(watched, principal=principal, serial=SERIAL)


def test_own_cases_come_newest_first_in_pages(watched: Watched) -> None:
    for number in range(7):
        watched.write(f"S-{number}", received(START + timedelta(hours=number)))
    watched.write("S-other", received(applicant="somebody else"))
    watched.follow()
    first, second = cases(watched, page_size=5), cases(watched, page_size=5, page=2)
    assert contract.CaseList().validate(first) == {}
    assert [item["serial"] for item in first["items"]] == ["S-6", "S-5", "S-4", "S-3", "S-2"]
    assert ([item["serial"] for item in second["items"]], second["total"]) == (["S-1", "S-0"], 7)
    assert cases(watched, page=9)["items"] == []


def test_own_cases_can_be_narrowed(watched: Watched) -> None:
    watched.write("S-0", received(START))
    watched.write("S-1", received(START + timedelta(days=1)), CaseWithdrawn(occurred_at=START, by=APPLICANT))
    watched.write("S-2", received(START + timedelta(days=2), department="another organ"))
    watched.follow()

    def found(**filters: Any) -> list[str]:
        return [item["serial"] for item in cases(watched, **filters)["items"]]

    assert found(state="received") == ["S-2", "S-0"]
    assert found(department="another organ") == ["S-2"]
    assert found(filed_from="2026-02-10") == ["S-2", "S-1"]
    assert found(filed_from="2026-02-10", filed_to="2026-02-10") == ["S-1"]
    assert found(filed_to="2026-02-09", state="concluded") == []


def test_a_day_begins_and_ends_at_midnight_in_china(watched: Watched) -> None:
    midnight = START.replace(hour=0)
    watched.write("S-before", received(midnight - timedelta(microseconds=1)))
    watched.write("S-first", received(midnight))
    watched.write("S-last", received(midnight + timedelta(days=1, microseconds=-1)))
    watched.write("S-after", received(midnight + timedelta(days=1)))
    watched.follow()
    day = date(2026, 2, 9).isoformat()
    assert [item["serial"] for item in cases(watched, filed_from=day, filed_to=day)["items"]] == ["S-last", "S-first"]


def test_what_is_asked_is_in_the_view(watched: Watched) -> None:
    watched.write(SERIAL, *corrected_and_concluded()[:2])
    watched.follow()
    seen = case(watched, principal=person(), serial=SERIAL)
    assert seen["asked"] == {"corrections": [{"what": "照片不清晰", "material": "photo"}], "due": "2026-02-24"}


def test_events_of_a_case_may_come_in_many_batches(watched: Watched) -> None:
    for number, fact in enumerate(corrected_and_concluded(digest=digest(SERIAL))):
        watched.write(SERIAL, fact, expected_version=number)
        assert watched.follow() == 1
    one_by_one = case(watched, principal=person(), serial=SERIAL)
    watched.rebuild()
    assert case(watched, principal=person(), serial=SERIAL) == one_by_one


def test_rebuilt_tables_equal_the_live_ones(watched: Watched) -> None:
    lives = {f"S-{number}": corrected_and_concluded(f"account-{number % 3}") for number in range(40)}
    for step in range(9):  # interleaved, as a real log is
        for serial, life in lives.items():
            watched.write(serial, life[step], expected_version=step)
        watched.follow()
    live = watched.tables()
    assert len(live["case_step"]) == 360
    assert watched.rebuild() == 360
    assert watched.tables() == live


def test_a_case_that_took_a_wrong_turn_is_parked_and_the_others_go_on(watched: Watched) -> None:
    watched.write("S-bad", received(), CaseLapsed(occurred_at=START, by="clock"))
    watched.write("S-bad", CaseWithdrawn(occurred_at=START, by=APPLICANT), expected_version=2)
    watched.write("S-good", *corrected_and_concluded())
    watched.follow()
    assert [event.reason for event in watched.progress.follower.parked()] == [
        "case.lapsed is not allowed in state received of S-bad",
        None,
    ]
    assert case(watched, principal=person(), serial="S-bad")["state"] == "received"
    assert case(watched, principal=person(), serial="S-good")["state"] == "concluded"
    assert watched.progress.status()["parked"] == 2


def test_waiting_for_a_position(watched: Watched) -> None:
    watched.write(SERIAL, received())

    def reached() -> dict[str, Any]:
        return watched.progress.reading.await_position(contract.AwaitPosition().load({"position": 1, "timeout": 0}))

    assert reached() == {"reached": False}
    watched.follow()
    assert reached() == {"reached": True}


def test_status_says_how_far_behind_we_are(watched: Watched) -> None:
    watched.write(SERIAL, *corrected_and_concluded())
    clock = FrozenClock(START + timedelta(seconds=90))
    watched.progress._clock = clock
    behind = {"consumer": "progress", "checkpoint": 0, "head": 9, "oldest_unprocessed_seconds": 90.0, "parked": 0}
    status = watched.progress.status()
    assert contract.Status().validate(status) == {}
    assert status.pop("database_bytes") > 0
    assert status == behind
    watched.follow()
    caught_up = {**behind, "checkpoint": 9, "oldest_unprocessed_seconds": 0.0}
    assert {name: watched.progress.status()[name] for name in caught_up} == caught_up


def test_the_hot_path_is_one_statement(watched: Watched) -> None:
    from sqlalchemy import event

    filed(watched)
    statements: list[str] = []
    event.listen(watched.database.single_engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    by_code(watched, serial=SERIAL, code=CODE)
    assert len(statements) == 1
