"""Which of the hall's languages a caller reads. Never refuses: who asks for none of them gets simplified Chinese."""

from functools import lru_cache

DEFAULT = "zh-Hans"
LANGUAGES = ("zh-Hans", "zh-Hant", "en")

_TRADITIONAL = ("zh-hant", "zh-tw", "zh-hk", "zh-mo")


@lru_cache(maxsize=512)
def preferred(header: str) -> str | None:
    """The best of ours for an Accept-Language header (RFC 9110, 12.5.4); None where it names none of them."""
    wishes = [_wish(part) for part in header[:256].split(",")]
    ours = [(weight, language) for weight, language in wishes if weight > 0 and language is not None]
    return max(ours, key=lambda wish: wish[0])[1] if ours else None


def _wish(part: str) -> tuple[float, str | None]:
    tag, _, weight = part.partition(";")
    try:
        return float(weight.strip().removeprefix("q=") or 1), _ours(tag.strip().lower())
    except ValueError:
        return 0, None


def _ours(tag: str) -> str | None:
    if tag.startswith(_TRADITIONAL):
        return "zh-Hant"
    if tag == "zh" or tag.startswith("zh-"):
        return "zh-Hans"
    return "en" if tag == "en" or tag.startswith("en-") else None
