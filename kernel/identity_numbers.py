"""Identity numbers (公民身份号码, GB 11643-1999) of residents and of holders of a residence permit.

Pure: says whether a number can exist, never whether it was issued.
"""

from datetime import date

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_DIGITS = frozenset("0123456789")

# First two digits: provinces and regions (GB/T 2260); 81, 82, 83 on the residence permits for people
# from Hong Kong, Macao and Taiwan.
_REGIONS = [(11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 83)]
PROVINCES = frozenset(str(code) for first, last in _REGIONS for code in range(first, last + 1))


def normalise(typed: str) -> str:
    """The number as the standard writes it: no spaces around it, the check character a capital X."""
    return typed.strip().upper()


def is_identity_number(number: str, today: date) -> bool:
    """Whether the number's form, region, birth date (not after `today`) and check character are right."""
    return (
        len(number) == 18
        and _DIGITS.issuperset(number[:17])
        and number[:2] in PROVINCES
        and _born_by(number[6:14], today)
        and number[17] == check_character(number[:17])
    )


def check_character(first17: str) -> str:
    """ISO 7064 MOD 11-2 over 17 digits."""
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, first17, strict=True))
    return _CHECKS[total % 11]


def _born_by(digits: str, today: date) -> bool:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])) <= today
    except ValueError:
        return False
