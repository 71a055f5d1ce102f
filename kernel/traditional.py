"""Chinese in traditional characters, for people who chose them. One direction; nothing is stored converted."""

from functools import cache

import opencc


@cache
def _converter() -> opencc.OpenCC:
    return opencc.OpenCC("s2t")


def to_traditional(text: str) -> str:
    """Simplified Chinese in traditional characters; everything else unchanged."""
    return _converter().convert(text)  # type: ignore[no-any-return]
