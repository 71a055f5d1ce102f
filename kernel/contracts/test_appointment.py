"""Requests of appointment: what does not fit is refused by field. Refusals have codes and sentences of their own."""

from typing import Any

import marshmallow as ma
import pytest

from kernel.contracts import appointment as contract, appointment_refusals, closures, waiting
from kernel.errors import Refusal

PERSON = {"account": "a1", "kind": "individual"}
WISH: dict[str, Any] = {"principal": PERSON, "hall": "tianhe", "items": ["a"], "date": "2026-02-11", "time": "09:30"}
VISITOR = {"name": "李明", "identity_number": "440105199003070013", "mobile": "13800138000"}
SCHEDULE: dict[str, Any] = {
    "weekly": {"1": [{"since": "09:00", "until": "12:00"}]},
    "slot_minutes": 30,
    "capacity": 4,
}
CLOSURE: dict[str, Any] = {"first_day": "2026-02-11", "last_day": "2026-02-11", "reason": "检修"}
WAIT: dict[str, Any] = {"hall": "tianhe", "items": ["a"], "first_day": "2026-02-11", "last_day": "2026-02-12"}
REFUSALS = [
    one
    for one in vars(appointment_refusals).values()
    if isinstance(one, type) and issubclass(one, Refusal) and one is not Refusal
]


def bad_fields(schema: type[ma.Schema], data: dict[str, Any]) -> list[str]:
    return sorted(schema().validate(data))


def test_what_is_right_is_taken() -> None:
    assert bad_fields(contract.Book, {**WISH, "visitor": VISITOR}) == []
    assert bad_fields(contract.Schedule, SCHEDULE) == []
    assert bad_fields(closures.Closure, CLOSURE) == []
    assert contract.HallRule().load({})["last_working_day"] == 5


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"items": []}, "items"),
        ({"items": ["a", "a"]}, "items"),
        ({"items": [str(number) for number in range(11)]}, "items"),
        ({"people": 0}, "people"),
        ({"people": "2"}, "people"),
        ({"people": 11}, "people"),
        ({"date": "11.2.2026"}, "date"),
        ({"time": "24:00"}, "time"),
        ({"time": "9:30"}, "time"),
        ({"hall": "a b"}, "hall"),
        ({"visitor": {**VISITOR, "mobile": "23800138000"}}, "visitor"),
        ({"visitor": {**VISITOR, "identity_number": "4401051990030700"}}, "visitor"),
        ({"visitor": {**VISITOR, "name": " "}}, "visitor"),
        ({"visitor": {**VISITOR, "nickname": "x"}}, "visitor"),
        ({"idempotency_key": "x" * 129}, "idempotency_key"),
    ],
)
def test_a_wish_that_does_not_fit_is_refused_by_field(change: dict[str, Any], field: str) -> None:
    assert bad_fields(contract.Book, {**WISH, "visitor": VISITOR, **change}) == [field]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"window_quota": 5}, "window_quota"),
        ({"slot_minutes": 0}, "slot_minutes"),
        ({"weekly": {"8": []}}, "weekly"),
        ({"weekly": {"1": [{"since": "12:00", "until": "09:00"}]}}, "weekly"),
        (
            {"weekly": {"1": [{"since": "09:00", "until": "12:00"}, {"since": "11:00", "until": "13:00"}]}},
            "weekly.1",
        ),
    ],
)
def test_a_schedule_that_does_not_fit_is_refused_by_field(change: dict[str, Any], field: str) -> None:
    assert bad_fields(contract.Schedule, {**SCHEDULE, **change}) == [field]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"last_day": "2026-02-10"}, "last_day"),
        ({"since": "10:00", "until": "09:00"}, "until"),
        ({"reason": ""}, "reason"),
    ],
)
def test_a_closure_that_does_not_fit_is_refused_by_field(change: dict[str, Any], field: str) -> None:
    assert bad_fields(closures.Closure, {**CLOSURE, **change}) == [field]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"first_day": "2026-02-13"}, "last_day"),
        ({"since": "10:00", "until": "09:00"}, "until"),
        ({"until": "24:01"}, "until"),
        ({"items": ["a", "a"]}, "items"),
        ({"people": 11}, "people"),
        ({"date": "2026-02-11"}, "date"),
        ({"visitor": {**VISITOR, "name": " "}}, "visitor"),
    ],
)
def test_an_entry_of_the_waiting_list_that_does_not_fit_is_refused_by_field(change: dict[str, Any], field: str) -> None:
    assert bad_fields(waiting.WaitingWish, WAIT) == []
    assert bad_fields(waiting.WaitingWish, {**WAIT, **change}) == [field]


def test_every_refusal_has_a_code_of_its_own_and_two_sentences() -> None:
    assert len({one.code for one in REFUSALS}) == len(REFUSALS)
    assert all(one.zh != Refusal.zh and one.en != Refusal.en and one.status in (403, 404, 409, 422) for one in REFUSALS)


def test_every_state_has_words_in_both_languages() -> None:
    for state in (*contract.STATES, "new"):
        refusal = appointment_refusals.NotInThatState(state)
        assert refusal.params["state"] == state
        assert "_" not in refusal.sentence("en")
        assert not any("a" <= letter <= "z" for letter in refusal.sentence("zh"))
    for state in waiting.ENTRY_STATES[2:]:
        assert not any("a" <= letter <= "z" for letter in appointment_refusals.EntryOver(state).sentence("zh"))
    for state in waiting.APPEAL_STATES[1:]:
        assert not any("a" <= letter <= "z" for letter in appointment_refusals.AppealDecided(state).sentence("zh"))


def test_full_names_the_next_free_times_in_both_languages() -> None:
    refusal = appointment_refusals.Full(
        [{"date": "2026-02-11", "time": "10:00"}, {"date": "2026-02-12", "time": "09:00"}]
    )
    assert refusal.sentence("en").endswith("are: 2026-02-11 10:00, 2026-02-12 09:00.")
    assert refusal.sentence("zh").endswith("时段：2026-02-11 10:00、2026-02-12 09:00。")
    assert "暂无" in appointment_refusals.Full([]).sentence("zh")


@pytest.mark.parametrize("typed", ["vk7q-2m9x-r4td", " VK7Q2M9XR4TD ", "vk7q2m9xr4td", "VK7Q2M9XR4TD"])
def test_a_number_is_read_as_it_was_given_out(typed: str) -> None:
    asked = {"principal": {"account": "a-1", "kind": "individual"}, "number": typed}
    assert contract.AskAppointment().load(asked)["number"] == "VK7Q2M9XR4TD"
