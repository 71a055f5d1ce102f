"""What applicants do to their own cases, and what nobody else can."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from kernel.clock import parse_time
from kernel.contracts.case import CaseRated, CaseReceived, CaseWithdrawn
from kernel.contracts.filing import Rating, Withdrawal
from kernel.errors import InvalidInput, Refusal
from services.filing.application.own_cases import OwnCases
from services.filing.test_submission import at_once
from services.filing.testing import MORNING, PDF, Desk

CORRECTIONS = [{"what": "看不清", "material": "premises"}]
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n sharper").decode()


def incomplete(desk: Desk) -> str:
    serial = desk.file()
    desk.send(desk.event(serial, "case.incomplete", corrections=CORRECTIONS))
    return serial


def concluded(desk: Desk) -> str:
    serial = desk.file()
    desk.send(desk.event(serial, "case.declined", reason="不属于本机关"))
    return serial


def correct(desk: Desk, serial: str, account: str = "anna", **said: Any) -> dict[str, Any]:
    return desk.filing.own_cases.correct(account, serial, said.get("data", {}), said.get("files", []))


def test_a_case_is_filed_again_with_what_was_asked_for(desk: Desk) -> None:
    serial = incomplete(desk)
    first = desk.facts(serial)[0]
    desk.advance(hours=1)
    file = {"material": "premises", "filename": "again.png", "content": PNG}
    moved = correct(desk, serial, data={"capital": 5}, files=[file])
    assert moved == {"serial": serial, "position": 3}
    assert isinstance(first, CaseReceived)
    again = CaseReceived(**{**vars(first), "occurred_at": parse_time("2026-02-09T10:00:00+08:00"), "attempt": 2})
    assert desk.facts(serial)[-1] == again
    assert desk.send(desk.event(serial, "case.accepted"))[0].appended


def test_what_was_filed_first_is_kept_beside_what_was_filed_later(desk: Desk) -> None:
    serial = incomplete(desk)
    correct(desk, serial, data={"capital": 5}, files=[{"material": "premises", "filename": "b.png", "content": PNG}])
    with desk.database.read() as tx:
        case = desk.tools.store.case(tx, serial)
        assert case is not None
        first, second = (desk.tools.store.files(tx, case.draft, attempt) for attempt in (1, 2))
        data = desk.tools.vault.open(tx, "anna", desk.tools.store.submitted_data(tx, serial))
    assert [file.format for file in first] == ["pdf", "pdf"]
    assert sorted(file.format for file in second) == ["pdf", "png"]
    assert data == '{"trade_name":"老王面馆","capital":5}'.encode()
    receipt = desk.filing.submissions.receipt("anna", serial)["receipt"]
    assert [file["filename"] for file in receipt["materials"]] == ["scan.pdf", "scan.pdf"]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"data": {"trade_name": None}}, "invalid_input"),
        ({"data": {"nonsense": 1}}, "invalid_input"),
        ({"files": [{"material": "diploma", "filename": "x", "content": PDF}]}, "unknown_material"),
        ({"files": [{"material": "premises", "filename": "x", "content": "TVo="}]}, "material_format"),
    ],
)
def test_corrections_that_do_not_fit_change_nothing(desk: Desk, said: dict[str, Any], code: str) -> None:
    serial = incomplete(desk)
    before = desk.traces()
    with pytest.raises(Refusal) as refusal:
        correct(desk, serial, **said)
    assert refusal.value.code == code
    assert desk.traces() == before
    assert correct(desk, serial)["position"] == before[0] + 1


def test_nothing_is_corrected_that_nobody_asked_for(desk: Desk) -> None:
    serial = desk.file()
    with pytest.raises(Refusal) as refusal:
        correct(desk, serial)
    assert refusal.value.code == "not_allowed_in_state"
    assert desk.types(serial) == ["case.received"]


def test_a_case_is_withdrawn_until_it_is_decided(desk: Desk) -> None:
    serial = desk.file()
    desk.filing.own_cases.withdraw("anna", serial, "不办了")
    assert desk.facts(serial)[-1] == CaseWithdrawn(occurred_at=parse_time(MORNING), by="anna", reason="不办了")
    with pytest.raises(Refusal, match="not_allowed_in_state"):
        desk.filing.own_cases.withdraw("anna", serial, None)
    assert len(desk.types(serial)) == 2


def test_a_rating_goes_on_the_log_without_its_comment(desk: Desk) -> None:
    serial = concluded(desk)
    desk.filing.own_cases.rate("anna", serial, 2, ["无清单"], "窗口的王某态度不好")
    rated = desk.facts(serial)[-1]
    assert isinstance(rated, CaseRated)
    assert (rated.stars, rated.tags) == (2, ("无清单",))
    assert rated.comment_reference
    assert "王某" not in desk.tools.log.stream(serial)[-1].body


def test_a_rating_without_a_comment_refers_to_none(desk: Desk) -> None:
    serial = concluded(desk)
    desk.filing.own_cases.rate("anna", serial, 5, [], None)
    assert desk.facts(serial)[-1] == CaseRated(occurred_at=parse_time(MORNING), by="anna", stars=5)


def test_a_case_is_rated_once_and_in_the_words_of_the_standard(desk: Desk) -> None:
    serial = concluded(desk)
    with pytest.raises(InvalidInput):
        desk.filing.own_cases.rate("anna", serial, 5, ["真好"], None)
    desk.filing.own_cases.rate("anna", serial, 5, ["一窗受理一次办结"], None)
    with pytest.raises(Refusal, match="rated_already"):
        desk.filing.own_cases.rate("anna", serial, 1, [], None)
    assert desk.types(serial) == ["case.received", "case.declined", "case.rated"]


@pytest.mark.parametrize("account", ["bert", "anna"])
def test_anothers_case_is_answered_like_one_that_does_not_exist(desk: Desk, account: str) -> None:
    serial = incomplete(desk) if account == "bert" else "20260209001000029"
    before = desk.traces()
    answers = []
    for touch in (
        lambda: correct(desk, serial, account),
        lambda: desk.filing.own_cases.withdraw(account, serial, None),
        lambda: desk.filing.own_cases.rate(account, serial, 5, [], None),
    ):
        with pytest.raises(Refusal) as refusal:
            touch()
        answers.append(refusal.value.code)
    assert answers == ["unknown_case"] * 3
    assert desk.traces() == before


def test_of_many_who_move_a_case_at_once_one_succeeds(desk: Desk) -> None:
    """Two processes each: corrections and withdrawals of one incomplete case. Never both, never half of one."""
    cases = [desk.another_process().filing.own_cases for _ in range(2)]

    def attempt(own: OwnCases, serial: str, move: str) -> str:
        try:
            said = (serial, {}, []) if move == "correct" else (serial, None)
            getattr(own, move)("anna", *said)
        except Refusal as refusal:
            return refusal.code
        return "moved"

    for _ in range(5):
        serial = incomplete(desk)
        moves = [(own, move) for own in cases for move in ("correct", "correct")]
        outcomes = at_once(*[lambda one=one, s=serial: attempt(one[0], s, one[1]) for one in moves])
        assert sorted(outcomes) == ["moved", *["not_allowed_in_state"] * 3]
        assert desk.types(serial) == ["case.received", "case.incomplete", "case.received"]


def move_once(desk: Desk, move: str, key: str) -> Callable[..., dict[str, Any]]:
    """A case ready for the move, and the request for it under a key; `other` changes what is asked."""
    own = desk.filing.own_cases
    if move == "withdraw":
        serial = desk.file()
        return lambda other=False: own.withdraw("anna", serial, "另一个原因" if other else None, key)
    if move == "rate":
        serial = concluded(desk)
        return lambda other=False: own.rate("anna", serial, 1 if other else 5, [], "谢谢", key)
    serial = incomplete(desk)
    name = {False: "again.png", True: "other.png"}
    return lambda other=False: own.correct(
        "anna", serial, {"capital": 5}, [{"material": "premises", "filename": name[other], "content": PNG}], key
    )


@pytest.mark.parametrize("move", ["withdraw", "rate", "correct"])
def test_the_same_key_again_gets_the_first_answer_and_nothing_more_happens(desk: Desk, move: str) -> None:
    ask = move_once(desk, move, "key-1")
    first = ask()
    before = desk.traces()
    assert ask() == first
    with pytest.raises(Refusal, match="idempotency_key_reused"):
        ask(other=True)
    assert desk.traces() == before
    assert desk.tools.log.stream(first["serial"])[-1].position == first["position"]


def test_a_key_that_came_with_a_refused_request_is_free(desk: Desk) -> None:
    serial = desk.file()
    with pytest.raises(Refusal, match="not_allowed_in_state"):
        desk.filing.own_cases.correct("anna", serial, {}, [], "key-1")
    assert desk.filing.own_cases.withdraw("anna", serial, None, "key-1")["serial"] == serial


def test_of_equal_requests_at_once_one_happens_and_all_get_its_answer(desk: Desk) -> None:
    for number in range(5):
        ask = move_once(desk, "withdraw", f"key-{number}")
        answers = at_once(*[ask] * 4)
        assert answers == [answers[0]] * 4
        assert desk.types(answers[0]["serial"]) == ["case.received", "case.withdrawn"]


@pytest.mark.parametrize("blank", [" ", "\u3000\n", "\u200b"])
def test_a_blank_reason_or_comment_is_none_at_all(blank: str) -> None:
    assert set(Withdrawal().validate({"reason": blank})) == {"reason"}
    assert set(Rating().validate({"stars": 5, "comment": blank})) == {"comment"}
    assert not Withdrawal().validate({"reason": "不办了"})
