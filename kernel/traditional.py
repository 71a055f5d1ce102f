"""Chinese in traditional characters for people who chose them, and in simplified ones for comparing.

Traditional in the forms that people write (核對, 應為), not those of dictionaries (覈對, 應爲).
"""

from functools import cache

import opencc


@cache
def _converter(configuration: str) -> opencc.OpenCC:
    return opencc.OpenCC(configuration)


def to_traditional(text: str) -> str:
    """Simplified Chinese in traditional characters; everything else unchanged."""
    return _converter("s2tw").convert(text)  # type: ignore[no-any-return]


def to_simplified(text: str) -> str:
    """Traditional Chinese of any region in simplified characters; everything else unchanged."""
    return _converter("t2s").convert(text)  # type: ignore[no-any-return]
