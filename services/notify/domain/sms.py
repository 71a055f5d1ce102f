"""How long an SMS may be. Pure.

GSM 03.38 / 3GPP TS 23.038: a text in the 7-bit alphabet has 153 septets in each segment of several, any other text
(all Chinese) 67 characters of UCS-2.
"""

SEGMENTS = 2

_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_ESCAPED = frozenset("^{}\\[~]|€")  # two septets each


def segments(text: str) -> int:
    """How many segments `text` takes."""
    if all(letter in _GSM or letter in _GSM_ESCAPED for letter in text):
        return _parts(sum(2 if letter in _GSM_ESCAPED else 1 for letter in text), 160, 153)
    return _parts(len(text.encode("utf-16-be")) // 2, 70, 67)


def fits(text: str) -> bool:
    """Whether `text` takes no more segments than we pay for."""
    return segments(text) <= SEGMENTS


def _parts(length: int, single: int, joined: int) -> int:
    return 1 if length <= single else -(-length // joined)
