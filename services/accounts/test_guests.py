"""Guests on both databases: codes to a mobile, guesses, and the sessions that a right one opens."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from kernel.contracts import accounts as contract
from kernel.errors import NotSignedIn
from services.accounts.domain.rules import TooManyCodes, WrongCode
from services.accounts.test_accounts import Hall, hall as hall

MOBILE = "13800138000"


def test_a_right_code_opens_one_session_of_a_guest(hall: Hall) -> None:
    made = hall.accounts.guests.open_verification(MOBILE)
    session = hall.accounts.guests.open_session(made["verification"], made["code"])
    principal = hall.sessions.authenticate(session["token"])
    assert contract.Principal().validate(principal) == {}
    assert (principal["kind"], principal["account"]) == ("guest", hall.people.vault.blind("mobile", MOBILE))
    with pytest.raises(WrongCode):
        hall.accounts.guests.open_session(made["verification"], made["code"])
    hall.sessions.close(session["token"])
    with pytest.raises(NotSignedIn):
        hall.sessions.authenticate(session["token"])


def test_a_session_of_a_guest_ends_by_itself(hall: Hall) -> None:
    made = hall.accounts.guests.open_verification(MOBILE)
    token = hall.accounts.guests.open_session(made["verification"], made["code"])["token"]
    hall.clock.advance(timedelta(hours=2))
    with pytest.raises(NotSignedIn):
        hall.sessions.authenticate(token)


def test_a_code_is_guessed_at_five_times_at_most(hall: Hall) -> None:
    made = hall.accounts.guests.open_verification(MOBILE)
    wrong = f"{(int(made['code']) + 1) % 1_000_000:06}"

    def guess(code: str) -> bool:
        try:
            hall.accounts.guests.open_session(made["verification"], code)
        except WrongCode:
            return False
        return True

    with ThreadPoolExecutor(5) as pool:
        assert list(pool.map(guess, [wrong] * 5)) == [False] * 5
    assert not guess(made["code"])


def test_a_code_is_valid_for_five_minutes(hall: Hall) -> None:
    made = hall.accounts.guests.open_verification(MOBILE)
    hall.clock.advance(timedelta(minutes=5))
    with pytest.raises(WrongCode):
        hall.accounts.guests.open_session(made["verification"], made["code"])


def test_a_code_of_another_verification_opens_nothing(hall: Hall) -> None:
    first = hall.accounts.guests.open_verification(MOBILE)
    other = hall.accounts.guests.open_verification("13900139000")
    with pytest.raises(WrongCode):
        hall.accounts.guests.open_session("unknown", first["code"])
    if first["code"] != other["code"]:
        with pytest.raises(WrongCode):
            hall.accounts.guests.open_session(other["verification"], first["code"])


def test_codes_to_one_mobile_are_few(hall: Hall) -> None:
    for left in (60, 60, 60, 60, 56 * 60):
        hall.accounts.guests.open_verification(MOBILE)
        with pytest.raises(TooManyCodes) as refusal:
            hall.accounts.guests.open_verification(MOBILE)
        assert refusal.value.params == {"retry_after": left}
        hall.clock.advance(timedelta(minutes=1))
    with pytest.raises(TooManyCodes) as refusal:
        hall.accounts.guests.open_verification(MOBILE)
    assert refusal.value.params == {"retry_after": 55 * 60}
    hall.accounts.guests.open_verification("13900139000")


def test_of_two_who_ask_for_a_code_at_once_one_gets_it(hall: Hall) -> None:
    def ask(_: int) -> bool:
        try:
            hall.accounts.guests.open_verification(MOBILE)
        except TooManyCodes:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(ask, range(4))) == [False, False, False, True]


def test_a_code_that_could_not_be_sent_does_not_count(hall: Hall) -> None:
    made = hall.accounts.guests.open_verification(MOBILE)
    hall.accounts.guests.forget(made["verification"])
    assert hall.accounts.guests.open_verification(MOBILE)["verification"] != made["verification"]


def test_nothing_kept_tells_the_mobile_or_the_code(hall: Hall) -> None:
    made = hall.accounts.guests.open_verification(MOBILE)
    hall.accounts.guests.open_session(made["verification"], made["code"])
    kept = hall.everything_kept()
    assert MOBILE not in kept
    assert f"'{made['code']}'" not in kept


def test_what_is_over_is_dropped(hall: Hall) -> None:
    made = hall.accounts.guests.open_verification(MOBILE)
    hall.accounts.guests.open_session(made["verification"], made["code"])
    hall.clock.advance(timedelta(days=1))
    hall.sessions.clean()
    assert hall.people.vault.blind("mobile", MOBILE) not in hall.everything_kept()
