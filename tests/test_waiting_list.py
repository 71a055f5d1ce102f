"""Waiting for a time, and being closed out, over HTTP on both databases and brokers; and who may not."""

from collections.abc import Iterator
from typing import Any

import pytest

from kernel.testing import eventually
from tests.test_hall_day import Place, served

WEDNESDAY = "2026-02-11"


@pytest.fixture(scope="module", params=["embedded", "distributed"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    yield from served(request, tmp_path_factory.mktemp("waiting"))


def places(place: Place, count: int) -> dict[str, Any]:
    """Set so many for each time of the tax group; what was answered."""
    weekly = {str(day): [{"since": "08:00", "until": "20:00"}] for day in range(1, 8)}
    schedule = {"weekly": weekly, "slot_minutes": 30, "capacity": count}
    return place.done("PUT", f"/halls/tianhe/schedules/{place.group('税务窗口')}", "manager", json=schedule)


def book(place: Place, person: int, time: str = "09:00", day: str = WEDNESDAY) -> Any:
    wish = {"hall": "tianhe", "item": "tax", "date": day, "time": time}
    return place.ask("POST", "/appointments", f"p-{person}", json=wish)


def wait(place: Place, person: int, **change: Any) -> Any:
    days = {"first_day": WEDNESDAY, "last_day": WEDNESDAY, "since": "09:00", "until": "09:30"}
    return place.ask("POST", "/waiting-list", f"p-{person}", json={"hall": "tianhe", "item": "tax", **days, **change})


def test_who_waits_is_offered_a_place_before_anybody_else_gets_it(place: Place) -> None:
    places(place, 1)
    assert book(place, 1).status_code == 201
    refused = wait(place, 2, until="10:00")
    assert (refused.status_code, refused.json()["next"]) == (409, [{"date": WEDNESDAY, "time": "09:30"}])
    joined = wait(place, 2)
    assert (joined.status_code, joined.json()["state"]) == (201, "waiting")
    path = joined.headers["Location"].removeprefix("/api/v1")
    assert place.ask("GET", path, "p-3").status_code == 404
    places(place, 2)
    assert book(place, 3).json()["type"].endswith("full")
    entry = eventually(lambda: _offered(place, path), timeout=30, every=0.2)
    assert book(place, 3).json()["type"].endswith("full")
    assert place.done("POST", f"/appointments/{entry['booking']}/confirmation", "p-2")["state"] == "booked"
    assert place.done("GET", path, "p-2")["state"] == "booked"
    assert place.ask("POST", f"{path}/cancellation", "p-2").status_code == 409


def _offered(place: Place, path: str) -> dict[str, Any] | None:
    entry = place.done("GET", path, "p-2")
    return entry if entry["state"] == "offered" else None


def test_who_leaves_waits_no_more(place: Place) -> None:
    places(place, 1)
    book(place, 11, "11:00")
    number = wait(place, 12, since="11:00", until="11:30").json()["number"]
    assert place.done("POST", f"/waiting-list/{number}/cancellation", "p-12")["state"] == "left"


@pytest.mark.parametrize(
    ("change", "field"),
    [({"first_day": "2026-02-12"}, "last_day"), ({"until": "08:00"}, "until"), ({"people": 0}, "people")],
)
def test_what_does_not_fit_is_told_in_the_callers_language(place: Place, change: dict[str, Any], field: str) -> None:
    answer = wait(place, 13, **change)
    assert (answer.status_code, [one["field"] for one in answer.json()["errors"]]) == (422, [field])
    assert all("一" <= letter <= "鿿" for letter in answer.json()["errors"][0]["message"][:2])


def test_who_is_closed_out_moves_to_a_time_that_is_held_or_is_whole_again(place: Place) -> None:
    places(place, 3)
    moves, stays = (book(place, person, "15:00").json()["number"] for person in (21, 22))
    closure = {"first_day": WEDNESDAY, "last_day": WEDNESDAY, "since": "15:00", "until": "16:00", "reason": "停电检修"}
    hit = place.done("POST", "/halls/tianhe/closures", "manager", json=closure)["hit"]
    assert {one["number"] for one in hit} >= {moves, stays}
    shown = eventually(lambda: _closed(place, moves, "p-21"), timeout=30, every=0.2)
    eventually(lambda: _closed(place, stays, "p-22"), timeout=30, every=0.2)
    listed = place.done("GET", "/halls/tianhe/hit-bookings", "clerk")["items"]
    assert {one["number"]: one["told"] for one in listed}.items() >= {moves: True, stays: True}.items()
    assert len(shown["offered"]) == 3
    moved = place.done("POST", f"/appointments/{moves}/move", "p-21", json=shown["offered"][0])
    assert (moved["closed"], moved["offered"]) == (False, [])
    (kept,) = place.done("GET", "/halls/tianhe/closures", "manager")["items"]
    place.done("POST", f"/halls/tianhe/closures/{kept['id']}/withdrawal", "manager")
    eventually(lambda: not place.done("GET", f"/appointments/{stays}", "p-22")["closed"], timeout=30, every=0.2)
    again = place.ask("POST", f"/halls/tianhe/closures/{kept['id']}/withdrawal", "manager")
    assert (again.status_code, again.json()["hit"]) == (200, []), "taken back twice is taken back once"
    assert place.ask("POST", "/halls/tianhe/closures/none/withdrawal", "manager").status_code == 404


def _closed(place: Place, number: str, token: str) -> dict[str, Any] | None:
    shown = place.done("GET", f"/appointments/{number}", token)
    return shown if shown["closed"] else None


def test_who_is_not_blocked_has_nothing_to_appeal_against(place: Place) -> None:
    answer = place.ask("POST", "/halls/tianhe/appeals", "p-31", json={"reason": "我来过。"})
    assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[-1].rsplit(":", 1)[-1]) == (409, "not_blocked")
    assert place.done("GET", "/halls/tianhe/appeals?state=open", "manager")["total"] == 0


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/halls/tianhe/appeals", None),
        ("POST", "/halls/tianhe/appeals/x/decision", {"granted": True, "sentence": "可以。"}),
        ("POST", "/halls/tianhe/bookings/x/excuse", None),
        ("POST", "/halls/tianhe/closures/x/withdrawal", None),
    ],
)
def test_only_who_manages_the_hall_decides(place: Place, method: str, path: str, body: Any) -> None:
    tokens: dict[str | None, int] = {None: 401, "p-1": 403, "stranger": 403, "clerk": 403}
    for token, status in tokens.items():
        assert place.ask(method, path, token, json=body).status_code == status
    assert place.ask(method, path, "manager", json=body).status_code == (200 if method == "GET" else 404)


def test_whom_a_closure_has_hit_is_for_the_halls_staff(place: Place) -> None:
    for token, status in {None: 401, "p-1": 403, "stranger": 403, "clerk": 200}.items():
        assert place.ask("GET", "/halls/tianhe/hit-bookings", token).status_code == status
