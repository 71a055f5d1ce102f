"""What wording a message takes, whatever it is about: words in two languages, and texts made to fit. Pure."""

from dataclasses import dataclass
from datetime import date

Pair = tuple[str, str]  # Chinese (simplified), English


@dataclass(frozen=True)
class Words:
    """What one fact has to tell: `head` in a sentence, and more in `detail` ("" where there is none).

    `least`: so many characters at the beginning of the detail are of no use by halves; rather names are clipped.
    """

    head: Pair
    detail: Pair = ("", "")
    least: tuple[int, int] = (0, 0)


WHOLE = (10_000, 10_000)  # of a detail


@dataclass(frozen=True)
class Rendered:
    """A message, worded. SMS have no subject."""

    subject: str | None
    text: str


def clipped(text: str, length: int) -> str:
    """`text` in `length` characters, with an ellipsis where something is missing."""
    if len(text) <= length:
        return text
    return text[: length - 1] + "…" if length > 1 else ""


def line(text: str) -> str:
    """One line: a department's line breaks belong neither in an SMS nor in a subject."""
    return " ".join(text.split())


def sentence(text: str | None, stop: str = "。") -> str:
    """What somebody wrote, with one full stop."""
    return (text or "").rstrip("。. ") + stop


def day(on: date) -> str:
    """2026年2月9日"""
    return f"{on.year}年{on.month}月{on.day}日"
