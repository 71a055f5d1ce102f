"""Displays: what listeners are told, in which order, what is made good when something was missed, and who is let in."""

import threading
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from gateway import displays
from gateway.displays import Displays, Listener, feed
from gateway.problems import TooManyListeners, TooManyListenersThere
from gateway.samples import ANSWERS
from gateway.testing import Hall
from kernel.clock import format_time, parse_time, to_micros
from kernel.contracts.appointment_refusals import UnknownHall
from kernel.contracts.hall_day import DisplayChange
from kernel.errors import ServiceDown
from kernel.eventlog.events import NewEvent, Recorded, body_of

NOW = parse_time("2026-02-10T10:00:00+08:00")
SHOWN: dict[str, Any] = ANSWERS["appointment", "display"]
EVENTS = {"Accept": "text/event-stream"}


def heard(position: int, type_: str = "ticket.called", hall: str = "guangzhou", **change: Any) -> Recorded:
    said = {"occurred_at": format_time(NOW), "by": "staff-1", "hall": hall, "number": "A013", "group": "g"}
    data = {**said, **({"window": "3"} if type_ == "ticket.called" else {}), **change}
    event = NewEvent(id=f"e{position}", source="/appointment", type=type_, version=1, time=NOW, data=data, organ=hall)
    return Recorded(
        position=position,
        stream="t1",
        stream_version=2,
        source=event.source,
        id=event.id,
        type=type_,
        version=1,
        recorded=to_micros(NOW),
        body=body_of(event, "t1", 2, NOW),
        chain=b"",
    )


class Hub:
    """A hall that answers its displays, or does not."""

    def __init__(self) -> None:
        self.displays = Displays()
        self.position = 12
        self.away = False
        self.asked = 0

    def ask(self) -> dict[str, Any]:
        self.asked += 1
        if self.away:
            raise ServiceDown(service="appointment")
        return {**SHOWN, "position": self.position}

    def listen(self, hall: str = "guangzhou", address: str = "10.0.0.1") -> Iterator[bytes]:
        """A feed that has sent its beginning."""
        listener = self.displays.listen(hall, address)
        listener.begin_anew()
        told = feed(listener, self.ask, self.ask())
        assert next(told) == b"retry: 3000\n\n"
        assert read(next(told))[0] == "snapshot"
        return told


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(displays, "BREATH", 0.01)
    monkeypatch.setattr(displays, "AGAIN", 0.01)


@pytest.fixture
def hub() -> Hub:
    return Hub()


def read(part: bytes) -> tuple[str, int, dict[str, Any]]:
    """An event: its name, its id and its data."""
    named = dict(line.split(": ", 1) for line in part.decode().strip().splitlines())
    return named["event"], int(named["id"]), orjson.loads(named["data"])


def some(told: Iterator[bytes]) -> bytes:
    """The next part that says something."""
    return next(part for part in told if part not in (b"", b":\n\n"))


def test_a_change_is_told_without_anything_of_people(hub: Hub) -> None:
    told = hub.listen()
    hub.displays.hear(heard(13), True)
    name, position, change = read(some(told))
    assert (name, position) == ("change", 13)
    at = "2026-02-10T10:00:00+08:00"
    assert change == {"change": "called", "number": "A013", "group": "g", "window": "3", "at": at}
    issued = {
        "hall_name": "广州",
        "group_name": "公安",
        "kind": "booking",
        "rank": format_time(NOW),
        "low": 1,
        "high": 9,
    }
    hub.displays.hear(heard(14, "ticket.issued", **issued, booking="ABCD2345EFGH"), True)
    change = read(some(told))[2]
    assert change == {"change": "issued", "number": "A013", "group": "g", "at": at}
    assert DisplayChange().validate(change) == {}


def test_what_the_snapshot_knows_already_is_not_told_again(hub: Hub) -> None:
    told = hub.listen()
    for position in (11, 12, 13):
        hub.displays.hear(heard(position), True)
    assert read(some(told))[1] == 13


def test_other_halls_and_other_facts_are_not_told(hub: Hub) -> None:
    told = hub.listen()
    hub.displays.hear(heard(13, hall="haizhu"), True)
    hub.displays.hear(heard(14, "visit.served"), True)
    hub.displays.hear(heard(15, "ticket.sold"), True)
    assert next(told) == b":\n\n", "nothing but a sign of life"


def test_when_nothing_happens_a_comment_shows_who_is_still_there_and_all_is_told_anew_now_and_then(hub: Hub) -> None:
    told = hub.listen()
    parts = [next(told) for _ in range(5)]
    assert parts[:4] == [b":\n\n"] * 4
    assert read(parts[4])[0] == "snapshot", "windows open and shut without an event"


def test_whoever_may_have_missed_something_gets_all_of_it(hub: Hub) -> None:
    told = hub.listen()
    hub.displays.hear(None, False)
    assert next(told) == b":\n\n"
    hub.position = 40
    hub.displays.hear(None, True)
    assert read(some(told))[:2] == ("snapshot", 40)
    hub.displays.hear(heard(41, number=""), True)  # cannot be read
    assert read(some(told))[0] == "snapshot"


def test_a_window_that_was_not_shown_is_looked_up(hub: Hub) -> None:
    told = hub.listen()
    hub.displays.hear(heard(13, window="9"), True)
    assert read(some(told))[0] == "change"
    assert read(some(told))[0] == "snapshot"


def test_a_listener_that_is_too_slow_gets_all_of_it_instead_of_each_change(hub: Hub) -> None:
    told = hub.listen()
    for position in range(13, 13 + displays.ROOM + 50):
        hub.displays.hear(heard(position), True)
    hub.position = 13 + displays.ROOM + 49
    assert read(some(told))[:2] == ("snapshot", hub.position)
    hub.displays.hear(heard(hub.position + 1), True)
    assert read(some(told))[:2] == ("change", hub.position + 1)


def test_a_display_stays_while_the_hall_is_away_and_is_told_when_it_is_back(hub: Hub) -> None:
    told = hub.listen()
    hub.away = True
    hub.displays.hear(None, True)
    assert some(told) == some(told) == b": waiting for the hall\n\n"
    hub.away, hub.position = False, 20
    assert read(some(told))[:2] == ("snapshot", 20)


def test_who_goes_is_forgotten(hub: Hub) -> None:
    told = hub.listen()
    assert len(hub.displays) == 1
    told.close()  # type: ignore[attr-defined]
    assert len(hub.displays) == 0


def test_when_the_process_ends_all_feeds_end(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(displays, "BREATH", 60)
    told = hub.listen()
    ended = threading.Timer(0.05, hub.displays.close)
    ended.start()
    assert [part for part in told if part not in (b"", b":\n\n")] == []
    assert len(hub.displays) == 0


def test_no_more_listen_than_can_be_fed(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(displays, "LISTENERS", 5)
    monkeypatch.setattr(displays, "PER_ADDRESS", 2)
    here: list[Listener] = [hub.displays.listen("guangzhou", "10.0.0.1") for _ in range(2)]
    with pytest.raises(TooManyListenersThere):
        hub.displays.listen("guangzhou", "10.0.0.1")
    here += [hub.displays.listen("haizhu", f"10.0.1.{place}") for place in range(3)]
    with pytest.raises(TooManyListeners):
        hub.displays.listen("guangzhou", "10.0.2.1")
    here[0].close()
    here[0].close()
    hub.displays.listen("guangzhou", "10.0.2.1")


@pytest.fixture
def hall() -> Hall:
    made = Hall()
    made.services.answers = dict(ANSWERS)
    return made


PATH = "/api/v1/halls/guangzhou/display"


def test_json_where_only_that_is_accepted(hall: Hall) -> None:
    response = hall.ask("GET", PATH, headers={"Accept": "application/json"})
    assert (response.json, response.content_type) == (SHOWN, "application/json")
    assert len(hall.edge.displays) == 0


@pytest.mark.parametrize("headers", [EVENTS, {"Accept": "*/*"}, {}], ids=str)
def test_a_feed_over_http(hall: Hall, headers: dict[str, str]) -> None:
    response = hall.ask("GET", PATH, headers=headers)
    assert (response.status_code, response.content_type) == (200, "text/event-stream")
    assert response.headers["Cache-Control"] == "no-store"
    parts = response.iter_encoded()
    next(parts)
    assert read(next(parts))[2] == SHOWN
    hall.edge.displays.hear(heard(13), True)
    assert read(some(parts))[0] == "change"
    response.close()
    assert len(hall.edge.displays) == 0


def test_an_unknown_hall_is_a_refusal_and_a_head_is_no_feed(hall: Hall) -> None:
    assert hall.ask("HEAD", PATH, headers=EVENTS).status_code == 200
    hall.answer("appointment", "display", UnknownHall(hall="nowhere"))
    refused = hall.ask("GET", "/api/v1/halls/nowhere/display", headers=EVENTS)
    assert (refused.status_code, refused.json["code"]) == (404, "unknown_hall")  # type: ignore[index]
    assert len(hall.edge.displays) == 0


def test_a_feed_begins_while_the_hall_is_away(hall: Hall) -> None:
    hall.answer("appointment", "display", ServiceDown(service="appointment"))
    response = hall.ask("GET", PATH, headers=EVENTS)
    parts = response.iter_encoded()
    assert [next(parts), next(parts)] == [b"retry: 3000\n\n", b": waiting for the hall\n\n"]
    hall.answer("appointment", "display", SHOWN)
    assert read(some(parts))[0] == "snapshot"
    response.close()


def test_too_many_feeds_are_refused(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(displays, "LISTENERS", 0)
    refused = hall.ask("GET", PATH, headers=EVENTS)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "30")
