"""Who gets in, for how long a token is remembered, and how many wrong codes may be tried."""

import base64
from typing import Any

import pytest

from gateway.auth import Tokens
from gateway.limits import Guesses
from gateway.problems import TooManyGuesses
from gateway.samples import ANSWERS
from gateway.testing import DEPARTMENT, OFFICER, PERSON, Hall
from kernel.contracts.progress import UnknownCase
from kernel.errors import NotSignedIn, ServiceDown, ServiceSlow

ORGAN = "11440105007512345X"
EVENT = {
    "specversion": "1.0",
    "id": "e1",
    "source": f"/departments/{ORGAN}",
    "type": "case.accepted",
    "subject": "S1",
    "dataschema": "urn:yichuang:case.accepted:1",
    "data": {"occurred_at": "2026-11-22T12:00:00+08:00", "by": "officer"},
}


class Watch:
    """A monotonic clock that stands still until it is told to move."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def hall(watch: Watch) -> Hall:
    made = Hall()
    made.services.answers = dict(ANSWERS)
    made.edge.tokens = Tokens(clock=watch)
    made.edge.guesses = Guesses(clock=watch)
    return made


def basic(organ: str, key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{organ}:{key}".encode()).decode()}


def publish(hall: Hall, headers: dict[str, str] | None = None, token: str | None = None) -> Any:
    return hall.ask("POST", "/api/v1/department/events", json=EVENT, headers=headers or {}, token=token)


def asked_who(hall: Hall) -> int:
    return len(hall.services.asked_of("accounts", "authenticate"))


def test_accounts_is_asked_once_in_five_seconds(hall: Hall, watch: Watch) -> None:
    for _ in range(3):
        assert hall.ask("GET", "/api/v1/cases", token="person").status_code == 200
    assert asked_who(hall) == 1
    watch.now += 5.0
    hall.ask("GET", "/api/v1/cases", token="person")
    assert asked_who(hall) == 2


def test_each_token_is_its_own(hall: Hall) -> None:
    for token in ("person", "officer"):
        hall.ask("GET", "/api/v1/cases", token=token)
    assert [asked["principal"] for asked in hall.services.asked_of("progress", "cases")] == [PERSON, OFFICER]


def test_a_refused_token_is_not_remembered(hall: Hall) -> None:
    assert hall.ask("GET", "/api/v1/cases", token="later").status_code == 401
    hall.services.tokens["later"] = PERSON
    assert hall.ask("GET", "/api/v1/cases", token="later").status_code == 200


def test_logging_out_works_at_once_here(hall: Hall, watch: Watch) -> None:
    hall.ask("GET", "/api/v1/cases", token="person")
    response = hall.ask("DELETE", "/api/v1/sessions/current", token="person")
    assert (response.status_code, response.data) == (204, b"")
    assert hall.services.asked_of("accounts", "close_session") == [{"token": "person"}]
    assert hall.ask("GET", "/api/v1/cases", token="person").status_code == 401
    # Even an answer of accounts that was on its way meanwhile does not bring it back.
    hall.edge.tokens.put("person", PERSON)
    assert hall.ask("GET", "/api/v1/cases", token="person").status_code == 401


def test_a_logout_that_failed_leaves_the_session(hall: Hall) -> None:
    hall.answer("accounts", "close_session", ServiceDown(service="accounts"))
    assert hall.ask("DELETE", "/api/v1/sessions/current", token="person").status_code == 503
    assert hall.ask("GET", "/api/v1/cases", token="person").status_code == 200


def test_memory_of_tokens_is_bounded(watch: Watch) -> None:
    tokens = Tokens(room=10, clock=watch)
    for number in range(100):
        tokens.put(f"t{number}", PERSON)
    assert len(tokens._kept) <= 10
    assert tokens.get("t99") == PERSON


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer a b", "bearer ümlaut", "Basic cGVyc29u", "Token person", "Bearer " + "x" * 200],
)
def test_authorization_that_is_none(hall: Hall, header: str) -> None:
    response = hall.ask("GET", "/api/v1/cases", headers={"Authorization": header.encode().decode("latin-1")})
    assert (response.status_code, response.json["code"]) == (401, "not_signed_in")
    assert hall.services.asked == []


def test_the_scheme_may_be_written_in_small_letters(hall: Hall) -> None:
    assert hall.ask("GET", "/api/v1/cases", headers={"Authorization": "bearer person"}).status_code == 200


def test_a_department_speaks_with_its_key(hall: Hall) -> None:
    assert publish(hall, basic(ORGAN, "key")).status_code == 200
    assert publish(hall, basic(ORGAN, "key")).status_code == 200
    taken = hall.services.asked_of("filing", "take_department_event")
    assert [(one["principal"], one["event"]) for one in taken] == [(DEPARTMENT, EVENT)] * 2
    assert len(hall.services.asked_of("accounts", "authenticate_department")) == 1


def test_an_officer_speaks_for_the_department(hall: Hall) -> None:
    assert publish(hall, token="officer").status_code == 200
    assert hall.services.asked_of("filing", "take_department_event")[0]["principal"] == OFFICER


@pytest.mark.parametrize("principal", [PERSON, {**OFFICER, "role": "window"}, {**OFFICER, "organ": None}])
def test_nobody_else_speaks_for_a_department(hall: Hall, principal: dict[str, Any]) -> None:
    hall.services.tokens["other"] = principal
    response = publish(hall, token="other")
    assert (response.status_code, response.json["code"]) == (403, "not_allowed")
    assert hall.services.asked_of("filing", "take_department_event") == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic(ORGAN, "wrong"),
        basic("another", "key"),
        basic(ORGAN, ""),
        basic("", "key"),
        basic("x" * 200, "key"),
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic /////w=="},
    ],
)
def test_a_departments_key_must_be_right(hall: Hall, headers: dict[str, str]) -> None:
    assert publish(hall, headers).status_code == 401


@pytest.mark.parametrize(
    "headers", [{}, basic(ORGAN, "wrong"), {"Authorization": "Basic x"}, {"Authorization": "Bearer nobody"}]
)
def test_a_departments_system_is_told_how_to_say_who_it_is(hall: Hall, headers: dict[str, str]) -> None:
    response = publish(hall, headers)
    assert (response.status_code, response.json["code"]) == (401, "not_signed_in")
    assert "请先登录" not in response.json["detail"]
    assert "机构编码" in response.json["detail"]
    assert response.headers["WWW-Authenticate"] == 'Basic realm="yichuang", Bearer realm="yichuang"'


def test_an_event_that_waits_is_accepted_only(hall: Hall) -> None:
    hall.answer("filing", "take_department_event", {"status": "waiting"})
    response = publish(hall, basic(ORGAN, "key"))
    assert (response.status_code, response.json) == (202, {"status": "waiting"})
    assert hall.services.asked_of("progress", "await_position") == []


def test_after_a_write_progress_is_waited_for(hall: Hall) -> None:
    response = hall.ask("POST", "/api/v1/drafts/d1/submission", token="person")
    assert response.status_code == 201
    assert response.headers["Location"] == "/api/v1/cases/S1"
    assert hall.services.asked_of("progress", "await_position") == [{"position": 7, "timeout": 1.0}]


@pytest.mark.parametrize("error", [ServiceDown(service="progress"), ServiceSlow(service="progress")])
def test_a_write_is_answered_though_progress_is_away(hall: Hall, error: Exception) -> None:
    hall.answer("progress", "await_position", error)
    assert hall.ask("POST", "/api/v1/drafts/d1/submission", token="person").status_code == 201


def look_up(hall: Hall, serial: str = "S1", address: str = "198.51.100.7") -> int:
    path = f"/api/v1/progress/{serial}?code=ABCD2345"
    return hall.ask("GET", path, environ_overrides={"REMOTE_ADDR": address}).status_code


def test_wrong_codes_are_limited_by_case_and_address(hall: Hall, watch: Watch) -> None:
    hall.answer("progress", "by_query_code", UnknownCase())
    assert [look_up(hall) for _ in range(21)] == [404] * 20 + [429]
    assert look_up(hall, serial="S2") == 404
    assert look_up(hall, address="198.51.100.8") == 404
    watch.now += 61
    assert look_up(hall) == 404


def test_callers_behind_a_trusted_proxy_are_told_apart_by_what_it_adds(hall: Hall) -> None:
    hall.answer("progress", "by_query_code", UnknownCase())

    def guess(forwarded: str, proxy: str = "192.0.2.1") -> int:
        overrides = {"REMOTE_ADDR": proxy, "HTTP_X_FORWARDED_FOR": forwarded}
        return hall.ask("GET", "/api/v1/progress/S1?code=ABCD2345", environ_overrides=overrides).status_code

    hall.edge.proxies = frozenset(["192.0.2.1"])
    for count in range(20):
        assert guess(f"10.0.0.{count}, 198.51.100.7") == 404  # the first address is what the caller claims
    assert guess("198.51.100.7") == 429
    assert guess("198.51.100.8") == 404
    for count in range(20):
        assert guess(f"10.0.0.{count}", proxy="198.51.100.9") == 404  # nobody's proxy: itself
    assert guess("10.0.0.99", proxy="198.51.100.9") == 429


def test_all_addresses_of_a_network_are_one_caller_where_anybody_has_a_whole_network(hall: Hall) -> None:
    hall.answer("progress", "by_query_code", UnknownCase())
    assert [look_up(hall, address=f"2001:db8:0:1::{count:x}") for count in range(21)] == [404] * 20 + [429]
    assert look_up(hall, address="2001:db8:0:2::1") == 404
    for address in ("::ffff:198.51.100.1", "::ffff:198.51.100.2", "no:address"):
        assert look_up(hall, address=address) == 404


def test_the_limit_says_when_to_come_back(hall: Hall, watch: Watch) -> None:
    hall.answer("progress", "by_query_code", UnknownCase())
    for _ in range(20):
        look_up(hall)
    watch.now += 15
    response = hall.ask("GET", "/api/v1/progress/S1?code=A", environ_overrides={"REMOTE_ADDR": "198.51.100.7"})
    assert response.json["code"] == "too_many_guesses"
    assert 45 <= int(response.headers["Retry-After"]) <= 46


def test_right_codes_are_never_limited(hall: Hall) -> None:
    assert {look_up(hall) for _ in range(100)} == {200}


def test_a_service_that_is_down_is_no_wrong_guess(hall: Hall) -> None:
    hall.answer("progress", "by_query_code", ServiceDown(service="progress"))
    assert {look_up(hall) for _ in range(30)} == {503}


def test_memory_of_guesses_is_bounded_and_forgets_the_oldest(watch: Watch) -> None:
    guesses = Guesses(most=1, clock=watch, room=10)
    for number in range(100):
        guesses.failed(("S1", str(number)))
    assert len(guesses._failures) <= 10
    with pytest.raises(TooManyGuesses):
        guesses.check(("S1", "99"))
    guesses.check(("S1", "0"))


def test_after_logout_a_token_is_refused_without_asking(watch: Watch) -> None:
    tokens = Tokens(clock=watch)
    tokens.put("t", PERSON)
    tokens.drop("t")
    with pytest.raises(NotSignedIn):
        tokens.get("t")
    watch.now += 60
    assert tokens.get("t") is None
