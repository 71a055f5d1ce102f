"""Submission: all of it or nothing, one case for one draft, serials without gaps; under races, too."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from typing import Any

import pytest

from kernel.clock import parse_time
from kernel.contracts.case import CaseReceived
from kernel.contracts.filing import Filed
from kernel.errors import InvalidInput, Refusal
from services.filing.application.submission import Submissions
from services.filing.domain.serials import is_serial, serial_of
from services.filing.testing import MORNING, ORGAN, OTHER_ORGAN, SHOP, Desk

POLICE = {**SHOP, "code": f"{OTHER_ORGAN}4", "department": {"code": OTHER_ORGAN, "name": "公安局"}}


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run the calls at the same moment; what each returned."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        barrier.wait(10)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(30) for future in [pool.submit(run, call) for call in calls]]


def places(serials: list[str]) -> list[int]:
    """The places in the organ's day, in order."""
    return sorted(int(serial[11:-1]) for serial in serials)


def test_a_draft_becomes_a_case_with_serial_code_and_receipt(desk: Desk) -> None:
    draft = desk.draft()
    filed = desk.filing.submissions.submit("anna", draft, None)
    assert Filed().validate(filed) == {}
    serial = filed["serial"]
    assert is_serial(serial)
    assert serial[:16] == "2026020900100001"
    assert filed["position"] == 1
    assert filed["window"] == SHOP["window"]
    assert (filed["receipt"]["number"], filed["receipt"]["missing"]) == (f"HZ{serial}-01", [])
    assert [file["material"] for file in filed["receipt"]["materials"]] == ["application", "premises"]


def test_the_log_tells_of_the_receipt_and_of_nobodys_data(desk: Desk) -> None:
    filed = desk.filing.submissions.submit("anna", desk.draft(), None)
    digest = desk.tools.vault.blind("query_code", f"{filed['serial']}:{filed['query_code']}")
    assert desk.facts(filed["serial"]) == [
        CaseReceived(
            occurred_at=parse_time(MORNING),
            by="anna",
            item=SHOP["code"],
            item_name=SHOP["name"],
            item_version=4,
            department=ORGAN,
            department_name="市场监督管理局",
            applicant="anna",
            attempt=1,
            channel="online",
            notices=("sms",),
            language="zh-Hans",
            query_code_digest=digest,
        )
    ]
    body = desk.tools.log.read(0)[0].body
    assert "老王面馆" not in body
    assert filed["query_code"] not in body


def test_submitting_again_gives_the_same_case_again(desk: Desk) -> None:
    draft = desk.draft()
    first = desk.filing.submissions.submit("anna", draft, "k")
    assert desk.filing.submissions.submit("anna", draft, "k") == first
    assert desk.filing.submissions.submit("anna", draft, None) == first
    assert desk.filing.submissions.receipt("anna", first["serial"]) == first
    assert desk.tools.log.head().position == 1


def test_a_receipt_is_shown_to_nobody_else(desk: Desk) -> None:
    serial = desk.file("anna")
    for account, named in (("bert", serial), ("anna", "20260209001000029")):
        with pytest.raises(Refusal, match="unknown_case"):
            desk.filing.submissions.receipt(account, named)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        ({"data": {"trade_name": None}}, "invalid_input"),
        ({"data": {"unknown": 1}}, "invalid_input"),
        ({"data": {"trade_name": "长" * 21}}, "invalid_input"),
    ],
)
def test_a_draft_that_is_not_complete_files_nothing(desk: Desk, spoil: dict[str, Any], code: str) -> None:
    draft = desk.draft()
    desk.filing.drafts.change("anna", draft, spoil)
    with pytest.raises(InvalidInput):
        desk.filing.submissions.submit("anna", draft, "k")
    assert desk.traces() == (0, 0, 0)
    good = {"data": {"trade_name": "老王面馆", "unknown": None}}
    desk.filing.drafts.change("anna", draft, good)
    assert desk.filing.submissions.submit("anna", draft, "k")["serial"][11:16] == "00001"


def test_without_a_required_material_nothing_is_filed(desk: Desk) -> None:
    draft = desk.filing.drafts.open("anna", SHOP, "en", None)["id"]
    desk.filing.drafts.change("anna", draft, {"data": {"trade_name": "老王面馆"}})
    with pytest.raises(Refusal) as refusal:
        desk.filing.submissions.submit("anna", draft, None)
    assert (refusal.value.code, refusal.value.params["materials"]) == ("materials_missing", ["application"])
    assert desk.traces() == (0, 0, 0)


def test_what_can_be_handed_in_later_is_named_on_the_receipt(desk: Desk) -> None:
    draft = desk.filing.drafts.open("anna", SHOP, "en", None)["id"]
    desk.filing.drafts.change("anna", draft, {"data": {"trade_name": "老王面馆"}})
    desk.filing.drafts.attach("anna", draft, "application", "a.pdf", "JVBERi0xLjc=")
    assert desk.filing.submissions.submit("anna", draft, None)["receipt"]["missing"] == ["场所证明"]


def test_each_organ_counts_its_own_day(desk: Desk) -> None:
    assert [desk.file()[:16] for _ in range(2)] == ["2026020900100001", "2026020900100002"]
    assert desk.file(item=POLICE)[:16] == "2026020900200001"
    desk.advance(days=1)
    assert desk.file()[:16] == "2026021000100001"


def test_the_day_is_chinas(desk: Desk) -> None:
    desk.advance(hours=14, minutes=59)
    assert desk.file()[:8] == "20260209"
    desk.advance(minutes=2)
    assert desk.file()[:8] == "20260210"


def test_two_submissions_of_one_draft_at_once_give_one_case(desk: Desk) -> None:
    other = desk.another_process()
    for _ in range(5):
        draft = desk.draft()
        answers = at_once(*[partial(at.filing.submissions.submit, "anna", draft, None) for at in (desk, other) * 2])
        assert answers == [answers[0]] * 4
    assert desk.tools.log.head().position == 5


class Careless(Submissions):
    """The control: takes the number in a transaction of its own, as a sequence of the database's would."""

    def submit(self, account: str, draft: str, key: str | None) -> dict[str, Any]:
        with self._tools.database.write() as tx:
            self._numbers = self._tools.store.next_number(tx, ORGAN, date(2026, 2, 9))
        return super().submit(account, draft, key)

    def _next_serial(self, *_: Any) -> str:
        return serial_of(date(2026, 2, 9), *self._numbers)


def file_many(desk: Desk, kind: type[Submissions]) -> list[str]:
    """48 people file at once from two processes; every other fails just before the log. Serials of the rest."""
    desks = [desk, desk.another_process()]
    drafts = [desk.draft(f"person-{number}") for number in range(48)]

    def file(number: int) -> str | None:
        submissions = kind(desks[number // 2 % 2].tools)
        if number % 2:
            submissions._append = fail  # type: ignore[method-assign]
            with pytest.raises(ZeroDivisionError):
                submissions.submit(f"person-{number}", drafts[number], None)
            return None
        return str(submissions.submit(f"person-{number}", drafts[number], None)["serial"])

    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    with ThreadPoolExecutor(6) as pool:
        return [serial for serial in pool.map(file, range(48)) if serial is not None]


def test_serials_have_no_gap_and_no_double_when_many_file_at_once_and_some_fail(desk: Desk) -> None:
    serials = file_many(desk, Submissions)
    assert places(serials) == list(range(1, 25))
    assert sorted(event.stream for event in desk.tools.log.read(0)) == sorted(serials)


def test_a_counter_outside_the_transaction_leaves_gaps(desk: Desk) -> None:
    taken = places(file_many(desk, Careless))
    assert len(taken) == 24
    assert taken != list(range(1, 25))
