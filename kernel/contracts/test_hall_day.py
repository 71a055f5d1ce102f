"""Requests of a hall's day: what does not fit is refused by field. Refusals have codes and sentences of their own."""

from typing import Any

import marshmallow as ma
import pytest

from kernel.contracts import appointment_refusals, hall_day as contract, hall_day_refusals
from kernel.errors import Refusal

STAFF = {"account": "s1", "kind": "staff", "role": "window", "hall": "tianhe"}
OF_HALL: dict[str, Any] = {"principal": STAFF, "hall": "tianhe"}
WINDOW = {**OF_HALL, "window": "3", "name": "3号窗口", "groups": ["tianhe.1"], "open": True}
IDENTITY = "440105199003070013"


def bad_fields(schema: type[ma.Schema], data: dict[str, Any]) -> list[str]:
    return sorted(schema().validate(data))


def test_what_is_right_is_taken() -> None:
    assert bad_fields(contract.CheckIn, {"principal": STAFF, "number": "B"}) == []
    assert bad_fields(contract.HallCheckIn, {**OF_HALL, "identity_number": IDENTITY}) == []
    assert bad_fields(contract.SetWindow, WINDOW) == []
    assert contract.TakeTicket().load({**OF_HALL, "group": "tianhe.1"})["people"] == 1


@pytest.mark.parametrize(
    ("schema", "change", "field"),
    [
        (contract.HallCheckIn, {}, "identity_number"),
        (contract.HallCheckIn, {"identity_number": IDENTITY, "priority": "friend"}, "priority"),
        (contract.HallCheckIn, {"identity_number": IDENTITY, "code": "a_b\u00e9"}, "code"),
        (contract.TakeTicket, {"group": "g", "people": 0}, "people"),
        (contract.TakeTicket, {"group": "g", "people": "2"}, "people"),
        (contract.TakeTicket, {"group": "g", "mobile": "13800138000"}, "mobile"),
        (contract.SetWindow, {**WINDOW, "window": "3/4"}, "window"),
        (contract.SetWindow, {**WINDOW, "groups": []}, "groups"),
        (contract.SetWindow, {**WINDOW, "groups": ["g"] * 101}, "groups"),
        (contract.SetWindow, {**WINDOW, "open": "maybe"}, "open"),
        (contract.SetWindow, {**WINDOW, "name": "窗" * 31}, "name"),
        (contract.ParkTicket, {"window": "3", "minutes": 241}, "minutes"),
        (contract.AtWindow, {"window": "3", "idempotency_key": "x" * 129}, "idempotency_key"),
        (contract.StatisticsAsked, {"first_day": "2026-02-11", "last_day": "2026-02-10"}, "last_day"),
        (contract.StatisticsAsked, {"first_day": "2025-02-10", "last_day": "2026-02-11"}, "last_day"),
    ],
)
def test_what_does_not_fit_is_refused_by_field(schema: type[ma.Schema], change: dict[str, Any], field: str) -> None:
    assert bad_fields(schema, {**OF_HALL, **change}) == [field]


def test_every_refusal_has_a_code_of_its_own_and_two_sentences() -> None:
    def of(module: Any) -> list[type[Refusal]]:
        return [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, Refusal)]

    ours = [one for one in of(hall_day_refusals) if one.__module__ == hall_day_refusals.__name__]
    others = [one for one in of(appointment_refusals) if one is not Refusal]
    codes = [one.code for one in (*ours, *others)]
    assert len(set(codes)) == len(codes)
    assert len({one.zh for one in ours}) == len({one.en for one in ours}) == len(ours)
    assert {one.status for one in ours} <= {404, 409}


def test_when_tickets_are_gone_the_next_times_are_named() -> None:
    refusal = hall_day_refusals.NoTicketsLeft([{"date": "2026-02-11", "time": "10:00"}])
    assert refusal.sentence("en").endswith("are: 2026-02-11 10:00.")
    assert "现场号已发完" in refusal.sentence("zh")
    assert refusal.params["next"] == [{"date": "2026-02-11", "time": "10:00"}]
