"""The serial (流水号) of a case: day, organ, place in the organ's day, check digit. Easily told by phone.

Pure: the numbers come from counters that are kept elsewhere, in the transaction that files the case.
"""

from datetime import date

from stdnum.iso7064 import mod_11_10

MAX_ORGANS = 999


class NumbersUsedUp(Exception):
    """More organs than three digits can name."""


def serial_of(day: date, organ_number: int, sequence: int) -> str:
    """`20260209` `001` `00001` and a check digit (ISO 7064, MOD 11,10). The sequence may grow past five digits."""
    if not 1 <= organ_number <= MAX_ORGANS:
        raise NumbersUsedUp(f"organ number {organ_number}")
    digits = f"{day:%Y%m%d}{organ_number:03d}{sequence:05d}"
    return digits + str(mod_11_10.calc_check_digit(digits))


def is_serial(text: str) -> bool:
    """Whether `text` can be a serial: finds a mistyped digit and most swapped ones."""
    return len(text) >= 17 and text.isascii() and text.isdigit() and bool(mod_11_10.is_valid(text))


def receipt_number(serial: str, attempt: int) -> str:
    """The number (回执号) of the receipt for the `attempt`-th filing."""
    return f"HZ{serial}-{attempt:02d}"
