"""Identity numbers, masks and logins, without anything around them."""

from datetime import date

import pytest
from hypothesis import given, strategies as st
from stdnum.cn import ric

from kernel.errors import InvalidInput
from kernel.identity_numbers import PROVINCES, check_character, is_identity_number, normalise
from services.accounts.domain.masking import mask_email, mask_identity_number, mask_mobile, mask_name
from services.accounts.domain.rules import check_registration, check_staff, login_kind

TODAY = date(2026, 11, 22)


def number(first17: str) -> str:
    return first17 + check_character(first17)


def test_the_standards_own_example() -> None:
    assert is_identity_number("11010519491231002X", TODAY)


@pytest.mark.parametrize("region", ["810000", "820000", "830000"])
def test_residence_permits_for_hong_kong_macao_and_taiwan_are_accepted(region: str) -> None:
    assert is_identity_number(number(f"{region}19900307001"), TODAY)


@pytest.mark.parametrize(
    "wrong",
    [
        "110105194912310020",
        "11010519491231002",
        "11010519491231002XX",
        "11010519491231002x",
        "1101051949123100２X",
        number("11010519990230002"),
        number("11010519991301002"),
        number("11010520990101002"),
        number("11010500000101002"),
        number("99010519900307001"),
        "",
        "李" * 18,
    ],
)
def test_numbers_that_cannot_exist(wrong: str) -> None:
    assert not is_identity_number(wrong, TODAY)


def test_somebody_born_today_has_a_number_and_somebody_born_tomorrow_has_none() -> None:
    assert is_identity_number(number("11010520261122001"), TODAY)
    assert not is_identity_number(number("11010520261123001"), TODAY)


# stdnum also knows when each county was set up, which we don't look at; these are older than the dates drawn.
COUNTIES = ["110105", "110108", "310101", "310104"]


@given(
    st.sampled_from(COUNTIES), st.dates(date(1990, 1, 1), TODAY), st.integers(0, 999), st.sampled_from("0123456789X")
)
def test_an_independent_implementation_agrees(county: str, born: date, order: int, check: str) -> None:
    candidate = f"{county}{born:%Y%m%d}{order:03}{check}"
    assert is_identity_number(candidate, TODAY) == ric.is_valid(candidate)


@given(st.text(max_size=20))
def test_no_text_at_all_breaks_the_check(text: str) -> None:
    assert is_identity_number(normalise(text), TODAY) in (True, False)
    assert login_kind(text)[0] in ("mobile", "identity_number", "staff")


@given(st.integers(0, 10**17 - 1), st.integers(0, 16), st.integers(1, 9))
def test_any_one_wrong_digit_changes_the_check_character(value: int, place: int, by: int) -> None:
    digits = f"{value:017}"
    changed = digits[:place] + str((int(digits[place]) + by) % 10) + digits[place + 1 :]
    assert check_character(digits) != check_character(changed)


def test_the_regions_are_those_of_the_standard() -> None:
    assert len(PROVINCES) == 35


def test_masks() -> None:
    assert mask_mobile("13812345678") == "138****5678"
    assert mask_identity_number("440105199003071234") == "4401**********1234"
    assert [mask_name(name) for name in ("李", "李明", "李小明", "欧阳小明")] == ["*", "李*", "李*明", "欧**明"]
    assert mask_email("liming@example.cn") == "l***@example.cn"


def test_logins_are_told_apart_by_their_form() -> None:
    assert login_kind(" 13812345678 ") == ("mobile", "13812345678")
    assert login_kind("11010519491231002x") == ("identity_number", "11010519491231002X")
    assert login_kind("Officer.Li") == ("staff", "officer.li")


def registration(**changes: object) -> dict[str, object]:
    usual = {
        "name": " 李小明 ",
        "identity_number": "11010519491231002x",
        "mobile": "13812345678",
        "password": "a fine one",
    }
    return {**usual, **changes}


def test_a_registration_is_put_into_normal_form() -> None:
    checked = check_registration(registration(), TODAY)
    assert checked == registration(name="李小明", identity_number="11010519491231002X")


def test_a_bad_registration_names_every_bad_field() -> None:
    with pytest.raises(InvalidInput) as refused:
        check_registration(registration(identity_number="1" * 18, password="13812345678"), TODAY)
    assert [error["field"] for error in refused.value.errors] == ["identity_number", "password"]


@pytest.mark.parametrize("password", ["13812345678", "11010519491231002X", "11010519491231002x"])
def test_a_password_is_not_the_login(password: str) -> None:
    with pytest.raises(InvalidInput):
        check_registration(registration(password=password), TODAY)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "13812345678"}, "name"),
        ({"name": "Li"}, "name"),
        ({"role": "king"}, "role"),
        ({"organ": None}, "organ"),
        ({"organ": "a b"}, "organ"),
        ({"role": "window"}, "hall"),
        ({"role": "hall_manager", "hall": "A b"}, "hall"),
        ({"password": "short"}, "password"),
    ],
)
def test_staff_that_is_refused(changes: dict[str, str], field: str) -> None:
    usual = {
        "name": "officer.li",
        "role": "officer",
        "organ": "11440105007512345X",
        "hall": None,
        "password": "long enough",
    }
    check_staff(**usual)
    with pytest.raises(InvalidInput) as refused:
        check_staff(**{**usual, **changes})
    assert [error["field"] for error in refused.value.errors] == [field]
