"""The serial: readable, checkable, growing."""

from datetime import date

import pytest
from hypothesis import given, strategies as st

from services.filing.domain.serials import NumbersUsedUp, is_serial, receipt_number, serial_of

DAYS = st.dates(date(2000, 1, 1), date(2199, 12, 31))


def test_a_serial_reads_day_organ_place_and_check_digit() -> None:
    assert serial_of(date(2026, 2, 9), 1, 1)[:16] == "2026020900100001"
    assert len(serial_of(date(2026, 2, 9), 1, 1)) == 17


def test_the_hundred_thousandth_case_of_a_day_gets_a_longer_serial() -> None:
    assert serial_of(date(2026, 2, 9), 1, 100_000)[:17] == "20260209001100000"


@given(DAYS, st.integers(1, 999), st.integers(1, 2_000_000))
def test_every_serial_checks(day: date, organ: int, sequence: int) -> None:
    assert is_serial(serial_of(day, organ, sequence))


@given(DAYS, st.integers(1, 999), st.integers(1, 99_999), st.data())
def test_one_wrong_digit_is_found(day: date, organ: int, sequence: int, data: st.DataObject) -> None:
    serial = serial_of(day, organ, sequence)
    place = data.draw(st.integers(0, len(serial) - 1))
    wrong = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != serial[place]]))
    assert not is_serial(serial[:place] + wrong + serial[place + 1 :])


@pytest.mark.parametrize("text", ["", "1", "２０２６０２０９００１００００１１", "2026020900100001x", "0" * 16])
def test_what_is_no_serial_is_told(text: str) -> None:
    assert not is_serial(text)


@pytest.mark.parametrize("organ", [0, 1000])
def test_three_digits_name_no_more_organs(organ: int) -> None:
    with pytest.raises(NumbersUsedUp):
        serial_of(date(2026, 2, 9), organ, 1)


def test_a_receipt_has_a_number_of_its_own_for_each_attempt() -> None:
    serial = serial_of(date(2026, 2, 9), 1, 1)
    assert receipt_number(serial, 1) != receipt_number(serial, 2) != serial
