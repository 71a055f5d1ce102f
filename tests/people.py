"""People who do not exist: identity numbers and mobiles that pass every check, from a counter."""

import itertools
from dataclasses import dataclass, field

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_counter = itertools.count(1)


def identity_number(serial: int) -> str:
    """An 18-digit number (GB 11643-1999) of the test area 110000; `serial` up to 9,999,999 gives distinct ones."""
    month, serial = serial % 12 + 1, serial // 12
    day, serial = serial % 28 + 1, serial // 28
    year, sequence = 1950 + serial % 50, serial // 50
    digits = f"110101{year}{month:02d}{day:02d}{sequence:03d}"
    return digits + "10X98765432"[sum(int(d) * w for d, w in zip(digits, _WEIGHTS, strict=True)) % 11]


@dataclass(frozen=True)
class Person:
    """Somebody to register."""

    number: int = field(default_factory=lambda: next(_counter))
    password: str = "correct-horse-battery"

    def registration(self) -> dict[str, object]:
        """The body of `POST /api/v1/accounts`."""
        return {
            "name": "测试人",
            "identity_number": identity_number(self.number),
            "mobile": f"139{self.number:08d}",
            "password": self.password,
            "email": f"p{self.number}@example.org",
            "terms_accepted": True,
        }
