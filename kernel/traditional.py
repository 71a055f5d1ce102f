"""Chinese in traditional characters, for people who chose them. One direction.

In the forms that people write (核對, 應為), not those of dictionaries (覈對, 應爲).
"""

from functools import cache

import opencc


@cache
def _converter() -> opencc.OpenCC:
    return opencc.OpenCC("s2tw")


def to_traditional(text: str) -> str:
    """Simplified Chinese in traditional characters; everything else unchanged."""
    return _converter().convert(text)  # type: ignore[no-any-return]
